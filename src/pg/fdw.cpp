// The foreign-data wrapper's handler: the table of contents of what it can do.
#include "pg/fdw.h"

#include "pg/server.h"

namespace sqs_fdw::pg {

// CREATE FOREIGN DATA WRAPPER sqs_fdw HANDLER sqs_fdw_handler
SQS_FDW_FUNCTION(sqs_fdw_handler)
{
	auto *routine = makeNode(FdwRoutine);

	routine->GetForeignRelSize = sqsGetForeignRelSize;
	routine->GetForeignPaths = sqsGetForeignPaths;
	routine->GetForeignPlan = sqsGetForeignPlan;

	routine->BeginForeignScan = sqsBeginForeignScan;
	routine->IterateForeignScan = sqsIterateForeignScan;
	routine->ReScanForeignScan = sqsReScanForeignScan;
	routine->EndForeignScan = sqsEndForeignScan;

	routine->IsForeignRelUpdatable = sqsIsForeignRelUpdatable;
	routine->AddForeignUpdateTargets = sqsAddForeignUpdateTargets;
	routine->PlanForeignModify = sqsPlanForeignModify;
	routine->BeginForeignModify = sqsBeginForeignModify;
	routine->ExecForeignDelete = sqsExecForeignDelete;
	routine->EndForeignModify = sqsEndForeignModify;

	routine->ExplainForeignScan = sqsExplainForeignScan;

	// ANALYZE would store samples of personal data: no AnalyzeForeignTable.
	PG_RETURN_POINTER(routine);
}

}  // namespace sqs_fdw::pg
