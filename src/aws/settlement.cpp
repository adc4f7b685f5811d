// Settlement: batches of deletes and visibility changes over parallel connections.
#include "aws/settlement.h"

#include <algorithm>
#include <set>
#include <utility>

namespace sqs_fdw::aws {

namespace {

// How long one client is driven before the next, where several have work.
constexpr std::chrono::milliseconds kTurn{5};

struct Deletion {
	Handle handle;
	int tries = 0;
};

struct Release {
	Handle handle;
	std::chrono::seconds delay{0};
	int tries = 0;
};

// One batch request under way, with the entries it carries.
template <class Entry>
struct Request {
	std::vector<Entry> entries;
	CallPtr<std::vector<EntryResult>> call;  // reads the entries' handles
};

CallPtr<std::vector<EntryResult>> Send(const Queue &queue, const std::vector<Deletion> &entries)
{
	std::vector<std::string_view> handles;
	handles.reserve(entries.size());
	for (const Deletion &entry : entries)
		handles.push_back(entry.handle.text());
	return queue.client->StartDelete(queue.url, std::move(handles));
}

CallPtr<std::vector<EntryResult>> Send(const Queue &queue, const std::vector<Release> &entries)
{
	std::vector<VisibilityChange> changes;
	changes.reserve(entries.size());
	for (const Release &entry : entries)
		changes.push_back({entry.handle.text(), entry.delay});
	return queue.client->StartChangeVisibility(queue.url, std::move(changes));
}

// What one finished request did.
struct BatchOutcome {
	int64_t done = 0;
	int64_t dead = 0;
	int64_t failed = 0;
	int64_t given_up = 0;
	std::string failure;
};

// The entries of one kind: those that wait, those that failed and wait for the next Run, and the
// requests under way.
template <class Entry>
class Work {
public:
	void Add(Entry entry) { waiting_.push_back(std::move(entry)); }

	// Entries that failed earlier get another try.
	void NewRun()
	{
		std::move(failed_.begin(), failed_.end(), std::back_inserter(waiting_));
		failed_.clear();
		failed_requests_ = 0;
	}

	void StartRequests(const Queue &queue)
	{
		const auto most = static_cast<size_t>(queue.client->options().max_connections);
		while (!waiting_.empty() && requests_.size() < most && !broken(most)) {
			Request<Entry> request;
			const size_t count = std::min<size_t>(waiting_.size(), kBatchEntries);
			const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
			request.entries.assign(
			    std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
			waiting_.erase(waiting_.begin(), end);
			request.call = Send(queue, request.entries);
			requests_.push_back(std::move(request));
		}
	}

	void Collect(BatchOutcome *outcome)
	{
		for (size_t i = 0; i < requests_.size();) {
			if (!requests_[i].call->done()) {
				++i;
				continue;
			}
			Request<Entry> finished = std::move(requests_[i]);
			requests_[i] = std::move(requests_.back());
			requests_.pop_back();
			Finish(std::move(finished), outcome);
		}
	}

	// Whether anything can still be done in this Run.
	bool busy(const Queue &queue) const noexcept
	{
		const auto most = static_cast<size_t>(queue.client->options().max_connections);
		return !requests_.empty() || (!waiting_.empty() && !broken(most));
	}

	size_t left() const noexcept
	{
		size_t count = waiting_.size() + failed_.size();
		for (const Request<Entry> &request : requests_)
			count += request.entries.size();
		return count;
	}

private:
	// After so many requests in a row that failed whole, the rest would fail, too.
	bool broken(size_t most) const noexcept { return failed_requests_ >= most; }

	void Finish(Request<Entry> request, BatchOutcome *outcome)
	{
		std::vector<EntryResult> results;
		try {
			results = request.call->Take();
			failed_requests_ = 0;
		} catch (const Error &error) {
			++failed_requests_;
			if (outcome->failure.empty())
				outcome->failure = std::string(error.what()) + ". " + error.detail();
		}
		for (size_t i = 0; i < request.entries.size(); ++i) {
			const bool answered = i < results.size();
			if (answered && results[i].state == EntryResult::State::kDone)
				++outcome->done;
			else if (answered && results[i].state == EntryResult::State::kDeadHandle)
				++outcome->dead;
			else
				KeepFailed(std::move(request.entries[i]), outcome,
				    answered ? results[i].code : std::string());
		}
	}

	void KeepFailed(Entry entry, BatchOutcome *outcome, const std::string &code)
	{
		if (outcome->failure.empty() && !code.empty())
			outcome->failure = "SQS answered " + code + ".";
		++outcome->failed;
		if (++entry.tries >= Settlement::kTries)
			++outcome->given_up;
		else
			failed_.push_back(std::move(entry));
	}

	std::deque<Entry> waiting_;
	std::vector<Entry> failed_;
	std::vector<Request<Entry>> requests_;
	size_t failed_requests_ = 0;
};

}  // namespace

// Everything that concerns one queue.
struct Settlement::Lane {
	explicit Lane(QueuePtr of) : queue(std::move(of)) {}

	QueuePtr queue;
	Work<Deletion> deletions;
	Work<aws::Release> releases;
	std::vector<std::unique_ptr<Receiver>> receivers;
	bool released_in_run = false;

	bool empty() const noexcept
	{
		return deletions.left() == 0 && releases.left() == 0 && receivers.empty();
	}

	// Whether a poll under way is worth waiting for: it ends in time, or may hold what was
	// released.
	bool PollsWorthWaiting(TimePoint deadline) const noexcept
	{
		return std::any_of(receivers.begin(), receivers.end(), [&](const auto &receiver) {
			return released_in_run || receiver->PollsEndBy() <= deadline;
		});
	}

	void CollectStragglers()
	{
		for (auto &receiver : receivers) {
			try {
				receiver->Pump();
			} catch (const Error &) {
				// A poll that failed brought nothing; its messages, if any, come back by
				// themselves.
			}
			while (const auto batch = receiver->Next()) {
				HandleBlock handles(batch->messages);
				for (const Message &message : batch->messages)
					releases.Add({handles.Next(message), std::chrono::seconds(0)});
			}
		}
		receivers.erase(std::remove_if(receivers.begin(), receivers.end(),
		                    [](const auto &receiver) { return receiver->polls_under_way() == 0; }),
		    receivers.end());
	}
};

Settlement::Settlement() = default;
Settlement::~Settlement() = default;

Settlement::Lane &Settlement::LaneOf(const QueuePtr &queue)
{
	auto &lane = lanes_[queue];
	if (lane == nullptr)
		lane = std::make_unique<Lane>(queue);
	return *lane;
}

void Settlement::Delete(const QueuePtr &queue, Handle handle)
{
	LaneOf(queue).deletions.Add({std::move(handle)});
}

void Settlement::Release(const QueuePtr &queue, Handle handle, std::chrono::seconds delay)
{
	LaneOf(queue).releases.Add({std::move(handle), delay});
}

void Settlement::Drain(const QueuePtr &queue, std::unique_ptr<Receiver> receiver)
{
	receiver->Stop();
	LaneOf(queue).receivers.push_back(std::move(receiver));
}

// Collects what ended and starts what may start; whether the lane has more to do in this Run.
bool Settlement::Advance(Lane &lane, const SettlementDeadlines &deadlines, TimePoint now)
{
	BatchOutcome deletes;
	BatchOutcome releases;
	lane.deletions.Collect(&deletes);
	lane.releases.Collect(&releases);
	lane.CollectStragglers();

	counts_.deleted += deletes.done;
	counts_.released += releases.done;
	counts_.dead_handles += deletes.dead + releases.dead;
	counts_.given_up_deletes += deletes.given_up;
	counts_.given_up_releases += releases.given_up;
	counts_.delete_failures += deletes.failed;
	if (failure_.empty())
		failure_ = deletes.failure.empty() ? releases.failure : deletes.failure;
	lane.released_in_run = lane.released_in_run || releases.done > 0;

	bool busy = false;
	if (now < deadlines.deletes) {
		lane.deletions.StartRequests(*lane.queue);
		busy = lane.deletions.busy(*lane.queue);
	}
	if (now < deadlines.releases) {
		lane.releases.StartRequests(*lane.queue);
		busy =
		    busy || lane.releases.busy(*lane.queue) || lane.PollsWorthWaiting(deadlines.releases);
	}
	return busy;
}

bool Settlement::Run(const StopPredicate &stop, const SettlementDeadlines &deadlines)
{
	for (auto &[queue, lane] : lanes_) {
		lane->deletions.NewRun();
		lane->releases.NewRun();
		lane->released_in_run = false;
		// What has arrived since the last Run would otherwise wait for a reason to look.
		if (!lane->receivers.empty())
			queue->client->Drive(stop, Clock::now());
	}
	const TimePoint first = std::min(deadlines.deletes, deadlines.releases);
	const TimePoint last = std::max(deadlines.deletes, deadlines.releases);
	for (;;) {
		const TimePoint now = Clock::now();
		const TimePoint until = now < first ? first : last;
		std::set<Client *> busy;
		for (auto &[queue, lane] : lanes_) {
			if (Advance(*lane, deadlines, now))
				busy.insert(queue->client.get());
		}
		if (busy.empty() || now >= last || stop())
			break;
		for (Client *client : busy) {
			const TimePoint turn = busy.size() == 1 ? until : std::min(until, now + kTurn);
			if (client->Drive(stop, turn) == Ran::kInterrupted)
				break;
		}
	}
	for (auto lane = lanes_.begin(); lane != lanes_.end();)
		lane = lane->second->empty() ? lanes_.erase(lane) : std::next(lane);
	return lanes_.empty();
}

bool Settlement::empty() const noexcept
{
	return lanes_.empty();
}

int64_t Settlement::deletes_left() const noexcept
{
	int64_t left = 0;
	for (const auto &[queue, lane] : lanes_)
		left += static_cast<int64_t>(lane->deletions.left());
	return left;
}

int64_t Settlement::releases_left() const noexcept
{
	int64_t left = 0;
	for (const auto &[queue, lane] : lanes_)
		left += static_cast<int64_t>(lane->releases.left());
	return left;
}

SettlementCounts Settlement::TakeCounts() noexcept
{
	failure_.clear();
	return std::exchange(counts_, SettlementCounts{});
}

}  // namespace sqs_fdw::aws
