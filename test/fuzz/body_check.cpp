// The contract of aws::BodyReader, put to the test on one body.
#include "body_check.h"

#include "fuzz.h"
#include "reference_json.h"

#include "aws/body.h"
#include "aws/simdjson.h"

#include <cstdlib>
#include <string>
#include <vector>

namespace sqs_fdw::fuzz {

namespace {

using aws::BodyStatus;
using aws::FieldPath;
using aws::FieldValue;
using aws::JsonKind;

constexpr int kMaxDepth = 1024;  // of a body, see aws/body.h

FieldPath Key(const char *name)
{
	return {name, false};
}

FieldPath Pointer(const char *path)
{
	return {path, true};
}

// What tables ask for: keys, pointers with and without each other's prefixes, indexes, escapes,
// the whole body. The seeds and the dictionary know these names.
const std::vector<FieldPath> &Paths()
{
	static const std::vector<FieldPath> paths = {Key("a"), Key("b"), Key("user_id"), Key(""),
	    Key("\xc3\xa9"), Key("q\"\\"), Key("0"), Key("/a"), Key("a~b"), Pointer("/a"),
	    Pointer("/a/b"), Pointer("/a/0"), Pointer("/a/1/c"), Pointer("/b/01"), Pointer("/b/-"),
	    Pointer("/"), Pointer("//"), Pointer("/a~1b/~0"), Pointer("/0/0"), Pointer("/\xc3\xa9/10"),
	    Pointer(""), Key("a")};
	return paths;
}

// The same without the root, whose value alone may be as long as all others together.
const std::vector<FieldPath> &FewPaths()
{
	static const std::vector<FieldPath> paths = {Key("b"), Pointer("/a/b"), Key("user_id")};
	return paths;
}

std::string_view ExpectedText(const Json &value)
{
	switch (value.kind) {
		case JsonKind::kString:
			return value.string;
		case JsonKind::kNull:
			return {};
		default:
			return value.raw;
	}
}

void CheckValue(const FieldValue &value, const Json *expected)
{
	const JsonKind kind = expected == nullptr ? JsonKind::kMissing : expected->kind;
	REQUIRE(value.kind == kind);
	REQUIRE(value.text.data() != nullptr);
	REQUIRE(value.text.data()[value.text.size()] == '\0');
	REQUIRE(value.text == (expected == nullptr ? std::string_view() : ExpectedText(*expected)));
	REQUIRE(IsUtf8(value.text));
	REQUIRE(value.has_nul == (value.text.find('\0') != std::string_view::npos));
	REQUIRE(!value.has_nul || kind == JsonKind::kString);
}

BodyStatus ExpectedStatus(const Parsed &parsed)
{
	if (!parsed.value)
		return BodyStatus::kNotJson;
	return parsed.value->kind == JsonKind::kObject ? BodyStatus::kOk : BodyStatus::kNotObject;
}

void CheckReading(aws::BodyReader *reader, const std::vector<FieldPath> &paths,
    std::string_view body, const Parsed &parsed)
{
	std::vector<FieldValue> values(paths.size());
	BodyStatus status{};
	{
		// The values must outlive the body.
		const PaddedCopy copy(body, aws::kBodyPadding);
		status = reader->Read(copy.view(), values.data());
	}
	REQUIRE(status == ExpectedStatus(parsed));
	for (size_t i = 0; i < paths.size(); ++i)
		CheckValue(values[i], status == BodyStatus::kOk ? Find(*parsed.value, paths[i]) : nullptr);
}

bool SaysNoJson(simdjson::error_code error)
{
	switch (error) {
		case simdjson::TAPE_ERROR:
		case simdjson::STRING_ERROR:
		case simdjson::T_ATOM_ERROR:
		case simdjson::F_ATOM_ERROR:
		case simdjson::N_ATOM_ERROR:
		case simdjson::UTF8_ERROR:
		case simdjson::EMPTY:
		case simdjson::UNESCAPED_CHARS:
		case simdjson::UNCLOSED_STRING:
			return true;
		default:
			return false;
	}
}

// simdjson's other reader. It has an opinion of its own on numbers that no double or 64-bit integer
// holds, on a byte order mark, and near the greatest depth.
void CheckWithDom(std::string_view body, const Parsed &parsed)
{
	static simdjson::dom::parser parser;
	simdjson::dom::element element;
	const auto error = parser.parse(body.data(), body.size(), true).get(element);
	if (error == simdjson::MEMALLOC || error == simdjson::CAPACITY || parsed.too_deep ||
	    body.substr(0, 3) == "\xef\xbb\xbf")
		return;
	if (error == simdjson::SUCCESS)
		REQUIRE(parsed.value.has_value());
	if (SaysNoJson(error))
		REQUIRE(!parsed.value.has_value());
}

}  // namespace

void CheckBody(std::string_view body)
{
	const Parsed parsed = ParseJson(body, kMaxDepth);
	CheckWithDom(body, parsed);
	// One that has read many bodies, whatever they were; and one whose buffers are as small as can
	// be, so that the sanitizer sees what is written beyond them.
	static aws::BodyReader used(Paths());
	CheckReading(&used, Paths(), body, parsed);
	aws::BodyReader fresh(FewPaths());
	CheckReading(&fresh, FewPaths(), body, parsed);
}

}  // namespace sqs_fdw::fuzz
