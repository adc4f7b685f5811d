// URLs of endpoints, and the endpoint that a region's partition has.
#include "aws/endpoint.h"

#include "aws/host.h"
#include "aws/partition.h"
#include "base/error.h"

#include <algorithm>

namespace sqs_fdw::aws {

namespace {

constexpr size_t kMaxUrl = 2048;
constexpr int kHttpsPort = 443;
constexpr int kHttpPort = 80;

// The URL itself is not quoted: it may hold a password.
[[noreturn]] void Refuse(const char *why, const char *hint = "")
{
	throw Error(Fault::kInvalid, std::string("URL is not valid: ") + why, "", hint);
}

int DefaultPort(bool tls) noexcept
{
	return tls ? kHttpsPort : kHttpPort;
}

bool IsLowerOrDigit(char c) noexcept
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// RFC 3986's unreserved characters: what is the same in a path and in its signed form.
bool IsUnreserved(char c) noexcept
{
	return IsLowerOrDigit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

// Cuts the scheme off; schemes do not depend on case.
bool TakeScheme(std::string_view &url)
{
	const size_t colon = url.find("://");
	if (colon == std::string_view::npos)
		Refuse("it does not begin with https:// or http://");
	std::string scheme(url.substr(0, colon));
	std::transform(scheme.begin(), scheme.end(), scheme.begin(),
	    [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
	if (scheme != "https" && scheme != "http")
		Refuse("it does not begin with https:// or http://");
	url.remove_prefix(colon + 3);
	return scheme == "https";
}

// Paths that SigV4 and libcurl would rewrite, each in its own way, are refused.
void CheckPath(std::string_view path)
{
	for (size_t start = 1; start <= path.size();) {
		const size_t slash = std::min(path.find('/', start), path.size());
		const std::string_view segment = path.substr(start, slash - start);
		if (segment.empty() && slash < path.size())
			Refuse("its path has an empty segment");
		if (segment == "." || segment == "..")
			Refuse("its path has a segment of dots");
		if (!std::all_of(segment.begin(), segment.end(), IsUnreserved))
			Refuse("its path holds a character other than letters, digits and -._~/");
		start = slash + 1;
	}
}

std::string SqsHost(const EndpointOptions &options)
{
	const Partition &partition = PartitionOf(options.region);
	const bool fips_name = options.use_fips && (options.use_dualstack || !partition.plain_is_fips);
	std::string host = fips_name ? "sqs-fips." : "sqs.";
	host.append(options.region).append(1, '.');
	return host.append(options.use_dualstack ? partition.dualstack_suffix : partition.suffix);
}

}  // namespace

std::string Endpoint::Url() const
{
	return (tls ? "https://" : "http://") + HostHeader() + path;
}

std::string Endpoint::HostHeader() const
{
	const std::string name = BracketHost(host);
	return port == DefaultPort(tls) ? name : name + ":" + std::to_string(port);
}

bool Endpoint::IsLoopback() const
{
	return IsLoopbackHost(host);
}

bool IsRegionName(std::string_view region) noexcept
{
	constexpr size_t kMaxRegion = 63;
	return !region.empty() && region.size() <= kMaxRegion && region.front() != '-' &&
	       region.back() != '-' && std::all_of(region.begin(), region.end(), [](char c) {
		       return IsLowerOrDigit(c) || c == '-';
	       });
}

Endpoint ParseEndpoint(std::string_view url)
{
	if (url.size() > kMaxUrl)
		Refuse("it is longer than 2048 characters");
	Endpoint endpoint;
	endpoint.tls = TakeScheme(url);
	if (url.find_first_of("?#") != std::string_view::npos)
		Refuse("it has a query or a fragment");
	const size_t slash = std::min(url.find('/'), url.size());
	const std::string_view authority = url.substr(0, slash);
	if (authority.find('@') != std::string_view::npos)
		Refuse("it has a user name", "Set keys in the user mapping.");
	const HostPort host_port = ParseHostPort(authority);
	endpoint.host = host_port.host;
	endpoint.port = host_port.port.value_or(DefaultPort(endpoint.tls));
	if (slash < url.size())
		endpoint.path = url.substr(slash);
	CheckPath(endpoint.path);
	return endpoint;
}

Endpoint ResolveSqsEndpoint(const EndpointOptions &options)
{
	if (!options.region.empty() && !IsRegionName(options.region))
		throw Error(Fault::kInvalid, "region is not valid: \"" + options.region + "\"", "",
		    "Use the name of an AWS region such as us-east-1.");
	if (!options.endpoint.empty()) {
		if (options.use_fips || options.use_dualstack)
			throw Error(Fault::kInvalid,
			    "use_fips and use_dualstack cannot be combined with endpoint", "",
			    "Write the host of the FIPS or dual-stack endpoint into endpoint.");
		return ParseEndpoint(options.endpoint);
	}
	if (options.region.empty())
		throw Error(Fault::kInvalid, "neither region nor endpoint is set", "",
		    "Set the server's option region, or name the queue by its URL or ARN.");
	Endpoint endpoint;
	endpoint.host = SqsHost(options);
	return endpoint;
}

}  // namespace sqs_fdw::aws
