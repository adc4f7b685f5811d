// Deletes and releases received messages, many at a time, within a deadline, and keeps what is
// left.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aws/handle.h"
#include "aws/receiver.h"
#include "aws/sqs.h"
#include "base/clock.h"

namespace sqs_fdw::aws {

// A queue that messages were received from, and the client that received them.
struct Queue {
	std::shared_ptr<Client> client;
	std::string url;
	std::string name;  // as a person knows it
};

using QueuePtr = std::shared_ptr<const Queue>;

// Until when a Run may work on each kind of request.
struct SettlementDeadlines {
	TimePoint deletes;
	TimePoint releases;
};

struct SettlementCounts {
	int64_t deleted = 0;
	int64_t released = 0;
	int64_t dead_handles = 0;      // SQS no longer knows the handle: nothing to do any more
	int64_t given_up_deletes = 0;  // failed kTries times
	int64_t given_up_releases = 0;
	int64_t delete_failures = 0;
};

// What remains to be told SQS about received messages. Entries are added while a transaction ends;
// Run sends them in batches of ten over parallel connections. Entries that could not be sent in
// time, or failed, stay for the next Run, up to kTries times.
class Settlement {
public:
	static constexpr int kTries = 3;

	Settlement();
	~Settlement();
	Settlement(const Settlement &) = delete;
	Settlement &operator=(const Settlement &) = delete;

	void Delete(const QueuePtr &queue, Handle handle);
	void Release(const QueuePtr &queue, Handle handle, std::chrono::seconds delay);

	// Takes over a receiver whose scan has ended. Its polls may still bring messages, some of them
	// perhaps just released: they are released at once. Polls are waited for only where they will
	// end in time or where a release may have woken them.
	void Drain(const QueuePtr &queue, std::unique_ptr<Receiver> receiver);

	// Works until everything is done (true), `stop` returns true, or the deadlines pass. Throws
	// nothing but std::bad_alloc: failures are counted, and the first is kept in failure().
	bool Run(const StopPredicate &stop, const SettlementDeadlines &deadlines);

	bool empty() const noexcept;
	int64_t deletes_left() const noexcept;
	int64_t releases_left() const noexcept;

	// What the Runs did since the last TakeCounts; and why the first failure of that time failed.
	SettlementCounts TakeCounts() noexcept;
	const std::string &failure() const noexcept { return failure_; }

private:
	struct Lane;

	Lane &LaneOf(const QueuePtr &queue);
	bool Advance(Lane &lane, const SettlementDeadlines &deadlines, TimePoint now);

	std::map<QueuePtr, std::unique_ptr<Lane>> lanes_;
	SettlementCounts counts_;
	std::string failure_;
};

}  // namespace sqs_fdw::aws
