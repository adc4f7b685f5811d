// Remembers the destination of the statements that are running or explained, for scans to ask.
#include "pg/statement.h"

#include "pg/server.h"

extern "C" {
#include "tcop/dest.h"
}

namespace sqs_fdw::pg {

namespace {

// The statements that run, innermost first; each lives in the frame of its RunHook.
struct Running {
	EState *estate;
	CommandDest destination;
	Running *outer;
};

Running *innermost = nullptr;
ExecutorRun_hook_type previous_run = nullptr;
ExecutorStart_hook_type previous_start = nullptr;
ExplainOneQuery_hook_type previous_explain = nullptr;

// EXPLAIN without ANALYZE does not run its statement; this is of CREATE TABLE AS or SELECT INTO.
bool explains_into = false;
bool in_explain = false;

void RunNext(EXECUTOR_RUN_PARAMETERS)
{
	if (previous_run != nullptr)
		previous_run(EXECUTOR_RUN_ARGUMENTS);
	else
		standard_ExecutorRun(EXECUTOR_RUN_ARGUMENTS);
}

void RunHook(EXECUTOR_RUN_PARAMETERS)
{
	Running running = {query->estate, query->dest->mydest, innermost};
	innermost = &running;
	PG_TRY();
	{
		RunNext(EXECUTOR_RUN_ARGUMENTS);
	}
	PG_FINALLY();
	{
		innermost = running.outer;
	}
	PG_END_TRY();
}

void ExplainNext(EXPLAIN_QUERY_PARAMETERS)
{
	if (previous_explain != nullptr)
		previous_explain(EXPLAIN_QUERY_ARGUMENTS);
	else
		StandardExplainQuery(EXPLAIN_QUERY_ARGUMENTS);
}

void ExplainHook(EXPLAIN_QUERY_PARAMETERS)
{
	const bool outer = explains_into;
	const bool outermost = !in_explain;
	explains_into = into != nullptr && into->viewQuery == nullptr;
	in_explain = true;
	PG_TRY();
	{
		ExplainNext(EXPLAIN_QUERY_ARGUMENTS);
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
	if (previous_start != nullptr)
		previous_start(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
}

// Whether the statement's rows go into a new table.
bool FillsTable(EState *estate)
{
	for (const Running *running = innermost; running != nullptr; running = running->outer) {
		// CREATE MATERIALIZED VIEW fills its table the way CREATE TABLE AS does, but is run again.
		if (running->estate == estate)
			return running->destination == DestIntoRel && !InSecurityRestrictedOperation();
	}
	return explains_into;
}

}  // namespace

bool StatementWrites(EState *estate)
{
	const PlannedStmt *statement = estate->es_plannedstmt;
	return statement->commandType != CMD_SELECT || statement->hasModifyingCTE || FillsTable(estate);
}

void InstallExecutorHooks()
{
	previous_run = ExecutorRun_hook;
	ExecutorRun_hook = RunHook;
	previous_start = ExecutorStart_hook;
	ExecutorStart_hook = StartHook;
	previous_explain = ExplainOneQuery_hook;
	ExplainOneQuery_hook = ExplainHook;
}

}  // namespace sqs_fdw::pg
