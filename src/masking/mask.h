// Masks of texts and IP addresses: made with the active key, opened with the key that they name.
#pragma once

#include <cstddef>
#include <string_view>

#include "masking/ip.h"
#include "masking/keyring.h"

namespace sqs_fdw::masking {

// The domain of every address, so that mask_ip needs none.
constexpr std::string_view kIpDomain = "ip";

// Characters of the mask of a text of `value_size` bytes. It depends on the size in steps of 16
// only, since texts are padded.
size_t MaskedTextSize(const Key &key, size_t value_size) noexcept;

// Writes exactly MaskedTextSize(key, value.size()) characters. `value` is UTF-8 and must not
// overlap `out`. Throws Error(kCrypto), with nothing of the value left in `out`.
void MaskText(const Key &key, std::string_view domain, std::string_view value, char *out);

// The same for an address: always the same length.
size_t MaskedIpSize(const Key &key) noexcept;
void MaskIp(const Key &key, const IpBytes &ip, char *out);

// Bytes that the text of a mask of `masked_size` characters needs at most while it is opened.
constexpr size_t UnmaskedTextCapacity(size_t masked_size) noexcept
{
	return masked_size;
}

// Opens a mask of a text: writes the value to `out`, which holds
// UnmaskedTextCapacity(masked.size()) bytes, and returns its size. The value is authentic: what
// MaskText was given, with this domain. Throws Error(kBadMask) if the mask is altered, cut short,
// of another domain, of a key that is not in the ring or is disabled; Error(kInvalid) if it is a
// mask of another type.
size_t UnmaskText(const Keyring &ring, std::string_view masked, std::string_view domain, char *out);

// Opens a mask of an address. Errors as UnmaskText.
IpBytes UnmaskIp(const Keyring &ring, std::string_view masked);

}  // namespace sqs_fdw::masking
