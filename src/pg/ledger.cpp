// Looks messages up in sqs.ledger and enters them, through the table's and the index's own access
// methods: no SQL, no rights of the role that runs the statement, no waiting.
#include "pg/ledger.h"

#include "pg/ledger_table.h"
#include "pg/slot.h"
#include "pg/standby.h"

#include "pg/server.h"

extern "C" {
#include "access/genam.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"
}

namespace sqs_fdw::pg {

namespace {

// A row of the ledger; the id points into the key.
struct Entry {
	Datum values[kLedgerColumns];
	bool nulls[kLedgerColumns];
};

Entry MakeEntry(const LedgerKey &key)
{
	Entry entry = {};
	entry.values[kLedgerSentAt] = TimestampTzGetDatum(TimestampOfMilliseconds(key.sent_ms));
	entry.values[kLedgerMessageId] = PointerGetDatum(key.id.data());
	entry.values[kLedgerQueue] = Int32GetDatum(key.queue);
	return entry;
}

}  // namespace

// What a probe and an insert need. None of it pins a page between calls.
struct Ledger {
	MemoryContext context;  // the index scan allocates as it goes
	LedgerTable table;
	IndexScanDesc scan;
	ScanKeyData keys[2];
	SnapshotData dirty;
	TupleTableSlot *found;
	TupleTableSlot *entered;
	IndexInfo *index_info;
	// Where the table has more indexes than its key, such as the one that REINDEX CONCURRENTLY is
	// about to put in the key's place: all of them, as the executor writes to them. Or null.
	ResultRelInfo *indexes;
	EState *estate;
};

namespace {

// Whose the entry in the slot is, given what the dirty snapshot says of it.
LedgerState StateOf(TupleTableSlot *slot, const SnapshotData &dirty)
{
	if (TransactionIdIsValid(dirty.xmin))
		return LedgerState::kContended;
	bool is_null = false;
	const Datum xmin = slot_getsysattr(slot, MinTransactionIdAttributeNumber, &is_null);
	return TransactionIdIsCurrentTransactionId(DatumGetTransactionId(xmin))
	           ? LedgerState::kContended
	           : LedgerState::kDuplicate;
}

// What others have of the entry's key, aside from the row `own`, which may be null.
LedgerState Find(Ledger *ledger, const Entry &entry, const ItemPointerData *own)
{
	const MemoryContext caller = MemoryContextSwitchTo(ledger->context);
	ledger->keys[0].sk_argument = entry.values[kLedgerSentAt];
	ledger->keys[1].sk_argument = entry.values[kLedgerMessageId];
	index_rescan(ledger->scan, ledger->keys, 2, nullptr, 0);
	LedgerState state = LedgerState::kNew;
	while (state == LedgerState::kNew &&
	       index_getnext_slot(ledger->scan, ForwardScanDirection, ledger->found)) {
		if (own == nullptr ||
		    !ItemPointerEquals(const_cast<ItemPointer>(own), &ledger->found->tts_tid))
			state = StateOf(ledger->found, ledger->dirty);
	}
	if (state != LedgerState::kNew)
		index_rescan(ledger->scan, ledger->keys, 2, nullptr, 0);  // lets go of the pages
	ExecClearTuple(ledger->found);
	MemoryContextSwitchTo(caller);
	return state;
}

// Opens all indexes where there are others than the key. Those that come later wait for the end of
// this transaction.
void OpenIndexes(Ledger *ledger)
{
	List *indexes = RelationGetIndexList(ledger->table.heap);
	const bool only_key = list_length(indexes) == 1;
	list_free(indexes);
	if (only_key)
		return;
	ledger->estate = CreateExecutorState();
	ledger->indexes = makeNode(ResultRelInfo);
	InitResultRelInfo(ledger->indexes, ledger->table.heap, 0, nullptr, 0);
	ExecOpenIndices(ledger->indexes, false);
}

// Makes the row's index entries, and waits for nobody; whether nobody else can have the key.
bool InsertIndexEntries(Ledger *ledger, Entry *entry)
{
	TupleTableSlot *slot = ledger->entered;
	if (ledger->indexes == nullptr)
		return index_insert(ledger->table.index, entry->values, entry->nulls, &slot->tts_tid,
		    ledger->table.heap, UNIQUE_CHECK_PARTIAL, false, ledger->index_info);
	List *in_doubt = InsertIndexTuplesUnchecked(ledger->indexes, slot, ledger->estate);
	const bool alone = in_doubt == NIL;
	list_free(in_doubt);
	ResetPerTupleExprContext(ledger->estate);
	return alone;
}

// Inserts row and index entries. Where somebody has entered the same key, neither waits: who sees
// the other takes its own row back. Of two at the same moment the second one sees the first, since
// the index lets only one at a time look for a key's entries and add its own.
LedgerState Insert(Ledger *ledger, Entry *entry)
{
	const Relation heap = ledger->table.heap;
	TupleTableSlot *slot = ledger->entered;
	StoreRow(slot, entry->values, kLedgerColumns);
	table_tuple_insert(heap, slot, GetCurrentCommandId(true), 0, nullptr);
	ItemPointerData row = slot->tts_tid;

	if (InsertIndexEntries(ledger, entry))
		return LedgerState::kNew;
	const LedgerState state = Find(ledger, *entry, &row);
	if (state != LedgerState::kNew) {
		CommandCounterIncrement();  // what this command inserted, only a later one may delete
		simple_table_tuple_delete(heap, &row, SnapshotAny);
	}
	return state;
}

void RequireSentTime(const LedgerKey &key)
{
	if (key.sent_ms == 0)
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
		                   errmsg("the queue does not tell when a message was sent"),
		                   errdetail("The ledger knows a message by its id and that time."),
		                   errhint("Set the foreign table's option exactly_once to false.")));
}

}  // namespace

Ledger *BeginLedger(MemoryContext context, bool enters)
{
	const MemoryContext caller = MemoryContextSwitchTo(context);
	auto *ledger = static_cast<Ledger *>(palloc0(sizeof(Ledger)));
	const LedgerTable table = OpenLedger(enters ? RowExclusiveLock : AccessShareLock);
	ledger->context = context;
	ledger->table = table;
	InitDirtySnapshot(ledger->dirty);
	ScanKeyInit(
	    &ledger->keys[0], kLedgerSentAt + 1, BTEqualStrategyNumber, F_TIMESTAMPTZ_EQ, Datum(0));
	ScanKeyInit(&ledger->keys[1], kLedgerMessageId + 1, BTEqualStrategyNumber, F_UUID_EQ, Datum(0));
	ledger->scan = BeginIndexScan(table.heap, table.index, &ledger->dirty, 2);
	ledger->found = table_slot_create(table.heap, nullptr);
	ledger->entered = MakeSingleTupleTableSlot(RelationGetDescr(table.heap), &TTSOpsVirtual);
	ledger->index_info = BuildIndexInfo(table.index);
	if (enters)
		OpenIndexes(ledger);
	MemoryContextSwitchTo(caller);
	return ledger;
}

void EndLedger(Ledger *ledger)
{
	index_endscan(ledger->scan);
	ExecDropSingleTupleTableSlot(ledger->found);
	ExecDropSingleTupleTableSlot(ledger->entered);
	if (ledger->indexes != nullptr) {
		ExecCloseIndices(ledger->indexes);
		FreeExecutorState(ledger->estate);
	}
	CloseLedger(ledger->table);
	pfree(ledger);
}

LedgerState LookUpInLedger(Ledger *ledger, const LedgerKey &key)
{
	return Find(ledger, MakeEntry(key), nullptr);
}

LedgerState EnterInLedger(Ledger *ledger, const LedgerKey &key)
{
	RequireSentTime(key);
	Entry entry = MakeEntry(key);
	LedgerState state = key.redelivered ? Find(ledger, entry, nullptr) : LedgerState::kNew;
	if (state == LedgerState::kNew)
		state = Insert(ledger, &entry);
	if (state == LedgerState::kDuplicate)
		RequireConfirmedCommit();
	return state;
}

}  // namespace sqs_fdw::pg
