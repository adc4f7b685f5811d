// The SQL functions that mask, unmask, and move masks to another key.
#include "pg/mask_functions.h"

#include <cstring>
#include <string_view>

#include "masking/mask.h"
#include "pg/address.h"
#include "pg/audit.h"
#include "pg/guard.h"
#include "pg/keyring.h"
#include "pg/text.h"

#include "pg/server.h"

extern "C" {
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/array.h"
}

namespace sqs_fdw::pg {

namespace {

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

// Key ids are ASCII: what is not is the id of no key.
const masking::Key *KeyNamed(const text *id)
{
	const masking::Keyring *ring = CurrentKeyring();
	const std::string_view name = ViewOf(id);
	return Guard([&] { return &ring->KeyToMask(name); });
}

text *Mask(const masking::Key *key, std::string_view value, std::string_view domain)
{
	text *result = AllocateText(masking::MaskedTextSize(*key, value.size()));
	Guard([&] { masking::MaskText(*key, domain, value, VARDATA(result)); });
	return result;
}

text *Mask(const masking::Key *key, const masking::IpBytes &ip)
{
	text *result = AllocateText(masking::MaskedIpSize(*key));
	Guard([&] { masking::MaskIp(*key, ip, VARDATA(result)); });
	return result;
}

text *MaskOneWay(const masking::Key *key, std::string_view value, std::string_view domain)
{
	text *result = AllocateText(masking::PseudonymSize(*key));
	Guard([&] { masking::MaskOneWay(*key, domain, value, VARDATA(result)); });
	return result;
}

// Before a value is returned. The mask has been opened, so it has an envelope.
void Audit(const char *function, std::string_view masked)
{
	AuditUnmask(function, masking::ParseEnvelope(masked)->key_id);
}

// One mask for each key that may mask, the active key's first.
template <class MaskWith>
Datum ForEachKey(MaskWith mask_with)
{
	const masking::Keyring *ring = CurrentKeyring();
	const auto &keys = ring->keys();
	auto *masks = static_cast<Datum *>(palloc(keys.size() * sizeof(Datum)));
	int count = 0;
	masks[count++] = PointerGetDatum(mask_with(&ring->active()));
	for (const auto &key : keys) {
		if (key->state() == masking::KeyState::kDecrypt)
			masks[count++] = PointerGetDatum(mask_with(key.get()));
		CHECK_FOR_INTERRUPTS();
	}
	return PointerGetDatum(construct_array(masks, count, TEXTOID, -1, false, TYPALIGN_INT));
}

}  // namespace

text *MaskValue(std::string_view value, std::string_view domain)
{
	CheckUtf8(value);
	if (domain != masking::kIpDomain)
		return Mask(ActiveKey(), value, domain);
	value = TrimSpace(value);
	masking::IpBytes ip;
	return ParseIp(value, &ip) ? Mask(ActiveKey(), ip) : Mask(ActiveKey(), value, domain);
}

bool MayMask(Oid role)
{
	const Oid types[] = {TEXTOID, TEXTOID};
	List *name = list_make2(makeString(pstrdup("sqs")), makeString(pstrdup("mask")));
	return MayExecute(LookupFuncName(name, lengthof(types), types, false), role);
}

}  // namespace sqs_fdw::pg

using namespace sqs_fdw;
using namespace sqs_fdw::pg;

// mask(value text, domain text) returns text
SQS_FDW_FUNCTION(sqs_mask)
{
	const std::string_view value = ToUtf8(ViewOf(PG_GETARG_TEXT_PP(0)));
	const std::string_view domain = ToUtf8(ViewOf(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_TEXT_P(Mask(ActiveKey(), value, domain));
}

// mask(value text, domain text, key_id text) returns text
SQS_FDW_FUNCTION(sqs_mask_with)
{
	const std::string_view value = ToUtf8(ViewOf(PG_GETARG_TEXT_PP(0)));
	const std::string_view domain = ToUtf8(ViewOf(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_TEXT_P(Mask(KeyNamed(PG_GETARG_TEXT_PP(2)), value, domain));
}

// mask_all(value text, domain text) returns text[]
SQS_FDW_FUNCTION(sqs_mask_all)
{
	const std::string_view value = ToUtf8(ViewOf(PG_GETARG_TEXT_PP(0)));
	const std::string_view domain = ToUtf8(ViewOf(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_DATUM(ForEachKey([&](const masking::Key *key) { return Mask(key, value, domain); }));
}

// mask_ip(text) returns text
SQS_FDW_FUNCTION(sqs_mask_ip_text)
{
	const std::string_view value = TrimSpace(ViewOf(PG_GETARG_TEXT_PP(0)));
	masking::IpBytes ip;
	PG_RETURN_TEXT_P(ParseIp(value, &ip) ? Mask(ActiveKey(), ip)
	                                     : Mask(ActiveKey(), ToUtf8(value), masking::kIpDomain));
}

// mask_ip(inet) returns text
SQS_FDW_FUNCTION(sqs_mask_ip_inet)
{
	PG_RETURN_TEXT_P(Mask(ActiveKey(), IpOfInet(PG_GETARG_DATUM(0))));
}

// mask_all_ip(text) returns text[]
SQS_FDW_FUNCTION(sqs_mask_all_ip)
{
	const std::string_view value = TrimSpace(ViewOf(PG_GETARG_TEXT_PP(0)));
	masking::IpBytes ip;
	if (ParseIp(value, &ip))
		PG_RETURN_DATUM(ForEachKey([&](const masking::Key *key) { return Mask(key, ip); }));
	const std::string_view other = ToUtf8(value);
	PG_RETURN_DATUM(
	    ForEachKey([&](const masking::Key *key) { return Mask(key, other, masking::kIpDomain); }));
}

// mask_hmac(value text, domain text) returns text
SQS_FDW_FUNCTION(sqs_mask_hmac)
{
	const std::string_view value = ToUtf8(ViewOf(PG_GETARG_TEXT_PP(0)));
	const std::string_view domain = ToUtf8(ViewOf(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_TEXT_P(MaskOneWay(ActiveKey(), value, domain));
}

// mask_hmac(value text, domain text, key_id text) returns text
SQS_FDW_FUNCTION(sqs_mask_hmac_with)
{
	const std::string_view value = ToUtf8(ViewOf(PG_GETARG_TEXT_PP(0)));
	const std::string_view domain = ToUtf8(ViewOf(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_TEXT_P(MaskOneWay(KeyNamed(PG_GETARG_TEXT_PP(2)), value, domain));
}

// remask(masked text, domain text) returns text
SQS_FDW_FUNCTION(sqs_remask)
{
	const std::string_view masked = ViewOf(PG_GETARG_TEXT_PP(0));
	const std::string_view domain = ToUtf8(ViewOf(PG_GETARG_TEXT_PP(1)));
	const masking::Keyring *ring = CurrentKeyring();
	text *result = AllocateText(masking::RemaskedCapacity(*ring, masked.size()));
	char *out = VARDATA(result);
	const size_t size = Guard([&] { return masking::Remask(*ring, masked, domain, out); });
	SET_VARSIZE(result, VARHDRSZ + size);
	PG_RETURN_TEXT_P(result);
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
	Audit("sqs.unmask", masked);
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
	Audit("sqs.unmask_ip", masked);
	PG_RETURN_DATUM(MakeInet(ip));
}
