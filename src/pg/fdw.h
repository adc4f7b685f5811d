// The callbacks of the foreign-data wrapper, by file.
#pragma once

#include "pg/types.h"

struct ForeignPath;
struct Plan;
struct PlannerInfo;
struct RelOptInfo;

namespace sqs_fdw::pg {

// plan.cpp
void sqsGetForeignRelSize(struct ::PlannerInfo *root, struct ::RelOptInfo *rel, Oid table);
void sqsGetForeignPaths(struct ::PlannerInfo *root, struct ::RelOptInfo *rel, Oid table);
struct ::ForeignScan *sqsGetForeignPlan(struct ::PlannerInfo *root, struct ::RelOptInfo *rel,
    Oid table, struct ::ForeignPath *path, struct ::List *tlist, struct ::List *clauses,
    struct ::Plan *outer_plan);

// scan.cpp
void sqsBeginForeignScan(struct ::ForeignScanState *node, int eflags);
struct ::TupleTableSlot *sqsIterateForeignScan(struct ::ForeignScanState *node);
void sqsReScanForeignScan(struct ::ForeignScanState *node);
void sqsEndForeignScan(struct ::ForeignScanState *node);

// explain.cpp
void sqsExplainForeignScan(struct ::ForeignScanState *node, struct ::ExplainState *es);

}  // namespace sqs_fdw::pg
