// Recursive descent over RFC 8259's grammar, rule by rule.
#include "reference_json.h"

#include "fuzz.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace sqs_fdw::fuzz {

namespace {

using aws::JsonKind;

// Leaves the parser; never leaves this file.
struct NoJson {};
struct TooDeep {};

class Parser {
public:
	Parser(std::string_view text, int max_depth) : text_(text), max_depth_(max_depth) {}

	Json Whole()
	{
		Json value = Value(1);
		SkipSpace();
		if (at_ != text_.size())
			throw NoJson{};
		return value;
	}

	int deepest() const noexcept { return deepest_; }

private:
	char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

	char Next()
	{
		if (at_ == text_.size())
			throw NoJson{};
		return text_[at_++];
	}

	void Expect(std::string_view word)
	{
		for (const char c : word)
			if (Next() != c)
				throw NoJson{};
	}

	void SkipSpace()
	{
		while (at_ < text_.size() &&
		       std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos)
			++at_;
	}

	Json Value(int depth)
	{
		SkipSpace();
		const size_t begin = at_;
		Json value = Bare(depth);
		value.raw = text_.substr(begin, at_ - begin);
		return value;
	}

	Json Bare(int depth)
	{
		Json value;
		switch (Peek()) {
			case '{':
				value.kind = JsonKind::kObject;
				value.members = Members(depth);
				break;
			case '[':
				value.kind = JsonKind::kArray;
				value.elements = Elements(depth);
				break;
			case '"':
				value.kind = JsonKind::kString;
				value.string = String();
				break;
			case 't':
				value.kind = JsonKind::kBool;
				Expect("true");
				break;
			case 'f':
				value.kind = JsonKind::kBool;
				Expect("false");
				break;
			case 'n':
				Expect("null");
				break;
			default:
				value.kind = JsonKind::kNumber;
				Number();
		}
		return value;
	}

	void Enter(int depth)
	{
		deepest_ = std::max(deepest_, depth);
		if (depth > max_depth_)
			throw TooDeep{};
		++at_;
		SkipSpace();
	}

	std::vector<Member> Members(int depth)
	{
		std::vector<Member> members;
		Enter(depth);
		if (Peek() == '}') {
			++at_;
			return members;
		}
		for (;;) {
			Member member;
			SkipSpace();
			if (Peek() != '"')
				throw NoJson{};
			const size_t begin = at_ + 1;
			member.key = String();
			member.raw_key = text_.substr(begin, at_ - 1 - begin);
			SkipSpace();
			Expect(":");
			member.value = Value(depth + 1);
			members.push_back(std::move(member));
			SkipSpace();
			const char next = Next();
			if (next == '}')
				return members;
			if (next != ',')
				throw NoJson{};
		}
	}

	std::vector<Json> Elements(int depth)
	{
		std::vector<Json> elements;
		Enter(depth);
		if (Peek() == ']') {
			++at_;
			return elements;
		}
		for (;;) {
			elements.push_back(Value(depth + 1));
			SkipSpace();
			const char next = Next();
			if (next == ']')
				return elements;
			if (next != ',')
				throw NoJson{};
		}
	}

	std::string String()
	{
		std::string text;
		Expect("\"");
		for (;;) {
			const char c = Next();
			if (c == '"')
				return text;
			if (static_cast<unsigned char>(c) < 0x20)
				throw NoJson{};
			if (c == '\\')
				Escape(&text);
			else
				text.push_back(c);
		}
	}

	void Escape(std::string *text)
	{
		constexpr std::string_view kNames = "\"\\/bfnrt";
		constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
		const char name = Next();
		if (name == 'u') {
			AppendUtf8(CodePoint(), text);
			return;
		}
		const size_t place = kNames.find(name);
		if (place == std::string_view::npos)
			throw NoJson{};
		text->push_back(kMeant[place]);
	}

	uint32_t FourDigits()
	{
		uint32_t value = 0;
		for (int i = 0; i < 4; ++i) {
			const char c = Next();
			const size_t digit =
			    std::string_view("0123456789abcdef")
			        .find(static_cast<char>(c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c));
			if (digit == std::string_view::npos)
				throw NoJson{};
			value = value << 4 | static_cast<uint32_t>(digit);
		}
		return value;
	}

	// Surrogates count as a pair only.
	uint32_t CodePoint()
	{
		const uint32_t first = FourDigits();
		if (first < 0xd800 || first >= 0xe000)
			return first;
		if (first >= 0xdc00)
			throw NoJson{};
		Expect("\\u");
		const uint32_t second = FourDigits();
		if (second < 0xdc00 || second >= 0xe000)
			throw NoJson{};
		return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
	}

	static void AppendUtf8(uint32_t code_point, std::string *text)
	{
		const auto put = [text](uint32_t byte) { text->push_back(static_cast<char>(byte)); };
		if (code_point < 0x80)
			return put(code_point);
		if (code_point < 0x800) {
			put(0xc0 | code_point >> 6);
		} else if (code_point < 0x10000) {
			put(0xe0 | code_point >> 12);
			put(0x80 | (code_point >> 6 & 0x3f));
		} else {
			put(0xf0 | code_point >> 18);
			put(0x80 | (code_point >> 12 & 0x3f));
			put(0x80 | (code_point >> 6 & 0x3f));
		}
		put(0x80 | (code_point & 0x3f));
	}

	bool IsDigitNext() const { return Peek() >= '0' && Peek() <= '9'; }

	void Digits()
	{
		if (!IsDigitNext())
			throw NoJson{};
		while (IsDigitNext())
			++at_;
	}

	void Number()
	{
		if (Peek() == '-')
			++at_;
		if (Peek() == '0')
			++at_;
		else
			Digits();
		if (Peek() == '.') {
			++at_;
			Digits();
		}
		if (Peek() == 'e' || Peek() == 'E') {
			++at_;
			if (Peek() == '+' || Peek() == '-')
				++at_;
			Digits();
		}
	}

	const std::string_view text_;
	const int max_depth_;
	size_t at_ = 0;
	int deepest_ = 0;
};

// RFC 6901 section 4: the segment of a pointer, its escapes undone.
std::string Unescaped(std::string_view segment)
{
	std::string plain;
	for (size_t i = 0; i < segment.size(); ++i)
		plain.push_back(segment[i] != '~' ? segment[i] : segment[++i] == '0' ? '~' : '/');
	return plain;
}

const Json *Step(const Json &value, const std::string &segment)
{
	if (value.kind == JsonKind::kObject)
		return Find(value, segment);
	if (value.kind != JsonKind::kArray)
		return nullptr;
	for (size_t i = 0; i < value.elements.size(); ++i) {
		if (std::to_string(i) == segment)
			return &value.elements[i];
	}
	return nullptr;
}

}  // namespace

Parsed ParseJson(std::string_view text, int max_depth)
{
	Parsed parsed;
	if (!IsUtf8(text))
		return parsed;
	Parser parser(text, max_depth);
	try {
		parsed.value = parser.Whole();
	} catch (const NoJson &) {
	} catch (const TooDeep &) {
		parsed.too_deep = true;
	}
	parsed.depth = parser.deepest();
	return parsed;
}

const Json *Find(const Json &object, std::string_view key) noexcept
{
	const Json *found = nullptr;
	for (const Member &member : object.members) {
		if (member.key == key)
			found = &member.value;
	}
	return found;
}

const Json *Find(const Json &root, const aws::FieldPath &path)
{
	if (!path.is_pointer)
		return Find(root, path.path);
	const Json *at = &root;
	const std::vector<std::string_view> segments = Split(path.path, '/');
	for (size_t i = 1; i < segments.size() && at != nullptr; ++i)
		at = Step(*at, Unescaped(segments[i]));
	return at;
}

}  // namespace sqs_fdw::fuzz
