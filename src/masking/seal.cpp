// Seals and opens parts of messages.
#include "masking/seal.h"

#include "base/error.h"
#include "base/secret.h"

#include <string>

namespace sqs_fdw::masking {

namespace {

// "sqs_fdw" 00 "s1" 00 message id; and for the attributes 00 "attributes" behind it.
std::string AssociatedData(SealedPart part, std::string_view message_id)
{
	using namespace std::string_view_literals;
	std::string data("sqs_fdw\0s1\0"sv);
	data += message_id;
	if (part == SealedPart::kAttributes)
		data += "\0attributes"sv;
	return data;
}

AesSiv::Prefix PrefixFor(const AesSiv &cipher, SealedPart part, std::string_view message_id)
{
	return cipher.Absorb(cipher.Begin(), AssociatedData(part, message_id));
}

}  // namespace

void Seal(
    const Key &key, SealedPart part, std::string_view message_id, uint8_t *buffer, size_t size)
{
	try {
		const AesSiv &cipher = key.seal_cipher();
		cipher.Seal(PrefixFor(cipher, part, message_id), buffer, size);
	} catch (...) {
		Cleanse(buffer, SealedSize(size));
		throw;
	}
}

size_t Unseal(const Keyring &ring, std::string_view key_id, SealedPart part,
    std::string_view message_id, uint8_t *buffer, size_t size)
{
	const AesSiv &cipher = ring.KeyToOpen(key_id).seal_cipher();
	if (size < kSivSize ||
	    !cipher.Open(PrefixFor(cipher, part, message_id), buffer, size - kSivSize))
		throw Error(Fault::kBadMask, "the sealed message cannot be opened",
		    "It was altered, or sealed with another key of the same id.",
		    "Compare sqs.mask_keys() with that of the database it was sealed in.");
	return size - kSivSize;
}

}  // namespace sqs_fdw::masking
