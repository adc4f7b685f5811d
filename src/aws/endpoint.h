// Where requests go: partitions, regions, queue names, URLs and ARNs, and the network fence.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sqs_fdw::aws {

// A parsed http or https URL without user info, query or fragment.
struct Endpoint {
	bool tls = true;
	std::string host;  // lower case; an IPv6 address without its brackets
	int port = 443;
	std::string path = "/";

	std::string Url() const;         // "https://host:port/path"; the default port is left out
	std::string HostHeader() const;  // "host" or "host:port", IPv6 in brackets
	bool IsLoopback() const;         // localhost, *.localhost, 127.0.0.0/8, ::1
};

struct EndpointOptions {
	std::string region;
	std::string endpoint;  // empty: by the rules of the region's partition
	bool use_fips = false;
	bool use_dualstack = false;
};

// Whether this can be a region's name: [a-z0-9-]+, no leading or trailing hyphen, at most 63.
bool IsRegionName(std::string_view region) noexcept;

// The endpoint of SQS for these options, by AWS's partition rules (aws, aws-cn, aws-us-gov,
// aws-iso, aws-iso-b, aws-iso-e, aws-iso-f, aws-eusc; each has FIPS and dual-stack). Throws
// Error(kInvalid): no region and no endpoint, a malformed one, FIPS or dual-stack together with
// `endpoint`.
Endpoint ResolveSqsEndpoint(const EndpointOptions &options);

// Parses a URL given as option `endpoint`, strictly: what a resolver, libcurl or SigV4 could read
// another way than the fence does is refused. Throws Error(kInvalid) with what is wrong.
Endpoint ParseEndpoint(std::string_view url);

// A queue as a person names it: exactly one of name, URL and ARN was given.
struct QueueRef {
	std::string name;
	std::string account;  // 12 digits; empty for the caller's own account
	std::string region;   // as far as URL or ARN name it
	std::string url;      // only where a URL was given
	bool fifo = false;    // the name ends in .fifo
};

// Throw Error(kInvalid): a name is 1 to 80 of [A-Za-z0-9_-], with .fifo at the end for FIFO queues.
QueueRef QueueFromName(std::string_view name);
QueueRef QueueFromUrl(std::string_view url);
QueueRef QueueFromArn(std::string_view arn);

// The hosts that requests may go to: a comma-separated list of
//   aws          the hosts of SQS and STS in all partitions: plain, FIPS, dual-stack, VPC endpoints
//   host[:port]  this host, at this port or at any; over plain http, too
//   *.host       a host name in which * stands for one or more characters other than the dot
// The word aws is no pattern since patterns are too wide: sqs.*.amazonaws.com would fit
// sqs.s3.amazonaws.com, which is whoever's bucket has that name.
class Fence {
public:
	// An empty list admits nothing. Throws Error(kInvalid).
	explicit Fence(std::string_view patterns);

	// "aws".
	static const char *DefaultPatterns() noexcept;

	// Throws Error(kForbidden), saying why and which setting would allow it. `allow_loopback`: the
	// server belongs to a superuser. Plain http is for loopback and for hosts listed without *;
	// link-local addresses are refused whatever the list says. Names are not resolved here: the
	// HTTP layer refuses link-local addresses that a name resolves to.
	void Check(const Endpoint &endpoint, bool allow_loopback) const;

private:
	struct Pattern {
		enum class Kind { kAws, kHost, kWildcard } kind;
		std::string host;
		std::optional<int> port;  // unset: any

		bool Admits(const Endpoint &endpoint) const noexcept;
	};

	static Pattern Parse(std::string_view text);

	std::vector<Pattern> patterns_;
};

}  // namespace sqs_fdw::aws
