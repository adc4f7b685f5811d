// Finds and opens sqs.ledger.
#include "pg/ledger_table.h"

#include "pg/server.h"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "datatype/timestamp.h"
}

namespace sqs_fdw::pg {

LedgerTable OpenLedger(int lock)
{
	const Oid table = get_relname_relid("ledger", get_namespace_oid("sqs", false));
	if (!OidIsValid(table))
		ereport(
		    ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("the table sqs.ledger does not exist"),
		               errhint("Use ALTER EXTENSION sqs_fdw UPDATE.")));
	const Relation heap = table_open(table, lock);
	const Oid index = PrimaryKeyOf(heap);
	if (!OidIsValid(index))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		                   errmsg("the table sqs.ledger has no primary key"),
		                   errhint("Add the primary key (sent_at, message_id).")));
	return {heap, index_open(index, lock)};
}

void CloseLedger(const LedgerTable &table)
{
	index_close(table.index, NoLock);
	table_close(table.heap, NoLock);
}

int64_t TimestampOfMilliseconds(int64_t milliseconds)
{
	constexpr int64 kEpochDays = POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE;
	return milliseconds * 1000 - kEpochDays * USECS_PER_DAY;
}

}  // namespace sqs_fdw::pg
