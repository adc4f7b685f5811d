// The input is a line each: a URL, a queue's name or ARN, the patterns of the fence. What the fence
// reads in a URL must be what libcurl reads in it.
//
// Under test: aws/endpoint aws/host aws/partition aws/queue_ref aws/fence
#include "fuzz.h"

#include "aws/endpoint.h"
#include "aws/host.h"
#include "aws/partition.h"
#include "base/error.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <curl/curl.h>

namespace sqs_fdw::fuzz {

namespace {

using aws::Endpoint;
using aws::QueueRef;

// The result of a parser, or nothing where it refuses; it refuses with one fault only.
template <class Parse>
auto Try(Parse parse) -> std::optional<decltype(parse())>
{
	try {
		return parse();
	} catch (const Error &error) {
		REQUIRE(error.fault() == Fault::kInvalid);
		REQUIRE(error.what()[0] != '\0');
		return std::nullopt;
	}
}

// ------------------------------------------------------------------------------------------- URLs

class CurlUrl {
public:
	CurlUrl() : url_(curl_url(), curl_url_cleanup) {}

	bool Parse(const std::string &text)
	{
		return curl_url_set(url_.get(), CURLUPART_URL, text.c_str(), CURLU_PATH_AS_IS) == CURLUE_OK;
	}

	// Absent parts are "".
	std::string Part(CURLUPart part, unsigned flags = 0) const
	{
		char *text = nullptr;
		if (curl_url_get(url_.get(), part, &text, flags) != CURLUE_OK)
			return "";
		const std::unique_ptr<char, decltype(&curl_free)> owned(text, curl_free);
		return text;
	}

private:
	std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url_;
};

void CheckAsCurlReadsIt(const std::string &text, const Endpoint &endpoint)
{
	CurlUrl url;
	REQUIRE(text.find('\0') == std::string::npos);
	REQUIRE(url.Parse(text));
	REQUIRE(url.Part(CURLUPART_SCHEME) == (endpoint.tls ? "https" : "http"));
	std::string host = url.Part(CURLUPART_HOST);
	std::transform(host.begin(), host.end(), host.begin(),
	    [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
	// An IPv6 address may be written in more than one way.
	const auto same_host = Try([&] { return aws::CanonicalHost(host); });
	REQUIRE(same_host == endpoint.host);
	REQUIRE(url.Part(CURLUPART_PORT, CURLU_DEFAULT_PORT) == std::to_string(endpoint.port));
	REQUIRE(url.Part(CURLUPART_PATH) == endpoint.path);
	for (const CURLUPart absent :
	    {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT, CURLUPART_ZONEID})
		REQUIRE(url.Part(absent).empty());
}

bool SameEndpoint(const Endpoint &a, const Endpoint &b)
{
	return a.tls == b.tls && a.host == b.host && a.port == b.port && a.path == b.path;
}

void CheckEndpoint(const std::string &text, const Endpoint &endpoint)
{
	REQUIRE(endpoint.port >= 1 && endpoint.port <= 65535);
	REQUIRE(!endpoint.host.empty() && endpoint.path.substr(0, 1) == "/");
	CheckAsCurlReadsIt(text, endpoint);
	// The URL that requests go to is read as the same endpoint, by both.
	const auto again = Try([&] { return aws::ParseEndpoint(endpoint.Url()); });
	REQUIRE(again && SameEndpoint(*again, endpoint));
	CheckAsCurlReadsIt(endpoint.Url(), endpoint);
}

// ------------------------------------------------------------------------------------------ queues

bool IsQueueName(std::string_view name)
{
	constexpr std::string_view kFifo = ".fifo";
	if (name.size() > 80)
		return false;
	if (name.size() > kFifo.size() && name.substr(name.size() - kFifo.size()) == kFifo)
		name.remove_suffix(kFifo.size());
	return !name.empty() &&
	       name.find_first_not_of(
	           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
	           std::string_view::npos;
}

bool IsDigits(std::string_view text)
{
	return text.find_first_not_of("0123456789") == std::string_view::npos;
}

void CheckQueue(const QueueRef &queue)
{
	REQUIRE(IsQueueName(queue.name));
	REQUIRE(queue.account.empty() || (queue.account.size() == 12 && IsDigits(queue.account)));
	REQUIRE(queue.region.empty() || aws::IsRegionName(queue.region));
	REQUIRE(queue.fifo == (queue.name.find('.') != std::string::npos));
}

void CheckQueues(const std::string &text)
{
	const auto by_name = Try([&] { return aws::QueueFromName(text); });
	REQUIRE(by_name.has_value() == IsQueueName(text));
	if (by_name) {
		CheckQueue(*by_name);
		REQUIRE(by_name->name == text && by_name->account.empty() && by_name->url.empty());
	}
	if (const auto by_url = Try([&] { return aws::QueueFromUrl(text); })) {
		CheckQueue(*by_url);
		REQUIRE(by_url->url == text);
		const Endpoint endpoint = aws::ParseEndpoint(text);
		const std::string end =
		    (by_url->account.empty() ? "" : "/" + by_url->account) + "/" + by_url->name;
		REQUIRE(endpoint.path.size() >= end.size() &&
		        endpoint.path.substr(endpoint.path.size() - end.size()) == end);
	}
	if (const auto by_arn = Try([&] { return aws::QueueFromArn(text); })) {
		CheckQueue(*by_arn);
		const auto parts = Split(text, ':');
		REQUIRE(parts.size() == 6);
		REQUIRE("arn:" + std::string(parts[1]) + ":sqs:" + by_arn->region + ":" + by_arn->account +
		            ":" + by_arn->name ==
		        text);
	}
}

// ----------------------------------------------------------------------------------------- regions

void CheckRegion(const std::string &region)
{
	for (const bool fips : {false, true}) {
		for (const bool dualstack : {false, true}) {
			const auto endpoint = Try([&] {
				return aws::ResolveSqsEndpoint({region, "", fips, dualstack});
			});
			REQUIRE(endpoint.has_value() == aws::IsRegionName(region));
			if (!endpoint)
				continue;
			// Requests to AWS itself are what the fence lets pass without being told.
			const bool admitted = aws::IsSqsOrStsHost(endpoint->host);
			REQUIRE(admitted == aws::HasRegionForm(region));
			REQUIRE(!admitted || aws::RegionOfHost(endpoint->host) == region);
			CheckEndpoint(endpoint->Url(), *endpoint);
		}
	}
}

// ------------------------------------------------------------------------------------------- fence

// Whether `host` fits a pattern, by trying: reachable[h] after each character of the pattern.
bool Fits(std::string_view pattern, std::string_view host)
{
	std::vector<bool> reachable(host.size() + 1);
	reachable[0] = true;
	for (const char c : pattern) {
		std::vector<bool> next(host.size() + 1);
		for (size_t h = 0; h < host.size(); ++h) {
			if (c == '*')
				next[h + 1] = host[h] != '.' && (reachable[h] || next[h]);
			else
				next[h + 1] = reachable[h] && host[h] == c;
		}
		reachable = std::move(next);
	}
	return reachable[host.size()];
}

std::string_view Trimmed(std::string_view text)
{
	while (
	    !text.empty() && std::string_view(" \t\r\n").find(text.front()) != std::string_view::npos)
		text.remove_prefix(1);
	while (!text.empty() && std::string_view(" \t\r\n").find(text.back()) != std::string_view::npos)
		text.remove_suffix(1);
	return text;
}

// What a list of patterns that was accepted says of an endpoint: not at all, only over TLS, fully.
enum class Says { kNo, kOverTls, kYes };
Says Judge(std::string_view patterns, const Endpoint &endpoint)
{
	Says says = Says::kNo;
	for (std::string_view pattern : Split(patterns, ',')) {
		pattern = Trimmed(pattern);
		if (pattern == "aws") {
			if (aws::IsSqsOrStsHost(endpoint.host))
				says = std::max(says, Says::kOverTls);
		} else if (pattern.find('*') != std::string_view::npos) {
			std::string lower(pattern);
			std::transform(lower.begin(), lower.end(), lower.begin(),
			    [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
			if (Fits(lower, endpoint.host))
				says = std::max(says, Says::kOverTls);
		} else if (!pattern.empty()) {
			const aws::HostPort listed = aws::ParseHostPort(pattern);
			if (listed.host == endpoint.host &&
			    listed.port.value_or(endpoint.port) == endpoint.port)
				says = Says::kYes;
		}
	}
	return says;
}

bool Passes(const aws::Fence &fence, const Endpoint &endpoint, bool allow_loopback)
{
	try {
		fence.Check(endpoint, allow_loopback);
		return true;
	} catch (const Error &error) {
		REQUIRE(error.fault() == Fault::kForbidden);
		REQUIRE(!error.hint().empty());
		return false;
	}
}

void CheckFence(const std::string &patterns, const Endpoint &endpoint)
{
	const bool link_local = aws::IsLinkLocalHost(endpoint.host);
	const bool loopback = endpoint.IsLoopback();
	// An endpoint's own name always lets it pass; an empty list never.
	const aws::Fence own(endpoint.HostHeader());
	REQUIRE(Passes(own, endpoint, false) == !link_local);
	const aws::Fence nobody("");
	REQUIRE(!Passes(nobody, endpoint, false));
	REQUIRE(Passes(nobody, endpoint, true) == (loopback && !link_local));
	const auto fence = Try([&] { return std::make_unique<aws::Fence>(patterns); });
	if (!fence)
		return;
	const Says says = Judge(patterns, endpoint);
	const bool safe = endpoint.tls || loopback;
	const bool expected = says == Says::kYes || (says == Says::kOverTls && safe);
	REQUIRE(Passes(**fence, endpoint, false) == (expected && !link_local));
}

}  // namespace

}  // namespace sqs_fdw::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	using namespace sqs_fdw;
	fuzz::Input input(data, size);
	const std::string url(input.Line());
	const std::string queue(input.Line());
	const std::string patterns(input.Line());
	fuzz::CheckQueues(url);
	fuzz::CheckQueues(queue);
	fuzz::CheckRegion(queue);
	const auto endpoint = fuzz::Try([&] { return aws::ParseEndpoint(url); });
	if (!endpoint)
		return 0;
	fuzz::CheckEndpoint(url, *endpoint);
	fuzz::CheckFence(patterns, *endpoint);
	return 0;
}
