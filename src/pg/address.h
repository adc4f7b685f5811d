// The server's addresses as the bytes that are masked, and back.
#pragma once

#include <string_view>

#include "masking/ip.h"
#include "pg/types.h"

namespace sqs_fdw::pg {

// Reads an address as the type inet does, without its errors; false if it is none. A netmask is
// dropped.
bool ParseIp(std::string_view value, masking::IpBytes *ip);

// The address of a value of type inet or cidr, without its netmask. Server phase.
masking::IpBytes IpOfInet(Datum inet);

// A new value of type inet: one address, an IPv4-mapped one as IPv4. Server phase.
Datum MakeInet(const masking::IpBytes &ip);

}  // namespace sqs_fdw::pg
