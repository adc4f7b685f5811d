// Keys and JSON Pointers (RFC 6901) as a tree.
#include "aws/field_tree.h"

#include "base/error.h"

#include <charconv>
#include <cstring>

namespace sqs_fdw::aws {

namespace {

// RFC 6901 section 3 and 4. The pointer is one.
std::vector<std::string> SplitPointer(std::string_view pointer)
{
	std::vector<std::string> segments;
	for (size_t i = 0; i < pointer.size(); ++i) {
		if (pointer[i] == '/')
			segments.emplace_back();
		else if (pointer[i] == '~')
			segments.back().push_back(pointer[++i] == '0' ? '~' : '/');
		else
			segments.back().push_back(pointer[i]);
	}
	return segments;
}

// An array index has no leading zero and no sign (RFC 6901 section 4).
std::optional<size_t> ArrayIndex(std::string_view segment) noexcept
{
	if (segment.empty() || (segment.size() > 1 && segment.front() == '0'))
		return std::nullopt;
	size_t index = 0;
	const char *const end = segment.data() + segment.size();
	const auto parsed = std::from_chars(segment.data(), end, index);
	if (parsed.ec != std::errc() || parsed.ptr != end)
		return std::nullopt;
	return index;
}

}  // namespace

bool IsJsonPointer(std::string_view pointer) noexcept
{
	if (!pointer.empty() && pointer.front() != '/')
		return false;
	for (size_t i = 0; i < pointer.size(); ++i) {
		if (pointer[i] == '~' &&
		    (i + 1 == pointer.size() || (pointer[i + 1] != '0' && pointer[i + 1] != '1')))
			return false;
	}
	return true;
}

void FieldTree::Add(const FieldPath &path, size_t number)
{
	FieldTree *node = this;
	if (!path.is_pointer) {
		node = node->Step(path.path);
	} else {
		if (!IsJsonPointer(path.path))
			throw Error(Fault::kInvalid, "not a JSON Pointer: \"" + path.path + "\"");
		for (const std::string &segment : SplitPointer(path.path))
			node = node->Step(segment);
	}
	node->wanted.push_back(number);
}

FieldTree *FieldTree::Step(const std::string &segment)
{
	for (const Child &child : children) {
		if (child.name == segment)
			return child.node.get();
	}
	const bool plain = segment.find_first_of("\"\\") == std::string::npos;
	children.push_back({segment, plain, ArrayIndex(segment), std::make_unique<FieldTree>()});
	return children.back().node.get();
}

const FieldTree *FieldTree::AtKey(std::string_view key) const noexcept
{
	for (const Child &child : children) {
		if (child.name == key)
			return child.node.get();
	}
	return nullptr;
}

const FieldTree *FieldTree::AtRawKey(std::string_view rest) const noexcept
{
	for (size_t i = 0; i < children.size(); ++i) {
		if (expected_ >= children.size())
			expected_ = 0;
		const Child &child = children[expected_++];
		const size_t size = child.name.size();
		if (child.plain && size < rest.size() && rest[size] == '"' &&
		    std::memcmp(rest.data(), child.name.data(), size) == 0)
			return child.node.get();
	}
	return nullptr;
}

const FieldTree *FieldTree::AtIndex(size_t index) const noexcept
{
	for (const Child &child : children) {
		if (child.index == index)
			return child.node.get();
	}
	return nullptr;
}

}  // namespace sqs_fdw::aws
