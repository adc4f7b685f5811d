// Unix times in seconds or milliseconds, digit by digit: a double would lose microseconds.
#include "base/epoch.h"

#include <algorithm>
#include <charconv>

namespace sqs_fdw {

namespace {

// Digits before the decimal point of the greatest numbers that are seconds, and milliseconds.
constexpr int64_t kSecondsDigits = 11;
constexpr int64_t kMillisecondsDigits = 14;

constexpr int64_t kFarAway = 1'000'000'000;

// The exponent of a number, or 0. One that is out of range is as good as any other that is.
int64_t Exponent(std::string_view number) noexcept
{
	const size_t e = number.find_first_of("eE");
	if (e == std::string_view::npos)
		return 0;
	std::string_view digits = number.substr(e + 1);
	const bool negative = digits.front() == '-';
	if (negative || digits.front() == '+')
		digits.remove_prefix(1);
	int64_t exponent = 0;
	const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
	if (parsed.ec != std::errc())
		exponent = kFarAway;
	exponent = std::min(exponent, kFarAway);
	return negative ? -exponent : exponent;
}

// The digits that count: from the first that is not zero.
struct Mantissa {
	std::string_view text;  // may have a decimal point
	int64_t magnitude;  // how many of the digits stand before the decimal point; may be negative
};

Mantissa Significant(std::string_view unsigned_number) noexcept
{
	const std::string_view all = unsigned_number.substr(0, unsigned_number.find_first_of("eE"));
	const size_t point = std::min(all.find('.'), all.size());
	const size_t first = std::min(all.find_first_of("123456789"), all.size());
	auto magnitude = static_cast<int64_t>(point) - static_cast<int64_t>(first);
	if (first > point)
		++magnitude;  // the point itself is no digit
	return {all.substr(first), magnitude};
}

}  // namespace

std::optional<int64_t> EpochMicroseconds(std::string_view number) noexcept
{
	const bool negative = number.front() == '-';
	if (negative)
		number.remove_prefix(1);
	const Mantissa mantissa = Significant(number);
	if (mantissa.text.empty())
		return 0;
	const int64_t magnitude = mantissa.magnitude + Exponent(number);
	if (magnitude > kMillisecondsDigits)
		return std::nullopt;

	// The digits down to the microsecond, and one more to round by.
	const int64_t wanted = magnitude + (magnitude <= kSecondsDigits ? 6 : 3);
	if (wanted < 0)
		return 0;
	int64_t microseconds = 0;
	int64_t taken = 0;
	int round_by = 0;
	for (const char c : mantissa.text) {
		if (c == '.')
			continue;
		if (taken == wanted) {
			round_by = c - '0';
			break;
		}
		microseconds = microseconds * 10 + (c - '0');
		++taken;
	}
	for (; taken < wanted; ++taken)
		microseconds *= 10;
	if (round_by >= 5)
		++microseconds;
	return negative ? -microseconds : microseconds;
}

}  // namespace sqs_fdw
