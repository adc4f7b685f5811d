// Scanning a queue: hands rows up while they are wanted, and tells the registry what became of each
// message.
#include "pg/scan.h"

#include "pg/fdw.h"
#include "pg/guard.h"
#include "pg/ledger_prune.h"
#include "pg/rejected.h"
#include "pg/standby.h"
#include "pg/xact.h"

#include "pg/server.h"

extern "C" {
#include "nodes/execnodes.h"
}

namespace sqs_fdw::pg {

namespace {

ScanState *StateOf(ForeignScanState *node)
{
	return static_cast<ScanState *>(node->fdw_state);
}

bool IsResultRelation(EState *estate, Index rti)
{
	return list_member_int(estate->es_plannedstmt->resultRelations, static_cast<int>(rti));
}

// Whether the statement deletes from this table.
bool WritesTo(EState *estate, Oid relation)
{
	ListCell *cell;
	foreach (cell, estate->es_plannedstmt->resultRelations) {
		if (exec_rt_fetch(static_cast<Index>(lfirst_int(cell)), estate)->relid == relation)
			return true;
	}
	return false;
}

// Names table, queue and server in every error that comes out of the scan.
void AddContext(void *argument)
{
	const auto *scan = static_cast<const ScanState *>(argument);
	errcontext("foreign table \"%s\", queue \"%s\" of server \"%s\"",
	    RelationGetRelationName(scan->relation), QueueAsNamed(scan->table), scan->server_name);
}

// Whether this changed the message's fate: a replay finds it settled.
bool Mark(ScanState *scan, int row, Fate fate)
{
	const SubTransactionId subtransaction = GetCurrentSubTransactionId();
	return Guard([&] {
		Messages().Touch(subtransaction);
		if (fate == Fate::kTaken || fate == Fate::kDuplicate)
			Messages().set_has_taken();
		if (fate == Fate::kLooked && !scan->for_view)
			Messages().set_has_looked();
		return scan->inbox->Mark(static_cast<size_t>(row), fate, subtransaction);
	});
}

// Whether the ledger lets the message through: nobody has it, and where its scan is what takes it,
// it has now been entered. A DELETE enters it when its row is deleted.
bool PassesLedger(ScanState *scan, int row)
{
	struct Known {
		bool taken;
		LedgerKey key;
	};
	if (!scan->table.exactly_once)
		return true;
	const Known known = Guard([&] {
		const auto index = static_cast<size_t>(row);
		return Known{scan->inbox->FateOf(index) == Fate::kTaken, scan->inbox->KeyOf(index)};
	});
	if (known.taken)  // by an earlier run of this scan
		return true;
	const bool enters = scan->takes && !scan->target;
	if (scan->ledger == nullptr)
		scan->ledger = BeginLedger(GetMemoryChunkContext(scan), enters);
	const LedgerState state =
	    enters ? EnterInLedger(scan->ledger, known.key) : LookUpInLedger(scan->ledger, known.key);
	if (state == LedgerState::kNew)
		return true;
	const bool duplicate = state == LedgerState::kDuplicate;
	if (scan->takes && duplicate)
		RequireConfirmedCommit();
	if (!Mark(scan, row, scan->takes ? FateInLedger(state) : Fate::kFiltered))
		return false;
	scan->duplicates += duplicate ? 1 : 0;
	scan->contended += duplicate ? 0 : 1;
	return false;
}

void Reject(ScanState *scan, int row)
{
	const bool stores = scan->stores_rejected();
	if (stores && !PassesLedger(scan, row))
		return;
	if (!Mark(scan, row, stores ? Fate::kTaken : Fate::kRejected))
		return;
	const char *queue = QueueAsNamed(scan->table);
	const Rejection &rejection = scan->rows[row].rejection;
	if (stores) {
		const MemoryContext caller = MemoryContextSwitchTo(scan->batch_context);
		const aws::Message *messages = scan->inbox->batch()->messages.data();
		StoreRejected(RelationGetRelid(scan->relation), queue, messages[row], rejection);
		MemoryContextSwitchTo(caller);
	}
	CountRejection(&scan->rejections, rejection);
	EnforceRejectLimit(scan->rejections, queue, scan->table.reject_limit);
}

void FillSlot(const ScanState &scan, int row, TupleTableSlot *slot)
{
	const int natts = slot->tts_tupleDescriptor->natts;
	ExecClearTuple(slot);
	memcpy(slot->tts_values, scan.rows[row].values, sizeof(Datum) * natts);
	memcpy(slot->tts_isnull, scan.rows[row].nulls, sizeof(bool) * natts);
	ExecStoreVirtualTuple(slot);
	ItemPointerSet(&slot->tts_tid, scan.serial, static_cast<OffsetNumber>(row + 1));
}

bool PassesConditions(ForeignScanState *node, const ScanState &scan, TupleTableSlot *slot)
{
	ExprContext *context = node->ss.ps.ps_ExprContext;
	ResetExprContext(context);
	context->ecxt_scantuple = slot;
	return ExecQual(scan.conditions, context);
}

// Whether the row is the statement's: looks at conditions, and then at what else the table's
// definition asks. Fills the slot.
bool Accept(ForeignScanState *node, ScanState *scan, int row, TupleTableSlot *slot)
{
	if (scan->rows[row].rejection.kind == Rejection::Kind::kNone && scan->conditions != nullptr) {
		FillSlot(*scan, row, slot);
		if (!PassesConditions(node, *scan, slot)) {
			Mark(scan, row, Fate::kFiltered);
			return false;
		}
		// The conditions may have run other statements.
		if (scan->inbox->serial() != scan->serial)
			return false;
		MakeRows(scan->maker, scan->inbox->batch(), row, 1, Stage::kRest, scan->batch_context,
		    scan->rows);
	}
	if (scan->rows[row].rejection.kind != Rejection::Kind::kNone) {
		Reject(scan, row);
		return false;
	}
	if (!PassesLedger(scan, row))
		return false;
	FillSlot(*scan, row, slot);
	if (!scan->target)
		Mark(scan, row, scan->takes ? Fate::kTaken : Fate::kLooked);
	++scan->emitted;
	return true;
}

TupleTableSlot *NextRow(ForeignScanState *node, ScanState *scan)
{
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	for (;;) {
		// A savepoint rollback may have taken the batch away.
		const bool current = scan->row_count > 0 && scan->inbox->serial() == scan->serial;
		if (!current || scan->next_row >= scan->row_count) {
			if (!FetchBatch(scan))
				return ExecClearTuple(slot);
			continue;
		}
		CHECK_FOR_INTERRUPTS();
		const int row = scan->next_row++;
		if (!scan->rows[row].skip && Accept(node, scan, row, slot))
			return slot;
	}
}

}  // namespace

void sqsBeginForeignScan(ForeignScanState *node, int eflags)
{
	EState *estate = node->ss.ps.state;
	auto *plan = reinterpret_cast<ForeignScan *>(node->ss.ps.plan);
	const ForeignTable *table = GetForeignTable(RelationGetRelid(node->ss.ss_currentRelation));

	auto *scan = static_cast<ScanState *>(palloc0(sizeof(ScanState)));
	scan->relation = node->ss.ss_currentRelation;
	scan->server_oid = table->serverid;
	scan->server_name = GetForeignServer(table->serverid)->servername;
	scan->user_oid = ScanUser(node, estate);
	scan->table = ReadTableOptions(table->options);
	scan->plan = UnpackPlanData(plan->fdw_private);
	scan->conditions = ExecInitQual(plan->fdw_exprs, &node->ss.ps);
	scan->inert = (eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0 || estate->es_epq_active != nullptr;
	scan->ancestry = FindAncestry(estate->es_plannedstmt, &plan->scan.plan);
	scan->replay = scan->ancestry.runs_again || (eflags & EXEC_FLAG_REWIND) != 0;
	scan->target = IsResultRelation(estate, plan->scan.scanrelid);
	scan->beside_target = !scan->target && WritesTo(estate, RelationGetRelid(scan->relation));
	scan->subtransaction = GetCurrentSubTransactionId();
	node->fdw_state = scan;

	// The leader of a parallel plan could open no subtransaction.
	if (!scan->inert)
		estate->es_plannedstmt->parallelModeNeeded = false;
}

TupleTableSlot *sqsIterateForeignScan(ForeignScanState *node)
{
	ScanState *scan = StateOf(node);
	if (scan->inert)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
		                   errmsg("could not recheck a row that another transaction changed"),
		                   errdetail("A queue is not read a second time."),
		                   errhint("Run the transaction again.")));

	ErrorContextCallback context;
	context.callback = AddContext;
	context.arg = scan;
	context.previous = error_context_stack;
	error_context_stack = &context;

	if (!scan->started)
		StartScan(node, scan);
	TupleTableSlot *slot = NextRow(node, scan);

	error_context_stack = context.previous;
	return slot;
}

// Replays what was received; never receives again.
void sqsReScanForeignScan(ForeignScanState *node)
{
	ScanState *scan = StateOf(node);
	if (!scan->started)
		return;
	if (!scan->replay)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
		                   errmsg("the scan of a queue was not prepared to run again")));
	scan->ended = true;
	scan->row_count = 0;
	Guard([&] { scan->inbox->Rewind(); });
}

void sqsEndForeignScan(ForeignScanState *node)
{
	ScanState *scan = StateOf(node);
	if (scan == nullptr || !scan->started)
		return;
	scan->started = false;
	if (scan->ledger != nullptr)
		EndLedger(scan->ledger);
	scan->ledger = nullptr;
	WarnOfRejections(scan->rejections, QueueAsNamed(scan->table), scan->stores_rejected());
	const int64 taken = Guard([&] { return scan->inbox->counts().taken; });
	if (scan->table.exactly_once && taken > 0)
		PruneAsWeGo(scan->queue, taken);
	const bool settle = Guard([&] {
		Messages().Close(scan->inbox);
		return scan->takes && !Messages().settlement().empty();
	});
	if (settle)
		SettleNow();
}

}  // namespace sqs_fdw::pg
