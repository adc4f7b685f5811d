// The input is an address as text, or as bytes: one form for each, whatever way it was written.
//
// Under test: masking/ip aws/host aws/link_local
#include "fuzz.h"

#include "aws/host.h"
#include "aws/link_local.h"
#include "base/error.h"
#include "masking/ip.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace sqs_fdw::fuzz {

namespace {

using masking::IpBytes;
using masking::IpFamily;

// As the C library reads and writes addresses.
std::optional<IpBytes> Parse(const std::string &text)
{
	uint8_t bytes[masking::kIpv6Size];
	if (text.find('\0') != std::string::npos)
		return std::nullopt;
	if (inet_pton(AF_INET, text.c_str(), bytes) == 1)
		return masking::CanonicalIp(IpFamily::kIpv4, bytes);
	if (inet_pton(AF_INET6, text.c_str(), bytes) == 1)
		return masking::CanonicalIp(IpFamily::kIpv6, bytes);
	return std::nullopt;
}

std::string Print(const IpBytes &ip)
{
	char text[INET6_ADDRSTRLEN];
	const int family = masking::FamilyOf(ip) == IpFamily::kIpv4 ? AF_INET : AF_INET6;
	REQUIRE(inet_ntop(family, masking::AddressOf(ip), text, sizeof text) != nullptr);
	return text;
}

bool IsMapped(const IpBytes &ip)
{
	return std::all_of(ip.begin(), ip.begin() + 10, [](uint8_t byte) { return byte == 0; }) &&
	       ip[10] == 0xff && ip[11] == 0xff;
}

// Canonical bytes print as one text, which means the same bytes again.
void CheckBytes(const IpBytes &ip)
{
	REQUIRE((masking::FamilyOf(ip) == IpFamily::kIpv4) == IsMapped(ip));
	REQUIRE(Parse(Print(ip)) == ip);
	const size_t size =
	    masking::FamilyOf(ip) == IpFamily::kIpv4 ? masking::kIpv4Size : masking::kIpv6Size;
	REQUIRE(masking::AddressOf(ip) + size == ip.data() + ip.size());
	REQUIRE(masking::CanonicalIp(masking::FamilyOf(ip), masking::AddressOf(ip)) == ip);
	REQUIRE(masking::CanonicalIp(IpFamily::kIpv6, ip.data()) == ip);
	if (IsMapped(ip))
		REQUIRE(Parse("::ffff:" + Print(ip)) == ip);
}

// ------------------------------------------------------------------- addresses as hosts of a URL

bool IsLinkLocalBytes(const IpBytes &ip)
{
	sockaddr_in6 v6{};
	v6.sin6_family = AF_INET6;
	std::memcpy(v6.sin6_addr.s6_addr, ip.data(), ip.size());
	const bool as_v6 = aws::IsLinkLocal(reinterpret_cast<const sockaddr *>(&v6));
	if (!IsMapped(ip))
		return as_v6;
	sockaddr_in v4{};
	v4.sin_family = AF_INET;
	std::memcpy(&v4.sin_addr, masking::AddressOf(ip), masking::kIpv4Size);
	REQUIRE(aws::IsLinkLocal(reinterpret_cast<const sockaddr *>(&v4)) == as_v6);
	return as_v6;
}

std::optional<std::string> Canonical(const std::string &host)
{
	try {
		return aws::CanonicalHost(host);
	} catch (const Error &error) {
		REQUIRE(error.fault() == Fault::kInvalid);
		return std::nullopt;
	}
}

// A host that is accepted is its own canonical form, and what the C library reads as an address is
// the very same one.
void CheckHost(const std::string &text)
{
	const bool bracketed = !text.empty() && text.front() == '[';
	const auto host = Canonical(text);
	if (!host)
		return;
	REQUIRE(Canonical(aws::BracketHost(*host)) == host);
	const auto ip = Parse(*host);
	REQUIRE(ip.has_value() ==
	        (bracketed || (inet_addr(host->c_str()) != INADDR_NONE) || *host == "255.255.255.255"));
	if (!ip) {
		REQUIRE(!aws::IsLinkLocalHost(*host));
		return;
	}
	REQUIRE(Print(*ip) == *host);
	REQUIRE(bracketed ? Parse(text.substr(1, text.size() - 2)) == ip : Parse(text) == ip);
	const uint8_t *const bytes = masking::AddressOf(*ip);
	const bool is_v4 = masking::FamilyOf(*ip) == IpFamily::kIpv4;
	REQUIRE(is_v4 != bracketed);
	REQUIRE(aws::IsLoopbackHost(*host) == (is_v4 ? bytes[0] == 127 : *host == "::1"));
	// What the text alone tells, the socket's address tells as well.
	REQUIRE(!aws::IsLinkLocalHost(*host) || IsLinkLocalBytes(*ip));
	if (is_v4)
		REQUIRE(aws::IsLinkLocalHost(*host) == (bytes[0] == 169 && bytes[1] == 254));
	else
		REQUIRE(aws::IsLinkLocalHost(*host) == (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80));
}

}  // namespace

}  // namespace sqs_fdw::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	using namespace sqs_fdw;
	const std::string text(reinterpret_cast<const char *>(data), size);
	if (const auto ip = fuzz::Parse(text))
		fuzz::CheckBytes(*ip);
	fuzz::CheckHost(text);
	fuzz::CheckHost("[" + text + "]");
	if (size >= masking::kIpv4Size)
		fuzz::CheckBytes(masking::CanonicalIp(masking::IpFamily::kIpv4, data));
	if (size >= masking::kIpv6Size) {
		fuzz::CheckBytes(masking::CanonicalIp(masking::IpFamily::kIpv6, data));
		fuzz::IsLinkLocalBytes(masking::CanonicalIp(masking::IpFamily::kIpv6, data));
	}
	return 0;
}
