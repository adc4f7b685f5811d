// Host names and address literals as text: what may stand in a URL, and which machine it means.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sqs_fdw::aws {

// The canonical form of a host in a URL: lower case, and IPv6 (given in its brackets) without
// brackets and shortened. Throws Error(kInvalid) for what is neither a host name of letters,
// digits, hyphens and underscores, nor an address in its usual form. Forms that only some resolvers
// read as an address (0x7f.1, 2130706433, 010.0.0.1) and a dot at the end are refused: they would
// be one thing to the fence, and another to the network.
std::string CanonicalHost(std::string_view host);

// "host" or "host:port", the host made canonical. Throws Error(kInvalid).
struct HostPort {
	std::string host;
	std::optional<int> port;
};
HostPort ParseHostPort(std::string_view text);

// Of canonical hosts, by their text alone: nothing is resolved.
bool IsLoopbackHost(const std::string &host) noexcept;   // localhost, *.localhost, 127/8, ::1
bool IsLinkLocalHost(const std::string &host) noexcept;  // 169.254/16, fe80::/10

// For URLs and Host headers: IPv6 in brackets.
std::string BracketHost(const std::string &host);

}  // namespace sqs_fdw::aws
