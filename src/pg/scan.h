// The state of one scan of a queue.
#pragma once

#include "aws/settlement.h"
#include "pg/ancestry.h"
#include "pg/ledger.h"
#include "pg/option.h"
#include "pg/plan.h"
#include "pg/registry.h"
#include "pg/rejections.h"
#include "pg/row.h"
#include "pg/types.h"

namespace sqs_fdw::pg {

// Plain data in the executor's query context. What must outlive an error is in the registry.
struct ScanState {
	struct ::RelationData *relation;
	Oid server_oid;
	const char *server_name;
	Oid user_oid;
	TableOptions table;
	PlanData plan;
	struct ::ExprState *conditions;
	bool inert;  // EXPLAIN, or a recheck of a row: never receives
	Ancestry ancestry;
	bool replay;
	// Of a DELETE: a message is taken when its row is deleted, not when the scan returns it.
	bool target;
	// The statement deletes from this table, and this scan is not what it deletes.
	bool beside_target;
	SubTransactionId subtransaction;  // where the statement began

	// From the first row wanted on.
	bool started;
	bool ended;  // no more receives
	bool takes;
	bool for_view;  // fills a materialized view: nobody takes that for moving messages
	RowMaker *maker;
	aws::QueuePtr *queue;
	Inbox *inbox;    // valid until closed, or until the transaction ends
	Ledger *ledger;  // null until a message needs it
	int64_t requests_before;
	int64_t emitted;
	RejectionTally rejections;
	int64_t duplicates;
	int64_t contended;

	// The current batch as rows.
	struct ::MemoryContextData *batch_context;
	uint32_t serial;
	int row_count;
	int next_row;
	Row rows[aws::kBatchEntries];

	// Whether rejected messages go to sqs.rejected. A look changes nothing: it skips them.
	bool stores_rejected() const { return takes && table.on_error == OnError::kStore; }
	// How many messages the scan may receive.
	int64_t most_messages() const { return takes ? table.max_messages : table.look_limit; }
};

// Finds out how to make rows of messages. Server phase; lives in the executor's query context
// (scan_start.cpp).
RowMaker *MakeRowMakerFor(const ScanState &scan, struct ::EState *estate);

// What the first row needs: whether the statement takes, which columns, the queue, an inbox. Server
// phase; raises where the statement must not run (scan_start.cpp).
void StartScan(struct ::ForeignScanState *node, ScanState *scan);

// Waits for messages, makes the next batch current and converts its rows; false at the end. Server
// phase (fetch.cpp).
bool FetchBatch(ScanState *scan);

}  // namespace sqs_fdw::pg
