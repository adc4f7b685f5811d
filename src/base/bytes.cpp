// Hexadecimal, base64 and constant-time comparison.
#include "base/bytes.h"

#include <array>
#include <cstring>

namespace sqs_fdw {

namespace {

constexpr char kStandard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kUrlSafe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr uint8_t kBad = 0xff;

using ReverseTable = std::array<uint8_t, 256>;

constexpr ReverseTable Reverse(const char *alphabet)
{
	ReverseTable table{};
	for (auto &entry : table)
		entry = kBad;
	for (uint8_t i = 0; i < 64; ++i)
		table[static_cast<uint8_t>(alphabet[i])] = i;
	return table;
}

constexpr ReverseTable kFromStandard = Reverse(kStandard);
constexpr ReverseTable kFromUrlSafe = Reverse(kUrlSafe);

// The two characters of every twelve bits: half the look-ups of a table of six bits.
using PairTable = std::array<std::array<char, 2>, 4096>;

constexpr PairTable Pairs(const char *alphabet)
{
	PairTable table{};
	for (size_t i = 0; i < table.size(); ++i)
		table[i] = {alphabet[i >> 6], alphabet[i & 63]};
	return table;
}

constexpr PairTable kToStandard = Pairs(kStandard);
constexpr PairTable kToUrlSafe = Pairs(kUrlSafe);

uint64_t LoadBig64(const uint8_t *in) noexcept
{
	uint64_t word;
	std::memcpy(&word, in, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

// Writes the unpadded form. Every step reads before it writes, so that it can encode in place.
void Encode(const PairTable &pairs, const uint8_t *in, size_t size, char *out) noexcept
{
	const auto put = [&](uint64_t bits) {
		std::memcpy(out, pairs[bits & 4095].data(), 2);
		out += 2;
	};
	for (; size >= sizeof(uint64_t); size -= 6, in += 6) {
		const uint64_t word = LoadBig64(in);
		put(word >> 52);
		put(word >> 40);
		put(word >> 28);
		put(word >> 16);
	}
	for (; size >= 3; size -= 3, in += 3) {
		const uint32_t word = uint32_t{in[0]} << 16 | uint32_t{in[1]} << 8 | in[2];
		put(word >> 12);
		put(word);
	}
	if (size == 0)
		return;
	const uint32_t word = uint32_t{in[0]} << 16 | (size == 2 ? uint32_t{in[1]} << 8 : 0);
	put(word >> 12);
	if (size == 2)
		*out = pairs[word & 4095][0];
}

std::optional<size_t> Decode(
    const ReverseTable &table, std::string_view text, uint8_t *const out) noexcept
{
	if (text.size() % 4 == 1)
		return std::nullopt;
	uint8_t *end = out;
	uint32_t word = 0;
	unsigned bits = 0;
	for (const char c : text) {
		const uint8_t value = table[static_cast<uint8_t>(c)];
		if (value == kBad)
			return std::nullopt;
		word = word << 6 | value;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*end++ = static_cast<uint8_t>(word >> bits);
		}
	}
	if ((word & ((1U << bits) - 1)) != 0)
		return std::nullopt;
	return static_cast<size_t>(end - out);
}

}  // namespace

void HexEncode(const uint8_t *bytes, size_t size, char *out) noexcept
{
	static constexpr char kDigits[] = "0123456789abcdef";
	for (size_t i = 0; i < size; ++i) {
		*out++ = kDigits[bytes[i] >> 4];
		*out++ = kDigits[bytes[i] & 15];
	}
}

std::string HexEncode(std::string_view bytes)
{
	std::string out(bytes.size() * 2, '\0');
	HexEncode(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(), out.data());
	return out;
}

std::string Base64Encode(std::string_view bytes)
{
	std::string out((bytes.size() + 2) / 3 * 4, '=');
	Encode(kToStandard, reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(), out.data());
	return out;
}

std::optional<size_t> Base64Decode(std::string_view text, uint8_t *out) noexcept
{
	if (text.size() % 4 != 0)
		return std::nullopt;
	for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i)
		text.remove_suffix(1);
	return Decode(kFromStandard, text, out);
}

std::optional<std::string> Base64Decode(std::string_view text)
{
	std::string out(text.size() / 4 * 3, '\0');
	const auto size = Base64Decode(text, reinterpret_cast<uint8_t *>(out.data()));
	if (!size)
		return std::nullopt;
	out.resize(*size);
	return out;
}

void Base64UrlEncode(const uint8_t *bytes, size_t size, char *out) noexcept
{
	Encode(kToUrlSafe, bytes, size, out);
}

std::optional<size_t> Base64UrlDecode(std::string_view text, uint8_t *out) noexcept
{
	return Decode(kFromUrlSafe, text, out);
}

bool ConstantTimeEqual(const void *a, const void *b, size_t size) noexcept
{
	const auto *left = static_cast<const volatile uint8_t *>(a);
	const auto *right = static_cast<const volatile uint8_t *>(b);
	uint8_t difference = 0;
	for (size_t i = 0; i < size; ++i)
		difference = static_cast<uint8_t>(difference | (left[i] ^ right[i]));
	return difference == 0;
}

}  // namespace sqs_fdw
