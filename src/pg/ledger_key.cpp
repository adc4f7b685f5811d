// Message ids as 128 bits, queues as 32.
#include "pg/ledger_key.h"

#include <optional>

namespace sqs_fdw::pg {

namespace {

constexpr size_t kUuidText = 36;

int HexValue(char c) noexcept
{
	if (c >= '0' && c <= '9')
		return c - '0';
	const char lower = static_cast<char>(c | 0x20);
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// RFC 9562: 8-4-4-4-12 hexadecimal digits.
std::optional<std::array<uint8_t, 16>> ParseUuid(std::string_view text) noexcept
{
	if (text.size() != kUuidText)
		return std::nullopt;
	std::array<uint8_t, 16> bytes{};
	size_t digits = 0;
	for (size_t i = 0; i < text.size(); ++i) {
		const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		const int value = HexValue(text[i]);
		if (dash ? text[i] != '-' : value < 0)
			return std::nullopt;
		if (dash)
			continue;
		bytes[digits / 2] = static_cast<uint8_t>(bytes[digits / 2] << 4 | value);
		++digits;
	}
	return bytes;
}

// FNV-1a (Fowler, Noll, Vo) of the width of Number.
template <class Number>
Number Fnv1a(std::string_view text, Number basis, Number prime) noexcept
{
	Number hash = basis;
	for (const char c : text)
		hash = (hash ^ static_cast<uint8_t>(c)) * prime;
	return hash;
}

__extension__ using Uint128 = unsigned __int128;

constexpr Uint128 Join(uint64_t high, uint64_t low) noexcept
{
	return static_cast<Uint128>(high) << 64 | low;
}

}  // namespace

std::array<uint8_t, 16> MessageIdBytes(std::string_view message_id) noexcept
{
	if (const auto uuid = ParseUuid(message_id))
		return *uuid;
	Uint128 hash = Fnv1a(message_id, Join(0x6c62272e07bb0142, 0x62b821756295c58d),
	    Join(0x0000000001000000, 0x000000000000013b));
	std::array<uint8_t, 16> bytes{};
	for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte, hash >>= 8)
		*byte = static_cast<uint8_t>(hash);
	return bytes;
}

int32_t QueueNumber(std::string_view url) noexcept
{
	const size_t scheme = url.find("://");
	if (scheme != std::string_view::npos)
		url.remove_prefix(scheme + 3);
	const size_t path = url.find('/');
	if (path != std::string_view::npos)
		url.remove_prefix(path);
	return static_cast<int32_t>(Fnv1a<uint32_t>(url, 0x811c9dc5, 0x01000193));
}

}  // namespace sqs_fdw::pg
