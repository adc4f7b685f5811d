// Checks and helpers of the fuzz targets.
#include "fuzz.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace sqs_fdw::fuzz {

void Fail(const char *what, const char *file, int line)
{
	std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	std::abort();
}

uint8_t Input::Byte() noexcept
{
	if (rest_.empty())
		return 0;
	const auto byte = static_cast<uint8_t>(rest_.front());
	rest_.remove_prefix(1);
	return byte;
}

std::string_view Input::Line() noexcept
{
	const size_t size = std::min(rest_.find('\n'), rest_.size());
	const std::string_view line = rest_.substr(0, size);
	rest_.remove_prefix(std::min(size + 1, rest_.size()));
	return line;
}

PaddedCopy::PaddedCopy(std::string_view text, size_t padding) : size_(text.size())
{
	// A vector of exactly that capacity: no spare bytes that the sanitizer would let pass.
	bytes_.reserve(text.size() + padding);
	bytes_.assign(text.begin(), text.end());
	bytes_.insert(bytes_.end(), padding, '"');
}

bool IsUtf8(std::string_view text) noexcept
{
	for (size_t i = 0; i < text.size();) {
		const auto byte = [&](size_t at) {
			return at < text.size() ? static_cast<uint8_t>(text[at]) : uint8_t{0};
		};
		const uint8_t first = byte(i);
		const size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
		if (length > 1 && (first < 0xc2 || first > 0xf4))
			return false;
		uint32_t code_point = length == 1 ? first : first & (0x7fU >> length);
		for (size_t k = 1; k < length; ++k) {
			if ((byte(i + k) & 0xc0) != 0x80)
				return false;
			code_point = code_point << 6 | (byte(i + k) & 0x3fU);
		}
		constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
		if (code_point < kLeast[length] || code_point > 0x10ffff ||
		    (code_point >= 0xd800 && code_point < 0xe000))
			return false;
		i += length;
	}
	return true;
}

std::vector<std::string_view> Split(std::string_view text, char separator)
{
	std::vector<std::string_view> parts;
	for (;;) {
		const size_t end = text.find(separator);
		parts.push_back(text.substr(0, end));
		if (end == std::string_view::npos)
			return parts;
		text.remove_prefix(end + 1);
	}
}

}  // namespace sqs_fdw::fuzz
