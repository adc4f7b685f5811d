// The network fence: which hosts requests may go to.
#include "aws/endpoint.h"
#include "aws/host.h"
#include "aws/partition.h"
#include "base/error.h"

#include <algorithm>

namespace sqs_fdw::aws {

namespace {

constexpr std::string_view kAwsWord = "aws";
constexpr const char *kPatternHint =
    "Write aws, host names or addresses with or without a port, or host names with *, separated by "
    "commas.";

std::string_view Trim(std::string_view text) noexcept
{
	constexpr std::string_view kBlanks = " \t\r\n";
	const size_t first = text.find_first_not_of(kBlanks);
	if (first == std::string_view::npos)
		return {};
	return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Whether a host fits a pattern in which * stands for one or more characters other than the dot.
// Only the last * seen is ever tried longer: an earlier one at its shortest leaves the most to the
// rest, so the time is at most the product of the lengths.
bool Fits(std::string_view pattern, std::string_view host) noexcept
{
	size_t p = 0;
	size_t h = 0;
	size_t star = std::string_view::npos;  // position after the last *
	size_t star_end = 0;                   // end of what it stands for
	while (h < host.size()) {
		if (p < pattern.size() && pattern[p] == '*' && host[h] != '.') {
			star = ++p;
			star_end = ++h;
		} else if (p < pattern.size() && pattern[p] == host[h] && pattern[p] != '*') {
			++p;
			++h;
		} else if (star != std::string_view::npos && host[star_end] != '.') {
			p = star;
			h = ++star_end;
		} else {
			return false;
		}
	}
	return p == pattern.size();
}

std::string Quoted(const Endpoint &endpoint)
{
	return "\"" + endpoint.HostHeader() + "\"";
}

}  // namespace

const char *Fence::DefaultPatterns() noexcept
{
	return kAwsWord.data();
}

Fence::Pattern Fence::Parse(std::string_view text)
{
	if (text == kAwsWord)
		return {Pattern::Kind::kAws, "", std::nullopt};
	if (text.find('*') == std::string_view::npos) {
		HostPort parsed = ParseHostPort(text);
		return {Pattern::Kind::kHost, std::move(parsed.host), parsed.port};
	}
	// A wildcard is well-formed where a host name with a letter in place of each * is.
	std::string name(text);
	std::replace(name.begin(), name.end(), '*', 'x');
	name = CanonicalHost(name);
	for (size_t i = 0; i < text.size(); ++i)
		if (text[i] == '*')
			name[i] = '*';
	return {Pattern::Kind::kWildcard, std::move(name), std::nullopt};
}

Fence::Fence(std::string_view patterns)
{
	if (Trim(patterns).empty())
		return;
	for (size_t comma = 0; comma != std::string_view::npos; patterns.remove_prefix(comma + 1)) {
		comma = patterns.find(',');
		const std::string_view text = Trim(patterns.substr(0, comma));
		try {
			patterns_.push_back(Parse(text));
		} catch (const Error &error) {
			throw Error(Fault::kInvalid, "pattern \"" + std::string(text) + "\" is not valid",
			    std::string("The reason is: ") + error.what() + ".", kPatternHint);
		}
	}
}

bool Fence::Pattern::Admits(const Endpoint &endpoint) const noexcept
{
	switch (kind) {
		case Kind::kAws:
			return IsSqsOrStsHost(endpoint.host);
		case Kind::kHost:
			return host == endpoint.host && port.value_or(endpoint.port) == endpoint.port;
		case Kind::kWildcard:
			return Fits(host, endpoint.host);
	}
	return false;
}

void Fence::Check(const Endpoint &endpoint, bool allow_loopback) const
{
	if (IsLinkLocalHost(endpoint.host))
		throw Error(Fault::kForbidden, "requests to " + Quoted(endpoint) + " are not allowed",
		    "Link-local addresses belong to the machine's own services, such as its credentials.",
		    "Listing it in sqs_fdw.allowed_endpoints does not change this; use another address.");
	const bool loopback = endpoint.IsLoopback();
	if (loopback && allow_loopback)
		return;
	bool listed = false;
	for (const Pattern &pattern : patterns_) {
		if (!pattern.Admits(endpoint))
			continue;
		if (endpoint.tls || loopback || pattern.kind == Pattern::Kind::kHost)
			return;
		listed = true;
	}
	if (listed)
		throw Error(Fault::kForbidden, "plain http to " + Quoted(endpoint) + " is not allowed",
		    "Requests would travel unencrypted.",
		    "Use https, or have a superuser list this very host, without *, in "
		    "sqs_fdw.allowed_endpoints.");
	if (loopback)
		throw Error(Fault::kForbidden, "requests to " + Quoted(endpoint) + " are not allowed",
		    "Loopback is for servers that a superuser owns.",
		    "Have a superuser own the server, or add the host to sqs_fdw.allowed_endpoints.");
	throw Error(Fault::kForbidden, "requests to " + Quoted(endpoint) + " are not allowed",
	    "The host is not among those that requests may go to.",
	    "Check the server's option endpoint, or have a superuser add the host to "
	    "sqs_fdw.allowed_endpoints.");
}

}  // namespace sqs_fdw::aws
