// The paths of wanted fields as a tree that is walked beside a body.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/body.h"

namespace sqs_fdw::aws {

// One step down for each key or array index.
struct FieldTree {
	struct Child {
		std::string name;
		bool plain;  // a key that stands in a body without an escape
		std::optional<size_t> index;
		std::unique_ptr<FieldTree> node;
	};

	// Adds a path, from the top of the tree. Throws Error(kInvalid): no JSON Pointer.
	void Add(const FieldPath &path, size_t number);

	// The child of an object's key or an array's index, or null.
	const FieldTree *AtKey(std::string_view key) const noexcept;
	const FieldTree *AtIndex(size_t index) const noexcept;
	// The same for a key without escapes whose length is not known: `rest` is the body from behind
	// the key's first quote.
	const FieldTree *AtRawKey(std::string_view rest) const noexcept;

	std::vector<Child> children;
	std::vector<size_t> wanted;  // the numbers of the paths that end here

private:
	FieldTree *Step(const std::string &segment);

	mutable size_t expected_ = 0;  // the child after the last hit: bodies keep their order
};

}  // namespace sqs_fdw::aws
