// Masks of texts and IP addresses: made, opened with the key that they name, moved to another key.
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

// Characters of a one-way mask: always the same.
size_t PseudonymSize(const Key &key) noexcept;

// Writes exactly PseudonymSize(key) characters, which say whether two values are equal and cannot
// be opened. `value` is UTF-8. Throws Error(kCrypto).
void MaskOneWay(const Key &key, std::string_view domain, std::string_view value, char *out);

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

// Bytes that Remask needs for a mask of `masked_size` characters.
size_t RemaskedCapacity(const Keyring &ring, size_t masked_size) noexcept;

// Moves a mask of a text or an address to the active key: writes it to `out` and returns its size.
// A mask that is under the active key is authenticated and comes back as it is. Errors as
// UnmaskText, and Error(kInvalid) for a mask of an address and another domain than kIpDomain.
size_t Remask(const Keyring &ring, std::string_view masked, std::string_view domain, char *out);

}  // namespace sqs_fdw::masking
