// A second reader of JSON, plain and slow, that the project's readers are compared with.
//
// Source: RFC 8259. It shares nothing with simdjson.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/body.h"

namespace sqs_fdw::fuzz {

struct Json;

struct Member;

// A value. `raw` is as it stands in the text, without white space around it.
struct Json {
	aws::JsonKind kind = aws::JsonKind::kNull;
	std::string_view raw;
	std::string string;           // kString: unescaped
	std::vector<Member> members;  // kObject, duplicates too
	std::vector<Json> elements;   // kArray
};

struct Member {
	std::string_view raw_key;  // between the quotes
	std::string key;           // unescaped
	Json value;
};

struct Parsed {
	std::optional<Json> value;  // unset: no JSON, or too deep
	bool too_deep = false;      // somewhere, whatever comes after it
	int depth = 0;              // most objects and arrays inside each other
};

// Reads a whole text. Arrays and objects inside each other: `max_depth` at most.
Parsed ParseJson(std::string_view text, int max_depth);

// Of duplicate keys the last; null where there is none.
const Json *Find(const Json &object, std::string_view key) noexcept;

// What a path of the body means; null where there is nothing.
const Json *Find(const Json &root, const aws::FieldPath &path);

}  // namespace sqs_fdw::fuzz
