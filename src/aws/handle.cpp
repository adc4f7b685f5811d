// Blocks of receipt handles.
#include "aws/handle.h"

#include <cstring>
#include <new>

namespace sqs_fdw::aws {

HandleBlock::HandleBlock(const std::vector<Message> &messages)
{
	size_t size = sizeof(Handle::Block);
	for (const Message &message : messages)
		size += message.handle.size();
	block_ = new (::operator new(size)) Handle::Block{1};
}

Handle HandleBlock::Next(const Message &message) noexcept
{
	const uint32_t at = used_;
	const auto size = static_cast<uint32_t>(message.handle.size());
	std::memcpy(Handle::Bytes(block_) + at, message.handle.data(), size);
	used_ += size;
	return {block_, at, size};
}

}  // namespace sqs_fdw::aws
