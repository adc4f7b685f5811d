// Addresses that lead to the host's own metadata services, told from a resolved socket address.
#pragma once

#include <sys/socket.h>

namespace sqs_fdw::aws {

// 169.254.0.0/16 (RFC 3927), also inside IPv6 (mapped, compatible, NAT64), fe80::/10 (RFC 4291),
// and fd00:ec2::/32, where AWS has the IPv6 forms of its metadata and credential services.
bool IsLinkLocal(const sockaddr *address) noexcept;

}  // namespace sqs_fdw::aws
