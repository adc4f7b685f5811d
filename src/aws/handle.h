// Receipt handles: those of one reply share one block of memory, so that neither keeping nor
// deleting a message allocates anything for its handle alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/sqs.h"

namespace sqs_fdw::aws {

// One receipt handle, never logged. Copies share the block, which goes with the last of them. Not
// thread-safe.
class Handle {
public:
	Handle() noexcept = default;
	Handle(const Handle &other) noexcept : Handle(other.block_, other.at_, other.size_) {}
	Handle(Handle &&other) noexcept
	    : block_(std::exchange(other.block_, nullptr)),
	      at_(other.at_),
	      size_(std::exchange(other.size_, 0))
	{
	}
	Handle &operator=(Handle other) noexcept
	{
		std::swap(block_, other.block_);
		std::swap(at_, other.at_);
		std::swap(size_, other.size_);
		return *this;
	}
	~Handle() { Drop(block_); }

	std::string_view text() const noexcept
	{
		return block_ == nullptr ? std::string_view()
		                         : std::string_view(Bytes(block_) + at_, size_);
	}

private:
	friend class HandleBlock;

	// The bytes follow.
	struct Block {
		size_t users;
	};

	Handle(Block *block, uint32_t at, uint32_t size) noexcept : block_(block), at_(at), size_(size)
	{
		if (block_ != nullptr)
			++block_->users;
	}

	static char *Bytes(Block *block) noexcept { return reinterpret_cast<char *>(block + 1); }
	static void Drop(Block *block) noexcept
	{
		if (block != nullptr && --block->users == 0)
			::operator delete(block);
	}

	Block *block_ = nullptr;
	uint32_t at_ = 0;
	uint32_t size_ = 0;
};

// The handles of all messages of a reply, copied out of it.
class HandleBlock {
public:
	explicit HandleBlock(const std::vector<Message> &messages);
	~HandleBlock() { Handle::Drop(block_); }
	HandleBlock(const HandleBlock &) = delete;
	HandleBlock &operator=(const HandleBlock &) = delete;

	// The next message's handle: call once for each, in their order.
	Handle Next(const Message &message) noexcept;

private:
	Handle::Block *block_;
	uint32_t used_ = 0;
};

}  // namespace sqs_fdw::aws
