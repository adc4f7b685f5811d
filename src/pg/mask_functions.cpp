// The SQL functions that mask and unmask.
#include <sys/socket.h>

#include <chrono>
#include <cstring>
#include <string_view>

#include "base/bytes.h"
#include "masking/mask.h"
#include "pg/guard.h"
#include "pg/keyring.h"
#include "pg/text.h"

#include "pg/server.h"

extern "C" {
#include "utils/inet.h"
#include "utils/timestamp.h"
}

namespace sqs_fdw::pg {

namespace {

// More characters than any way to write an address has.
constexpr size_t kMaxAddressText = 63;

text *AllocateText(size_t size)
{
	if (size > MaxAllocSize - VARHDRSZ)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
		                   errmsg("the value is too long to be masked")));
	auto *result = static_cast<text *>(palloc(VARHDRSZ + size));
	SET_VARSIZE(result, VARHDRSZ + size);
	return result;
}

std::string_view TrimSpace(std::string_view value)
{
	constexpr std::string_view kSpace = " \t\n\r\f\v";
	const size_t begin = value.find_first_not_of(kSpace);
	if (begin == std::string_view::npos)
		return {};
	value.remove_prefix(begin);
	value.remove_suffix(value.size() - value.find_last_not_of(kSpace) - 1);
	return value;
}

// Reads an address as the type inet does, without its errors; false if it is none.
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

text *Mask(std::string_view value, std::string_view domain)
{
	const masking::Key *key = ActiveKey();
	text *result = AllocateText(masking::MaskedTextSize(*key, value.size()));
	Guard([&] { masking::MaskText(*key, domain, value, VARDATA(result)); });
	return result;
}

text *Mask(const masking::IpBytes &ip)
{
	const masking::Key *key = ActiveKey();
	text *result = AllocateText(masking::MaskedIpSize(*key));
	Guard([&] { masking::MaskIp(*key, ip, VARDATA(result)); });
	return result;
}

inet *MakeInet(const masking::IpBytes &ip)
{
	const bool is_v4 = masking::FamilyOf(ip) == masking::IpFamily::kIpv4;
	auto *result = static_cast<inet *>(palloc0(sizeof(inet)));
	ip_family(result) = is_v4 ? PGSQL_AF_INET : PGSQL_AF_INET6;
	ip_bits(result) = ip_maxbits(result);
	memcpy(ip_addr(result), masking::AddressOf(ip), ip_addrsize(result));
	SET_INET_VARSIZE(result);
	return result;
}

// A row of mask_keys(), copied from the ring so that it outlives it.
struct KeyRow {
	char id[masking::kMaxKeyIdSize + 1];
	char state[16];
	char fingerprint[16];
	TimestampTz loaded_at;
};

TimestampTz ToTimestamp(WallTime time)
{
	constexpr int64 kEpoch =
	    static_cast<int64>(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
	return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count() -
	       kEpoch;
}

KeyRow *KeyRows(uint64 *count)
{
	const masking::Keyring *ring = CurrentKeyring();
	*count = ring->keys().size();
	auto *rows = static_cast<KeyRow *>(palloc0(*count * sizeof(KeyRow)));
	for (uint64 i = 0; i < *count; ++i) {
		const masking::Key &key = *ring->keys()[i];
		strlcpy(rows[i].id, key.id().c_str(), sizeof rows[i].id);
		strlcpy(rows[i].state, masking::KeyStateName(key.state()).data(), sizeof rows[i].state);
		strlcpy(rows[i].fingerprint, key.fingerprint().c_str(), sizeof rows[i].fingerprint);
		rows[i].loaded_at = ToTimestamp(ring->loaded_at());
	}
	return rows;
}

}  // namespace

}  // namespace sqs_fdw::pg

using namespace sqs_fdw;
using namespace sqs_fdw::pg;

// mask(value text, domain text) returns text
SQS_FDW_FUNCTION(sqs_mask)
{
	const std::string_view value = ToUtf8(ViewOf(PG_GETARG_TEXT_PP(0)));
	const std::string_view domain = ToUtf8(ViewOf(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_TEXT_P(Mask(value, domain));
}

// mask_ip(text) returns text
SQS_FDW_FUNCTION(sqs_mask_ip_text)
{
	const std::string_view value = TrimSpace(ViewOf(PG_GETARG_TEXT_PP(0)));
	masking::IpBytes ip;
	PG_RETURN_TEXT_P(ParseIp(value, &ip) ? Mask(ip) : Mask(ToUtf8(value), masking::kIpDomain));
}

// mask_ip(inet) returns text
SQS_FDW_FUNCTION(sqs_mask_ip_inet)
{
	inet *address = PG_GETARG_INET_PP(0);
	const auto family =
	    ip_family(address) == PGSQL_AF_INET ? masking::IpFamily::kIpv4 : masking::IpFamily::kIpv6;
	PG_RETURN_TEXT_P(Mask(masking::CanonicalIp(family, ip_addr(address))));
}

// unmask(masked text, domain text) returns text
SQS_FDW_FUNCTION(sqs_unmask)
{
	const std::string_view masked = ViewOf(PG_GETARG_TEXT_PP(0));
	const std::string_view domain = ToUtf8(ViewOf(PG_GETARG_TEXT_PP(1)));
	const masking::Keyring *ring = CurrentKeyring();
	text *result = AllocateText(masking::UnmaskedTextCapacity(masked.size()));
	char *out = VARDATA(result);
	const size_t size = Guard([&] { return masking::UnmaskText(*ring, masked, domain, out); });
	const std::string_view value = FromUtf8({out, size});
	if (value.data() != out)
		PG_RETURN_TEXT_P(cstring_to_text_with_len(value.data(), static_cast<int>(value.size())));
	SET_VARSIZE(result, VARHDRSZ + size);
	PG_RETURN_TEXT_P(result);
}

// unmask_ip(masked text) returns inet
SQS_FDW_FUNCTION(sqs_unmask_ip)
{
	const std::string_view masked = ViewOf(PG_GETARG_TEXT_PP(0));
	const masking::Keyring *ring = CurrentKeyring();
	const masking::IpBytes ip = Guard([&] { return masking::UnmaskIp(*ring, masked); });
	PG_RETURN_INET_P(MakeInet(ip));
}

// mask_keys() returns table (key_id text, state text, fingerprint text, loaded_at timestamptz)
SQS_FDW_FUNCTION(sqs_mask_keys)
{
	FuncCallContext *call;
	if (SRF_IS_FIRSTCALL()) {
		call = SRF_FIRSTCALL_INIT();
		const MemoryContext old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, nullptr, &call->tuple_desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		BlessTupleDesc(call->tuple_desc);
		call->user_fctx = KeyRows(&call->max_calls);
		MemoryContextSwitchTo(old);
	}
	call = SRF_PERCALL_SETUP();
	if (call->call_cntr >= call->max_calls)
		SRF_RETURN_DONE(call);
	const KeyRow &row = static_cast<KeyRow *>(call->user_fctx)[call->call_cntr];
	Datum values[] = {CStringGetTextDatum(row.id), CStringGetTextDatum(row.state),
	    CStringGetTextDatum(row.fingerprint), TimestampTzGetDatum(row.loaded_at)};
	bool nulls[] = {false, false, false, false};
	SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(call->tuple_desc, values, nulls)));
}

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
