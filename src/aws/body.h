// Reads the members of a message body that a table has columns for.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sqs_fdw::aws {

// Where in the body a value is: a key of the top-level object, or an RFC 6901 JSON Pointer.
struct FieldPath {
	std::string path;
	bool is_pointer = false;
};

// Whether `pointer` is a valid RFC 6901 JSON Pointer ("" or "/a/0/b~1c").
bool IsJsonPointer(std::string_view pointer) noexcept;

enum class JsonKind { kMissing, kNull, kString, kNumber, kBool, kObject, kArray };

// Bytes that must be readable (their values do not matter) behind a body given to BodyReader.
constexpr size_t kBodyPadding = 64;

// One value. Strings are unescaped UTF-8; numbers, booleans, objects and arrays are the body's own
// characters. `text` is followed by a NUL, readable kBodyPadding bytes past its end (it may be JSON
// itself), and valid until the next Read.
struct FieldValue {
	JsonKind kind = JsonKind::kMissing;
	std::string_view text;
	bool has_nul = false;  // a string with \u0000 in it, which no PostgreSQL text can hold
};

enum class BodyStatus {
	kOk,
	kNotJson,    // malformed anywhere, not UTF-8, too deep, or something after the end
	kNotObject,  // well-formed, but no object
};

// Parses bodies and picks values. Malformed parts outside the wanted values count as well: a body
// is JSON or it is not. Of duplicate keys the last wins, as in jsonb. Reused for many bodies, and
// does not allocate once warm. Not thread-safe.
class BodyReader {
public:
	explicit BodyReader(std::vector<FieldPath> paths);
	~BodyReader();
	BodyReader(const BodyReader &) = delete;
	BodyReader &operator=(const BodyReader &) = delete;

	// `body` must be readable kBodyPadding bytes past its end. `values` has one entry a path.
	BodyStatus Read(std::string_view body, FieldValue *values);

private:
	struct Impl;
	std::unique_ptr<Impl> impl_;
};

}  // namespace sqs_fdw::aws
