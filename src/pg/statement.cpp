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
ExplainOneQuery_hook_type previous_explain = nullptr;

// EXPLAIN without ANALYZE does not run its statement; this is of CREATE TABLE AS or SELECT INTO.
bool explains_into = false;

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
	explains_into = into != nullptr && into->viewQuery == nullptr;
	PG_TRY();
	{
		ExplainNext(EXPLAIN_QUERY_ARGUMENTS);
	}
	PG_FINALLY();
	{
		explains_into = outer;
	}
	PG_END_TRY();
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
	previous_explain = ExplainOneQuery_hook;
	ExplainOneQuery_hook = ExplainHook;
}

}  // namespace sqs_fdw::pg
