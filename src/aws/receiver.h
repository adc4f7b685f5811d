// A fleet of long polls on one queue that grows while it is full and shrinks while it is not.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/sqs.h"

namespace sqs_fdw::aws {

struct ReceiverOptions {
	ReceiveRequest request;  // its max_messages is the most of one reply
	int max_polls = 16;
	bool until_empty = false;  // the first empty reply stops the receiver
	// Messages and bytes that may wait in the receiver; a poll under way counts as a full reply.
	int64_t buffer_messages = 1000;
	int64_t buffer_bytes = 64 << 20;
};

// Keeps polls open and hands replies on as they come, in the order of their arrival. One poll
// while nothing is known; one more for each full reply, up to max_polls; fewer after replies that
// were not full. One slow poll never blocks another. The owner drives the client.
class Receiver {
public:
	// Starts nothing before the first Pump.
	Receiver(std::shared_ptr<Client> client, ReceiverOptions options);
	~Receiver();  // cancels polls under way
	Receiver(const Receiver &) = delete;
	Receiver &operator=(const Receiver &) = delete;

	// The most messages to ask for from now on, polls under way included; no limit at first. Less
	// than what is already asked for asks for nothing more.
	void set_wanted(int64_t messages) noexcept { wanted_ = messages; }

	// Collects finished polls and starts new ones as budgets allow. Throws the Error of a failed
	// poll once what arrived before it has been handed on. Call before and after Client::Drive.
	void Pump();

	// The oldest reply that has messages, or null.
	std::unique_ptr<ReceivedBatch> Next();

	// Starts no more polls; those under way go on and are still handed on. A poll that was never
	// driven is dropped: it would only receive again what its scan is about to release.
	void Stop() noexcept;

	// Whether a poll came back empty.
	bool saw_empty() const noexcept { return saw_empty_; }

	size_t polls_under_way() const noexcept { return polls_.size(); }
	bool has_buffered() const noexcept { return !ready_.empty(); }

	// The moment by which the last poll under way should have ended if nothing arrives.
	TimePoint PollsEndBy() const noexcept;

	int64_t empty_polls() const noexcept { return empty_polls_; }
	int64_t messages() const noexcept { return messages_; }

	const std::shared_ptr<Client> &client() const noexcept { return client_; }
	const std::string &queue_url() const noexcept { return options_.request.queue_url; }

private:
	struct Poll {
		CallPtr<ReceivedBatch> call;
		TimePoint started;
		int asked = 0;
		int64_t drives = 0;  // of the client, when it was started
	};

	void Collect();
	void Keep(std::unique_ptr<ReceivedBatch> batch, int asked);
	int MessagesToAskFor() const noexcept;

	std::shared_ptr<Client> client_;
	ReceiverOptions options_;
	std::vector<Poll> polls_;
	std::deque<std::unique_ptr<ReceivedBatch>> ready_;
	int64_t wanted_ = INT64_MAX;
	int64_t asked_ = 0;             // by the polls under way
	int64_t full_reply_bytes_ = 0;  // what a full reply is expected to need
	int64_t buffered_messages_ = 0;
	int64_t buffered_bytes_ = 0;
	int64_t empty_polls_ = 0;
	int64_t messages_ = 0;
	int target_polls_ = 1;
	std::optional<Error> error_;  // of a poll, until what came before it is handed on
	bool stopped_ = false;
	bool saw_empty_ = false;
};

}  // namespace sqs_fdw::aws
