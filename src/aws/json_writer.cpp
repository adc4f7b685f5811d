// Writes JSON requests.
#include "aws/json.h"

#include "aws/simdjson.h"

#include <charconv>
#include <cstring>

namespace sqs_fdw::aws {

namespace {

// RFC 8259 section 7: what must be escaped.
bool NeedsEscape(unsigned char c) noexcept
{
	return c < 0x20 || c == '"' || c == '\\';
}

// Whether one of eight bytes may need an escape: a byte below 0x20, or one that is the quote or
// the backslash (bit tricks of "has a zero byte", which may also fire above a byte that is one).
bool MayNeedEscape(uint64_t word) noexcept
{
	constexpr uint64_t kOnes = 0x0101010101010101;
	constexpr uint64_t kHigh = 0x8080808080808080;
	const uint64_t quote = word ^ kOnes * '"';
	const uint64_t backslash = word ^ kOnes * '\\';
	const uint64_t hits = ((word - kOnes * 0x20) & ~word) | ((quote - kOnes) & ~quote) |
	                      ((backslash - kOnes) & ~backslash);
	return (hits & kHigh) != 0;
}

size_t CountPlain(const char *text, size_t size) noexcept
{
	size_t i = 0;
	for (uint64_t word; i + sizeof word <= size; i += sizeof word) {
		std::memcpy(&word, text + i, sizeof word);
		if (MayNeedEscape(word))
			break;
	}
	while (i < size && !NeedsEscape(static_cast<unsigned char>(text[i])))
		++i;
	return i;
}

void AppendEscape(unsigned char c, std::string *out)
{
	static constexpr char kDigits[] = "0123456789abcdef";
	switch (c) {
		case '"':
		case '\\':
			*out += {'\\', static_cast<char>(c)};
			break;
		case '\n':
			*out += "\\n";
			break;
		case '\r':
			*out += "\\r";
			break;
		case '\t':
			*out += "\\t";
			break;
		default:
			*out += {'\\', 'u', '0', '0', kDigits[c >> 4], kDigits[c & 15]};
	}
}

}  // namespace

void JsonWriter::Separate()
{
	if (out_.empty())
		return;
	const char last = out_.back();
	if (last != '{' && last != '[' && last != ':')
		out_.push_back(',');
}

void JsonWriter::Key(std::string_view name)
{
	Separate();
	out_.push_back('"');
	out_.append(name);
	out_.append("\":");
}

void JsonWriter::Integer(int64_t value)
{
	char digits[24];
	const char *const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
	Separate();
	out_.append(digits, static_cast<size_t>(end - digits));
}

void JsonWriter::String(std::string_view text)
{
	if (!simdjson::validate_utf8(text.data(), text.size()))
		throw Error(Fault::kInvalid, "text for SQS is not valid UTF-8");
	Separate();
	out_.push_back('"');
	while (!text.empty()) {
		const size_t plain = CountPlain(text.data(), text.size());
		out_.append(text.substr(0, plain));
		text.remove_prefix(plain);
		if (text.empty())
			break;
		AppendEscape(static_cast<unsigned char>(text.front()), &out_);
		text.remove_prefix(1);
	}
	out_.push_back('"');
}

}  // namespace sqs_fdw::aws
