// AES-256-SIV and the keyed hashes of masking: the only file here that uses OpenSSL's EVP.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>

#include "base/secret_memory.h"

extern "C" {
struct evp_cipher_ctx_st;
}

namespace sqs_fdw::masking {

constexpr size_t kBlockSize = 16;
constexpr size_t kSivSize = 16;   // the synthetic IV in front of the ciphertext; also the tag
constexpr size_t kKeySize = 64;   // 32 bytes for S2V, 32 for CTR
constexpr size_t kHashSize = 32;  // SHA-256

using Block = std::array<uint8_t, kBlockSize>;
using Hash = std::array<uint8_t, kHashSize>;

// AES-SIV-CMAC-512 of RFC 5297: deterministic authenticated encryption under one 64-byte key. Built
// from AES-256-ECB contexts that are keyed once, since EVP's own AES-256-SIV costs some 30 times as
// much per short value, refuses empty messages in OpenSSL 3.0 and is not in the FIPS provider.
//
// An object may be used by one thread at a time: OpenSSL's contexts change while they encrypt.
// Every function throws Error(kCrypto) where OpenSSL fails, and leaves no plain text behind then.
class AesSiv : public InSecretMemory {
public:
	// S2V after some components of associated data: what the messages of one domain share, so it is
	// computed once for all of them. Belongs to the key that made it.
	using Prefix = Block;

	// kKeySize bytes; or 32 or 48, for AES-128 and AES-192, which test vectors are published for.
	explicit AesSiv(std::string_view key);
	~AesSiv();
	AesSiv(const AesSiv &) = delete;
	AesSiv &operator=(const AesSiv &) = delete;

	// The state before any component, and the state after one more.
	Prefix Begin() const noexcept { return zero_mac_; }
	Prefix Absorb(const Prefix &state, std::string_view component) const;

	// Encrypts in place. On entry the plain text is buffer[kSivSize, kSivSize + size); on return
	// buffer[0, kSivSize + size) is SIV and ciphertext.
	void Seal(const Prefix &prefix, uint8_t *buffer, size_t size) const;

	// The reverse: on entry SIV and `size` bytes of ciphertext, on return the plain text from
	// buffer + kSivSize. False if the buffer is not what Seal made under this key and prefix; the
	// buffer is overwritten then.
	[[nodiscard]] bool Open(const Prefix &prefix, uint8_t *buffer, size_t size) const;

private:
	struct FreeContext {
		void operator()(evp_cipher_ctx_st *context) const noexcept;
	};
	using Context = std::unique_ptr<evp_cipher_ctx_st, FreeContext>;

	static Context MakeContext(std::string_view key);
	void Chain(const uint8_t *data, size_t size, uint8_t *mac) const;
	void Finish(const uint8_t *data, size_t size, uint8_t *mac) const;
	void S2v(const Prefix &prefix, const uint8_t *plain, size_t size, uint8_t *mac) const;
	void Ctr(const uint8_t *siv, uint8_t *data, size_t size) const;

	Context mac_;
	Context ctr_;
	Block subkey1_;   // CMAC's K1: masks a complete last block
	Block subkey2_;   // CMAC's K2: masks a padded last block
	Block zero_mac_;  // CMAC of the zero block
};

// HMAC-SHA256 (RFC 2104) of the parts, one after the other.
Hash HmacSha256(std::string_view key, std::initializer_list<std::string_view> parts);
inline Hash HmacSha256(std::string_view key, std::string_view message)
{
	return HmacSha256(key, {message});
}

// HKDF-SHA256 (RFC 5869), extract and expand; writes `size` bytes to `out`.
void HkdfSha256(
    std::string_view ikm, std::string_view salt, std::string_view info, uint8_t *out, size_t size);

// SHA-256 of `prefix` followed by `value`.
Hash Sha256(std::string_view prefix, std::string_view value);

}  // namespace sqs_fdw::masking
