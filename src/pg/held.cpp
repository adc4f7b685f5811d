// Open addressing with linear probing; entries in blocks, so that they never move.
#include "pg/held.h"

#include <cstring>

namespace sqs_fdw::pg {

namespace {

constexpr size_t kFirstCells = 64;

// Message ids are random, or hashed already: any of their bits would do, but for a producer that
// chose them.
uint32_t HashOf(const MessageKey &id) noexcept
{
	uint64_t halves[2];
	std::memcpy(halves, id.data(), sizeof halves);
	return static_cast<uint32_t>(((halves[0] ^ halves[1]) * 0x9e3779b97f4a7c15) >> 32);
}

}  // namespace

uint32_t HeldMessages::NewNumber()
{
	if (!free_.empty()) {
		const uint32_t number = free_.back();
		free_.pop_back();
		return number;
	}
	if (last_number_ == blocks_.size() * kBlock) {
		blocks_.push_back(std::make_unique<Held[]>(kBlock));
		if (free_.capacity() < blocks_.size() * kBlock)
			free_.reserve(2 * blocks_.size() * kBlock);  // so that Forget needs no memory
	}
	return ++last_number_;
}

void HeldMessages::Grow()
{
	std::vector<Cell> old(cells_.empty() ? kFirstCells : 2 * cells_.size());
	old.swap(cells_);
	const size_t mask = cells_.size() - 1;
	for (const Cell &cell : old) {
		if (cell.number == 0)
			continue;
		size_t at = cell.hash & mask;
		while (cells_[at].number != 0)
			at = (at + 1) & mask;
		cells_[at] = cell;
	}
}

HeldMessages::Entered HeldMessages::Enter(const MessageKey &id)
{
	if (4 * (size_ + 1) > 3 * cells_.size())
		Grow();
	const uint32_t hash = HashOf(id);
	const size_t mask = cells_.size() - 1;
	size_t at = hash & mask;
	for (; cells_[at].number != 0; at = (at + 1) & mask) {
		if (cells_[at].hash == hash && At(cells_[at].number).id == id)
			return {&At(cells_[at].number), false};
	}
	const uint32_t number = NewNumber();
	cells_[at] = {hash, number};
	++size_;
	Held &message = At(number);
	message.id = id;
	return {&message, true};
}

void HeldMessages::Forget(const Held *message) noexcept
{
	if (cells_.empty())
		return;
	const uint32_t hash = HashOf(message->id);
	const size_t mask = cells_.size() - 1;
	size_t at = hash & mask;
	while (cells_[at].number != 0 && &At(cells_[at].number) != message)
		at = (at + 1) & mask;
	if (cells_[at].number == 0)
		return;
	At(cells_[at].number).handle = aws::Handle();
	free_.push_back(cells_[at].number);
	--size_;
	// What was put behind the freed cell for want of room moves up, or it would not be found.
	for (size_t next = (at + 1) & mask; cells_[next].number != 0; next = (next + 1) & mask) {
		const size_t home = cells_[next].hash & mask;
		if (((next - home) & mask) < ((next - at) & mask))
			continue;
		cells_[at] = cells_[next];
		at = next;
	}
	cells_[at].number = 0;
}

}  // namespace sqs_fdw::pg
