// DELETE FROM a queue: the rows that it deletes are the messages that it takes.
#include "pg/fdw.h"
#include "pg/guard.h"
#include "pg/ledger.h"
#include "pg/option.h"
#include "pg/xact.h"

#include "pg/server.h"

extern "C" {
#include "foreign/fdwapi.h"
#include "nodes/execnodes.h"
#include "optimizer/appendinfo.h"
}

namespace sqs_fdw::pg {

namespace {

constexpr char kIdName[] = "ctid";
constexpr char kRowName[] = "wholerow";

// Where the planner put the message's id and, for RETURNING, its row.
struct DeleteState {
	AttrNumber id_column;
	AttrNumber row_column;
	bool exactly_once;
	Ledger *ledger;  // null until a message needs it
};

// The columns of a row that came up from the scan.
void FillFromRow(TupleTableSlot *slot, Datum row)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(row);
	HeapTupleData tuple;
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	ExecClearTuple(slot);
	heap_deform_tuple(&tuple, slot->tts_tupleDescriptor, slot->tts_values, slot->tts_isnull);
	ExecStoreVirtualTuple(slot);
}

MessageId MessageIdOf(Datum tid)
{
	auto *const pointer = reinterpret_cast<ItemPointer>(DatumGetPointer(tid));
	return {ItemPointerGetBlockNumberNoCheck(pointer),
	    static_cast<uint16>(ItemPointerGetOffsetNumberNoCheck(pointer) - 1)};
}

// What the ledger makes of a message that is to be taken now.
Fate FateOf(DeleteState *columns, const LedgerKey &key)
{
	if (!columns->exactly_once)
		return Fate::kTaken;
	if (columns->ledger == nullptr)
		columns->ledger = BeginLedger(GetMemoryChunkContext(columns), true);
	const LedgerState state = EnterInLedger(columns->ledger, key);
	return state == LedgerState::kNew ? Fate::kTaken : FateInLedger(state);
}

// Takes the message; false where it has been taken already, or is another transaction's.
bool Take(DeleteState *columns, MessageId message)
{
	struct Known {
		bool open;
		LedgerKey key;
	};
	const Known known = Guard([&] {
		const auto key = Messages().KeyAt(message);
		return key ? Known{true, *key} : Known{};
	});
	if (!known.open)
		return false;
	const Fate fate = FateOf(columns, known.key);
	const SubTransactionId subtransaction = GetCurrentSubTransactionId();
	Guard([&] {
		if (fate != Fate::kContended)
			Messages().set_has_taken();
		Messages().Mark(message, fate, subtransaction);
	});
	return fate == Fate::kTaken;
}

}  // namespace

int sqsIsForeignRelUpdatable(Relation)
{
	return 1 << CMD_DELETE;
}

// A row to delete is known by its message's id, which the scan puts where a heap has its ctid. The
// row is a record, as the server's own are: the partitions of a table have to agree on its type.
void sqsAddForeignUpdateTargets(PlannerInfo *root, Index rti, RangeTblEntry *, Relation)
{
	const int varno = static_cast<int>(rti);
	Var *id = makeVar(varno, SelfItemPointerAttributeNumber, TIDOID, -1, InvalidOid, 0);
	add_row_identity_var(root, id, rti, kIdName);
	if (root->parse->returningList == NIL)
		return;
	Var *row = makeVar(varno, InvalidAttrNumber, RECORDOID, -1, InvalidOid, 0);
	add_row_identity_var(root, row, rti, kRowName);
}

List *sqsPlanForeignModify(PlannerInfo *, ModifyTable *, Index, int)
{
	return NIL;
}

void sqsBeginForeignModify(ModifyTableState *state, ResultRelInfo *target, List *, int, int eflags)
{
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
		return;
	const Relation relation = target->ri_RelationDesc;
	const ForeignTable *table = GetForeignTable(RelationGetRelid(relation));
	const TableOptions options = ReadTableOptions(table->options);
	if (options.consume == Consume::kNever)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		                   errmsg("messages of foreign table \"%s\" are never taken",
		                       RelationGetRelationName(relation)),
		                   errhint("The table's option consume says so.")));
	auto *columns = static_cast<DeleteState *>(palloc0(sizeof(DeleteState)));
	const List *rows = outerPlanState(state)->plan->targetlist;
	columns->id_column = ExecFindJunkAttributeInTlist(const_cast<List *>(rows), kIdName);
	columns->row_column = ExecFindJunkAttributeInTlist(const_cast<List *>(rows), kRowName);
	columns->exactly_once = options.exactly_once;
	target->ri_FdwState = columns;
}

// Null where an earlier row of a join has deleted the message already, or another transaction has
// come first.
TupleTableSlot *sqsExecForeignDelete(
    EState *, ResultRelInfo *target, TupleTableSlot *slot, TupleTableSlot *row)
{
	auto *columns = static_cast<DeleteState *>(target->ri_FdwState);
	bool is_null = false;
	const Datum id = ExecGetJunkAttribute(row, columns->id_column, &is_null);
	if (is_null)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
		                   errmsg("a row to delete from a queue has no message id")));
	if (!Take(columns, MessageIdOf(id)))
		return nullptr;

	if (AttributeNumberIsValid(columns->row_column)) {
		const Datum values = ExecGetJunkAttribute(row, columns->row_column, &is_null);
		if (!is_null)
			FillFromRow(slot, values);
	}
	return slot;
}

void sqsEndForeignModify(EState *, ResultRelInfo *target)
{
	auto *columns = static_cast<DeleteState *>(target->ri_FdwState);
	if (columns == nullptr || columns->ledger == nullptr)
		return;
	EndLedger(columns->ledger);
	columns->ledger = nullptr;
}

}  // namespace sqs_fdw::pg
