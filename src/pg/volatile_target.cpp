// Finds out which tables a statement's rows may go to, and whether they last.
#include "pg/volatile_target.h"

#include "pg/statement.h"

#include "pg/server.h"

extern "C" {
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
}

namespace sqs_fdw::pg {

namespace {

bool IsVolatile(Oid table)
{
	return get_rel_persistence(table) != RELPERSISTENCE_PERMANENT;
}

// The table, or the partition of it, that does not last; 0 where all do. A row may go to any of the
// partitions. They are not locked: one that goes away now gets none.
Oid FindVolatile(Oid table)
{
	if (IsVolatile(table))
		return table;
	if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE)
		return InvalidOid;
	ListCell *cell;
	foreach (cell, find_all_inheritors(table, NoLock, nullptr)) {
		const Oid partition = lfirst_oid(cell);
		if (get_rel_relkind(partition) != '\0' && IsVolatile(partition))
			return partition;
	}
	return InvalidOid;
}

Oid FindVolatileTarget(const ModifyTable *writer, EState *estate)
{
	if (writer->operation == CMD_DELETE)
		return InvalidOid;
	List *targets = list_copy(writer->resultRelations);
	if (writer->rootRelation > 0)
		targets = lappend_int(targets, static_cast<int>(writer->rootRelation));
	ListCell *cell;
	foreach (cell, targets) {
		const RangeTblEntry *target = exec_rt_fetch(static_cast<Index>(lfirst_int(cell)), estate);
		const Oid found = FindVolatile(target->relid);
		if (OidIsValid(found))
			return found;
	}
	return InvalidOid;
}

void Warn(const char *queue, Oid table)
{
	const bool temporary = get_rel_persistence(table) == RELPERSISTENCE_TEMP;
	ereport(WARNING,
	    (errcode(ERRCODE_WARNING),
	        errmsg("messages of queue \"%s\" are taken into %s table \"%s\"", queue,
	            temporary ? "temporary" : "unlogged", get_rel_name(table)),
	        temporary ? errdetail("Its rows are gone when the session ends, and the messages have "
	                              "left the queue.")
	                  : errdetail("Its rows are gone after a crash, and the messages have left the "
	                              "queue."),
	        errhint("Use a permanent table, or set the foreign table's option consume to "
	                "'never'.")));
}

}  // namespace

void WarnOfVolatileTarget(const char *queue, const List *writers, EState *estate)
{
	const Oid filled = TableFilled(estate);
	Oid found = OidIsValid(filled) ? FindVolatile(filled) : InvalidOid;
	ListCell *cell;
	foreach (cell, writers) {
		if (!OidIsValid(found))
			found = FindVolatileTarget(static_cast<ModifyTable *>(lfirst(cell)), estate);
	}
	if (OidIsValid(found) && FirstToWarn(estate))
		Warn(queue, found);
}

}  // namespace sqs_fdw::pg
