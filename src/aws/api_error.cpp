// The wording of failed requests, and what of SQS's own text may be shown.
#include "aws/api_error.h"

#include <algorithm>

namespace sqs_fdw::aws {

namespace {

constexpr size_t kMaxShownText = 300;
constexpr size_t kMaxRequestId = 64;

struct Wording {
	Fault fault;
	const char *reason;  // ends the error message
	const char *code;    // see CodeOf
};

constexpr Wording kWordings[] = {
    {Fault::kCancelled, "cancelled", "Cancelled"},
    {Fault::kUnreachable, "the server does not answer", "Unreachable"},
    {Fault::kUntrusted, "the server's certificate is not trusted", "Untrusted"},
    {Fault::kForbidden, "the server's address is not allowed", "Forbidden"},
    {Fault::kDenied, "access denied", "Denied"},
    {Fault::kThrottled, "too many requests", "Throttled"},
    {Fault::kInvalid, "the request is not valid", "Invalid"},
    {Fault::kUnsupported, "the server does not support this operation", "Unsupported"},
    {Fault::kNoSuchQueue, "the queue does not exist", "NoSuchQueue"},
    {Fault::kBadReply, "the server's reply is not one of SQS", "BadReply"},
    {Fault::kTooLarge, "the server's reply is too large", "TooLarge"},
    {Fault::kOutOfMemory, "out of memory", "OutOfMemory"},
};

const Wording *Find(Fault fault) noexcept
{
	const auto *const found = std::find_if(std::begin(kWordings), std::end(kWordings),
	    [fault](const Wording &wording) { return wording.fault == fault; });
	return found == std::end(kWordings) ? nullptr : found;
}

std::string Primary(const FailedRequest &request, Fault fault)
{
	const Wording *const wording = Find(fault);
	return "could not " + std::string(request.purpose) + ": " +
	       (wording != nullptr ? wording->reason : "internal error");
}

std::string Attempts(int attempts)
{
	return attempts > 1 ? " It was tried " + std::to_string(attempts) + " times." : "";
}

bool Holds(std::string_view text, std::string_view secret) noexcept
{
	return !secret.empty() && text.find(secret) != std::string_view::npos;
}

// Whether a text of the server's holds a part of the keys that the request was signed with.
bool HoldsKeys(std::string_view text, const Credentials &credentials) noexcept
{
	return Holds(text, credentials.access_key_id) ||
	       Holds(text, credentials.secret_access_key.Reveal()) ||
	       Holds(text, credentials.session_token.Reveal());
}

bool IsPrintableLine(std::string_view text) noexcept
{
	return std::all_of(
	    text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
}

// SQS quotes what it does not like: handles, and the canonical request with the token in it. Where
// the request holds secrets, only refusals that are about the caller or the queue are shown.
bool IsShown(const FailedRequest &request, Fault fault, ErrorClass error_class,
    std::string_view text, const Credentials *credentials) noexcept
{
	if (credentials == nullptr || text.empty() || text.size() > kMaxShownText ||
	    !IsPrintableLine(text) || error_class == ErrorClass::kDeadHandle)
		return false;
	if (request.carries_secrets && fault != Fault::kDenied && fault != Fault::kNoSuchQueue)
		return false;
	return !HoldsKeys(text, *credentials);
}

// A server that is none of SQS may put anything into these two, too.
std::string Code(std::string_view code, const Credentials *credentials)
{
	if (code.empty())
		return "without an error code";
	if (credentials != nullptr && HoldsKeys(code, *credentials))
		return "with an error code that is not shown";
	return std::string(code);
}

std::string RequestId(std::string_view id, const Credentials *credentials)
{
	const auto is_plain = [](unsigned char c) {
		return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-';
	};
	if (id.empty() || id.size() > kMaxRequestId || !std::all_of(id.begin(), id.end(), is_plain) ||
	    (credentials != nullptr && HoldsKeys(id, *credentials)))
		return "";
	return ", request id " + std::string(id);
}

}  // namespace

Error RefusedError(const FailedRequest &request, ErrorClass error_class, const ErrorReply &error,
    const HttpReply &reply, const Credentials *credentials)
{
	const Fault fault = FaultFor(error_class, error.code, reply.status);
	std::string detail = "SQS answered " + Code(error.code, credentials) + " (HTTP status " +
	                     std::to_string(reply.status) + RequestId(reply.request_id, credentials) +
	                     ").";
	detail += Attempts(request.attempts);
	if (IsShown(request, fault, error_class, error.message, credentials))
		detail += " SQS says: " + error.message;
	return Error(fault, Primary(request, fault), detail, HintFor(fault, error.code));
}

Error NoReplyError(const FailedRequest &request, const HttpOutcome &outcome)
{
	std::string detail = outcome.what;
	if (!detail.empty() && detail.back() != '.')
		detail += '.';
	return Error(outcome.fault, Primary(request, outcome.fault),
	    detail + Attempts(request.attempts), HintFor(outcome.fault, ""));
}

const char *CodeOf(Fault fault) noexcept
{
	const Wording *const wording = Find(fault);
	return wording != nullptr ? wording->code : "Internal";
}

}  // namespace sqs_fdw::aws
