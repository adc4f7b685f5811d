// Message ids as 128 bits, queues as 32.
#include "pg/ledger_key.h"

#include <optional>

namespace sqs_fdw::pg {

namespace {

constexpr size_t kUuidText = 36;

// What each character stands for as a hexadecimal digit; 255 for none.
constexpr std::array<uint8_t, 256> MakeHexValues() noexcept
{
	std::array<uint8_t, 256> values{};
	for (auto &value : values)
		value = 255;
	for (size_t i = 0; i < 10; ++i)
		values['0' + i] = static_cast<uint8_t>(i);
	for (size_t i = 0; i < 6; ++i)
		values['a' + i] = values['A' + i] = static_cast<uint8_t>(10 + i);
	return values;
}

constexpr std::array<uint8_t, 256> kHexValues = MakeHexValues();

// RFC 9562: 8-4-4-4-12 hexadecimal digits.
std::optional<std::array<uint8_t, 16>> ParseUuid(std::string_view text) noexcept
{
	// Where the two digits of each byte begin.
	constexpr uint8_t kPlaces[16] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
	if (text.size() != kUuidText)
		return std::nullopt;
	if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
		return std::nullopt;
	std::array<uint8_t, 16> bytes{};
	unsigned all = 0;
	for (size_t i = 0; i < bytes.size(); ++i) {
		const unsigned high = kHexValues[static_cast<uint8_t>(text[kPlaces[i]])];
		const unsigned low = kHexValues[static_cast<uint8_t>(text[kPlaces[i] + 1U])];
		bytes[i] = static_cast<uint8_t>(high << 4 | low);
		all |= high | low;
	}
	if (all > 15)
		return std::nullopt;
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

int32_t QueueNumber(std::string_view region, std::string_view url) noexcept
{
	constexpr uint32_t kBasis = 0x811c9dc5;
	constexpr uint32_t kPrime = 0x01000193;
	const size_t scheme = url.find("://");
	if (scheme != std::string_view::npos)
		url.remove_prefix(scheme + 3);
	const size_t path = url.find('/');
	if (path != std::string_view::npos)
		url.remove_prefix(path);
	return static_cast<int32_t>(Fnv1a(url, Fnv1a(region, kBasis, kPrime), kPrime));
}

}  // namespace sqs_fdw::pg
