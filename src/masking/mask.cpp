// Values to masks and back: padding, sealing and the envelope around it.
#include "masking/mask.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"

#include <cstring>
#include <optional>
#include <string>

namespace sqs_fdw::masking {

namespace {

constexpr size_t kSealedIpSize = kSivSize + kIpv6Size;

// ISO/IEC 7816-4: one byte 0x80, then zeros up to a multiple of a block; always at least one byte.
constexpr uint8_t kPadMark = 0x80;

constexpr size_t PaddedSize(size_t size) noexcept
{
	return (size / kBlockSize + 1) * kBlockSize;
}

// Copies `value` to `out`, padded to PaddedSize(value.size()) bytes.
void CopyPadded(std::string_view value, uint8_t *out) noexcept
{
	std::memset(out + PaddedSize(value.size()) - kBlockSize, 0, kBlockSize);
	std::memcpy(out, value.data(), value.size());
	out[value.size()] = kPadMark;
}

[[noreturn]] void RefuseSealed()
{
	throw Error(Fault::kBadMask, "the mask cannot be opened",
	    "It was altered, or made with another domain, or with another key of the same id.",
	    "Use the domain that the value was masked with, and compare sqs.mask_keys() with that of "
	    "the database it was masked in.");
}

// The size without the padding; nullopt if it is not what CopyPadded made.
std::optional<size_t> Unpad(const uint8_t *bytes, size_t padded_size) noexcept
{
	size_t size = padded_size;
	while (size > 0 && bytes[size - 1] == 0)
		--size;
	if (size == 0 || bytes[size - 1] != kPadMark || PaddedSize(size - 1) != padded_size)
		return std::nullopt;
	return size - 1;
}

size_t MaskSize(const Key &key, size_t sealed_size) noexcept
{
	return EnvelopeHeadSize(key.id()) + Base64UrlSize(sealed_size);
}

// Where the sealed bytes of a body of `size` bytes are put before they are encoded: at the body's
// end, so that encoding, which grows them, catches up with itself only there.
uint8_t *SealedInside(char *body, size_t size) noexcept
{
	return reinterpret_cast<uint8_t *>(body + Base64UrlSize(size) - size);
}

constexpr char kOpenedBy[] = "Compare it with sqs.mask_hmac(...) of the value that you look for.";
constexpr char kMadeAgain[] = "Make it again with sqs.mask_hmac(...) of the value.";

[[noreturn]] void RefuseCut()
{
	throw Error(Fault::kBadMask, "the value is not a mask, or not a whole one", "",
	    "A mask looks like t1.k1.uqfUF7YB...; it may have been cut short, for instance by a column "
	    "that is too narrow.");
}

// `hint` says what to do with a mask that is one-way.
Envelope Parse(std::string_view masked, const char *hint)
{
	const auto envelope = ParseEnvelope(masked);
	if (!envelope)
		RefuseCut();
	if (envelope->type == MaskType::kPseudonym)
		throw Error(Fault::kInvalid, "the mask is one-way",
		    "Masks that begin with h1 were made by sqs.mask_hmac.", hint);
	return *envelope;
}

// Decodes and opens a body: on return the padded plain bytes begin at sealed + kSivSize. Returns
// how many. Nothing plain is left in `sealed` where it throws.
size_t OpenBody(
    const Keyring &ring, const Envelope &envelope, std::string_view domain, uint8_t *sealed)
{
	const auto size = Base64UrlDecode(envelope.body, sealed);
	if (!size || *size < kSivSize + kBlockSize || *size % kBlockSize != 0)
		RefuseCut();
	const Key &key = ring.KeyToOpen(envelope.key_id);
	const size_t padded_size = *size - kSivSize;
	if (!key.cipher().Open(key.PrefixFor(envelope.type, domain), sealed, padded_size))
		RefuseSealed();
	return padded_size;
}

// The size of the text in opened bytes, without its padding. Cleanses them where it throws.
size_t OpenedTextSize(uint8_t *sealed, size_t padded_size)
{
	const auto size = Unpad(sealed + kSivSize, padded_size);
	if (!size) {
		Cleanse(sealed, kSivSize + padded_size);
		RefuseSealed();
	}
	return *size;
}

}  // namespace

size_t MaskedTextSize(const Key &key, size_t value_size) noexcept
{
	return MaskSize(key, kSivSize + PaddedSize(value_size));
}

size_t MaskedIpSize(const Key &key) noexcept
{
	return MaskSize(key, kSealedIpSize);
}

void MaskText(const Key &key, std::string_view domain, std::string_view value, char *out)
{
	const AesSiv::Prefix &prefix = key.PrefixFor(MaskType::kText, domain);
	const size_t padded_size = PaddedSize(value.size());
	const size_t size = kSivSize + padded_size;
	char *body = WriteEnvelopeHead(MaskType::kText, key.id(), out);
	uint8_t *sealed = SealedInside(body, size);
	CopyPadded(value, sealed + kSivSize);
	key.cipher().Seal(prefix, sealed, padded_size);
	Base64UrlEncode(sealed, size, body);
}

void MaskIp(const Key &key, const IpBytes &ip, char *out)
{
	const AesSiv::Prefix &prefix = key.PrefixFor(MaskType::kIp, kIpDomain);
	char *body = WriteEnvelopeHead(MaskType::kIp, key.id(), out);
	uint8_t *sealed = SealedInside(body, kSealedIpSize);
	std::memcpy(sealed + kSivSize, ip.data(), ip.size());
	key.cipher().Seal(prefix, sealed, kIpv6Size);
	Base64UrlEncode(sealed, kSealedIpSize, body);
}

size_t PseudonymSize(const Key &key) noexcept
{
	return MaskSize(key, kHashSize);
}

void MaskOneWay(const Key &key, std::string_view domain, std::string_view value, char *out)
{
	const std::string head = AssociatedData(MaskType::kPseudonym, domain) + '\0';
	const Hash hash = HmacSha256(key.pseudonym_key().Reveal(), {head, value});
	char *body = WriteEnvelopeHead(MaskType::kPseudonym, key.id(), out);
	Base64UrlEncode(hash.data(), hash.size(), body);
}

size_t UnmaskText(const Keyring &ring, std::string_view masked, std::string_view domain, char *out)
{
	const Envelope envelope = Parse(masked, kOpenedBy);
	if (envelope.type != MaskType::kText)
		throw Error(Fault::kInvalid, "the mask is one of an IP address", "", "Use sqs.unmask_ip.");
	auto *sealed = reinterpret_cast<uint8_t *>(out);
	const size_t padded_size = OpenBody(ring, envelope, domain, sealed);
	const size_t size = OpenedTextSize(sealed, padded_size);
	std::memmove(sealed, sealed + kSivSize, size);
	return size;
}

IpBytes UnmaskIp(const Keyring &ring, std::string_view masked)
{
	const Envelope envelope = Parse(masked, kOpenedBy);
	if (envelope.type != MaskType::kIp)
		throw Error(Fault::kInvalid, "the mask is one of a text, not of an IP address",
		    "sqs.mask_ip masks what is no address as a text of domain ip.",
		    "Use sqs.unmask(..., 'ip').");
	if (envelope.body.size() != Base64UrlSize(kSealedIpSize))
		RefuseCut();
	uint8_t sealed[kSealedIpSize + 2];
	OpenBody(ring, envelope, kIpDomain, sealed);
	IpBytes ip;
	std::memcpy(ip.data(), sealed + kSivSize, ip.size());
	Cleanse(sealed, sizeof sealed);
	return ip;
}

size_t RemaskedCapacity(const Keyring &ring, size_t masked_size) noexcept
{
	// Two more than that: Base64UrlDecode's margin.
	return EnvelopeHeadSize(ring.active().id()) + masked_size + 2;
}

size_t Remask(const Keyring &ring, std::string_view masked, std::string_view domain, char *out)
{
	const Envelope envelope = Parse(masked, kMadeAgain);
	const bool is_ip = envelope.type == MaskType::kIp;
	if (is_ip && domain != kIpDomain)
		throw Error(Fault::kInvalid, "the mask is one of an IP address, whose domain is \"ip\"", "",
		    "Use sqs.remask(..., 'ip').");
	const size_t body_size = envelope.body.size();
	if (body_size % 4 == 1 || (is_ip && body_size != Base64UrlSize(kSealedIpSize)))
		RefuseCut();

	const Key &active = ring.active();
	char *body = WriteEnvelopeHead(envelope.type, active.id(), out);
	uint8_t *sealed = SealedInside(body, body_size * 3 / 4);
	const size_t padded_size = OpenBody(ring, envelope, domain, sealed);
	if (!is_ip)
		OpenedTextSize(sealed, padded_size);
	if (envelope.key_id == active.id()) {
		std::memcpy(out, masked.data(), masked.size());
		return masked.size();
	}
	active.cipher().Seal(active.PrefixFor(envelope.type, domain), sealed, padded_size);
	Base64UrlEncode(sealed, kSivSize + padded_size, body);
	return MaskSize(active, kSivSize + padded_size);
}

}  // namespace sqs_fdw::masking
