// Memory for secrets: pages of their own, which no core dump shows.
//
// The pages are marked MADV_DONTDUMP, and locked, so that they are not swapped out, as far as
// RLIMIT_MEMLOCK allows. They are not marked MADV_WIPEONFORK: a child that runs on with this memory
// would find keys of zeros, and mask with them; and a child that runs another program loses the
// memory anyway.
//
// Not covered, since it is not ours: the kernel's buffers of files and pipes, and what OpenSSL
// keeps of a key in memory of its own. Its AES contexts hold the expanded key, from which the key
// can be read, for as long as they live; OpenSSL overwrites them when they are freed, but has no
// way to say where they go. So a core dump of a process that has masked is to be kept like a key.
#pragma once

#include <cstddef>

namespace sqs_fdw {

// Zeroed memory, aligned to 64 bytes. Throws std::bad_alloc.
void *AllocateSecretMemory(size_t size);

// Overwrites and takes back what AllocateSecretMemory(size) gave. Null is allowed.
void FreeSecretMemory(void *memory, size_t size) noexcept;

// Objects of a class with this base are in such memory when they are made with new.
struct InSecretMemory {
	// NOLINTNEXTLINE(misc-new-delete-overloads): the sized form below is its match
	static void *operator new(size_t size) { return AllocateSecretMemory(size); }
	static void operator delete(void *memory, size_t size) noexcept
	{
		FreeSecretMemory(memory, size);
	}
};

}  // namespace sqs_fdw
