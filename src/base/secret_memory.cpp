// A small allocator: blocks of a few sizes, carved out of slabs; a mapping of its own for what is
// larger.
#include "base/secret_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <new>
#include <vector>

#include "base/secret.h"

namespace sqs_fdw {

namespace {

constexpr size_t kSmallestBlock = 64;
constexpr size_t kLargestBlock = 1024;
constexpr size_t kBlockSizes = 5;  // 64, 128, 256, 512, 1024
constexpr size_t kSlabSize = size_t{64} * 1024;

size_t WholePages(size_t size)
{
	static const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
	return (size + page - 1) / page * page;
}

void *Map(size_t size)
{
	void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		throw std::bad_alloc();
#ifdef MADV_DONTDUMP
	madvise(memory, size, MADV_DONTDUMP);
#endif
	(void)mlock(memory, size);  // not possible where the limit is low: better swapped than not run
	return memory;
}

// Blocks of one size. What is free is remembered outside, so that the blocks are all zeros.
class Blocks {
public:
	void *Take(size_t block_size)
	{
		if (free_.empty())
			Grow(block_size);
		void *block = free_.back();
		free_.pop_back();
		return block;
	}

	void GiveBack(void *block) noexcept { free_.push_back(block); }

private:
	void Grow(size_t block_size)
	{
		const size_t count = kSlabSize / block_size;
		free_.reserve(total_ + count);  // so that GiveBack need not allocate
		auto *slab = static_cast<char *>(Map(kSlabSize));
		for (size_t i = count; i-- > 0;)
			free_.push_back(slab + i * block_size);
		total_ += count;
	}

	std::vector<void *> free_;
	size_t total_ = 0;
};

struct Pool {
	std::mutex mutex;
	std::array<Blocks, kBlockSizes> blocks;
};

// Never destroyed: secrets with static lifetime may outlive it.
Pool &ThePool()
{
	static Pool *pool = new Pool;
	return *pool;
}

// The smallest block size that holds `size`, and its index in the pool.
size_t BlockSizeFor(size_t size, size_t *index) noexcept
{
	size_t block_size = kSmallestBlock;
	for (*index = 0; block_size < size; block_size *= 2)
		++*index;
	return block_size;
}

}  // namespace

void *AllocateSecretMemory(size_t size)
{
	if (size > kLargestBlock)
		return Map(WholePages(size));
	Pool &pool = ThePool();
	size_t index;
	const size_t block_size = BlockSizeFor(size, &index);
	const std::lock_guard<std::mutex> lock(pool.mutex);
	return pool.blocks[index].Take(block_size);
}

void FreeSecretMemory(void *memory, size_t size) noexcept
{
	if (memory == nullptr)
		return;
	Cleanse(memory, size);
	if (size > kLargestBlock) {
		munmap(memory, WholePages(size));
		return;
	}
	Pool &pool = ThePool();
	size_t index;
	BlockSizeFor(size, &index);
	const std::lock_guard<std::mutex> lock(pool.mutex);
	pool.blocks[index].GiveBack(memory);
}

}  // namespace sqs_fdw
