// Prunes sqs.ledger by range of sent_at, in steps, past rows that others have locked.
#include "pg/ledger_prune.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "pg/guard.h"
#include "pg/ledger_table.h"
#include "pg/registry.h"
#include "pg/xact.h"

#include "pg/server.h"

extern "C" {
#include "access/genam.h"
#include "access/tableam.h"
#include "pgstat.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"
}

namespace sqs_fdw::pg {

namespace {

using std::chrono::seconds;

// SetQueueAttributes, MessageRetentionPeriod: 60 s to 14 days.
constexpr seconds kShortestRetention{60};
constexpr seconds kLongestRetention{14 * 86400};
constexpr seconds kMargin{86400};

constexpr std::chrono::hours kAskAgain{1};
constexpr seconds kLookAgain{10};
constexpr seconds kMostWait{2};

int ledger_retention_s = 0;

using Attributes = std::map<std::string, std::string>;

// What this backend knows of queues, and how far it has got.
struct State {
	struct Retention {
		seconds period;
		TimePoint asked_at;
	};
	std::map<int32_t, Retention> retentions;  // by QueueNumber
	TimePoint look_next;                      // when there may be something to prune again
	TimestampTz resume_from = DT_NOBEGIN;     // before it, the last step has seen everything

	// A request under way, with the queue whose client it needs.
	aws::QueuePtr asked;
	TimePoint deadline;
	aws::CallPtr<Attributes> call;
};
State *state = nullptr;

State &Pruning()
{
	if (state == nullptr)
		state = new State;
	return *state;
}

TimestampTz Before(TimestampTz time, seconds age)
{
	return time - static_cast<int64>(age.count()) * USECS_PER_SEC;
}

// --- what is old

struct Step {
	TimestampTz from;    // where to begin
	TimestampTz before;  // the first time that is not pruned
	bool any_queue;
	int32 queue;
	int64 most_deleted;
	int64 most_seen;
};

struct StepResult {
	int64 deleted;
	bool finished;            // everything before `before` has been seen
	TimestampTz reached;      // else where to go on
	TimestampTz first_entry;  // the first one seen; DT_NOEND if there is none
};

// Whether the row in the slot was committed and nobody is deleting it.
bool IsSettled(const SnapshotData &dirty)
{
	return !TransactionIdIsValid(dirty.xmin) && !TransactionIdIsValid(dirty.xmax);
}

bool DeleteRow(const LedgerTable &table, TupleTableSlot *slot)
{
	TM_FailureData failure;
	return table_tuple_delete(table.heap, &slot->tts_tid, GetCurrentCommandId(true), SnapshotAny,
	           InvalidSnapshot, false, &failure, false) == TM_Ok;
}

// A dirty snapshot takes no predicate locks, so that pruning never fails a serializable
// transaction, and sees what others are about to delete, so that it never waits for them.
StepResult RunStep(const Step &step)
{
	StepResult result = {0, true, step.before, DT_NOEND};
	const LedgerTable table = OpenLedger(RowExclusiveLock);
	ScanKeyData keys[2];
	ScanKeyInit(&keys[0], kLedgerSentAt + 1, BTGreaterEqualStrategyNumber, F_TIMESTAMPTZ_GE,
	    TimestampTzGetDatum(step.from));
	ScanKeyInit(&keys[1], kLedgerSentAt + 1, BTLessStrategyNumber, F_TIMESTAMPTZ_LT,
	    TimestampTzGetDatum(step.before));
	SnapshotData dirty;
	InitDirtySnapshot(dirty);
	TupleTableSlot *slot = table_slot_create(table.heap, nullptr);
	IndexScanDesc scan = BeginIndexScan(table.heap, table.index, &dirty, 2);
	index_rescan(scan, keys, 2, nullptr, 0);
	int64 seen = 0;
	while (index_getnext_slot(scan, ForwardScanDirection, slot)) {
		CHECK_FOR_INTERRUPTS();
		bool is_null = false;
		const TimestampTz sent_at =
		    DatumGetTimestampTz(slot_getattr(slot, kLedgerSentAt + 1, &is_null));
		if (seen++ == 0)
			result.first_entry = sent_at;
		if (result.deleted >= step.most_deleted || seen > step.most_seen) {
			result.finished = false;
			result.reached = sent_at;
			break;
		}
		const int32 queue = DatumGetInt32(slot_getattr(slot, kLedgerQueue + 1, &is_null));
		if (IsSettled(dirty) && (step.any_queue || queue == step.queue) && DeleteRow(table, slot))
			++result.deleted;
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	CloseLedger(table);
	return result;
}

// Whether the ledger has an entry older than that.
bool HasEntriesBefore(TimestampTz before)
{
	const Step look = {DT_NOBEGIN, before, true, 0, 0, 0};
	return RunStep(look).first_entry != DT_NOEND;
}

// --- how long a queue keeps messages

// Throws only std::bad_alloc. Where SQS does not tell, the longest there is.
seconds ReadRetention(aws::Call<Attributes> *call)
{
	try {
		const Attributes attributes = call->Take();
		const auto found = attributes.find("MessageRetentionPeriod");
		int64_t period = 0;
		if (found == attributes.end())
			return kLongestRetention;
		const std::string &text = found->second;
		std::from_chars(text.data(), text.data() + text.size(), period);
		return std::clamp(seconds(period), kShortestRetention, kLongestRetention);
	} catch (const Error &) {
		return kLongestRetention;
	}
}

// One step towards the retention of a queue: unset while it is not known yet.
struct Answer {
	bool known;
	int64 seconds;
};

Answer StepTowardsRetention(const aws::QueuePtr &queue)
{
	State &pruning = Pruning();
	const int32_t number = NumberOf(*queue);
	const auto found = pruning.retentions.find(number);
	const TimePoint now = Clock::now();
	if (found != pruning.retentions.end() && now < found->second.asked_at + kAskAgain)
		return {true, found->second.period.count()};
	if (pruning.call == nullptr || pruning.asked != queue) {
		pruning.call.reset();
		pruning.asked = queue;
		pruning.deadline = now + kMostWait;
		pruning.call = queue->client->StartGetQueueAttributes(queue->url);
	}
	while (!pruning.call->done() && Clock::now() < pruning.deadline) {
		if (queue->client->Drive(ShouldStop, pruning.deadline) == aws::Ran::kInterrupted)
			return {};
	}
	const seconds period =
	    pruning.call->done() ? ReadRetention(pruning.call.get()) : kLongestRetention;
	pruning.call.reset();
	pruning.asked.reset();
	pruning.retentions[number] = {period, now};
	return {true, period.count()};
}

seconds RetentionOf(const aws::QueuePtr *queue)
{
	for (;;) {
		pgstat_report_wait_start(PG_WAIT_EXTENSION);
		const Answer answer = Guard([&] { return StepTowardsRetention(*queue); });
		pgstat_report_wait_end();
		if (answer.known)
			return seconds(answer.seconds);
		HandleInterrupts();
	}
}

}  // namespace

void DefineLedgerSettings()
{
	DefineCustomIntVariable("sqs_fdw.ledger_retention",
	    "How long entries of sqs.ledger are kept after their message was sent.",
	    "Zero: for as long as the message's queue keeps messages, and a day.", &ledger_retention_s,
	    0, 0, 366 * 86400, PGC_SIGHUP, GUC_SUPERUSER_ONLY | GUC_UNIT_S, nullptr, nullptr, nullptr);
}

void PruneAsWeGo(const aws::QueuePtr *queue, int64 taken)
{
	const bool due = Guard([] {
		State &pruning = Pruning();
		const TimePoint now = Clock::now();
		if (now < pruning.look_next)
			return false;
		pruning.look_next = now + kLookAgain;
		return true;
	});
	if (!due)
		return;
	const bool configured = ledger_retention_s > 0;
	const TimestampTz now = GetCurrentTimestamp();
	const seconds shortest =
	    configured ? seconds(ledger_retention_s) : kShortestRetention + kMargin;
	if (!HasEntriesBefore(Before(now, shortest)))
		return;
	const seconds retention = configured ? shortest : RetentionOf(queue) + kMargin;

	constexpr int64 kAtLeast = 1000;
	Step step = {};
	step.from = state->resume_from;
	step.before = Before(now, retention);
	step.any_queue = configured;
	step.queue = Guard([&] { return NumberOf(**queue); });
	step.most_deleted = 2 * taken + kAtLeast;
	step.most_seen = 10 * step.most_deleted;
	const StepResult result = RunStep(step);
	state->resume_from = result.finished ? DT_NOBEGIN : result.reached;
	if (!result.finished)
		state->look_next = TimePoint();  // there is more
}

}  // namespace sqs_fdw::pg

using namespace sqs_fdw;
using namespace sqs_fdw::pg;

// prune_ledger() returns bigint
SQS_FDW_FUNCTION(sqs_prune_ledger)
{
	const seconds retention =
	    ledger_retention_s > 0 ? seconds(ledger_retention_s) : kLongestRetention + kMargin;
	Step step = {};
	step.from = DT_NOBEGIN;
	step.before = Before(GetCurrentTimestamp(), retention);
	step.any_queue = true;
	step.most_deleted = PG_INT64_MAX;
	step.most_seen = PG_INT64_MAX;
	PG_RETURN_INT64(RunStep(step).deleted);
}
