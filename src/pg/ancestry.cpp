// Walks a plan down to a scan, and judges the nodes on the way back up.
#include "pg/ancestry.h"

#include "pg/server.h"

namespace sqs_fdw::pg {

namespace {

// The walk's findings: what is above the scan so far, from the scan upwards.
struct Walk {
	const Plan *scan;
	Ancestry ancestry;
	bool reads_ahead = false;  // a node that wants all rows, or joins them, has been passed
};

List *OtherChildren(Plan *plan)
{
	switch (nodeTag(plan)) {
		case T_Append:
			return reinterpret_cast<Append *>(plan)->appendplans;
		case T_MergeAppend:
			return reinterpret_cast<MergeAppend *>(plan)->mergeplans;
		case T_SubqueryScan:
			return list_make1(reinterpret_cast<SubqueryScan *>(plan)->subplan);
		default:
			return NIL;
	}
}

// `inner`: the scan is on the right side of this node.
void Judge(Plan *plan, bool inner, Walk *walk)
{
	Ancestry &ancestry = walk->ancestry;
	ancestry.drops_rows = ancestry.drops_rows || plan->qual != NIL;
	switch (nodeTag(plan)) {
		case T_NestLoop:
			ancestry.runs_again = ancestry.runs_again || inner;
			[[fallthrough]];
		case T_MergeJoin:
		case T_HashJoin:
		case T_Agg:
		case T_Group:
		case T_Unique:
		case T_SetOp:
			ancestry.drops_rows = true;
			walk->reads_ahead = true;
			break;
		case T_RecursiveUnion:
			ancestry.runs_again = ancestry.runs_again || inner;
			break;
		case T_Sort:
		case T_IncrementalSort:
		case T_WindowAgg:
			walk->reads_ahead = true;
			break;
		case T_Limit:
			ancestry.cut_by_limit = ancestry.cut_by_limit || walk->reads_ahead;
			break;
		default:
			break;
	}
}

// Whether the scan is in this tree.
bool Descend(Plan *plan, Walk *walk)
{
	if (plan == nullptr)
		return false;
	if (plan == walk->scan)
		return true;
	const bool inner = !Descend(plan->lefttree, walk);
	bool found = !inner || Descend(plan->righttree, walk);
	ListCell *cell;
	foreach (cell, OtherChildren(plan))
		found = found || Descend(static_cast<Plan *>(lfirst(cell)), walk);
	if (found)
		Judge(plan, inner, walk);
	return found;
}

}  // namespace

Ancestry FindAncestry(PlannedStmt *statement, const Plan *scan)
{
	Walk walk = {scan, {}, false};
	if (Descend(statement->planTree, &walk))
		return walk.ancestry;
	ListCell *cell;
	foreach (cell, statement->subplans) {
		if (Descend(static_cast<Plan *>(lfirst(cell)), &walk))
			break;
	}
	walk.ancestry.runs_again = true;
	return walk.ancestry;
}

}  // namespace sqs_fdw::pg
