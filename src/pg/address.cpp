// Converts between inet and canonical bytes.
#include "pg/address.h"

#include <sys/socket.h>

#include <cstring>

#include "pg/server.h"

extern "C" {
#include "utils/inet.h"
}

namespace sqs_fdw::pg {

namespace {

// More characters than any way to write an address has.
constexpr size_t kMaxAddressText = 63;

}  // namespace

bool ParseIp(std::string_view value, masking::IpBytes *ip)
{
	char source[kMaxAddressText + 1];
	if (value.empty() || value.size() > kMaxAddressText)
		return false;
	memcpy(source, value.data(), value.size());
	source[value.size()] = '\0';
	const bool is_v6 = value.find(':') != std::string_view::npos;
	unsigned char address[masking::kIpv6Size] = {};
	if (pg_inet_net_pton(is_v6 ? PGSQL_AF_INET6 : PGSQL_AF_INET, source, address, -1) < 0)
		return false;
	*ip =
	    masking::CanonicalIp(is_v6 ? masking::IpFamily::kIpv6 : masking::IpFamily::kIpv4, address);
	return true;
}

masking::IpBytes IpOfInet(Datum inet_datum)
{
	inet *address = DatumGetInetPP(inet_datum);
	const auto family =
	    ip_family(address) == PGSQL_AF_INET ? masking::IpFamily::kIpv4 : masking::IpFamily::kIpv6;
	return masking::CanonicalIp(family, ip_addr(address));
}

Datum MakeInet(const masking::IpBytes &ip)
{
	const bool is_v4 = masking::FamilyOf(ip) == masking::IpFamily::kIpv4;
	auto *result = static_cast<inet *>(palloc0(sizeof(inet)));
	ip_family(result) = is_v4 ? PGSQL_AF_INET : PGSQL_AF_INET6;
	ip_bits(result) = ip_maxbits(result);
	memcpy(ip_addr(result), masking::AddressOf(ip), ip_addrsize(result));
	SET_INET_VARSIZE(result);
	return InetPGetDatum(result);
}

}  // namespace sqs_fdw::pg
