// Text forms of bytes, and comparison that does not leak where two buffers differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sqs_fdw {

// Lower-case hexadecimal (RFC 4648 section 8, but lower case as SigV4 wants it). The second form
// writes 2 * size characters to `out`.
std::string HexEncode(std::string_view bytes);
void HexEncode(const uint8_t *bytes, size_t size, char *out) noexcept;

// Base64 with padding (RFC 4648 section 4). Decoding is strict: no white space, exact padding,
// unused bits zero; otherwise nullopt.
std::string Base64Encode(std::string_view bytes);
std::optional<std::string> Base64Decode(std::string_view text);

// The same, written to `out`, which holds text.size() / 4 * 3 bytes. Returns the byte count.
std::optional<size_t> Base64Decode(std::string_view text, uint8_t *out) noexcept;

// Length of the unpadded base64url form (RFC 4648 section 5) of `size` bytes.
constexpr size_t Base64UrlSize(size_t size) noexcept
{
	return size / 3 * 4 + (size % 3 == 0 ? 0 : size % 3 + 1);
}

// Unpadded base64url of `size` bytes, written to `out`, which holds Base64UrlSize(size) characters.
// The bytes may be the last ones of `out`: then they are encoded in place.
void Base64UrlEncode(const uint8_t *bytes, size_t size, char *out) noexcept;

// Strict and canonical: a character outside the alphabet, padding, an impossible length or non-zero
// unused bits give nullopt. `out` must hold text.size() / 4 * 3 + 2 bytes. Returns the byte count.
std::optional<size_t> Base64UrlDecode(std::string_view text, uint8_t *out) noexcept;

// Whether two buffers of the same size are equal, in time that depends on the size only.
bool ConstantTimeEqual(const void *a, const void *b, size_t size) noexcept;

}  // namespace sqs_fdw
