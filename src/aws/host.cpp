// Host names and address literals: strict reading, and the loopback and link-local ranges.
#include "aws/host.h"

#include "base/error.h"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace sqs_fdw::aws {

namespace {

constexpr size_t kMaxHost = 253;  // RFC 1035, without the dot at the end
constexpr size_t kMaxLabel = 63;
constexpr int kMaxPort = 65535;

[[noreturn]] void Refuse(const char *why, const char *hint = "")
{
	throw Error(Fault::kInvalid, std::string("host name is not valid: ") + why, "", hint);
}

// A zero byte would end the text for inet_pton(), but not for others.
bool Parse(int family, const std::string &host, void *address) noexcept
{
	return host.find('\0') == std::string::npos && inet_pton(family, host.c_str(), address) == 1;
}

// The four bytes of a dotted quad, strictly decimal.
std::optional<in_addr> ParseIpv4(const std::string &host) noexcept
{
	in_addr address{};
	if (!Parse(AF_INET, host, &address))
		return std::nullopt;
	return address;
}

std::optional<in6_addr> ParseIpv6(const std::string &host) noexcept
{
	in6_addr address{};
	if (!Parse(AF_INET6, host, &address))
		return std::nullopt;
	return address;
}

bool EndsWith(std::string_view text, std::string_view suffix) noexcept
{
	return text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
}

char Lower(char c) noexcept
{
	return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool IsDigit(char c) noexcept
{
	return c >= '0' && c <= '9';
}

bool IsHexDigit(char c) noexcept
{
	return IsDigit(c) || (c >= 'a' && c <= 'f');
}

bool IsLabelCharacter(char c) noexcept
{
	return IsDigit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

// A last label that is a number makes the whole a number to inet_aton(), in octal and hexadecimal,
// too (WHATWG URL Standard, "ends in a number checker").
bool EndsInNumber(std::string_view host) noexcept
{
	std::string_view label = host.substr(host.rfind('.') + 1);
	if (label.substr(0, 2) == "0x")
		return std::all_of(label.begin() + 2, label.end(), IsHexDigit);
	return std::all_of(label.begin(), label.end(), IsDigit);
}

void CheckLabel(std::string_view label)
{
	if (label.empty())
		Refuse("it has an empty label, or a dot at its end");
	if (label.size() > kMaxLabel)
		Refuse("a label is longer than 63 characters");
	if (label.front() == '-' || label.back() == '-')
		Refuse("a label begins or ends with a hyphen");
	if (!std::all_of(label.begin(), label.end(), IsLabelCharacter))
		Refuse("it holds a character other than letters, digits, hyphen, underscore and dot",
		    "Write an international name in its xn-- form.");
}

void CheckName(std::string_view name)
{
	if (name.empty())
		Refuse("it is empty");
	if (name.size() > kMaxHost)
		Refuse("it is longer than 253 characters");
	for (size_t start = 0, dot = 0; dot != std::string_view::npos; start = dot + 1) {
		dot = name.find('.', start);
		CheckLabel(name.substr(start, dot == std::string_view::npos ? dot : dot - start));
	}
}

// IPv4 addresses in IPv6 form would be known to the fence under a second name.
bool HoldsIpv4(const in6_addr &address) noexcept
{
	return IN6_IS_ADDR_V4MAPPED(&address) || IN6_IS_ADDR_V4COMPAT(&address);
}

std::string CanonicalIpv6(std::string_view brackets)
{
	if (brackets.size() < 2 || brackets.back() != ']')
		Refuse("the bracket of an IPv6 address is not closed");
	const auto address = ParseIpv6(std::string(brackets.substr(1, brackets.size() - 2)));
	if (!address)
		Refuse("what the brackets hold is not an IPv6 address");
	if (HoldsIpv4(*address))
		Refuse("it is an IPv4 address in IPv6 form", "Write the IPv4 address itself.");
	char text[INET6_ADDRSTRLEN];
	if (inet_ntop(AF_INET6, &*address, text, sizeof(text)) == nullptr)
		Refuse("what the brackets hold is not an IPv6 address");
	return text;
}

int ParsePort(std::string_view text)
{
	int port = 0;
	const char *const end = text.data() + text.size();
	const auto [stopped, error] = std::from_chars(text.data(), end, port);
	if (error != std::errc() || stopped != end || port < 1 || port > kMaxPort)
		throw Error(Fault::kInvalid, "port is not a number from 1 to 65535");
	return port;
}

}  // namespace

std::string CanonicalHost(std::string_view host)
{
	if (!host.empty() && host.front() == '[')
		return CanonicalIpv6(host);
	std::string name(host);
	std::transform(name.begin(), name.end(), name.begin(), Lower);
	CheckName(name);
	if (EndsInNumber(name) && !ParseIpv4(name))
		Refuse("it ends in a number, but is not an IPv4 address",
		    "Write an IPv4 address as four decimal numbers from 0 to 255 without leading zeros.");
	return name;
}

HostPort ParseHostPort(std::string_view text)
{
	// An IPv6 address has colons of its own, inside its brackets.
	const size_t bracket = text.rfind(']');
	const size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
	HostPort parsed;
	parsed.host = CanonicalHost(text.substr(0, colon));
	if (colon != std::string_view::npos)
		parsed.port = ParsePort(text.substr(colon + 1));
	return parsed;
}

bool IsLoopbackHost(const std::string &host) noexcept
{
	if (host == "localhost" || EndsWith(host, ".localhost"))
		return true;
	if (const auto ipv4 = ParseIpv4(host))
		return ntohl(ipv4->s_addr) >> 24 == 127;
	const auto ipv6 = ParseIpv6(host);
	return ipv6 && IN6_IS_ADDR_LOOPBACK(&*ipv6);
}

bool IsLinkLocalHost(const std::string &host) noexcept
{
	if (const auto ipv4 = ParseIpv4(host))
		return ntohl(ipv4->s_addr) >> 16 == 0xa9fe;
	const auto ipv6 = ParseIpv6(host);
	return ipv6 && IN6_IS_ADDR_LINKLOCAL(&*ipv6);
}

std::string BracketHost(const std::string &host)
{
	return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace sqs_fdw::aws
