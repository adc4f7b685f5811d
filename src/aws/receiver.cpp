// How many polls to keep open, and what their ends mean.
#include "aws/receiver.h"

#include <algorithm>
#include <utility>

namespace sqs_fdw::aws {

namespace {

// What one message is taken to need before any was seen.
constexpr int64_t kFirstMessageBytes = 4096;

}  // namespace

Receiver::Receiver(std::shared_ptr<Client> client, ReceiverOptions options)
    : client_(std::move(client)), options_(std::move(options))
{
	full_reply_bytes_ = kFirstMessageBytes * options_.request.max_messages;
}

Receiver::~Receiver() = default;

void Receiver::Pump()
{
	Collect();
	if (error_ && ready_.empty()) {
		const Error error = std::move(*error_);
		error_.reset();
		throw error;
	}
	while (!stopped_ && !error_ && polls_under_way() < static_cast<size_t>(target_polls_)) {
		const int messages = MessagesToAskFor();
		if (messages == 0)
			return;
		ReceiveRequest request = options_.request;
		request.max_messages = messages;
		asked_ += messages;
		polls_.push_back(
		    {client_->StartReceive(request), Clock::now(), messages, client_->counters().drives});
	}
}

void Receiver::Stop() noexcept
{
	stopped_ = true;
	for (size_t i = 0; i < polls_.size();) {
		if (polls_[i].drives != client_->counters().drives) {
			++i;
			continue;
		}
		asked_ -= polls_[i].asked;
		polls_.erase(polls_.begin() + static_cast<ptrdiff_t>(i));
	}
}

void Receiver::Collect()
{
	for (size_t i = 0; i < polls_.size();) {
		if (!polls_[i].call->done()) {
			++i;
			continue;
		}
		Poll poll = std::move(polls_[i]);
		polls_.erase(polls_.begin() + static_cast<ptrdiff_t>(i));
		asked_ -= poll.asked;
		try {
			Keep(std::make_unique<ReceivedBatch>(poll.call->Take()), poll.asked);
		} catch (const Error &error) {
			target_polls_ = 1;
			if (!error_)
				error_ = error;
		}
	}
}

void Receiver::Keep(std::unique_ptr<ReceivedBatch> batch, int asked)
{
	const auto count = static_cast<int64_t>(batch->messages.size());
	if (count == 0) {
		++empty_polls_;
		saw_empty_ = true;
		stopped_ = stopped_ || options_.until_empty;
		target_polls_ = 1;
		return;
	}
	target_polls_ =
	    std::clamp(target_polls_ + (count >= asked ? 1 : -1), 1, std::max(options_.max_polls, 1));
	const auto bytes = static_cast<int64_t>(batch->storage_size);
	// The largest of late: it falls by an eighth with each reply that is smaller.
	full_reply_bytes_ = std::max(
	    bytes * options_.request.max_messages / count, full_reply_bytes_ - full_reply_bytes_ / 8);
	messages_ += count;
	buffered_messages_ += count;
	buffered_bytes_ += bytes;
	if (wanted_ != INT64_MAX)
		wanted_ = std::max<int64_t>(wanted_ - count, 0);
	ready_.push_back(std::move(batch));
}

// 0: none, because no more are wanted or a budget is used up. One poll is always allowed where
// nothing waits, since a budget below one reply would otherwise stop everything.
int Receiver::MessagesToAskFor() const noexcept
{
	const int64_t most = options_.request.max_messages;
	const int64_t still_wanted = wanted_ == INT64_MAX ? most : wanted_ - asked_;
	const int64_t messages = std::min(most, still_wanted);
	if (messages <= 0)
		return 0;
	if (polls_.empty() && ready_.empty())
		return static_cast<int>(messages);
	const auto replies = static_cast<int64_t>(polls_.size()) + 1;
	const bool fits = buffered_messages_ + asked_ + messages <= options_.buffer_messages &&
	                  buffered_bytes_ + replies * full_reply_bytes_ <= options_.buffer_bytes;
	return fits ? static_cast<int>(messages) : 0;
}

std::unique_ptr<ReceivedBatch> Receiver::Next()
{
	if (ready_.empty())
		return nullptr;
	std::unique_ptr<ReceivedBatch> batch = std::move(ready_.front());
	ready_.pop_front();
	buffered_messages_ -= static_cast<int64_t>(batch->messages.size());
	buffered_bytes_ -= static_cast<int64_t>(batch->storage_size);
	return batch;
}

TimePoint Receiver::PollsEndBy() const noexcept
{
	TimePoint end = Clock::now();
	for (const Poll &poll : polls_)
		end = std::max(end, poll.started + options_.request.wait);
	return end;
}

}  // namespace sqs_fdw::aws
