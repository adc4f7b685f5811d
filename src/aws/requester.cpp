// The life of an API request: attempts, back-offs, repairs of clock and credentials, its end.
#include "aws/requester.h"

#include "aws/api_error.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <new>
#include <utility>

#include <curl/curl.h>
#include <poll.h>

namespace sqs_fdw::aws {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kService[] = "sqs";

// What servers that have no regions are signed for.
constexpr char kDefaultRegion[] = "us-east-1";

constexpr milliseconds kMaxRetryAfter{20000};

// Where the header that names the action is among the signed ones.
constexpr size_t kTargetHeader = 2;
constexpr std::string_view kTargetPrefix = "AmazonSQS.";

HttpOptions HttpOptionsOf(const ClientOptions &options)
{
	HttpOptions http;
	http.connect_timeout = options.connect_timeout;
	// Receives and deletes have connections of their own; sends open more.
	http.max_connections = 2 * options.max_connections + 2;
	return http;
}

milliseconds RetryAfter(std::string_view text) noexcept
{
	milliseconds::rep value = 0;
	const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
	if (parsed.ec != std::errc() || value < 0)
		return milliseconds{0};
	return std::min(milliseconds(value), kMaxRetryAfter);
}

// How far the server's clock is ahead of the time that a request was signed with.
std::optional<seconds> SecondsOff(const std::string &date, WallTime signed_at)
{
	const time_t server = date.empty() ? -1 : curl_getdate(date.c_str(), nullptr);
	if (server == -1)
		return std::nullopt;
	return std::chrono::duration_cast<seconds>(WallClock::from_time_t(server) - signed_at);
}

// Waits for nothing but time, the stop predicate and signals.
Ran Sleep(const StopPredicate &stop, TimePoint until)
{
	for (;;) {
		if (stop && stop())
			return Ran::kInterrupted;
		const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
		if (left.count() <= 0)
			return Ran::kDeadline;
		poll(nullptr, 0, static_cast<int>(std::min(left, kStopInterval).count()));
	}
}

}  // namespace

struct Requester::Exchange {
	Exchange(Id exchange_id, ApiRequest api_request, ReplyHandler *reply_handler)
	    : id(exchange_id), request(std::move(api_request)), handler(reply_handler)
	{
	}

	FailedRequest Failed() const noexcept
	{
		return {request.purpose, request.carries_secrets, attempts};
	}

	const Id id;
	ApiRequest request;
	ReplyHandler *const handler;
	TransferId transfer = 0;
	int attempts = 0;
	SentTimes sent;
	WallTime signed_at;              // with the clock shift of that time
	uint64_t signed_generation = 0;  // of the credentials
	bool clock_repaired = false;
	bool credentials_repaired = false;
	ErrorClass last_retry = ErrorClass::kNone;
	bool waiting = false;
	TimePoint due;
	std::optional<Error> failure;  // what it ends with when it is due, instead of being sent
	std::string failure_code;
};

Requester::Requester(const ClientOptions &options, std::unique_ptr<CredentialProvider> credentials)
    : options_(options),
      credentials_(std::move(credentials)),
      url_(ResolveSqsEndpoint(options.endpoint).Url()),
      path_(ResolveSqsEndpoint(options.endpoint).path),
      signer_(options.endpoint.region.empty() ? kDefaultRegion : options.endpoint.region, kService),
      reader_(options.verify_md5),
      random_(std::random_device{}()),
      http_(HttpOptionsOf(options))
{
	signing_.method = "POST";
	signing_.path = path_;
	signing_.headers = {
	    {"Host", ResolveSqsEndpoint(options.endpoint).HostHeader()},
	    {"Content-Type", "application/x-amz-json-1.0"},
	    {"X-Amz-Target", ""},
	    {"x-amzn-query-mode", "true"},
	};
}

Requester::~Requester() = default;

Requester::Id Requester::Start(ApiRequest request, ReplyHandler *handler, milliseconds delay)
{
	auto owned = std::make_unique<Exchange>(++serial_, std::move(request), handler);
	Exchange *const exchange = owned.get();
	exchanges_.emplace(exchange->id, std::move(owned));
	if (delay.count() > 0)
		Wait(exchange, delay);
	else
		Send(exchange);
	return exchange->id;
}

void Requester::Cancel(Id id) noexcept
{
	const auto found = exchanges_.find(id);
	if (found == exchanges_.end())
		return;
	http_.Cancel(found->second->transfer);
	Remove(found->second.get());
}

std::unique_ptr<Requester::Exchange> Requester::Remove(Exchange *exchange) noexcept
{
	if (exchange->waiting)
		--waiting_;
	exchange->waiting = false;
	auto node = exchanges_.extract(exchange->id);
	return std::move(node.mapped());
}

void Requester::Wait(Exchange *exchange, milliseconds delay) noexcept
{
	exchange->waiting = true;
	exchange->due = Clock::now() + delay;
	++waiting_;
}

// A failure is kept for the next Drive, since this also runs below Start, whose caller does not
// know the exchange yet.
void Requester::Send(Exchange *exchange)
{
	try {
		Dispatch(exchange);
	} catch (const Error &error) {
		exchange->failure = error;
		exchange->failure_code = CodeOf(error.fault());
		Wait(exchange, milliseconds{0});
	}
}

void Requester::Dispatch(Exchange *exchange)
{
	const WallTime now = WallClock::now();
	signing_.headers[kTargetHeader].second.assign(kTargetPrefix).append(exchange->request.action);
	signing_.body = exchange->request.body;

	HttpRequest http;
	http.url = url_;
	http.headers = signer_.Sign(signing_, credentials_->Get(), now);
	http.body = exchange->request.body;
	http.timeout = exchange->request.timeout;
	http.fresh_connection = exchange->request.at_most_once;

	exchange->signed_at = now + signer_.clock_shift();
	exchange->signed_generation = credentials_generation_;
	exchange->sent.last = Clock::now();
	if (exchange->attempts++ == 0)
		exchange->sent.first = exchange->sent.last;
	++counters_.requests;
	exchange->transfer = http_.Start(std::move(http),
	    [this, exchange](HttpOutcome outcome) { OnOutcome(exchange, std::move(outcome)); });
}

Ran Requester::Drive(const StopPredicate &stop, TimePoint deadline)
{
	const uint64_t ended_before = ended_;
	++counters_.drives;
	for (;;) {
		SendDue(Clock::now());
		if (ended_ != ended_before)
			return Ran::kProgress;
		if (exchanges_.empty())
			return Ran::kIdle;
		const TimePoint until = std::min(deadline, NextDue());
		const Ran ran = http_.active() > 0 ? http_.Run(stop, until) : Sleep(stop, until);
		if (ended_ != ended_before)
			return Ran::kProgress;
		if (ran == Ran::kInterrupted)
			return ran;
		if (Clock::now() >= deadline)
			return Ran::kDeadline;
	}
}

void Requester::SendDue(TimePoint now)
{
	for (auto it = exchanges_.begin(); waiting_ > 0 && it != exchanges_.end();) {
		Exchange *const exchange = it->second.get();
		++it;  // failing removes the exchange
		if (!exchange->waiting || exchange->due > now)
			continue;
		if (exchange->failure) {
			const Error error = *exchange->failure;
			const std::string code = exchange->failure_code;
			Fail(exchange, error, code);
			return;  // its handler may have changed the list; Drive comes again
		}
		exchange->waiting = false;
		--waiting_;
		Send(exchange);
	}
}

TimePoint Requester::NextDue() const noexcept
{
	TimePoint next = TimePoint::max();
	if (waiting_ == 0)
		return next;
	for (const auto &[id, exchange] : exchanges_) {
		if (exchange->waiting)
			next = std::min(next, exchange->due);
	}
	return next;
}

void Requester::OnOutcome(Exchange *exchange, HttpOutcome outcome)
{
	exchange->transfer = 0;
	if (!outcome.ok)
		return OnNoReply(exchange, outcome);
	counters_.bytes_received += static_cast<int64_t>(outcome.reply.body.size());
	if (outcome.reply.status == 200)
		OnSuccess(exchange, &outcome.reply);
	else
		OnRefusal(exchange, &outcome.reply);
}

// The exchange is out of the list while its handler runs, which may start and cancel others.
void Requester::OnSuccess(Exchange *exchange, HttpReply *reply)
{
	std::unique_ptr<Exchange> owned = Remove(exchange);
	const bool last_attempt = exchange->attempts >= options_.max_attempts;
	std::optional<Error> failure;
	try {
		if (exchange->handler->OnReply(reply, exchange->sent) == Verdict::kRetry) {
			const auto delay = last_attempt
			                       ? std::nullopt
			                       : TakeRetry(ErrorClass::kTransient, exchange->attempts - 1);
			if (delay) {
				Wait(exchange, *delay);
				exchanges_[exchange->id] = std::move(owned);
				return;
			}
			HttpOutcome outcome;
			outcome.fault = Fault::kBadReply;
			outcome.what = "The reply is damaged";
			failure = NoReplyError(exchange->Failed(), outcome);
		}
	} catch (const Error &error) {
		failure = error;
	} catch (const std::bad_alloc &) {
		failure = Error(Fault::kOutOfMemory, "out of memory");
	}
	++ended_;
	if (failure)
		exchange->handler->OnError(*failure, CodeOf(failure->fault()));
	else
		quota_.GiveBack(exchange->last_retry);
}

void Requester::OnRefusal(Exchange *exchange, HttpReply *reply)
{
	const ErrorReply refusal = reader_.ReadError(reply);
	const auto seconds_off = SecondsOff(reply->date, exchange->signed_at);
	const ErrorClass error_class =
	    Classify(refusal.code, reply->status, seconds_off.value_or(seconds{0}), refusal.message);
	if (error_class == ErrorClass::kThrottled)
		++counters_.throttled;
	if ((error_class == ErrorClass::kStaleCredentials && RepairCredentials(exchange)) ||
	    (error_class == ErrorClass::kClockSkew && RepairClock(exchange, seconds_off))) {
		++counters_.retries;
		Send(exchange);
		return;
	}
	const Error error =
	    RefusedError(exchange->Failed(), error_class, refusal, *reply, CredentialsIfAny());
	RetryOrFail(exchange, error_class, RetryAfter(reply->retry_after), error,
	    refusal.code.empty() ? CodeOf(error.fault()) : refusal.code);
}

void Requester::OnNoReply(Exchange *exchange, const HttpOutcome &outcome)
{
	const bool unknown_fate = exchange->request.at_most_once && outcome.sent;
	const ErrorClass error_class = outcome.fault == Fault::kUnreachable && !unknown_fate
	                                   ? ErrorClass::kTransient
	                                   : ErrorClass::kPermanent;
	RetryOrFail(exchange, error_class, milliseconds{0}, NoReplyError(exchange->Failed(), outcome),
	    CodeOf(outcome.fault));
}

const Credentials *Requester::CredentialsIfAny()
{
	try {
		return &credentials_->Get();
	} catch (const Error &) {
		return nullptr;
	}
}

// Asks the provider for others, once per request, and once for all that were signed with the same.
bool Requester::RepairCredentials(Exchange *exchange)
{
	if (std::exchange(exchange->credentials_repaired, true))
		return false;
	if (exchange->signed_generation != credentials_generation_)
		return true;
	if (!credentials_->Refresh())
		return false;
	++credentials_generation_;
	return true;
}

bool Requester::RepairClock(Exchange *exchange, std::optional<seconds> seconds_off)
{
	if (!seconds_off || std::exchange(exchange->clock_repaired, true))
		return false;
	const auto server_now = exchange->signed_at + *seconds_off;
	signer_.set_clock_shift(std::chrono::duration_cast<seconds>(server_now - WallClock::now()));
	return true;
}

std::optional<milliseconds> Requester::TakeRetry(ErrorClass error_class, int attempt)
{
	if (!quota_.Take(error_class))
		return std::nullopt;
	++counters_.retries;
	return Backoff(error_class, attempt, Jitter());
}

void Requester::RetryOrFail(Exchange *exchange, ErrorClass error_class, milliseconds at_least,
    const Error &error, const std::string &code)
{
	const bool may_help =
	    error_class == ErrorClass::kTransient || error_class == ErrorClass::kThrottled;
	if (!may_help || exchange->attempts >= options_.max_attempts)
		return Fail(exchange, error, code);
	if (const auto delay = TakeRetry(error_class, exchange->attempts - 1)) {
		exchange->last_retry = error_class;
		return Wait(exchange, std::max(*delay, at_least));
	}
	if (!exchange->request.long_poll)
		return Fail(exchange, error, code);
	// The caller will poll again whatever happens: let it not do so at once.
	exchange->failure = error;
	exchange->failure_code = code;
	Wait(exchange, std::max(Backoff(error_class, exchange->attempts - 1, Jitter()), at_least));
}

void Requester::Fail(Exchange *exchange, const Error &error, const std::string &code)
{
	const std::unique_ptr<Exchange> owned = Remove(exchange);
	++ended_;
	owned->handler->OnError(error, code);
}

}  // namespace sqs_fdw::aws
