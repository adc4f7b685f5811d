// The one byte form of an IP address: equal addresses have equal bytes, however they were written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sqs_fdw::masking {

constexpr size_t kIpv4Size = 4;
constexpr size_t kIpv6Size = 16;

// IPv6 in network order; IPv4 as the IPv4-mapped address ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2).
using IpBytes = std::array<uint8_t, kIpv6Size>;

enum class IpFamily { kIpv4, kIpv6 };

// Reads kIpv4Size or kIpv6Size bytes in network order.
IpBytes CanonicalIp(IpFamily family, const uint8_t *address) noexcept;

// The family an address is shown in: an IPv4-mapped address is shown as IPv4.
IpFamily FamilyOf(const IpBytes &ip) noexcept;

// The reverse of CanonicalIp: points to the kIpv4Size or kIpv6Size bytes, inside `ip`, of
// FamilyOf(ip).
const uint8_t *AddressOf(const IpBytes &ip) noexcept;

}  // namespace sqs_fdw::masking
