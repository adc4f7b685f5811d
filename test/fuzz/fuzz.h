// What the fuzz targets share: checks that end the run, and the bytes of one input taken apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sqs_fdw::fuzz {

// Says what is wrong and ends the process, which the fuzzer takes for a finding.
[[noreturn]] void Fail(const char *what, const char *file, int line);

// An input from which a target takes small choices first, and the rest as text.
class Input {
public:
	Input(const uint8_t *data, size_t size) : rest_(reinterpret_cast<const char *>(data), size) {}

	// The next byte; 0 where there is none left.
	uint8_t Byte() noexcept;
	// What stands before the next line break, which is dropped; all of it where there is none.
	std::string_view Line() noexcept;
	std::string_view Rest() const noexcept { return rest_; }

private:
	std::string_view rest_;
};

// A copy on the heap with exactly `padding` bytes behind it that a reader may look at but must not
// care for, so that the sanitizer sees every byte that is read beyond.
class PaddedCopy {
public:
	PaddedCopy(std::string_view text, size_t padding);

	std::string_view view() const noexcept { return {bytes_.data(), size_}; }

private:
	std::vector<char> bytes_;
	size_t size_;
};

// UTF-8 as RFC 3629 has it: no surrogates, nothing overlong, nothing above U+10FFFF.
bool IsUtf8(std::string_view text) noexcept;

// Lines of a text.
std::vector<std::string_view> Split(std::string_view text, char separator);

}  // namespace sqs_fdw::fuzz

#define REQUIRE(condition)                                         \
	do {                                                           \
		if (!(condition))                                          \
			::sqs_fdw::fuzz::Fail(#condition, __FILE__, __LINE__); \
	} while (false)
