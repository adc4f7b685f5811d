// Looks messages up in sqs.ledger and enters them, through the table's and the index's own access
// methods: no SQL, no rights of the role that runs the statement, no waiting.
#include "pg/ledger.h"

#include "pg/ledger_table.h"
#include "pg/standby.h"

#include "pg/server.h"

extern "C" {
#include "access/genam.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/index.h"
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
LedgerState Find(const LedgerTable &table, const Entry &entry, const ItemPointerData *own)
{
	ScanKeyData keys[2];
	ScanKeyInit(&keys[0], kLedgerSentAt + 1, BTEqualStrategyNumber, F_TIMESTAMPTZ_EQ,
	    entry.values[kLedgerSentAt]);
	ScanKeyInit(&keys[1], kLedgerMessageId + 1, BTEqualStrategyNumber, F_UUID_EQ,
	    entry.values[kLedgerMessageId]);
	SnapshotData dirty;
	InitDirtySnapshot(dirty);
	TupleTableSlot *slot = table_slot_create(table.heap, nullptr);
	IndexScanDesc scan = BeginIndexScan(table.heap, table.index, &dirty, 2);
	index_rescan(scan, keys, 2, nullptr, 0);
	LedgerState state = LedgerState::kNew;
	while (state == LedgerState::kNew && index_getnext_slot(scan, ForwardScanDirection, slot)) {
		if (own == nullptr || !ItemPointerEquals(const_cast<ItemPointer>(own), &slot->tts_tid))
			state = StateOf(slot, dirty);
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	return state;
}

// Inserts row and index entry. Where somebody entered the same key at the same moment, neither
// waits: each looks again, and who sees the other takes its own row back.
LedgerState Insert(const LedgerTable &table, Entry *entry)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(table.heap), &TTSOpsVirtual);
	memcpy(slot->tts_values, entry->values, sizeof entry->values);
	memcpy(slot->tts_isnull, entry->nulls, sizeof entry->nulls);
	ExecStoreVirtualTuple(slot);
	table_tuple_insert(table.heap, slot, GetCurrentCommandId(true), 0, nullptr);
	ItemPointerData row = slot->tts_tid;
	ExecDropSingleTupleTableSlot(slot);

	IndexInfo *info = BuildIndexInfo(table.index);
	const bool unique = index_insert(table.index, entry->values, entry->nulls, &row, table.heap,
	    UNIQUE_CHECK_PARTIAL, false, info);
	pfree(info);
	if (unique)
		return LedgerState::kNew;
	const LedgerState state = Find(table, *entry, &row);
	if (state != LedgerState::kNew) {
		CommandCounterIncrement();  // what this command inserted, only a later one may delete
		simple_table_tuple_delete(table.heap, &row, SnapshotAny);
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

LedgerState LookUpInLedger(const LedgerKey &key)
{
	const LedgerTable table = OpenLedger(AccessShareLock);
	const LedgerState state = Find(table, MakeEntry(key), nullptr);
	CloseLedger(table);
	return state;
}

LedgerState EnterInLedger(const LedgerKey &key)
{
	RequireSentTime(key);
	const LedgerTable table = OpenLedger(RowExclusiveLock);
	Entry entry = MakeEntry(key);
	LedgerState state = Find(table, entry, nullptr);
	if (state == LedgerState::kNew)
		state = Insert(table, &entry);
	if (state == LedgerState::kDuplicate)
		RequireConfirmedCommit();
	CloseLedger(table);
	return state;
}

}  // namespace sqs_fdw::pg
