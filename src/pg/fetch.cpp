// Fetching: waits for the next batch of messages and makes rows of it.
#include "pg/scan.h"

#include <algorithm>

#include "pg/guard.h"
#include "pg/xact.h"

#include "pg/server.h"

extern "C" {
#include "pgstat.h"
#include "utils/wait_event.h"
}

namespace sqs_fdw::pg {

namespace {

enum class Awaited { kBatch, kEnd, kInterrupted };

// How many messages may still be asked for, beside those that wait in the receiver: up to the
// scan's limit, and up to the rows that a LIMIT right above the scan still lets through.
int64 Wanted(const ScanState &scan)
{
	const int64 received = scan.inbox->counts().received;
	const int64 waiting = scan.inbox->receiver().messages() - received;
	int64 wanted = scan.most_messages() - received;
	if (scan.plan.limit > 0)
		wanted = std::min(wanted, static_cast<int64>(scan.plan.limit) - scan.emitted);
	return std::max<int64>(wanted - waiting, 0);
}

// Waits for the next batch. For C++ phases.
Awaited AwaitBatch(ScanState *scan, SubTransactionId subtransaction)
{
	Inbox &inbox = *scan->inbox;
	aws::Receiver &receiver = inbox.receiver();
	Messages().Touch(subtransaction);
	// What has arrived goes first: asking the sockets for each batch would cost more than it
	// brings.
	if ((scan->ended || receiver.has_buffered()) && inbox.Advance(subtransaction))
		return Awaited::kBatch;
	TimePoint deadline = Clock::now();  // the first time only what has already arrived
	for (;;) {
		if (scan->ended)
			receiver.Stop();
		receiver.set_wanted(Wanted(*scan));
		receiver.Pump();
		const aws::Ran ran = receiver.client()->Drive(ShouldStop, deadline);
		receiver.Pump();
		if (inbox.Advance(subtransaction))
			return Awaited::kBatch;
		const bool enough = scan->ended || receiver.saw_empty() || Wanted(*scan) == 0;
		if (enough && receiver.polls_under_way() == 0)
			return Awaited::kEnd;
		if (ran == aws::Ran::kInterrupted)
			return Awaited::kInterrupted;
		deadline = Clock::now() + std::chrono::hours(1);
	}
}

void NoticeLimit(const ScanState &scan)
{
	if (scan.inbox->counts().received < scan.most_messages())
		return;
	ereport(NOTICE, (errmsg("the scan of queue \"%s\" ended after " INT64_FORMAT " messages",
	                     QueueAsNamed(scan.table), scan.most_messages()),
	                    errhint("The table's option %s sets this limit.",
	                        scan.takes ? "max_messages" : "look_limit")));
}

// This statement, or an earlier one of the transaction, received them longer ago than messages stay
// invisible: going on would receive the same ones for ever.
void EndForRepeats(ScanState *scan)
{
	if (!scan->ended)
		ereport(WARNING,
		    (errcode(ERRCODE_WARNING),
		        errmsg("messages of queue \"%s\" came again while the transaction still held them",
		            QueueAsNamed(scan->table)),
		        errdetail("Each was returned once. The scan has ended."),
		        errhint("Set the table's option visibility_timeout to more than the transaction "
		                "takes, or max_messages to less.")));
	scan->ended = true;
}

// Empty rows for the messages of the current batch.
void BeginBatch(ScanState *scan)
{
	const aws::ReceivedBatch *batch = scan->inbox->batch();
	const int natts = RelationGetDescr(scan->relation)->natts;
	if (batch->messages.size() > aws::kBatchEntries)
		elog(ERROR, "more messages in a batch than asked for");
	MemoryContextReset(scan->batch_context);
	scan->serial = scan->inbox->serial();
	scan->row_count = static_cast<int>(batch->messages.size());
	for (int i = 0; i < scan->row_count; ++i) {
		scan->rows[i].rejection = Rejection{};
		const Fate fate = scan->inbox->FateOf(static_cast<size_t>(i));
		scan->rows[i].skip = fate == Fate::kRepeated || fate == Fate::kGone ||
		                     fate == Fate::kDuplicate || fate == Fate::kContended;
		memset(scan->rows[i].nulls, true, natts * sizeof(bool));
		if (fate == Fate::kRepeated)
			EndForRepeats(scan);
	}
}

}  // namespace

bool FetchBatch(ScanState *scan)
{
	scan->row_count = 0;
	scan->next_row = 0;
	scan->serial = 0;
	for (;;) {
		const SubTransactionId subtransaction = GetCurrentSubTransactionId();
		pgstat_report_wait_start(PG_WAIT_EXTENSION);
		const Awaited awaited = Guard([&] { return AwaitBatch(scan, subtransaction); });
		pgstat_report_wait_end();
		if (awaited == Awaited::kBatch)
			break;
		if (awaited == Awaited::kEnd) {
			if (!scan->ended)
				NoticeLimit(*scan);
			scan->ended = true;
			return false;
		}
		HandleInterrupts();
	}

	BeginBatch(scan);
	const Stage stage = scan->conditions == nullptr ? Stage::kAll : Stage::kConditions;
	MakeRows(scan->maker, scan->inbox->batch(), 0, scan->row_count, stage, scan->batch_context,
	    scan->rows);
	return true;
}

}  // namespace sqs_fdw::pg
