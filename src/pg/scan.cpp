// Scanning a queue: receives while rows are wanted, and tells the registry what became of each.
#include "pg/scan.h"

#include <algorithm>
#include <memory>

#include "pg/connection.h"
#include "pg/fdw.h"
#include "pg/guard.h"
#include "pg/statement.h"
#include "pg/xact.h"

#include "pg/server.h"

extern "C" {
#include "access/parallel.h"
#include "access/xlog.h"
#include "nodes/execnodes.h"
#include "pgstat.h"
#include "utils/wait_event.h"
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

// Starting.

void RefuseTaking(const ScanState &scan)
{
	if (!scan.takes)
		return;
	if (RecoveryInProgress())
		ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
		                   errmsg("cannot take messages from a queue during recovery"),
		                   errhint("Run the statement on the primary server.")));
	if (XactReadOnly)
		ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
		                   errmsg("cannot take messages from a queue in a read-only transaction"),
		                   errhint("Use a READ WRITE transaction.")));
}

// The rows that the LIMIT cuts off would be taken, and lost.
void RefuseCutting(const ScanState &scan)
{
	if (!scan.takes || scan.target || !scan.ancestry.cut_by_limit)
		return;
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
	                   errmsg("a LIMIT above a sort, aggregate or join would drop messages that "
	                          "are taken from queue \"%s\"",
	                       QueueAsNamed(scan.table)),
	                   errhint("Put the LIMIT into a subquery on the queue alone, or set the "
	                           "table's option max_messages.")));
}

int64 MostMessages(const ScanState &scan)
{
	return scan.takes ? scan.table.max_messages : scan.table.look_limit;
}

// How many replies of each poll may be under way or wait to be read.
constexpr int64 kRepliesAhead = 2;

InboxOptions DescribeInbox(const ScanState &scan)
{
	InboxOptions options;
	options.subtransaction = scan.subtransaction;
	options.look = !scan.takes;
	options.replay = scan.replay;
	options.receiver.until_empty = true;
	options.receiver.max_polls = (*scan.queue)->client->options().max_connections;
	options.receiver.buffer_messages =
	    kRepliesAhead * aws::kBatchEntries * options.receiver.max_polls;
	aws::ReceiveRequest &request = options.receiver.request;
	request.queue_url = (*scan.queue)->url;
	request.wait = std::chrono::seconds(scan.table.wait_time_s);
	if (scan.table.visibility_timeout_s >= 0)
		request.visibility_timeout = std::chrono::seconds(scan.table.visibility_timeout_s);
	AskFor(*scan.maker, &request);
	return options;
}

void MakeRowArrays(ScanState *scan)
{
	const int natts = RelationGetDescr(scan->relation)->natts;
	for (Row &row : scan->rows) {
		row.values = static_cast<Datum *>(palloc0(sizeof(Datum) * natts));
		row.nulls = static_cast<bool *>(palloc0(sizeof(bool) * natts));
	}
}

// Everything that the first row needs: who asks, which columns, the queue, an inbox.
void Start(ForeignScanState *node, ScanState *scan)
{
	EState *estate = node->ss.ps.state;
	const MemoryContext caller = MemoryContextSwitchTo(estate->es_query_cxt);
	if (IsParallelWorker())
		ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_STATE),
		                   errmsg("cannot receive messages in a parallel worker")));
	// What a DELETE reads beside its target only chooses what to delete.
	const bool takes = scan->table.consume == Consume::kAlways ||
	                   (scan->table.consume == Consume::kOnWrite && StatementWrites(estate));
	scan->takes = takes && !scan->beside_target;
	RefuseTaking(*scan);
	RefuseCutting(*scan);

	scan->batch_context =
	    AllocSetContextCreate(estate->es_query_cxt, "sqs_fdw batch", ALLOCSET_DEFAULT_SIZES);
	scan->maker = MakeRowMaker(
	    {scan->relation, estate, scan->plan.needed, scan->plan.conditions, scan->table.on_error});
	MakeRowArrays(scan);
	scan->queue = DeleteWithContext(estate->es_query_cxt, Guard([] { return new aws::QueuePtr; }));
	FindQueue(scan->server_oid, scan->user_oid, scan->table, scan->queue);
	if (!Guard([] { return Messages().settlement().empty(); }))
		SettleNow();
	scan->inbox = Guard([&] {
		scan->requests_before = (*scan->queue)->client->counters().requests;
		return Messages().Open(*scan->queue, DescribeInbox(*scan));
	});
	scan->started = true;
	MemoryContextSwitchTo(caller);
}

// Receiving.

enum class Awaited { kBatch, kEnd, kInterrupted };

// How many messages may still be asked for, beside those that wait in the receiver: up to the
// scan's limit, and up to the rows that a LIMIT right above the scan still lets through.
int64 Wanted(const ScanState &scan)
{
	const int64 received = scan.inbox->counts().received;
	const int64 waiting = scan.inbox->receiver().messages() - received;
	int64 wanted = MostMessages(scan) - received;
	if (scan.plan.limit > 0)
		wanted = std::min(wanted, static_cast<int64>(scan.plan.limit) - scan.emitted);
	return std::max<int64>(wanted - waiting, 0);
}

// Waits for the next batch. For C++ phases.
Awaited AwaitBatch(ScanState *scan, SubTransactionId subtransaction)
{
	Inbox &inbox = *scan->inbox;
	aws::Receiver &receiver = inbox.receiver();
	Messages().Touch(subtransaction);
	// What has arrived goes first: asking the sockets for each batch would cost more than it
	// brings.
	if ((scan->ended || receiver.has_buffered()) && inbox.Advance(subtransaction))
		return Awaited::kBatch;
	TimePoint deadline = Clock::now();  // the first time only what has already arrived
	for (;;) {
		if (scan->ended)
			receiver.Stop();
		receiver.set_wanted(Wanted(*scan));
		receiver.Pump();
		const aws::Ran ran = receiver.client()->Drive(ShouldStop, deadline);
		receiver.Pump();
		if (inbox.Advance(subtransaction))
			return Awaited::kBatch;
		const bool enough = scan->ended || receiver.saw_empty() || Wanted(*scan) == 0;
		if (enough && receiver.polls_under_way() == 0)
			return Awaited::kEnd;
		if (ran == aws::Ran::kInterrupted)
			return Awaited::kInterrupted;
		deadline = Clock::now() + std::chrono::hours(1);
	}
}

void NoticeLimit(const ScanState &scan)
{
	if (scan.inbox->counts().received < MostMessages(scan))
		return;
	ereport(NOTICE, (errmsg("the scan of queue \"%s\" ended after " INT64_FORMAT " messages",
	                     QueueAsNamed(scan.table), MostMessages(scan)),
	                    errhint("The table's option %s sets this limit.",
	                        scan.takes ? "max_messages" : "look_limit")));
}

// The statement takes longer than messages stay invisible: going on would receive the same ones for
// ever.
void EndForRepeats(ScanState *scan)
{
	if (!scan->ended)
		ereport(WARNING,
		    (errcode(ERRCODE_WARNING),
		        errmsg("messages of queue \"%s\" came again while the statement still held them",
		            QueueAsNamed(scan->table)),
		        errdetail("Each was returned once. The scan has ended."),
		        errhint("Set the table's option visibility_timeout to more than the statement "
		                "takes, or max_messages to less.")));
	scan->ended = true;
}

// Empty rows for the messages of the current batch.
void BeginBatch(ScanState *scan)
{
	const aws::ReceivedBatch *batch = scan->inbox->batch();
	const int natts = RelationGetDescr(scan->relation)->natts;
	if (batch->messages.size() > aws::kBatchEntries)
		elog(ERROR, "more messages in a batch than asked for");
	MemoryContextReset(scan->batch_context);
	scan->serial = scan->inbox->serial();
	scan->row_count = static_cast<int>(batch->messages.size());
	for (int i = 0; i < scan->row_count; ++i) {
		scan->rows[i].rejection = Rejection{};
		const Fate fate = scan->inbox->FateOf(static_cast<size_t>(i));
		scan->rows[i].skip = fate == Fate::kRepeated || fate == Fate::kGone;
		memset(scan->rows[i].nulls, true, natts * sizeof(bool));
		if (fate == Fate::kRepeated)
			EndForRepeats(scan);
	}
}

// Makes the next batch current and converts its rows; false at the end.
bool NextBatch(ScanState *scan)
{
	scan->row_count = 0;
	scan->next_row = 0;
	scan->serial = 0;
	for (;;) {
		const SubTransactionId subtransaction = GetCurrentSubTransactionId();
		pgstat_report_wait_start(PG_WAIT_EXTENSION);
		const Awaited awaited = Guard([&] { return AwaitBatch(scan, subtransaction); });
		pgstat_report_wait_end();
		if (awaited == Awaited::kBatch)
			break;
		if (awaited == Awaited::kEnd) {
			if (!scan->ended)
				NoticeLimit(*scan);
			scan->ended = true;
			return false;
		}
		HandleInterrupts();
	}

	BeginBatch(scan);
	const Stage stage = scan->conditions == nullptr ? Stage::kAll : Stage::kConditions;
	MakeRows(scan->maker, scan->inbox->batch(), 0, scan->row_count, stage, scan->batch_context,
	    scan->rows);
	return true;
}

// Emitting.

// Whether this changed the message's fate: a replay finds it settled.
bool Mark(ScanState *scan, int row, Fate fate)
{
	const SubTransactionId subtransaction = GetCurrentSubTransactionId();
	return Guard([&] {
		Messages().Touch(subtransaction);
		if (fate == Fate::kTaken)
			Messages().set_has_taken();
		if (fate == Fate::kLooked)
			Messages().set_has_looked();
		return scan->inbox->Mark(static_cast<size_t>(row), fate, subtransaction);
	});
}

void Reject(ScanState *scan, int row)
{
	if (Mark(scan, row, Fate::kRejected))
		CountRejection(&scan->rejections, scan->rows[row].rejection);
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
			if (!NextBatch(scan))
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
		Start(node, scan);
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
	WarnOfRejections(scan->rejections, QueueAsNamed(scan->table));
	const bool settle = Guard([&] {
		Messages().Close(scan->inbox);
		return scan->takes && !Messages().settlement().empty();
	});
	if (settle)
		SettleNow();
}

}  // namespace sqs_fdw::pg
