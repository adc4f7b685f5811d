// Secret: a buffer that overwrites itself.
#include "base/secret.h"

#include <cstring>

#include "base/secret_memory.h"

#include <openssl/crypto.h>

namespace sqs_fdw {

void Cleanse(void *data, size_t size) noexcept
{
	OPENSSL_cleanse(data, size);
}

Secret::Secret(std::string_view bytes)
{
	if (bytes.empty())
		return;
	*this = Zeroed(bytes.size());
	std::memcpy(data_, bytes.data(), size_);
}

Secret Secret::Zeroed(size_t size)
{
	Secret secret;
	if (size > 0) {
		secret.data_ = static_cast<char *>(AllocateSecretMemory(size));
		secret.size_ = size;
	}
	return secret;
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
	FreeSecretMemory(data_, size_);
	data_ = nullptr;
	size_ = 0;
}

}  // namespace sqs_fdw
