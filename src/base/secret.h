// Key material that overwrites itself and cannot be printed by accident.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

namespace sqs_fdw {

// Owns a copy of secret bytes, in memory that core dumps leave out (base/secret_memory). The copy
// is overwritten on destruction and on assignment. There is no operator<<, no conversion to
// std::string and no copy: reading takes an explicit Reveal().
class Secret {
public:
	Secret() = default;
	explicit Secret(std::string_view bytes);  // throws std::bad_alloc
	Secret(Secret &&other) noexcept
	    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0))
	{
	}
	Secret &operator=(Secret &&other) noexcept;
	Secret(const Secret &) = delete;
	Secret &operator=(const Secret &) = delete;
	~Secret() { Clear(); }

	// `size` zero bytes, to be filled in place. Throws std::bad_alloc.
	static Secret Zeroed(size_t size);
	char *Writable() noexcept { return data_; }

	Secret Clone() const { return Secret(Reveal()); }

	// The bytes, valid until this object changes. Do not store, log or compare with ==.
	std::string_view Reveal() const noexcept { return {data_, size_}; }

	size_t size() const noexcept { return size_; }
	bool empty() const noexcept { return size_ == 0; }

private:
	void Clear() noexcept;

	char *data_ = nullptr;
	size_t size_ = 0;
};

// Overwrites `size` bytes in a way that the compiler may not remove.
void Cleanse(void *data, size_t size) noexcept;

}  // namespace sqs_fdw
