// Walks a body with simdjson's on-demand parser, checking all of it and picking what is wanted.
#include "aws/body.h"

#include "aws/field_tree.h"
#include "aws/simdjson.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

namespace sqs_fdw::aws {

static_assert(kBodyPadding >= simdjson::SIMDJSON_PADDING);

namespace {

namespace ondemand = simdjson::ondemand;

constexpr int kMaxDepth = 1024;

// Room for the usual body, so that not every slightly longer one makes the parser allocate.
constexpr size_t kFirstCapacity = 4096;

// What is not JSON after all; never leaves this file.
struct Malformed : std::exception {};

template <class Value, class Result>
Value Get(Result result)
{
	Value value{};
	const simdjson::error_code code = std::move(result).get(value);
	if (code == simdjson::SUCCESS)
		return value;
	if (code == simdjson::MEMALLOC)
		throw std::bad_alloc();
	throw Malformed{};
}

constexpr bool IsSpace(char c) noexcept
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view TrimEnd(std::string_view text) noexcept
{
	while (!text.empty() && IsSpace(text.back()))
		text.remove_suffix(1);
	return text;
}

std::string_view Trim(std::string_view text) noexcept
{
	while (!text.empty() && IsSpace(text.front()))
		text.remove_prefix(1);
	return TrimEnd(text);
}

constexpr bool IsDigit(char c) noexcept
{
	return c >= '0' && c <= '9';
}

// RFC 8259 section 6. The value does not matter: numbers keep their own characters.
bool IsNumber(std::string_view text) noexcept
{
	const char *at = text.data();
	const char *const end = at + text.size();
	const auto digits = [&] {
		const char *const begin = at;
		while (at != end && IsDigit(*at))
			++at;
		return at != begin;
	};
	if (at != end && *at == '-')
		++at;
	if (at != end && *at == '0')
		++at;
	else if (!digits())
		return false;
	if (at != end && *at == '.') {
		++at;
		if (!digits())
			return false;
	}
	if (at != end && (*at | 0x20) == 'e') {
		++at;
		if (at != end && (*at == '+' || *at == '-'))
			++at;
		if (!digits())
			return false;
	}
	return at == end;
}

// Where a wanted value is in the body: for strings what is between the quotes, as it is there.
struct Found {
	JsonKind kind = JsonKind::kMissing;
	std::string_view raw;
	bool escaped = false;  // a string with a backslash
};

}  // namespace

struct BodyReader::Impl {
	BodyStatus Read(std::string_view body, FieldValue *values);

	void Reserve(size_t body_size);
	void WalkRoot(std::string_view body);
	void WalkObject(ondemand::object object, const FieldTree *node, int depth);
	void WalkArray(ondemand::array array, const FieldTree *node, int depth);
	void WalkValue(ondemand::value value, const FieldTree *node, int depth);
	void WalkScalar(std::string_view token, const FieldTree *node);
	Found ReadString(std::string_view token);
	const FieldTree *FindChild(const FieldTree *node, ondemand::field *field) const;
	std::string_view Unescape(std::string_view raw, void *out) const;
	void Keep(const FieldTree *node, const Found &value);
	void Reset(const FieldTree &node);
	std::string_view UpToHere(const char *begin);
	void HandOver(FieldValue *values);

	FieldTree root;
	std::vector<Found> found;  // one a path
	ondemand::parser parser;
	ondemand::document document;
	const char *body_end = nullptr;
	bool has_escapes = false;   // there is a backslash somewhere in the body
	std::vector<char> scratch;  // for checking escapes
	std::vector<char> text;     // what the values of the last Read point to
};

BodyStatus BodyReader::Impl::Read(std::string_view body, FieldValue *values)
{
	std::fill(found.begin(), found.end(), Found{});
	BodyStatus status = BodyStatus::kOk;
	try {
		const std::string_view text = Trim(body);
		if (text.empty())
			throw Malformed{};
		if (text.front() != '{')
			status = BodyStatus::kNotObject;
		Reserve(text.size());
		WalkRoot(text);
	} catch (const Malformed &) {
		status = BodyStatus::kNotJson;
	}
	if (status != BodyStatus::kOk)
		std::fill(found.begin(), found.end(), Found{});
	HandOver(values);
	return status;
}

void BodyReader::Impl::Reserve(size_t body_size)
{
	if (parser.capacity() < body_size || parser.capacity() == 0) {
		const size_t capacity = std::max({kFirstCapacity, body_size, 2 * parser.capacity()});
		if (parser.allocate(capacity) != simdjson::SUCCESS)
			throw std::bad_alloc();
		scratch.resize(capacity + simdjson::SIMDJSON_PADDING);
	}
}

// `body` has no white space around it.
void BodyReader::Impl::WalkRoot(std::string_view body)
{
	// Newer simdjson skips a byte order mark; RFC 8259 section 8.1 has none.
	if (body.front() == '\xef')
		throw Malformed{};
	body_end = body.data() + body.size();
	has_escapes = body.find('\\') != std::string_view::npos;
	const simdjson::padded_string_view padded(
	    body.data(), body.size(), body.size() + simdjson::SIMDJSON_PADDING);
	document = Get<ondemand::document>(parser.iterate(padded));

	if (body.front() == '{') {
		WalkObject(Get<ondemand::object>(document.get_object()), &root, 1);
		Keep(&root, {JsonKind::kObject, body});
	} else if (body.front() == '[') {
		WalkArray(Get<ondemand::array>(document.get_array()), nullptr, 1);
	} else {
		const std::string_view token = TrimEnd(Get<std::string_view>(document.raw_json_token()));
		if (token.size() != body.size())
			throw Malformed{};
		WalkScalar(token, nullptr);
		return;
	}
	const char *here = nullptr;
	if (document.current_location().get(here) == simdjson::SUCCESS && here < body_end)
		throw Malformed{};  // something after the end
}

void BodyReader::Impl::WalkObject(ondemand::object object, const FieldTree *node, int depth)
{
	for (auto result : object) {
		auto field = Get<ondemand::field>(result);
		const FieldTree *child = FindChild(node, &field);
		if (child != nullptr && !child->children.empty())
			Reset(*child);  // of duplicate keys the last wins, with all that is below it
		WalkValue(field.value(), child, depth);
	}
}

void BodyReader::Impl::WalkArray(ondemand::array array, const FieldTree *node, int depth)
{
	size_t index = 0;
	for (auto result : array) {
		auto value = Get<ondemand::value>(result);
		WalkValue(value, node != nullptr ? node->AtIndex(index) : nullptr, depth);
		++index;
	}
}

void BodyReader::Impl::WalkValue(ondemand::value value, const FieldTree *node, int depth)
{
	const std::string_view token = value.raw_json_token();
	const char first = token.empty() ? '\0' : token.front();
	if (first != '{' && first != '[') {
		// Left where it is, the parser would take a string before a colon for a key, and skip both.
		if (first == '"')
			Get<ondemand::raw_json_string>(value.get_raw_json_string());
		WalkScalar(TrimEnd(token), node);
		return;
	}
	if (depth == kMaxDepth)
		throw Malformed{};
	if (first == '{')
		WalkObject(Get<ondemand::object>(value.get_object()), node, depth + 1);
	else
		WalkArray(Get<ondemand::array>(value.get_array()), node, depth + 1);
	if (node != nullptr && !node->wanted.empty())
		Keep(node, {first == '{' ? JsonKind::kObject : JsonKind::kArray, UpToHere(token.data())});
}

void BodyReader::Impl::WalkScalar(std::string_view token, const FieldTree *node)
{
	Found value;
	switch (token.empty() ? '\0' : token.front()) {
		case '"':
			value = ReadString(token);
			break;
		case 't':
		case 'f':
			if (token != "true" && token != "false")
				throw Malformed{};
			value.kind = JsonKind::kBool;
			value.raw = token;
			break;
		case 'n':
			if (token != "null")
				throw Malformed{};
			value.kind = JsonKind::kNull;
			break;
		default:
			if (!IsNumber(token))
				throw Malformed{};
			value.kind = JsonKind::kNumber;
			value.raw = token;
	}
	if (node != nullptr)
		Keep(node, value);
}

// Stage 1 of the parser has made sure that quotes pair up and that there are no control
// characters and no broken UTF-8; what is left to check is each escape.
Found BodyReader::Impl::ReadString(std::string_view token)
{
	if (token.size() < 2 || token.back() != '"')
		throw Malformed{};
	Found value{JsonKind::kString, token.substr(1, token.size() - 2)};
	value.escaped = has_escapes && value.raw.find('\\') != std::string_view::npos;
	if (value.escaped)
		Unescape(value.raw, scratch.data());
	return value;
}

// Also makes sure that the key is one, wanted or not.
const FieldTree *BodyReader::Impl::FindChild(const FieldTree *node, ondemand::field *field) const
{
	if (!has_escapes) {
		const char *const raw = field->key().raw();
		return node == nullptr ? nullptr
		                       : node->AtRawKey({raw, static_cast<size_t>(body_end - raw)});
	}
	const auto key = Get<std::string_view>(field->unescaped_key());
	return node == nullptr ? nullptr : node->AtKey(key);
}

std::string_view BodyReader::Impl::Unescape(std::string_view raw, void *out) const
{
	auto *end = static_cast<uint8_t *>(out);
	const ondemand::raw_json_string string(reinterpret_cast<const uint8_t *>(raw.data()));
	return Get<std::string_view>(parser.unescape(string, end));
}

void BodyReader::Impl::Keep(const FieldTree *node, const Found &value)
{
	Found *const all = found.data();
	for (const size_t path : node->wanted)
		all[path] = value;
}

void BodyReader::Impl::Reset(const FieldTree &node)
{
	for (const size_t path : node.wanted)
		found[path] = Found{};
	for (const FieldTree::Child &child : node.children)
		Reset(*child.node);
}

// The body's characters from `begin` to the end of the object or array that was just read.
std::string_view BodyReader::Impl::UpToHere(const char *begin)
{
	const auto *next = Get<const char *>(document.current_location());
	return TrimEnd({begin, static_cast<size_t>(next - begin)});
}

void BodyReader::Impl::HandOver(FieldValue *values)
{
	size_t size = kBodyPadding;  // promised behind a value; the parser may write there, too
	for (const Found &value : found)
		size += value.raw.size() + 1;
	if (text.size() < size)
		text.resize(std::max(size, 2 * text.size()));

	char *next = text.data();
	for (size_t i = 0; i < found.size(); ++i) {
		const Found &value = found[i];
		size_t length = value.raw.size();
		if (value.escaped)
			length = Unescape(value.raw, next).size();
		else if (length > 0)
			std::memcpy(next, value.raw.data(), length);
		next[length] = '\0';
		values[i].kind = value.kind;
		values[i].text = {next, length};
		values[i].has_nul = value.escaped && std::memchr(next, '\0', length) != nullptr;
		next += length + 1;
	}
}

BodyReader::BodyReader(std::vector<FieldPath> paths) : impl_(std::make_unique<Impl>())
{
	impl_->found.resize(paths.size());
	for (size_t i = 0; i < paths.size(); ++i)
		impl_->root.Add(paths[i], i);
}

BodyReader::~BodyReader() = default;

BodyStatus BodyReader::Read(std::string_view body, FieldValue *values)
{
	return impl_->Read(body, values);
}

}  // namespace sqs_fdw::aws
