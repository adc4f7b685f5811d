// When to try again: error classes and back-off as pure arithmetic.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace sqs_fdw::aws {

enum class ErrorClass {
	kNone,
	kThrottled,         // retry, 1 s base
	kTransient,         // retry, 50 ms base
	kStaleCredentials,  // refresh once, then fail
	kClockSkew,         // shift the signing clock, retry at once
	kDeadHandle,        // drop the receipt handle, count it
	kPermanent,
};

// Classifies by code, never by status: throttling arrives as HTTP 403. Codes are bare, without
// namespace ("QueueDoesNotExist"), in either of their names (JSON's and Query's). The status only
// decides where there is no code, or none that is known; 0 is no reply. `seconds_off`: how far the
// reply's Date is from the signing time, which tells a wrong clock from a wrong secret. `message`
// is looked at only for InvalidParameterValue about a receipt handle.
ErrorClass Classify(
    std::string_view code, long status, std::chrono::seconds seconds_off, std::string_view message);

// The fault that a failed request ends as, once retries are used up.
Fault FaultFor(ErrorClass error_class, std::string_view code, long status);

// What a person can do about it; empty where there is nothing better than the message.
const char *HintFor(Fault fault, std::string_view code);

// Full jitter: a uniform number of [0, 1) times min(base * 2^attempt, 20 s); attempt counts from 0.
// Zero for classes other than kThrottled and kTransient.
std::chrono::milliseconds Backoff(ErrorClass error_class, int attempt, double jitter);

// The retries that one client may spend: 500 tokens, 14 for a transient and 5 for a throttled
// retry, given back when a request succeeds; a success without retry (kNone) gives 1, so that a
// quota that failures used up recovers. Where it is empty nobody retries; a long poll still sleeps
// its back-off. Other classes cost nothing.
class RetryQuota {
public:
	bool Take(ErrorClass error_class) noexcept;
	void GiveBack(ErrorClass of_last_retry) noexcept;
	int tokens() const noexcept { return tokens_; }

private:
	static constexpr int kCapacity = 500;
	int tokens_ = kCapacity;
};

}  // namespace sqs_fdw::aws
