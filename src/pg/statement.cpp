// Remembers the destination of the statements that are running, for scans to ask.
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
ExecutorRun_hook_type previous_hook = nullptr;

void RunNext(EXECUTOR_RUN_PARAMETERS)
{
	if (previous_hook != nullptr)
		previous_hook(EXECUTOR_RUN_ARGUMENTS);
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

CommandDest DestinationOf(EState *estate)
{
	for (const Running *running = innermost; running != nullptr; running = running->outer) {
		if (running->estate == estate)
			return running->destination;
	}
	return DestNone;
}

}  // namespace

bool StatementWrites(EState *estate)
{
	const PlannedStmt *statement = estate->es_plannedstmt;
	if (statement->commandType != CMD_SELECT || statement->hasModifyingCTE)
		return true;
	// CREATE MATERIALIZED VIEW fills its table the way CREATE TABLE AS does, but is run again.
	return DestinationOf(estate) == DestIntoRel && !InSecurityRestrictedOperation();
}

void InstallExecutorHook()
{
	previous_hook = ExecutorRun_hook;
	ExecutorRun_hook = RunHook;
}

}  // namespace sqs_fdw::pg
