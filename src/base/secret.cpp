// Secret: a buffer that overwrites itself.
#include "base/secret.h"

#include <openssl/crypto.h>

#include <cstring>

namespace sqs_fdw {

void Cleanse(void *data, size_t size) noexcept
{
	OPENSSL_cleanse(data, size);
}

Secret::Secret(std::string_view bytes)
{
	if (bytes.empty())
		return;
	data_ = new char[bytes.size()];
	size_ = bytes.size();
	std::memcpy(data_, bytes.data(), size_);
}

Secret &Secret::operator=(Secret &&other) noexcept
{
	if (this != &other) {
		Clear();
		data_ = std::exchange(other.data_, nullptr);
		size_ = std::exchange(other.size_, 0);
	}
	return *this;
}

void Secret::Clear() noexcept
{
	if (data_ == nullptr)
		return;
	Cleanse(data_, size_);
	delete[] data_;
	data_ = nullptr;
	size_ = 0;
}

}  // namespace sqs_fdw
