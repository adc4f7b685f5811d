// The input is a mask, a value to be masked, or the sealed inside of a mask: what opens must be
// what was made, and making it again gives the same text.
//
// Under test: masking/envelope masking/mask masking/cipher
#include "fuzz.h"

#include "base/bytes.h"
#include "base/error.h"
#include "masking/envelope.h"
#include "masking/keyring.h"
#include "masking/mask.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sqs_fdw::fuzz {

namespace {

using masking::Envelope;
using masking::IpBytes;
using masking::Key;
using masking::Keyring;
using masking::KeyState;
using masking::MaskType;

std::string KeyBytes(char first)
{
	std::string bytes(masking::kKeySize, '\0');
	for (size_t i = 0; i < bytes.size(); ++i)
		bytes[i] = static_cast<char>(first + static_cast<char>(i));
	return bytes;
}

// k1 is the key of the documented known answers, which are among the seeds.
const Keyring &Ring()
{
	static const Keyring ring("k1 active " + Base64Encode(KeyBytes(0)) + "\nk2 decrypt " +
	                              Base64Encode(KeyBytes(1)) + "\nk3 disabled " +
	                              Base64Encode(KeyBytes(2)) + "\n",
	    WallTime{});
	return ring;
}

// Text, of exactly the room that the function asks for.
std::string Masked(const Key &key, std::string_view domain, std::string_view value)
{
	const size_t size = masking::MaskedTextSize(key, value.size());
	const std::unique_ptr<char[]> out(new char[size]);
	masking::MaskText(key, domain, value, out.get());
	return {out.get(), size};
}

std::string Masked(const Key &key, const IpBytes &ip)
{
	const size_t size = masking::MaskedIpSize(key);
	const std::unique_ptr<char[]> out(new char[size]);
	masking::MaskIp(key, ip, out.get());
	return {out.get(), size};
}

// An error is one of those that the header names, and shows nothing of the mask's body.
void CheckError(const Error &error, std::string_view mask)
{
	REQUIRE(error.fault() == Fault::kBadMask || error.fault() == Fault::kInvalid);
	const std::string shown = std::string(error.what()) + error.detail() + error.hint();
	const auto envelope = masking::ParseEnvelope(mask);
	// What has a blank in it may be a piece of the message's own text.
	REQUIRE(!envelope || envelope->body.size() < 20 ||
	        envelope->body.find(' ') != std::string_view::npos ||
	        shown.find(envelope->body) == std::string::npos);
}

std::optional<std::string> Opened(std::string_view mask, std::string_view domain)
{
	const size_t capacity = masking::UnmaskedTextCapacity(mask.size());
	const std::unique_ptr<char[]> out(new char[capacity]);
	try {
		const size_t size = masking::UnmaskText(Ring(), mask, domain, out.get());
		return std::string(out.get(), size);
	} catch (const Error &error) {
		CheckError(error, mask);
		return std::nullopt;
	}
}

std::optional<IpBytes> OpenedIp(std::string_view mask)
{
	try {
		return masking::UnmaskIp(Ring(), mask);
	} catch (const Error &error) {
		CheckError(error, mask);
		return std::nullopt;
	}
}

// ------------------------------------------------------------------------------------ the three

// Whatever the text is: if it opens, it is the one text that masks that value.
void CheckMask(std::string_view mask, std::string_view domain)
{
	const auto envelope = masking::ParseEnvelope(mask);
	if (envelope) {
		std::string again(masking::EnvelopeHeadSize(envelope->key_id), '\0');
		const char *const end =
		    masking::WriteEnvelopeHead(envelope->type, envelope->key_id, again.data());
		REQUIRE(end == again.data() + again.size());
		again.append(envelope->body);
		REQUIRE(again == mask);
		REQUIRE(masking::IsKeyId(envelope->key_id));
	}
	const auto value = Opened(mask, domain);
	REQUIRE(!value || (envelope && envelope->type == MaskType::kText));
	REQUIRE(!value || Masked(*Ring().Find(envelope->key_id), domain, *value) == mask);
	const auto ip = OpenedIp(mask);
	REQUIRE(!ip || (envelope && envelope->type == MaskType::kIp));
	REQUIRE(!ip || Masked(*Ring().Find(envelope->key_id), *ip) == mask);
}

// The value comes back; and after any change to the mask, key id and domain among them, it does
// not.
void CheckValue(std::string_view value, std::string_view domain, uint8_t place, uint8_t change)
{
	const Key &key = Ring().active();
	std::string mask = Masked(key, domain, value);
	REQUIRE(Opened(mask, domain) == value);
	REQUIRE(!Opened(mask, std::string(domain) + "x"));
	REQUIRE(!OpenedIp(mask));
	if (change == 0)
		return;
	char &changed = mask[place % mask.size()];
	changed = static_cast<char>(changed ^ change);
	REQUIRE(!Opened(mask, domain));
	mask.resize(place % mask.size());
	REQUIRE(!Opened(mask, domain));
}

void CheckIp(std::string_view bytes, uint8_t place, uint8_t change)
{
	IpBytes ip{};
	std::copy_n(bytes.begin(), std::min(bytes.size(), ip.size()), ip.begin());
	std::string mask = Masked(Ring().active(), ip);
	REQUIRE(OpenedIp(mask) == ip);
	REQUIRE(!Opened(mask, masking::kIpDomain));
	if (change == 0)
		return;
	char &changed = mask[place % mask.size()];
	changed = static_cast<char>(changed ^ change);
	REQUIRE(!OpenedIp(mask));
}

// A holder of the key can seal anything. Only what MaskText would have padded may open.
void CheckSealed(std::string_view inside, std::string_view domain)
{
	const Key &key = Ring().active();
	const size_t size = inside.size() / masking::kBlockSize * masking::kBlockSize;
	std::string sealed(masking::kSivSize + size, '\0');
	std::copy_n(inside.begin(), size, sealed.begin() + masking::kSivSize);
	auto *const bytes = reinterpret_cast<uint8_t *>(sealed.data());
	key.cipher().Seal(key.PrefixFor(MaskType::kText, domain), bytes, size);
	std::string body(Base64UrlSize(sealed.size()), '\0');
	Base64UrlEncode(bytes, sealed.size(), body.data());
	const std::string mask = "t1.k1." + body;
	const auto value = Opened(mask, domain);
	if (value)
		REQUIRE(Masked(key, domain, *value) == mask);
	// The padding that the header describes, and no other.
	const std::string_view padded = inside.substr(0, size);
	const size_t mark = padded.find_last_not_of('\0');
	const bool good = mark != std::string_view::npos && padded[mark] == '\x80' &&
	                  mark / masking::kBlockSize + 1 == size / masking::kBlockSize;
	REQUIRE(value.has_value() == good);
	REQUIRE(!value || *value == padded.substr(0, mark));
}

// Decoding takes canonical text only: encoding gives it back.
void CheckBase64Url(std::string_view text)
{
	const size_t capacity = text.size() / 4 * 3 + 2;
	const std::unique_ptr<uint8_t[]> out(new uint8_t[capacity]);
	const auto size = Base64UrlDecode(text, out.get());
	if (!size)
		return;
	REQUIRE(*size <= capacity);
	std::string again(Base64UrlSize(*size), '\0');
	Base64UrlEncode(out.get(), *size, again.data());
	REQUIRE(again == text);
}

}  // namespace

}  // namespace sqs_fdw::fuzz

// A line that is the domain, two bytes that say what to change, and the rest.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	using namespace sqs_fdw::fuzz;
	Input input(data, size);
	const std::string_view domain = input.Line();
	const uint8_t place = input.Byte();
	const uint8_t change = input.Byte();
	const std::string_view rest = input.Rest();
	CheckMask(rest, domain);
	CheckValue(rest, domain, place, change);
	CheckIp(rest, place, change);
	CheckSealed(rest, domain);
	CheckBase64Url(rest);
	return 0;
}
