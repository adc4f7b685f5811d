// The table of SQS's error codes, and the arithmetic of retries.
#include "aws/retry.h"

#include <algorithm>
#include <string>

namespace sqs_fdw::aws {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kThrottledBase{1000};
constexpr milliseconds kTransientBase{50};
constexpr milliseconds kMaxBackoff{20000};
constexpr int kThrottledCost = 5;
constexpr int kTransientCost = 14;
constexpr int kSuccessBonus = 1;  // for a request that needed no retry

// A signature is dated; AWS accepts 5 minutes. A host that is further off than this has a wrong
// clock, and one that is not has a wrong secret.
constexpr seconds kWrongClock = std::chrono::minutes(4);

constexpr const char *kNoHint = "";
constexpr const char *kCheckKeys =
    "Check access_key_id, secret_access_key and session_token of the user mapping, and the "
    "server's "
    "option region.";
constexpr const char *kCheckSecret =
    "Check secret_access_key of the user mapping, the server's option region, and this host's "
    "clock.";
constexpr const char *kNewKeys =
    "Temporary credentials end: put new ones into the user mapping with ALTER USER MAPPING.";
constexpr const char *kCheckClock =
    "Check this host's clock; AWS accepts five minutes of difference.";
constexpr const char *kCheckIam =
    "Allow the actions sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility, "
    "sqs:GetQueueUrl and sqs:GetQueueAttributes on the queue, in IAM and in the queue's policy.";
constexpr const char *kCheckKms =
    "The queue is encrypted with a KMS key: check that the key is enabled, and allow kms:Decrypt "
    "on it.";
constexpr const char *kCheckQueue =
    "Check the queue's name, account and region; a queue that was just made or deleted takes up to "
    "a minute to show.";
constexpr const char *kSlowDown =
    "Use fewer connections (the server's option max_connections), or try again later.";
constexpr const char *kInFlight =
    "Too many messages of the queue are in flight: let other consumers delete or release theirs, "
    "or "
    "wait until their visibility timeouts end.";
constexpr const char *kCheckAccount =
    "The AWS account is not signed up for this service, or the region is not enabled in it.";
constexpr const char *kCheckAddress =
    "Check that the queue's URL is of the server's region and account.";
constexpr const char *kUseTls = "Use an https endpoint with an up-to-date TLS library.";
constexpr const char *kCheckServer =
    "Check the server's options endpoint and region, and the network between this host and it.";

// A signature that does not match is a wrong clock or a wrong secret; Classify tells which.
enum class Meaning { kPlain, kSignature, kParameter };

// One code in one of its names. A * at its end stands for anything that follows.
struct Code {
	std::string_view name;
	ErrorClass error_class;
	Fault fault;
	const char *hint;
	Meaning meaning = Meaning::kPlain;
};

constexpr auto kThrottled = ErrorClass::kThrottled;
constexpr auto kTransient = ErrorClass::kTransient;
constexpr auto kStale = ErrorClass::kStaleCredentials;
constexpr auto kSkew = ErrorClass::kClockSkew;
constexpr auto kDead = ErrorClass::kDeadHandle;
constexpr auto kPermanent = ErrorClass::kPermanent;

// The codes of the SQS API model and AWS's common errors, in the names of the JSON and the Query
// protocol. The first row that fits counts.
constexpr Code kCodes[] = {
    // Asked to slow down.
    {"RequestThrottled*", kThrottled, Fault::kThrottled, kSlowDown},
    {"Throttling*", kThrottled, Fault::kThrottled, kSlowDown},
    {"ThrottledException", kThrottled, Fault::kThrottled, kSlowDown},
    {"KmsThrottled", kThrottled, Fault::kThrottled, kSlowDown},
    {"KMS.ThrottlingException", kThrottled, Fault::kThrottled, kSlowDown},
    {"OverLimit", kThrottled, Fault::kThrottled, kInFlight},
    {"TooManyRequests*", kThrottled, Fault::kThrottled, kSlowDown},
    {"SlowDown", kThrottled, Fault::kThrottled, kSlowDown},
    {"LimitExceeded*", kThrottled, Fault::kThrottled, kSlowDown},
    {"RequestLimitExceeded", kThrottled, Fault::kThrottled, kSlowDown},
    {"BandwidthLimitExceeded", kThrottled, Fault::kThrottled, kSlowDown},
    {"ProvisionedThroughputExceeded*", kThrottled, Fault::kThrottled, kSlowDown},
    {"PriorRequestNotComplete", kThrottled, Fault::kThrottled, kSlowDown},

    // AWS's own trouble.
    {"InternalFailure", kTransient, Fault::kUnreachable, kCheckServer},
    {"InternalError", kTransient, Fault::kUnreachable, kCheckServer},
    {"InternalServerError", kTransient, Fault::kUnreachable, kCheckServer},
    {"InternalServerException", kTransient, Fault::kUnreachable, kCheckServer},
    {"InternalServiceError", kTransient, Fault::kUnreachable, kCheckServer},
    {"ServiceUnavailable*", kTransient, Fault::kUnreachable, kCheckServer},
    {"RequestTimeout*", kTransient, Fault::kUnreachable, kCheckServer},

    // Credentials and signatures.
    {"ExpiredToken*", kStale, Fault::kDenied, kNewKeys},
    {"InvalidToken", kStale, Fault::kDenied, kCheckKeys},
    {"UnrecognizedClient*", kStale, Fault::kDenied, kCheckKeys},
    {"InvalidClientTokenId", kStale, Fault::kDenied, kCheckKeys},
    {"InvalidAccessKeyId", kStale, Fault::kDenied, kCheckKeys},
    {"RequestTimeTooSkewed", kSkew, Fault::kDenied, kCheckClock},
    {"RequestExpired", kSkew, Fault::kDenied, kCheckClock},
    {"RequestInTheFuture", kSkew, Fault::kDenied, kCheckClock},
    {"InvalidSignature*", kPermanent, Fault::kDenied, kCheckSecret, Meaning::kSignature},
    {"SignatureDoesNotMatch*", kPermanent, Fault::kDenied, kCheckSecret, Meaning::kSignature},
    {"AuthFailure", kPermanent, Fault::kDenied, kCheckKeys},
    {"IncompleteSignature*", kPermanent, Fault::kDenied, kCheckKeys},
    {"MissingAuthenticationToken*", kPermanent, Fault::kDenied, kCheckKeys},
    {"NotAuthorized*", kPermanent, Fault::kDenied, kCheckIam},
    {"OptInRequired*", kPermanent, Fault::kDenied, kCheckAccount},
    {"SubscriptionRequired*", kPermanent, Fault::kDenied, kCheckAccount},

    // Permissions.
    {"AccessDenied*", kPermanent, Fault::kDenied, kCheckIam},
    {"AuthorizationError*", kPermanent, Fault::kDenied, kCheckIam},
    {"UnauthorizedOperation", kPermanent, Fault::kDenied, kCheckIam},
    {"UnauthorizedAccess", kPermanent, Fault::kDenied, kCheckIam},
    {"KmsOptInRequired", kPermanent, Fault::kDenied, kCheckAccount},
    {"KMS.OptInRequired", kPermanent, Fault::kDenied, kCheckAccount},
    {"Kms*", kPermanent, Fault::kDenied, kCheckKms},
    {"KMS*", kPermanent, Fault::kDenied, kCheckKms},
    {"InvalidSecurity", kPermanent, Fault::kDenied, kUseTls},

    // The queue.
    {"QueueDoesNotExist", kPermanent, Fault::kNoSuchQueue, kCheckQueue},
    {"NonExistentQueue", kPermanent, Fault::kNoSuchQueue, kCheckQueue},
    {"QueueDeletedRecently", kPermanent, Fault::kNoSuchQueue, kCheckQueue},
    {"InvalidAddress", kPermanent, Fault::kNoSuchQueue, kCheckAddress},

    // Receipt handles.
    {"ReceiptHandleIsInvalid", kDead, Fault::kInvalid, kNoHint},
    {"MessageNotInflight", kDead, Fault::kInvalid, kNoHint},
    {"InvalidParameterValue*", kPermanent, Fault::kInvalid, kNoHint, Meaning::kParameter},

    // What is not an SQS server, or not one of this version.
    {"UnknownOperation*", kPermanent, Fault::kUnsupported, kCheckServer},
    {"InvalidAction*", kPermanent, Fault::kUnsupported, kCheckServer},
    {"UnsupportedOperation", kPermanent, Fault::kUnsupported, kNoHint},
};

bool StartsWith(std::string_view text, std::string_view prefix) noexcept
{
	return text.substr(0, prefix.size()) == prefix;
}

bool Names(std::string_view name, std::string_view code) noexcept
{
	if (name.back() != '*')
		return name == code;
	return StartsWith(code, name.substr(0, name.size() - 1));
}

// Without the namespaces of either protocol.
std::string_view Bare(std::string_view code) noexcept
{
	constexpr std::string_view kQueryNamespace = "AWS.SimpleQueueService.";
	code.remove_prefix(code.rfind('#') + 1);
	if (StartsWith(code, kQueryNamespace))
		code.remove_prefix(kQueryNamespace.size());
	return code;
}

// Null where the table does not know the code.
const Code *Find(std::string_view code) noexcept
{
	code = Bare(code);
	const auto *const found = std::find_if(std::begin(kCodes), std::end(kCodes),
	    [code](const Code &row) { return Names(row.name, code); });
	return found == std::end(kCodes) ? nullptr : found;
}

// "Value … for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
bool IsAboutReceiptHandle(std::string_view message) noexcept
{
	for (const std::string_view words :
	    {"ReceiptHandle", "receipt handle", "Receipt handle", "receiptHandle"})
		if (message.find(words) != std::string_view::npos)
			return true;
	return false;
}

ErrorClass ClassOfStatus(long status) noexcept
{
	if (status >= 200 && status < 300)
		return ErrorClass::kNone;
	if (status == 429)
		return ErrorClass::kThrottled;
	// 0: there was no reply at all.
	constexpr long kTransientStatus[] = {0, 408, 500, 502, 503, 504};
	const bool transient = std::find(std::begin(kTransientStatus), std::end(kTransientStatus),
	                           status) != std::end(kTransientStatus);
	return transient ? ErrorClass::kTransient : ErrorClass::kPermanent;
}

Fault FaultOfStatus(long status, bool has_code) noexcept
{
	switch (ClassOfStatus(status)) {
		case ErrorClass::kThrottled:
			return Fault::kThrottled;
		case ErrorClass::kTransient:
			return Fault::kUnreachable;
		default:
			break;
	}
	if (status == 401 || status == 403)
		return Fault::kDenied;
	// An SQS server says what it does not like; what has no code came from something else.
	return has_code && status >= 400 && status < 500 ? Fault::kInvalid : Fault::kBadReply;
}

int CostOf(ErrorClass error_class) noexcept
{
	switch (error_class) {
		case ErrorClass::kThrottled:
			return kThrottledCost;
		case ErrorClass::kTransient:
			return kTransientCost;
		default:
			return 0;
	}
}

}  // namespace

ErrorClass Classify(
    std::string_view code, long status, seconds seconds_off, std::string_view message)
{
	const Code *const known = Find(code);
	if (known == nullptr)
		return ClassOfStatus(status);
	if (known->meaning == Meaning::kSignature &&
	    (seconds_off > kWrongClock || seconds_off < -kWrongClock))
		return ErrorClass::kClockSkew;
	if (known->meaning == Meaning::kParameter && IsAboutReceiptHandle(message))
		return ErrorClass::kDeadHandle;
	return known->error_class;
}

Fault FaultFor(ErrorClass error_class, std::string_view code, long status)
{
	if (const Code *const known = Find(code))
		return known->fault;
	if (error_class == ErrorClass::kThrottled)
		return Fault::kThrottled;
	if (error_class == ErrorClass::kTransient)
		return Fault::kUnreachable;
	return FaultOfStatus(status, !code.empty());
}

const char *HintFor(Fault fault, std::string_view code)
{
	if (const Code *const known = Find(code))
		return known->hint;
	switch (fault) {
		case Fault::kUnreachable:
			return kCheckServer;
		case Fault::kUntrusted:
			return "Install the certificate authority that signed the server's certificate, and "
			       "check the host name in the server's option endpoint.";
		case Fault::kForbidden:
			return "Check the server's option endpoint, or have a superuser add the host to "
			       "sqs_fdw.allowed_endpoints.";
		case Fault::kDenied:
			return kCheckKeys;
		case Fault::kThrottled:
			return kSlowDown;
		case Fault::kNoSuchQueue:
			return kCheckQueue;
		case Fault::kTooLarge:
			return "SQS's own replies are shorter: check that the server's option endpoint names "
			       "an "
			       "SQS server.";
		case Fault::kBadReply:
			return "Check that the server's option endpoint names an SQS server, not a proxy or a "
			       "web site.";
		default:
			return kNoHint;
	}
}

milliseconds Backoff(ErrorClass error_class, int attempt, double jitter)
{
	if (error_class != ErrorClass::kThrottled && error_class != ErrorClass::kTransient)
		return milliseconds::zero();
	// 2^9 times the smaller base is over the cap.
	constexpr int kMaxDoublings = 9;
	const milliseconds base =
	    error_class == ErrorClass::kThrottled ? kThrottledBase : kTransientBase;
	const milliseconds most =
	    std::min(base * (1 << std::clamp(attempt, 0, kMaxDoublings)), kMaxBackoff);
	const double share = jitter > 0 ? std::min(jitter, 1.0) : 0;
	return milliseconds(static_cast<milliseconds::rep>(share * static_cast<double>(most.count())));
}

bool RetryQuota::Take(ErrorClass error_class) noexcept
{
	const int cost = CostOf(error_class);
	if (cost > tokens_)
		return false;
	tokens_ -= cost;
	return true;
}

void RetryQuota::GiveBack(ErrorClass of_last_retry) noexcept
{
	tokens_ = std::min(kCapacity, tokens_ + std::max(CostOf(of_last_retry), kSuccessBonus));
}

}  // namespace sqs_fdw::aws
