// Sealed bytes: what is kept in a table that more people may read than may read the plain text.
//
// AES-256-SIV under a key derived from the ring's, bound to the message it belongs to. The id of
// the ring's key is stored beside the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "masking/keyring.h"

namespace sqs_fdw::masking {

// Which part of a message the bytes are: one cannot be passed off as the other.
enum class SealedPart { kBody, kAttributes };

// Bytes of the sealed form of `size` bytes.
constexpr size_t SealedSize(size_t size) noexcept
{
	return kSivSize + size;
}

// Seals in place: on entry the plain bytes are buffer[kSivSize, kSivSize + size), on return
// buffer[0, SealedSize(size)) is sealed. Throws Error(kCrypto), with nothing plain left then.
void Seal(
    const Key &key, SealedPart part, std::string_view message_id, uint8_t *buffer, size_t size);

// The reverse: on entry `size` sealed bytes; on return the plain bytes begin at buffer + kSivSize.
// Returns how many. Throws Error(kBadMask) where the ring cannot open them: altered, of another
// message, or of a key that it does not have or that is disabled.
size_t Unseal(const Keyring &ring, std::string_view key_id, SealedPart part,
    std::string_view message_id, uint8_t *buffer, size_t size);

}  // namespace sqs_fdw::masking
