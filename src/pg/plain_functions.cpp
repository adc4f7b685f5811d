// The SQL functions that hide a part of a value, or compare it, without a key.
#include <sys/socket.h>

#include <cstring>
#include <string_view>

#include "base/bytes.h"
#include "masking/cipher.h"
#include "masking/ip.h"
#include "pg/address.h"
#include "pg/guard.h"
#include "pg/text.h"

#include "pg/server.h"

extern "C" {
#include "utils/inet.h"
}

namespace sqs_fdw::pg {

namespace {

constexpr int kIpv4Bits = 8 * static_cast<int>(masking::kIpv4Size);
constexpr int kIpv6Bits = 8 * static_cast<int>(masking::kIpv6Size);

void CheckBits(const char *name, int bits, int most)
{
	if (bits < 0 || bits > most)
		ereport(ERROR,
		    (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is out of range: %d", name, bits),
		        errhint("It is the number of bits to keep, from 0 to %d.", most)));
}

// Makes the bits after the first `bits` zero.
void KeepBits(uint8_t *bytes, int size, int bits)
{
	const int whole = bits / 8;
	if (whole == size)
		return;
	bytes[whole] = static_cast<uint8_t>(bytes[whole] & ~(0xff >> bits % 8));
	memset(bytes + whole + 1, 0, size - whole - 1);
}

void CheckShown(const char *name, int characters)
{
	if (characters < 0)
		ereport(ERROR,
		    (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must not be negative", name),
		        errhint("It is the number of characters to show.")));
}

}  // namespace

}  // namespace sqs_fdw::pg

using namespace sqs_fdw;
using namespace sqs_fdw::pg;

// hash_sha256(value text, prefix text) returns text
SQS_FDW_FUNCTION(sqs_hash_sha256)
{
	const std::string_view value = ToUtf8(ViewOf(PG_GETARG_TEXT_PP(0)));
	const std::string_view prefix = ToUtf8(ViewOf(PG_GETARG_TEXT_PP(1)));
	text *result = AllocateText(2 * masking::kHashSize);
	Guard([&] {
		const masking::Hash hash = masking::Sha256(prefix, value);
		HexEncode(hash.data(), hash.size(), VARDATA(result));
	});
	PG_RETURN_TEXT_P(result);
}

// ip_truncate(inet, v4_bits integer, v6_bits integer) returns inet
SQS_FDW_FUNCTION(sqs_ip_truncate)
{
	const masking::IpBytes ip = IpOfInet(PG_GETARG_DATUM(0));
	const int v4_bits = PG_GETARG_INT32(1);
	const int v6_bits = PG_GETARG_INT32(2);
	CheckBits("v4_bits", v4_bits, kIpv4Bits);
	CheckBits("v6_bits", v6_bits, kIpv6Bits);
	inet *result = DatumGetInetP(MakeInet(ip));
	const int bits = ip_family(result) == PGSQL_AF_INET ? v4_bits : v6_bits;
	KeepBits(ip_addr(result), ip_addrsize(result), bits);
	ip_bits(result) = static_cast<unsigned char>(bits);
	PG_RETURN_INET_P(result);
}

// partial(value text, prefix integer, padding text, suffix integer) returns text
SQS_FDW_FUNCTION(sqs_partial)
{
	const std::string_view value = ViewOf(PG_GETARG_TEXT_PP(0));
	const int prefix = PG_GETARG_INT32(1);
	text *padding = PG_GETARG_TEXT_PP(2);
	const int suffix = PG_GETARG_INT32(3);
	CheckShown("prefix", prefix);
	CheckShown("suffix", suffix);
	const auto size = static_cast<int>(value.size());
	const int length = pg_mbstrlen_with_len(value.data(), size);
	if (int64{prefix} + suffix >= length)
		PG_RETURN_TEXT_P(padding);

	const std::string_view middle = ViewOf(padding);
	const auto head = static_cast<size_t>(pg_mbcharcliplen(value.data(), size, prefix));
	const auto tail = static_cast<size_t>(pg_mbcharcliplen(value.data(), size, length - suffix));
	text *result = AllocateText(head + middle.size() + value.size() - tail);
	char *out = VARDATA(result);
	memcpy(out, value.data(), head);
	memcpy(out + head, middle.data(), middle.size());
	memcpy(out + head + middle.size(), value.data() + tail, value.size() - tail);
	PG_RETURN_TEXT_P(result);
}
