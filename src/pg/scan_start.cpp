// Starting a scan, when its first row is wanted: what must not run is refused, then nothing is
// missing but messages.
#include "pg/scan.h"

#include "pg/connection.h"
#include "pg/guard.h"
#include "pg/rejected.h"
#include "pg/statement.h"
#include "pg/volatile_target.h"
#include "pg/xact.h"

#include "pg/server.h"

extern "C" {
#include "access/parallel.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "nodes/execnodes.h"
}

namespace sqs_fdw::pg {

namespace {

void RefuseTaking(const ScanState &scan)
{
	if (!scan.takes)
		return;
	if (RecoveryInProgress())
		ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
		                   errmsg("cannot take messages from a queue during recovery"),
		                   errhint("Run the statement on the primary server.")));
	if (XactReadOnly)
		ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
		                   errmsg("cannot take messages from a queue in a read-only transaction"),
		                   errhint("Use a READ WRITE transaction.")));
}

// The rows that the LIMIT cuts off would be taken, and lost.
void RefuseCutting(const ScanState &scan)
{
	if (!scan.takes || scan.target || !scan.ancestry.cut_by_limit)
		return;
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
	                   errmsg("a LIMIT above a sort, aggregate or join would drop messages that "
	                          "are taken from queue \"%s\"",
	                       QueueAsNamed(scan.table)),
	                   errhint("Put the LIMIT into a subquery on the queue alone, or set the "
	                           "table's option max_messages.")));
}

// A parameter of the statement, as it is or made a bigint.
bool IsParameter(const Node *expression)
{
	if (IsA(expression, FuncExpr)) {
		const auto *cast = reinterpret_cast<const FuncExpr *>(expression);
		if (cast->funcformat != COERCE_IMPLICIT_CAST || list_length(cast->args) != 1)
			return false;
		expression = static_cast<const Node *>(linitial(cast->args));
	}
	return IsA(expression, Param) &&
	       reinterpret_cast<const Param *>(expression)->paramkind == PARAM_EXTERN;
}

// A parameter tells now whether it skips rows. What any other expression will be, in this pass of
// the scan or a later one, nobody knows.
bool Skips(Node *offset, ForeignScanState *node)
{
	if (!IsParameter(offset))
		return true;
	ExprState *state = ExecInitExpr(reinterpret_cast<Expr *>(offset), &node->ss.ps);
	bool is_null = false;
	const Datum rows = ExecEvalExprSwitchContext(state, node->ss.ps.ps_ExprContext, &is_null);
	return !is_null && DatumGetInt64(rows) > 0;
}

// The rows that the OFFSET skips would be taken, and lost.
void RefuseSkipping(const ScanState &scan, ForeignScanState *node)
{
	if (!scan.takes || scan.target)
		return;
	ListCell *cell;
	foreach (cell, scan.ancestry.offsets) {
		if (Skips(static_cast<Node *>(lfirst(cell)), node))
			ereport(ERROR,
			    (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			        errmsg("an OFFSET would drop messages that are taken from queue \"%s\"",
			            QueueAsNamed(scan.table)),
			        errhint("Leave the OFFSET out, and skip rows where the target is read. Only 0, "
			                "as a constant or a parameter, is allowed.")));
	}
}

// How many replies of each poll may be under way or wait to be read.
constexpr int64 kRepliesAhead = 2;

InboxOptions DescribeInbox(const ScanState &scan, const EState *estate)
{
	InboxOptions options;
	options.subtransaction = scan.subtransaction;
	options.look = !scan.takes;
	options.replay = scan.replay;
	options.statement = estate;
	options.keeps_rows = scan.ancestry.keeps_rows;
	options.receiver.until_empty = true;
	options.receiver.max_polls = (*scan.queue)->client->options().max_connections;
	options.receiver.buffer_messages =
	    kRepliesAhead * aws::kBatchEntries * options.receiver.max_polls;
	aws::ReceiveRequest &request = options.receiver.request;
	request.queue_url = (*scan.queue)->url;
	request.wait = std::chrono::seconds(scan.table.wait_time_s);
	if (scan.table.visibility_timeout_s >= 0)
		request.visibility_timeout = std::chrono::seconds(scan.table.visibility_timeout_s);
	AskFor(*scan.maker, {scan.stores_rejected(), scan.table.exactly_once}, &request);
	return options;
}

void MakeRowArrays(ScanState *scan)
{
	const int natts = RelationGetDescr(scan->relation)->natts;
	for (Row &row : scan->rows) {
		row.values = static_cast<Datum *>(palloc0(sizeof(Datum) * natts));
		row.nulls = static_cast<bool *>(palloc0(sizeof(bool) * natts));
	}
}

}  // namespace

RowMaker *MakeRowMakerFor(const ScanState &scan, EState *estate)
{
	const MemoryContext caller = MemoryContextSwitchTo(estate->es_query_cxt);
	RowMaker *maker = MakeRowMaker(
	    {scan.relation, estate, scan.plan.needed, scan.plan.conditions, scan.table.on_error});
	MemoryContextSwitchTo(caller);
	return maker;
}

void StartScan(ForeignScanState *node, ScanState *scan)
{
	EState *estate = node->ss.ps.state;
	const MemoryContext caller = MemoryContextSwitchTo(estate->es_query_cxt);
	if (IsParallelWorker())
		ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_STATE),
		                   errmsg("cannot receive messages in a parallel worker")));
	// What a DELETE reads beside its target only chooses what to delete.
	const bool takes = scan->table.consume == Consume::kAlways ||
	                   (scan->table.consume == Consume::kOnWrite && StatementWrites(estate));
	scan->takes = takes && !scan->beside_target;
	scan->for_view = InSecurityRestrictedOperation();
	RefuseTaking(*scan);
	RefuseCutting(*scan);
	RefuseSkipping(*scan, node);
	if (scan->takes) {
		RefuseKept(estate);
		WarnOfVolatileTarget(QueueAsNamed(scan->table), scan->ancestry.writers, estate);
	}
	if (scan->stores_rejected())
		RequireSealingKey();

	scan->batch_context =
	    AllocSetContextCreate(estate->es_query_cxt, "sqs_fdw batch", ALLOCSET_DEFAULT_SIZES);
	scan->maker = MakeRowMakerFor(*scan, estate);
	RequireMasks(*scan->maker);
	MakeRowArrays(scan);
	scan->queue = DeleteWithContext(estate->es_query_cxt, Guard([] { return new aws::QueuePtr; }));
	FindQueue(scan->server_oid, scan->user_oid, scan->table, scan->queue);
	if (!Guard([] { return Messages().settlement().empty(); }))
		SettleNow();
	scan->inbox = Guard([&] {
		scan->requests_before = (*scan->queue)->client->counters().requests;
		return Messages().Open(*scan->queue, DescribeInbox(*scan, estate));
	});
	scan->started = true;
	MemoryContextSwitchTo(caller);
}

}  // namespace sqs_fdw::pg
