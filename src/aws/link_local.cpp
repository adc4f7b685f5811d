// Tells link-local and metadata addresses, in all the forms that reach them.
#include "aws/link_local.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <netinet/in.h>

namespace sqs_fdw::aws {

namespace {

bool IsLinkLocal4(const uint8_t *bytes) noexcept
{
	return bytes[0] == 169 && bytes[1] == 254;
}

template <size_t Size>
bool StartsWith(const uint8_t *bytes, const uint8_t (&prefix)[Size]) noexcept
{
	return std::equal(prefix, prefix + Size, bytes);
}

bool IsLinkLocal6(const uint8_t *bytes) noexcept
{
	static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	static constexpr uint8_t kCompatible[12] = {};
	static constexpr uint8_t kNat64[12] = {0, 0x64, 0xff, 0x9b};
	static constexpr uint8_t kAwsLocal[4] = {0xfd, 0x00, 0x0e, 0xc2};

	if (StartsWith(bytes, kMapped) || StartsWith(bytes, kCompatible) || StartsWith(bytes, kNat64))
		return IsLinkLocal4(bytes + 12);
	return (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) || StartsWith(bytes, kAwsLocal);
}

}  // namespace

bool IsLinkLocal(const sockaddr *address) noexcept
{
	if (address->sa_family == AF_INET) {
		sockaddr_in v4;
		std::memcpy(&v4, address, sizeof v4);
		return IsLinkLocal4(reinterpret_cast<const uint8_t *>(&v4.sin_addr));
	}
	if (address->sa_family == AF_INET6) {
		sockaddr_in6 v6;
		std::memcpy(&v6, address, sizeof v6);
		return IsLinkLocal6(v6.sin6_addr.s6_addr);
	}
	return false;
}

}  // namespace sqs_fdw::aws
