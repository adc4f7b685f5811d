// Memory for secrets: zeroed, reused, and left out of core dumps.
#include "base/secret_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace sqs_fdw {
namespace {

bool IsZero(const void *memory, size_t size)
{
	const auto *bytes = static_cast<const char *>(memory);
	return std::string(bytes, size) == std::string(size, '\0');
}

// The flags that the kernel has for the mapping of an address; empty if nothing is mapped there.
std::string FlagsOf(const void *address)
{
	std::ifstream maps("/proc/self/smaps");
	const auto wanted = reinterpret_cast<uintptr_t>(address);
	bool inside = false;
	for (std::string line; std::getline(maps, line);) {
		uintptr_t begin;
		uintptr_t end;
		char dash;
		if (std::istringstream(line) >> std::hex >> begin >> dash >> end && dash == '-')
			inside = begin <= wanted && wanted < end;
		if (inside && line.rfind("VmFlags:", 0) == 0)
			return line + " ";
	}
	return "";
}

constexpr size_t kSizes[] = {1, 63, 64, 65, 128, 200, 1000, 1024, 1025, 4096, 4097, 1200000};

TEST(SecretMemory, is_zeroed_aligned_and_as_large_as_asked_for)
{
	for (const size_t size : kSizes) {
		void *memory = AllocateSecretMemory(size);
		EXPECT_TRUE(IsZero(memory, size)) << size;
		EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0U) << size;
		std::memset(memory, 'x', size);
		FreeSecretMemory(memory, size);
	}
	FreeSecretMemory(nullptr, 64);
}

// "dd": do not dump.
TEST(SecretMemory, is_left_out_of_core_dumps)
{
	for (const size_t size : kSizes) {
		void *memory = AllocateSecretMemory(size);
		const auto *last = static_cast<const char *>(memory) + size - 1;
		EXPECT_NE(FlagsOf(memory).find(" dd "), std::string::npos) << size;
		EXPECT_NE(FlagsOf(last).find(" dd "), std::string::npos) << size;
		FreeSecretMemory(memory, size);
	}
	const auto elsewhere = std::make_unique<char[]>(64);
	EXPECT_EQ(FlagsOf(elsewhere.get()).find(" dd "), std::string::npos);
}

TEST(SecretMemory, that_was_given_back_is_zeroed_and_used_again)
{
	for (const size_t size : {64, 100, 1024}) {
		void *memory = AllocateSecretMemory(size);
		std::memset(memory, 'x', size);
		FreeSecretMemory(memory, size);
		EXPECT_TRUE(IsZero(memory, size)) << size;
		EXPECT_EQ(AllocateSecretMemory(size), memory) << size;
		FreeSecretMemory(memory, size);
	}
}

TEST(SecretMemory, of_more_than_a_block_is_given_back_to_the_system)
{
	void *memory = AllocateSecretMemory(1200000);
	ASSERT_NE(FlagsOf(memory), "");
	FreeSecretMemory(memory, 1200000);
	EXPECT_EQ(FlagsOf(memory).find(" dd "), std::string::npos);
}

// Many slabs: every block is of its own, and keeps what is in it.
TEST(SecretMemory, does_not_overlap)
{
	constexpr size_t kCount = 5000;
	std::vector<unsigned *> blocks;
	for (unsigned i = 0; i < kCount; ++i) {
		blocks.push_back(static_cast<unsigned *>(AllocateSecretMemory(64)));
		blocks[i][0] = i;
		blocks[i][15] = i;
	}
	EXPECT_EQ(std::set<unsigned *>(blocks.begin(), blocks.end()).size(), kCount);
	for (unsigned i = 0; i < kCount; ++i) {
		EXPECT_EQ(blocks[i][0], i);
		EXPECT_EQ(blocks[i][15], i);
		FreeSecretMemory(blocks[i], 64);
	}
}

struct Object : InSecretMemory {
	char bytes[200] = {'x'};
};

TEST(SecretMemory, is_where_objects_that_ask_for_it_are)
{
	const auto object = std::make_unique<const Object>();
	EXPECT_NE(FlagsOf(object.get()).find(" dd "), std::string::npos);
}

}  // namespace
}  // namespace sqs_fdw
