// Differences between PostgreSQL versions; the only file that looks at PG_VERSION_NUM.
#pragma once

#if PG_VERSION_NUM < 140000
#error "sqs_fdw needs PostgreSQL 14 or later"
#endif

// Before 16 nothing marks an entry point as visible, and we compile with hidden visibility.
#if PG_VERSION_NUM < 160000
#define SQS_FDW_EXPORT __attribute__((visibility("default")))
#else
#define SQS_FDW_EXPORT PGDLLEXPORT
#endif

// Declares an SQL-callable C function with its version record, both visible to the loader.
#define SQS_FDW_FUNCTION(name)                                      \
	extern "C" {                                                    \
	extern SQS_FDW_EXPORT Datum name(PG_FUNCTION_ARGS);             \
	extern SQS_FDW_EXPORT const Pg_finfo_record *pg_finfo_##name(); \
	const Pg_finfo_record *pg_finfo_##name()                        \
	{                                                               \
		static const Pg_finfo_record info = {1};                    \
		return &info;                                               \
	}                                                               \
	}                                                               \
	extern "C" Datum name([[maybe_unused]] PG_FUNCTION_ARGS)

extern "C" {
#include "access/genam.h"
#include "access/tupdesc.h"
#include "catalog/pg_proc.h"
#include "commands/explain.h"
#include "executor/instrument.h"
#include "tcop/tcopprot.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
#include "utils/acl.h"
#include "utils/guc_tables.h"
}

// The signature of ExecutorRun.
#if PG_VERSION_NUM >= 180000
#define EXECUTOR_RUN_PARAMETERS QueryDesc *query, ScanDirection direction, uint64 count
#define EXECUTOR_RUN_ARGUMENTS query, direction, count
#else
#define EXECUTOR_RUN_PARAMETERS \
	QueryDesc *query, ScanDirection direction, uint64 count, bool execute_once
#define EXECUTOR_RUN_ARGUMENTS query, direction, count, execute_once
#endif

// What EXPLAIN does with one query; its hook has the same signature.
#define EXPLAIN_QUERY_PARAMETERS                                                            \
	Query *query, int cursor_options, IntoClause *into, ExplainState *es, const char *text, \
	    ParamListInfo params, QueryEnvironment *environment
#define EXPLAIN_QUERY_ARGUMENTS query, cursor_options, into, es, text, params, environment

namespace sqs_fdw::pg {

// What EXPLAIN does where nobody has hooked in; not exported before 17.
inline void StandardExplainQuery(EXPLAIN_QUERY_PARAMETERS)
{
#if PG_VERSION_NUM >= 170000
	standard_ExplainOneQuery(EXPLAIN_QUERY_ARGUMENTS);
#else
	instr_time start;
	instr_time duration;
	const BufferUsage buffers_before = pgBufferUsage;
	BufferUsage buffers = {};
	INSTR_TIME_SET_CURRENT(start);
	PlannedStmt *plan = pg_plan_query(query, text, cursor_options, params);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	if (es->buffers)
		BufferUsageAccumDiff(&buffers, &pgBufferUsage, &buffers_before);
	ExplainOnePlan(
	    plan, into, es, text, params, environment, &duration, es->buffers ? &buffers : nullptr);
#endif
}

// The role whose user mapping and rights a scan uses (the view's owner under a view).
inline Oid ScanUser(ForeignScanState *node, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	(void)estate;
	const Oid user = reinterpret_cast<ForeignScan *>(node->ss.ps.plan)->checkAsUser;
#else
	const Index rti = reinterpret_cast<ForeignScan *>(node->ss.ps.plan)->scan.scanrelid;
	const Oid user = exec_rt_fetch(rti, estate)->checkAsUser;
#endif
	return OidIsValid(user) ? user : GetUserId();
}

// Whether a role may execute a function.
inline bool MayExecute(Oid function, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE) == ACLCHECK_OK;
#else
	return pg_proc_aclcheck(function, role, ACL_EXECUTE) == ACLCHECK_OK;
#endif
}

// Whether a CHECK is more than a remark.
inline bool IsEnforced(const ConstrCheck &check)
{
#if PG_VERSION_NUM >= 180000
	return check.ccenforced;
#else
	(void)check;
	return true;
#endif
}

// Refuses settings of this prefix that nobody defined.
inline void ReserveSettingPrefix(const char *prefix)
{
#if PG_VERSION_NUM >= 150000
	MarkGUCPrefixReserved(prefix);
#else
	EmitWarningsOnPlaceholders(prefix);
#endif
}

// All settings, and what stands in for those of libraries that are not loaded.
inline config_generic **AllSettings(int *count)
{
#if PG_VERSION_NUM >= 160000
	return get_guc_variables(count);
#else
	*count = GetNumConfigOptions();
	return get_guc_variables();
#endif
}

// The index of a table's primary key; invalid where it has none.
inline Oid PrimaryKeyOf(Relation table)
{
#if PG_VERSION_NUM >= 180000
	return RelationGetPrimaryKeyIndex(table, false);
#else
	return RelationGetPrimaryKeyIndex(table);
#endif
}

inline IndexScanDesc BeginIndexScan(Relation heap, Relation index, Snapshot snapshot, int keys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(heap, index, snapshot, nullptr, keys, 0);
#else
	return index_beginscan(heap, index, snapshot, keys, 0);
#endif
}

// Makes a row's entries in all indexes that are open. Those of unique ones are made whether or not
// there are others of the same key; returns the indexes where there may be some.
inline List *InsertIndexTuplesUnchecked(ResultRelInfo *target, TupleTableSlot *slot, EState *estate)
{
	bool conflict = false;
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(target, slot, estate, false, true, &conflict, NIL, false);
#else
	return ExecInsertIndexTuples(target, slot, estate, false, true, &conflict, NIL);
#endif
}

// Whether window functions are evaluated with a condition on their result.
inline bool DropsRows([[maybe_unused]] const WindowAgg *plan)
{
#if PG_VERSION_NUM >= 150000
	return plan->runCondition != NIL;
#else
	return false;
#endif
}

inline ForeignPath *CreateScanPath(
    PlannerInfo *root, RelOptInfo *rel, double rows, Cost startup, Cost total)
{
#if PG_VERSION_NUM >= 180000
	return create_foreignscan_path(
	    root, rel, nullptr, rows, 0, startup, total, NIL, rel->lateral_relids, nullptr, NIL, NIL);
#elif PG_VERSION_NUM >= 170000
	return create_foreignscan_path(
	    root, rel, nullptr, rows, startup, total, NIL, rel->lateral_relids, nullptr, NIL, NIL);
#else
	return create_foreignscan_path(
	    root, rel, nullptr, rows, startup, total, NIL, rel->lateral_relids, nullptr, NIL);
#endif
}

}  // namespace sqs_fdw::pg
