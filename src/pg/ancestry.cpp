// Walks a plan down to a scan, and judges the nodes on the way back up.
#include "pg/ancestry.h"

#include "pg/server.h"

namespace sqs_fdw::pg {

namespace {

// The walk's findings: what is above the scan so far, from the scan upwards.
struct Walk {
	const Plan *scan;
	int cte_plan;  // or the scans of this subplan, a CTE; 0 for none
	Ancestry ancestry;
	bool reads_ahead = false;  // a node that wants all rows, or joins them, has been passed
};

bool IsSought(Plan *plan, const Walk &walk)
{
	if (walk.cte_plan == 0)
		return plan == walk.scan;
	return IsA(plan, CteScan) && reinterpret_cast<CteScan *>(plan)->ctePlanId == walk.cte_plan;
}

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

bool IsNull(const Node *expression)
{
	return expression == nullptr ||
	       (IsA(expression, Const) && reinterpret_cast<const Const *>(expression)->constisnull);
}

void JudgeLimit(const Limit *limit, Walk *walk)
{
	Ancestry &ancestry = walk->ancestry;
	if (!IsNull(limit->limitCount))
		ancestry.cut_by_limit = ancestry.cut_by_limit || walk->reads_ahead;

	Node *offset = limit->limitOffset;
	if (IsNull(offset))
		return;
	// OFFSET 0 is but a fence for the planner.
	if (IsA(offset, Const) && DatumGetInt64(reinterpret_cast<Const *>(offset)->constvalue) <= 0)
		return;
	ancestry.drops_rows = true;
	ancestry.offsets = list_append_unique_ptr(ancestry.offsets, offset);
}

// Whether a node may have more of a row to return when it is asked for the next.
bool KeepsRows(const Plan *plan)
{
	switch (nodeTag(plan)) {
		case T_Append:
		case T_LockRows:
		case T_ModifyTable:
		case T_Result:
		case T_SubqueryScan:
			return false;
		case T_Limit:
			return reinterpret_cast<const Limit *>(plan)->limitOption == LIMIT_OPTION_WITH_TIES;
		default:
			return true;
	}
}

// `inner`: the scan is on the right side of this node.
void Judge(Plan *plan, bool inner, Walk *walk)
{
	Ancestry &ancestry = walk->ancestry;
	ancestry.drops_rows = ancestry.drops_rows || plan->qual != NIL;
	ancestry.keeps_rows = ancestry.keeps_rows || KeepsRows(plan);
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
			walk->reads_ahead = true;
			break;
		case T_WindowAgg:
			ancestry.drops_rows =
			    ancestry.drops_rows || DropsRows(reinterpret_cast<WindowAgg *>(plan));
			walk->reads_ahead = true;
			break;
		case T_ProjectSet:
			ancestry.drops_rows = true;
			break;
		case T_Limit:
			JudgeLimit(reinterpret_cast<Limit *>(plan), walk);
			break;
		case T_ModifyTable:
			ancestry.writers = list_append_unique_ptr(ancestry.writers, plan);
			break;
		default:
			break;
	}
}

// Whether what is sought is in this tree. All its places are judged.
bool Descend(Plan *plan, Walk *walk)
{
	if (plan == nullptr)
		return false;
	if (IsSought(plan, *walk)) {
		walk->ancestry.drops_rows = walk->ancestry.drops_rows || plan->qual != NIL;
		return true;
	}
	const bool left = Descend(plan->lefttree, walk);
	const bool right = Descend(plan->righttree, walk);
	bool found = left || right;
	ListCell *cell;
	foreach (cell, OtherChildren(plan))
		found = Descend(static_cast<Plan *>(lfirst(cell)), walk) || found;
	if (found)
		Judge(plan, right, walk);
	return found;
}

// Where the plan does not tell what is above the scan, such as that of an expression: expects the
// worst.
void ExpectAnything(PlannedStmt *statement, Ancestry *ancestry)
{
	ancestry->runs_again = true;
	ancestry->keeps_rows = true;
	List *plans = lcons(statement->planTree, list_copy(statement->subplans));
	ListCell *cell;
	foreach (cell, plans) {
		auto *plan = static_cast<Plan *>(lfirst(cell));
		if (plan != nullptr && IsA(plan, ModifyTable))
			ancestry->writers = list_append_unique_ptr(ancestry->writers, plan);
	}
}

// Goes on from the scans of a CTE, whose own plan the scan is in: those of the statement itself,
// and those of other CTEs, which are followed in turn. They replay what the CTE has kept.
void DescendToCte(PlannedStmt *statement, int cte_plan, Walk *walk)
{
	const bool runs_again = walk->ancestry.runs_again;
	walk->cte_plan = cte_plan;
	bool found = Descend(statement->planTree, walk);
	ListCell *cell;
	foreach (cell, statement->subplans) {
		walk->cte_plan = cte_plan;
		if (!Descend(static_cast<Plan *>(lfirst(cell)), walk))
			continue;
		found = true;
		DescendToCte(statement, foreach_current_index(cell) + 1, walk);
	}
	walk->ancestry.runs_again = runs_again;
	// What nothing reads but an expression may be run again, unless it writes.
	if (!found && !IsA(list_nth(statement->subplans, cte_plan - 1), ModifyTable))
		ExpectAnything(statement, &walk->ancestry);
}

}  // namespace

Ancestry FindAncestry(PlannedStmt *statement, const Plan *scan)
{
	Walk walk = {scan, 0, {}, false};
	if (Descend(statement->planTree, &walk))
		return walk.ancestry;
	ListCell *cell;
	foreach (cell, statement->subplans) {
		if (!Descend(static_cast<Plan *>(lfirst(cell)), &walk))
			continue;
		walk.ancestry.keeps_rows = true;
		DescendToCte(statement, foreach_current_index(cell) + 1, &walk);
		return walk.ancestry;
	}
	ExpectAnything(statement, &walk.ancestry);
	return walk.ancestry;
}

}  // namespace sqs_fdw::pg
