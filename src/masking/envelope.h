// The text form of a mask: `t1.k1.<base64url>`, that is type, version, key id and body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sqs_fdw::masking {

enum class MaskType : char {
	kText = 't',
	kIp = 'i',
	kPseudonym = 'h',  // one-way: HMAC, no plain text inside
};

constexpr char kMaskVersion = '1';
constexpr size_t kMaxKeyIdSize = 16;

// A mask taken apart; the views point into the text that was parsed.
struct Envelope {
	MaskType type;
	std::string_view key_id;
	std::string_view body;  // base64url, of a length that some number of bytes has; not yet decoded
};

// Whether `id` is 1 to kMaxKeyIdSize characters of [a-z0-9].
bool IsKeyId(std::string_view id) noexcept;

// Strict: nullopt for anything but a known type, version 1, a well-formed key id and a body.
std::optional<Envelope> ParseEnvelope(std::string_view mask) noexcept;

// Characters before the body: "t1.", the key id and ".".
constexpr size_t EnvelopeHeadSize(std::string_view key_id) noexcept
{
	return 3 + key_id.size() + 1;
}

// Writes those EnvelopeHeadSize(key_id) characters; returns their end, where the body goes.
char *WriteEnvelopeHead(MaskType type, std::string_view key_id, char *out) noexcept;

// The associated data that binds a body to its type, version and domain:
// "sqs_fdw" 00 type version 00 domain.
std::string AssociatedData(MaskType type, std::string_view domain);

}  // namespace sqs_fdw::masking
