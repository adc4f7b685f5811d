// The messages of one queue that a transaction has in hand, by id.
//
// Plain C++. A hash table of its own, since there is one entry for each message of a statement: the
// library's would allocate, and miss the processor's cache, several times for each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "aws/handle.h"

namespace sqs_fdw::pg {

using MessageKey = std::array<uint8_t, 16>;  // see MessageIdBytes

struct Held {
	MessageKey id;
	int64_t sent_ms;
	aws::Handle handle;  // the newest one, since SQS deletes by that
};

// Entries stay where they are until they are forgotten.
class HeldMessages {
public:
	struct Entered {
		Held *message;
		bool is_new;
	};

	// The message of that id, entered if it was not held.
	Entered Enter(const MessageKey &id);

	// Lets go of an entry; one of another table is left alone.
	void Forget(const Held *message) noexcept;

	size_t size() const noexcept { return size_; }

private:
	static constexpr size_t kBlock = 256;  // entries allocated at once

	// Where an entry is: the table of cells is searched from `hash` on until one is free.
	struct Cell {
		uint32_t hash;
		uint32_t number;  // counted from 1; 0: the cell is free
	};

	Held &At(uint32_t number) const noexcept
	{
		return blocks_[(number - 1) / kBlock][(number - 1) % kBlock];
	}
	uint32_t NewNumber();
	void Grow();

	std::vector<Cell> cells_;  // a power of two, at most three quarters of them in use
	std::vector<std::unique_ptr<Held[]>> blocks_;
	std::vector<uint32_t> free_;  // numbers of forgotten entries
	uint32_t last_number_ = 0;
	size_t size_ = 0;
};

}  // namespace sqs_fdw::pg
