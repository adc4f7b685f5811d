// The callbacks of the foreign-data wrapper, by file.
#pragma once

#include "pg/types.h"

struct ForeignPath;
struct ModifyTable;
struct ModifyTableState;
struct Plan;
struct PlannerInfo;
struct RangeTblEntry;
struct RelOptInfo;
struct ResultRelInfo;

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

// modify.cpp
int sqsIsForeignRelUpdatable(struct ::RelationData *relation);
void sqsAddForeignUpdateTargets(struct ::PlannerInfo *root, unsigned int rti,
    struct ::RangeTblEntry *target, struct ::RelationData *relation);
struct ::List *sqsPlanForeignModify(
    struct ::PlannerInfo *root, struct ::ModifyTable *plan, unsigned int rti, int index);
void sqsBeginForeignModify(struct ::ModifyTableState *state, struct ::ResultRelInfo *target,
    struct ::List *fdw_private, int index, int eflags);
struct ::TupleTableSlot *sqsExecForeignDelete(struct ::EState *estate,
    struct ::ResultRelInfo *target, struct ::TupleTableSlot *slot, struct ::TupleTableSlot *row);
void sqsEndForeignModify(struct ::EState *estate, struct ::ResultRelInfo *target);

// explain.cpp
void sqsExplainForeignScan(struct ::ForeignScanState *node, struct ::ExplainState *es);

}  // namespace sqs_fdw::pg
