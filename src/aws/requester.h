// API requests of one client: signed, sent, retried, and driven beside each other.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/http.h"
#include "aws/json.h"
#include "aws/retry.h"
#include "aws/sigv4.h"
#include "aws/sqs.h"
#include "base/clock.h"
#include "base/error.h"

namespace sqs_fdw::aws {

// One API request before it is signed.
struct ApiRequest {
	std::string_view action;   // "ReceiveMessage"; a literal
	std::string_view purpose;  // "receive from SQS"; a literal, completes "could not"
	std::string body;
	std::chrono::milliseconds timeout{10000};
	bool long_poll = false;        // sleeps its back-off even where the quota allows no retry
	bool carries_secrets = false;  // receipt handles or message bodies
	// Must not happen twice unnoticed: a connection of its own, and no retry once it may have
	// arrived and nobody answered.
	bool at_most_once = false;
};

// When the attempts of a request were sent.
struct SentTimes {
	TimePoint first;
	TimePoint last;
};

enum class Verdict { kAccepted, kRetry };

// Whoever waits for a request. Called from Drive; both members may start and cancel requests.
class ReplyHandler {
public:
	virtual ~ReplyHandler() = default;

	// A reply of status 200. kRetry says that it is damaged and asks for another attempt; OnError
	// follows if there is none left, or if this throws an Error.
	virtual Verdict OnReply(HttpReply *reply, const SentTimes &sent) = 0;

	// It failed for good. `code` is SQS's, or CodeOf the fault.
	virtual void OnError(const Error &error, const std::string &code) = 0;
};

// Owns the transport, the signer and the retry quota of one client. Not thread-safe.
class Requester {
public:
	using Id = uint64_t;

	// Throws Error(kInvalid) for options that name no endpoint.
	Requester(const ClientOptions &options, std::unique_ptr<CredentialProvider> credentials);
	~Requester();
	Requester(const Requester &) = delete;
	Requester &operator=(const Requester &) = delete;

	// Begins a request, or sets it aside for a while. `handler` must stay until the end of the
	// request or its Cancel. Failures come through the handler too.
	Id Start(ApiRequest request, ReplyHandler *handler,
	    std::chrono::milliseconds delay = std::chrono::milliseconds{0});
	void Cancel(Id id) noexcept;

	// As Client::Drive.
	Ran Drive(const StopPredicate &stop, TimePoint deadline);

	// The back-off before a retry that does not repeat a whole request; nothing where the quota
	// allows none.
	std::optional<std::chrono::milliseconds> TakeRetry(ErrorClass error_class, int attempt);

	const ClientOptions &options() const noexcept { return options_; }
	ClientCounters &counters() noexcept { return counters_; }
	ReplyReader &reader() noexcept { return reader_; }

private:
	struct Exchange;
	using Exchanges = std::map<Id, std::unique_ptr<Exchange>>;

	void Send(Exchange *exchange);
	void Dispatch(Exchange *exchange);
	void Wait(Exchange *exchange, std::chrono::milliseconds delay) noexcept;
	void SendDue(TimePoint now);
	TimePoint NextDue() const noexcept;
	void OnOutcome(Exchange *exchange, HttpOutcome outcome);
	void OnSuccess(Exchange *exchange, HttpReply *reply);
	void OnRefusal(Exchange *exchange, HttpReply *reply);
	void OnNoReply(Exchange *exchange, const HttpOutcome &outcome);
	const Credentials *CredentialsIfAny();
	bool RepairCredentials(Exchange *exchange);
	bool RepairClock(Exchange *exchange, std::optional<std::chrono::seconds> seconds_off);
	void RetryOrFail(Exchange *exchange, ErrorClass error_class, std::chrono::milliseconds at_least,
	    const Error &error, const std::string &code);
	void Fail(Exchange *exchange, const Error &error, const std::string &code);
	std::unique_ptr<Exchange> Remove(Exchange *exchange) noexcept;
	double Jitter() { return std::uniform_real_distribution<double>()(random_); }

	const ClientOptions options_;
	const std::unique_ptr<CredentialProvider> credentials_;
	const std::string url_;
	const std::string path_;
	SigningInput signing_;  // the headers that all requests share; see Send
	Signer signer_;
	RetryQuota quota_;
	ReplyReader reader_;
	ClientCounters counters_;
	std::mt19937 random_;
	Id serial_ = 0;
	uint64_t ended_ = 0;                   // requests since the beginning
	uint64_t credentials_generation_ = 0;  // refreshes since the beginning
	int waiting_ = 0;                      // how many exchanges are set aside
	Exchanges exchanges_;
	Http http_;  // last: its transfers call back into the rest
};

}  // namespace sqs_fdw::aws
