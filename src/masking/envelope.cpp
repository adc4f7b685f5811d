// Reading and writing the text form of masks.
#include "masking/envelope.h"

#include <algorithm>
#include <cstring>

namespace sqs_fdw::masking {

namespace {

constexpr std::string_view kProduct{"sqs_fdw\0", 8};

std::optional<MaskType> ParseType(char c) noexcept
{
	switch (const auto type = static_cast<MaskType>(c); type) {
		case MaskType::kText:
		case MaskType::kIp:
		case MaskType::kPseudonym:
			return type;
	}
	return std::nullopt;
}

}  // namespace

bool IsKeyId(std::string_view id) noexcept
{
	return !id.empty() && id.size() <= kMaxKeyIdSize &&
	       std::all_of(id.begin(), id.end(),
	           [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

std::optional<Envelope> ParseEnvelope(std::string_view mask) noexcept
{
	if (mask.size() < 3 || mask[1] != kMaskVersion || mask[2] != '.')
		return std::nullopt;
	const auto type = ParseType(mask[0]);
	const size_t dot = mask.find('.', 3);
	if (!type || dot == std::string_view::npos)
		return std::nullopt;
	const std::string_view key_id = mask.substr(3, dot - 3);
	const std::string_view body = mask.substr(dot + 1);
	if (!IsKeyId(key_id) || body.empty())
		return std::nullopt;
	return Envelope{*type, key_id, body};
}

char *WriteEnvelopeHead(MaskType type, std::string_view key_id, char *out) noexcept
{
	*out++ = static_cast<char>(type);
	*out++ = kMaskVersion;
	*out++ = '.';
	out = std::copy(key_id.begin(), key_id.end(), out);
	*out++ = '.';
	return out;
}

std::string AssociatedData(MaskType type, std::string_view domain)
{
	std::string data(kProduct);
	data += static_cast<char>(type);
	data += kMaskVersion;
	data += '\0';
	data += domain;
	return data;
}

}  // namespace sqs_fdw::masking
