// Remembers where the rows of statements go that are running or explained, for scans to ask.
#include "pg/statement.h"

#include "pg/hook.h"
#include "pg/xact.h"

#include "pg/server.h"

extern "C" {
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
}

namespace sqs_fdw::pg {

namespace {

// The statements that run, innermost first; each lives in the frame of its RunHook.
struct Running {
	EState *estate;
	CommandDest destination;
	Running *outer;
	bool is_kept;  // the rows of a PL/pgSQL loop, which COMMIT or ROLLBACK in it stores
	Oid filled;    // the table that it makes for its rows, once it is there
	bool has_warned;
};

Running *innermost = nullptr;
ExecutorRun_hook_type previous_run = nullptr;
ExecutorStart_hook_type previous_start = nullptr;
ExplainOneQuery_hook_type previous_explain = nullptr;
object_access_hook_type previous_access = nullptr;

// EXPLAIN without ANALYZE does not run its statement; this is of CREATE TABLE AS or SELECT INTO.
bool explains_into = false;
bool in_explain = false;

// A cursor may have sorted or joined what it took in a savepoint that was then rolled back.
void RefuseTorn(const EState *estate)
{
	if (!Messages().IsTorn(estate))
		return;
	ereport(ERROR,
	    (errcode(ERRCODE_INVALID_CURSOR_STATE),
	        errmsg("the cursor has rows of messages that a rollback to a savepoint has released"),
	        errdetail(
	            "The messages are received again, so their rows must not be returned any more."),
	        errhint("Declare the cursor anew, or without a sort, a join or the like above the "
	                "queue.")));
}

// Whether a COMMIT or ROLLBACK inside a loop of a procedure is storing the rows that the loop has
// not had yet. The server refuses it where the loop's statement writes, as far as it can tell.
bool IsKept(const QueryDesc *query)
{
	return ActivePortal != nullptr && ActivePortal->queryDesc == query &&
	       ActivePortal->holdStore != nullptr &&
	       (ActivePortal->cursorOptions & CURSOR_OPT_HOLD) == 0;
}

[[noreturn]] void RaiseKept()
{
	ereport(ERROR,
	    (errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
	        errmsg("cannot perform transaction commands inside a loop that takes messages"),
	        errdetail("The loop goes on with rows whose messages are deleted by COMMIT, and come "
	                  "again after ROLLBACK."),
	        errhint("Take some messages with a statement of their own, then commit.")));
	pg_unreachable();
}

void RunHook(EXECUTOR_RUN_PARAMETERS)
{
	RefuseTorn(query->estate);
	const bool is_kept = IsKept(query);
	if (is_kept && Messages().IsTaking(query->estate))
		RaiseKept();
	Running running = {query->estate, query->dest->mydest, innermost, is_kept, InvalidOid, false};
	innermost = &running;
	PG_TRY();
	{
		NextOf(previous_run, standard_ExecutorRun)(EXECUTOR_RUN_ARGUMENTS);
	}
	PG_FINALLY();
	{
		innermost = running.outer;
	}
	PG_END_TRY();
}

void ExplainHook(EXPLAIN_QUERY_PARAMETERS)
{
	const bool outer = explains_into;
	const bool outermost = !in_explain;
	explains_into = into != nullptr && into->viewQuery == nullptr;
	in_explain = true;
	PG_TRY();
	{
		NextOf(previous_explain, StandardExplainQuery)(EXPLAIN_QUERY_ARGUMENTS);
	}
	PG_FINALLY();
	{
		explains_into = outer;
		in_explain = !outermost;
	}
	PG_END_TRY();
}

// The first EXPLAIN of a session loads this library while it plans: its hook is too late, and the
// destination has to tell.
void StartHook(QueryDesc *query, int eflags)
{
	if (!in_explain)
		explains_into =
		    (eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0 && query->dest->mydest == DestIntoRel;
	NextOf(previous_start, standard_ExecutorStart)(query, eflags);
}

// The first table that such a statement makes is the one for its rows. Its destination knows it,
// but shows it to nobody.
void AccessHook(ObjectAccessType access, Oid catalog, Oid object, int part, void *argument)
{
	if (previous_access != nullptr)
		previous_access(access, catalog, object, part, argument);
	if (access == OAT_POST_CREATE && catalog == RelationRelationId && innermost != nullptr &&
	    innermost->destination == DestIntoRel && !OidIsValid(innermost->filled))
		innermost->filled = object;
}

Running *FindRunning(EState *estate)
{
	Running *running = innermost;
	while (running != nullptr && running->estate != estate)
		running = running->outer;
	return running;
}

// Whether the statement's rows go into a new table.
bool FillsTable(EState *estate)
{
	const Running *running = FindRunning(estate);
	// CREATE MATERIALIZED VIEW fills its table the way CREATE TABLE AS does, but is run again.
	if (running != nullptr)
		return running->destination == DestIntoRel && !InSecurityRestrictedOperation();
	return explains_into;
}

}  // namespace

bool StatementWrites(EState *estate)
{
	const PlannedStmt *statement = estate->es_plannedstmt;
	return statement->commandType != CMD_SELECT || statement->hasModifyingCTE || FillsTable(estate);
}

Oid TableFilled(EState *estate)
{
	const Running *running = FindRunning(estate);
	return running != nullptr && FillsTable(estate) ? running->filled : InvalidOid;
}

void RefuseKept(EState *estate)
{
	const Running *running = FindRunning(estate);
	if (running != nullptr && running->is_kept)
		RaiseKept();
}

bool FirstToWarn(EState *estate)
{
	Running *running = FindRunning(estate);
	if (running == nullptr)
		return true;
	const bool first = !running->has_warned;
	running->has_warned = true;
	return first;
}

void InstallExecutorHooks()
{
	previous_run = InstallHook(&ExecutorRun_hook, RunHook);
	previous_start = InstallHook(&ExecutorStart_hook, StartHook);
	previous_explain = InstallHook(&ExplainOneQuery_hook, ExplainHook);
	previous_access = InstallHook(&object_access_hook, AccessHook);
}

}  // namespace sqs_fdw::pg
