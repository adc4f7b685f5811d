// Planning a scan of a queue: which columns it needs, its conditions, a LIMIT right above it.
#include "pg/plan.h"

#include "pg/fdw.h"

#include "pg/server.h"

extern "C" {
#include "access/sysattr.h"
#include "access/table.h"
#include "nodes/bitmapset.h"
#include "nodes/value.h"
#include "optimizer/cost.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
}

namespace sqs_fdw::pg {

namespace {

// Nobody knows how much is in a queue before asking, and planning never asks.
constexpr double kTuples = 1000;
constexpr Cost kRoundTrip = 1000;  // in units of seq_page_cost
constexpr Cost kPerMessage = 1;

// Attribute numbers in `expression` that belong to the relation; a whole-row reference is all.
Bitmapset *Attributes(Node *expression, Index rti, Bitmapset *into)
{
	pull_varattnos(expression, rti, &into);
	return into;
}

List *AttributeList(Bitmapset *attributes, int natts)
{
	const int offset = FirstLowInvalidHeapAttributeNumber;
	const bool whole_row = bms_is_member(InvalidAttrNumber - offset, attributes);
	List *list = NIL;
	for (int attnum = 1; attnum <= natts; ++attnum) {
		if (whole_row || bms_is_member(attnum - offset, attributes))
			list = lappend_int(list, attnum);
	}
	return list;
}

// FOR UPDATE would promise that nobody else gets the row.
void RefuseRowLocks(PlannerInfo *root, Index rti)
{
	ListCell *cell;
	foreach (cell, root->rowMarks) {
		auto *mark = static_cast<PlanRowMark *>(lfirst(cell));
		if (mark->rti == rti && mark->strength != LCS_NONE)
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			                   errmsg("SELECT FOR UPDATE/SHARE cannot be applied to an SQS queue"),
			                   errhint("DELETE ... RETURNING takes messages and returns them.")));
	}
}

// A generated column is not read from messages, so that an option of it would do nothing, and hide
// a mistake. The validator does not know which column the options are of.
void RefuseOptionsOfGenerated(Oid table)
{
	const Relation relation = table_open(table, NoLock);
	const TupleDesc descriptor = RelationGetDescr(relation);
	for (int attnum = 1; attnum <= descriptor->natts; ++attnum) {
		const Form_pg_attribute attribute = TupleDescAttr(descriptor, attnum - 1);
		if (attribute->attisdropped || attribute->attgenerated == '\0')
			continue;
		const List *options = GetForeignColumnOptions(table, static_cast<AttrNumber>(attnum));
		if (options == NIL)
			continue;
		const char *option = static_cast<DefElem *>(linitial(options))->defname;
		const char *name = NameStr(attribute->attname);
		ereport(ERROR,
		    (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
		        errmsg("option \"%s\" of generated column \"%s\" has no effect", option, name),
		        errdetail("The column is computed from others, not read from a message."),
		        errhint("Use ALTER FOREIGN TABLE %s ALTER COLUMN %s OPTIONS (DROP %s).",
		            quote_identifier(RelationGetRelationName(relation)), quote_identifier(name),
		            option)));
	}
	table_close(relation, NoLock);
}

// How many rows a LIMIT (with its OFFSET) lets through, where nothing but the scan is below it.
double LimitOnScan(PlannerInfo *root)
{
	const Query *query = root->parse;
	// What is no constant may be another number when a cached plan is run again.
	if (query->limitCount == nullptr || !IsA(query->limitCount, Const) ||
	    (query->limitOffset != nullptr && !IsA(query->limitOffset, Const)))
		return 0;
	if (root->limit_tuples <= 0 || bms_membership(root->all_baserels) != BMS_SINGLETON)
		return 0;
	// A set-returning function may make no row of a message at all.
	if (query->sortClause != NIL || query->distinctClause != NIL || query->hasWindowFuncs ||
	    query->hasTargetSRFs || query->setOperations != nullptr)
		return 0;
	return root->limit_tuples;
}

}  // namespace

List *PackPlanData(const PlanData &data)
{
	return list_make3(data.needed, data.conditions, makeFloat(psprintf("%.0f", data.limit)));
}

PlanData UnpackPlanData(List *packed)
{
	return {static_cast<List *>(linitial(packed)), static_cast<List *>(lsecond(packed)),
	    floatVal(static_cast<Node *>(lthird(packed)))};
}

void sqsGetForeignRelSize(PlannerInfo *root, RelOptInfo *rel, Oid table)
{
	RefuseOptionsOfGenerated(table);
	rel->tuples = kTuples;
	set_baserel_size_estimates(root, rel);
}

void sqsGetForeignPaths(PlannerInfo *root, RelOptInfo *rel, Oid)
{
	const Cost total = kRoundTrip + kPerMessage * rel->tuples;
	add_path(
	    rel, reinterpret_cast<Path *>(CreateScanPath(root, rel, rel->rows, kRoundTrip, total)));
}

// The scan evaluates all conditions itself, so that it knows which messages they refuse: they go to
// fdw_exprs, and nothing is left for the executor (except when it rechecks a row).
ForeignScan *sqsGetForeignPlan(PlannerInfo *root, RelOptInfo *rel, Oid, ForeignPath *path,
    List *tlist, List *clauses, Plan *outer_plan)
{
	RefuseRowLocks(root, rel->relid);
	List *conditions = extract_actual_clauses(clauses, false);

	Bitmapset *in_conditions =
	    Attributes(reinterpret_cast<Node *>(conditions), rel->relid, nullptr);
	Bitmapset *needed = Attributes(
	    reinterpret_cast<Node *>(rel->reltarget->exprs), rel->relid, bms_copy(in_conditions));

	PlanData data;
	data.needed = AttributeList(needed, rel->max_attr);
	data.conditions = AttributeList(in_conditions, rel->max_attr);
	data.limit = path->path.param_info == nullptr ? LimitOnScan(root) : 0;
	return make_foreignscan(
	    tlist, NIL, rel->relid, conditions, PackPlanData(data), NIL, conditions, outer_plan);
}

}  // namespace sqs_fdw::pg
