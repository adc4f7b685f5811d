// The byte form of addresses.
#include "masking/ip.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sqs_fdw::masking {
namespace {

constexpr uint8_t kV4[kIpv4Size] = {199, 172, 111, 135};
constexpr uint8_t kMapped[kIpv6Size] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 199, 172, 111, 135};
constexpr uint8_t kV6[kIpv6Size] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
// IPv4-compatible and NAT64: addresses of their own.
constexpr uint8_t kCompatible[kIpv6Size] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 199, 172, 111, 135};
constexpr uint8_t kNat64[kIpv6Size] = {
    0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 199, 172, 111, 135};

TEST(Ip, ipv4_and_its_mapped_form_are_equal)
{
	const IpBytes ip = CanonicalIp(IpFamily::kIpv4, kV4);
	EXPECT_EQ(ip, CanonicalIp(IpFamily::kIpv6, kMapped));
	EXPECT_TRUE(std::equal(ip.begin(), ip.end(), kMapped));
}

TEST(Ip, a_mapped_address_is_shown_as_ipv4)
{
	const IpBytes ip = CanonicalIp(IpFamily::kIpv6, kMapped);
	ASSERT_EQ(FamilyOf(ip), IpFamily::kIpv4);
	EXPECT_TRUE(std::equal(kV4, kV4 + kIpv4Size, AddressOf(ip)));
}

TEST(Ip, other_ipv6_addresses_stay_ipv6)
{
	for (const auto *address : {&kV6, &kCompatible, &kNat64}) {
		const IpBytes ip = CanonicalIp(IpFamily::kIpv6, *address);
		ASSERT_EQ(FamilyOf(ip), IpFamily::kIpv6);
		EXPECT_TRUE(std::equal(*address, *address + kIpv6Size, AddressOf(ip)));
	}
}

}  // namespace
}  // namespace sqs_fdw::masking
