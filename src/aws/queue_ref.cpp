// Queues as a person names them: by name, URL or ARN.
#include "aws/endpoint.h"
#include "aws/partition.h"
#include "base/error.h"

#include <algorithm>

namespace sqs_fdw::aws {

namespace {

constexpr std::string_view kFifoSuffix = ".fifo";
constexpr size_t kMaxName = 80;  // with .fifo
constexpr size_t kAccountDigits = 12;

[[noreturn]] void Refuse(const char *what, const char *why, const char *hint)
{
	throw Error(Fault::kInvalid, std::string(what) + " is not valid: " + why, "", hint);
}

bool IsDigit(char c) noexcept
{
	return c >= '0' && c <= '9';
}

bool IsNameCharacter(char c) noexcept
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '-' || c == '_';
}

bool IsAccount(std::string_view text) noexcept
{
	return text.size() == kAccountDigits && std::all_of(text.begin(), text.end(), IsDigit);
}

bool IsFifo(std::string_view name) noexcept
{
	return name.size() >= kFifoSuffix.size() &&
	       name.substr(name.size() - kFifoSuffix.size()) == kFifoSuffix;
}

// The last segment of a path, cut off with its slash.
std::string_view TakeSegment(std::string_view &path) noexcept
{
	const size_t slash = path.rfind('/');
	const std::string_view segment = path.substr(slash + 1);
	path.remove_suffix(path.size() - slash);
	return segment;
}

// The first field of an ARN, cut off with its colon.
std::string_view TakeField(std::string_view &arn) noexcept
{
	const size_t colon = std::min(arn.find(':'), arn.size());
	const std::string_view field = arn.substr(0, colon);
	arn.remove_prefix(std::min(colon + 1, arn.size()));
	return field;
}

}  // namespace

QueueRef QueueFromName(std::string_view name)
{
	QueueRef queue;
	queue.fifo = IsFifo(name);
	const std::string_view base =
	    name.substr(0, name.size() - (queue.fifo ? kFifoSuffix.size() : 0));
	if (base.empty() || name.size() > kMaxName ||
	    !std::all_of(base.begin(), base.end(), IsNameCharacter))
		Refuse("queue name", "SQS has no queues of this name",
		    "A name has 1 to 80 letters, digits, hyphens and underscores; that of a FIFO queue "
		    "ends in .fifo.");
	queue.name = name;
	return queue;
}

QueueRef QueueFromUrl(std::string_view url)
{
	constexpr const char *kHint =
	    "A queue's URL looks like https://sqs.us-east-1.amazonaws.com/123456789012/name.";
	const Endpoint endpoint = ParseEndpoint(url);
	std::string_view path = endpoint.path;
	const std::string_view name = TakeSegment(path);
	if (name.empty())
		Refuse("queue URL", "its path does not end in a queue name", kHint);
	QueueRef queue = QueueFromName(name);
	const std::string_view account = path.empty() ? path : TakeSegment(path);
	if (IsAccount(account))
		queue.account = account;
	else if (IsSqsOrStsHost(endpoint.host))
		Refuse("queue URL", "there is no account of 12 digits before the queue name", kHint);
	queue.region = RegionOfHost(endpoint.host);
	queue.url = url;
	return queue;
}

QueueRef QueueFromArn(std::string_view arn)
{
	constexpr const char *kHint =
	    "A queue's ARN looks like arn:aws:sqs:us-east-1:123456789012:name.";
	constexpr int kColons = 5;
	if (std::count(arn.begin(), arn.end(), ':') != kColons)
		Refuse("queue ARN", "it does not have six parts", kHint);
	const std::string_view scheme = TakeField(arn);
	const std::string_view partition = TakeField(arn);
	const std::string_view service = TakeField(arn);
	const std::string_view region = TakeField(arn);
	const std::string_view account = TakeField(arn);
	if (scheme != "arn" || !IsRegionName(partition))
		Refuse("queue ARN", "it does not begin with arn: and a partition", kHint);
	if (service != "sqs")
		Refuse("queue ARN", "its service is not sqs", kHint);
	if (!IsRegionName(region))
		Refuse("queue ARN", "it has no region", kHint);
	if (!IsAccount(account))
		Refuse("queue ARN", "its account is not 12 digits", kHint);
	QueueRef queue = QueueFromName(arn);
	queue.region = region;
	queue.account = account;
	return queue;
}

}  // namespace sqs_fdw::aws
