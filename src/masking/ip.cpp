// IPv4 and IPv6 in the same sixteen bytes.
#include "masking/ip.h"

#include <algorithm>

namespace sqs_fdw::masking {

namespace {

constexpr size_t kMappedPrefixSize = kIpv6Size - kIpv4Size;
constexpr std::array<uint8_t, kMappedPrefixSize> kMappedPrefix = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

IpBytes CanonicalIp(IpFamily family, const uint8_t *address) noexcept
{
	IpBytes ip;
	if (family == IpFamily::kIpv6) {
		std::copy_n(address, kIpv6Size, ip.begin());
		return ip;
	}
	std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), ip.begin());
	std::copy_n(address, kIpv4Size, ip.begin() + kMappedPrefixSize);
	return ip;
}

IpFamily FamilyOf(const IpBytes &ip) noexcept
{
	return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), ip.begin()) ? IpFamily::kIpv4
	                                                                          : IpFamily::kIpv6;
}

const uint8_t *AddressOf(const IpBytes &ip) noexcept
{
	return FamilyOf(ip) == IpFamily::kIpv4 ? ip.data() + kMappedPrefixSize : ip.data();
}

}  // namespace sqs_fdw::masking
