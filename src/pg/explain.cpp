// What EXPLAIN shows of a scan of a queue.
#include <cstring>
#include <string>

#include "pg/fdw.h"
#include "pg/guard.h"
#include "pg/scan.h"
#include "pg/statement.h"

#include "pg/server.h"

extern "C" {
#include "utils/ruleutils.h"
}

namespace sqs_fdw::pg {

namespace {

// Before the scan has started, as far as the statement itself tells.
bool Takes(const ScanState &scan, EState *estate)
{
	if (scan.started || scan.table.consume != Consume::kOnWrite)
		return scan.started ? scan.takes : scan.table.consume == Consume::kAlways;
	return StatementWrites(estate);
}

void ShowConditions(ForeignScanState *node, ExplainState *es)
{
	auto *plan = reinterpret_cast<ForeignScan *>(node->ss.ps.plan);
	if (plan->fdw_exprs == NIL)
		return;
	Node *conditions = reinterpret_cast<Node *>(make_ands_explicit(plan->fdw_exprs));
	List *context = set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan, NIL);
	const bool prefix = list_length(es->rtable) > 1 || es->verbose;
	ExplainPropertyText("Filter", deparse_expression(conditions, context, prefix, false), es);
}

// What is asked of each message: columns that are read, and attributes by SQS's names.
void ShowColumns(const ScanState &scan, bool stores, EState *estate, ExplainState *es)
{
	struct Names {
		char text[1024];  // one to a line
	};
	const RowMaker *maker = scan.maker != nullptr ? scan.maker : MakeRowMakerFor(scan, estate);
	Names asked = Guard([&] {
		aws::ReceiveRequest request;
		AskFor(*maker, {stores, scan.table.exactly_once}, &request);
		std::string all;
		for (const auto *names : {&request.system_attributes, &request.message_attributes}) {
			for (const std::string &name : *names)
				all += name + '\n';
		}
		Names result = {};
		all.copy(result.text, sizeof result.text - 1);
		return result;
	});
	ExplainPropertyList("Columns", ColumnNames(*maker), es);
	List *attributes = NIL;
	char *rest = asked.text;
	while (char *name = strsep(&rest, "\n")) {
		if (name[0] != '\0')
			attributes = lappend(attributes, name);
	}
	ExplainPropertyList("Attributes", attributes, es);
}

void ShowCounts(const ScanState &scan, ExplainState *es)
{
	struct Counts {
		InboxCounts inbox;
		int64 requests;
		int64 empty_polls;
		int64 messages;  // those that no row was asked for among them
	};
	const Counts counts = Guard([&] {
		aws::Receiver &receiver = scan.inbox->receiver();
		return Counts{scan.inbox->counts(),
		    receiver.client()->counters().requests - scan.requests_before, receiver.empty_polls(),
		    receiver.messages()};
	});
	ExplainPropertyInteger("Requests", nullptr, counts.requests, es);
	ExplainPropertyInteger("Empty Polls", nullptr, counts.empty_polls, es);
	ExplainPropertyInteger("Messages", nullptr, counts.messages, es);
	ExplainPropertyInteger("Taken", nullptr, counts.inbox.taken, es);
	ExplainPropertyInteger("Filtered", nullptr, counts.inbox.filtered, es);
	ExplainPropertyInteger("Duplicates", nullptr, scan.duplicates, es);
	ExplainPropertyInteger("Contended", nullptr, scan.contended, es);
	ExplainPropertyInteger("Rejected", nullptr, scan.rejections.total, es);
	const int64 deleted = counts.inbox.taken + (scan.takes ? scan.duplicates : 0);
	const int64 kept = deleted + counts.inbox.repeated;
	ExplainPropertyInteger("Released", nullptr, counts.messages - kept, es);
}

}  // namespace

void sqsExplainForeignScan(ForeignScanState *node, ExplainState *es)
{
	const auto *scan = static_cast<const ScanState *>(node->fdw_state);
	ShowConditions(node, es);
	ExplainPropertyText("Queue", QueueAsNamed(scan->table), es);
	const bool takes = Takes(*scan, node->ss.ps.state);
	ExplainPropertyText("Consume", takes ? "take" : "look", es);
	if (takes && !scan->target && scan->ancestry.drops_rows)
		ExplainPropertyText("Note", "rows above the scan may be discarded", es);
	if (es->verbose) {
		ExplainPropertyInteger("Wait", "s", scan->table.wait_time_s, es);
		ExplainPropertyInteger("Message Limit", nullptr,
		    takes ? scan->table.max_messages : scan->table.look_limit, es);
		ShowColumns(*scan, takes && scan->table.on_error == OnError::kStore, node->ss.ps.state, es);
	}
	if (es->analyze && scan->started)
		ShowCounts(*scan, es);
}

}  // namespace sqs_fdw::pg
