// AES-SIV over two AES-256-ECB contexts, and the one-shot hashes.
#include "masking/cipher.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

namespace sqs_fdw::masking {

namespace {

// Key stream that is made per call into OpenSSL, whose calls cost more than the AES in them.
constexpr size_t kStreamBlocks = 16;

// A buffer on the stack whose first `used` bytes are overwritten when it is left, by an exception
// too.
template <size_t kCapacity>
struct Wiped {
	uint8_t bytes[kCapacity];
	const size_t used;

	explicit Wiped(size_t used_bytes = kCapacity) noexcept : used(used_bytes) {}
	Wiped(const Wiped &) = delete;
	Wiped &operator=(const Wiped &) = delete;
	~Wiped() { Cleanse(bytes, used); }
};

[[noreturn]] void Fail()
{
	throw Error(Fault::kCrypto, "OpenSSL could not do a cryptographic operation", "",
	    "Check that the server's OpenSSL configuration provides AES-256, HMAC, HKDF and SHA-256.");
}

// `size` is a multiple of the block size; `in` and `out` may be the same. EVP_Cipher, since whole
// blocks need none of EVP_EncryptUpdate's buffering, which costs more than the AES does.
void Encrypt(EVP_CIPHER_CTX *context, const uint8_t *in, uint8_t *out, size_t size)
{
	// The bytes written, or 1 from some ciphers; 0 or less where it failed.
	if (EVP_Cipher(context, out, in, static_cast<unsigned int>(size)) <= 0)
		Fail();
}

void Xor(uint8_t *target, const uint8_t *other) noexcept
{
	uint64_t a[2];
	uint64_t b[2];
	std::memcpy(a, target, kBlockSize);
	std::memcpy(b, other, kBlockSize);
	a[0] ^= b[0];
	a[1] ^= b[1];
	std::memcpy(target, a, kBlockSize);
}

// Multiplication by x in GF(2^128), RFC 5297 section 2.3; without a branch on secret bits.
Block Double(const Block &in) noexcept
{
	Block out;
	for (size_t i = 0; i + 1 < kBlockSize; ++i)
		out[i] = static_cast<uint8_t>(in[i] << 1 | in[i + 1] >> 7);
	const auto carry = static_cast<uint8_t>(-(in[0] >> 7));
	out[kBlockSize - 1] = static_cast<uint8_t>(in[kBlockSize - 1] << 1 ^ (carry & 0x87));
	return out;
}

// 10…0 after `size` bytes of a block: RFC 4493's padding, which RFC 5297 uses as well.
void PadBlock(uint8_t *block, size_t size) noexcept
{
	block[size] = 0x80;
	std::memset(block + size + 1, 0, kBlockSize - size - 1);
}

constexpr size_t WholeBlocks(size_t size) noexcept
{
	return size & ~(kBlockSize - 1);
}

// Between the machine's order and big-endian.
uint64_t BigEndian64(uint64_t value) noexcept
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap64(value);
#else
	return value;
#endif
}

void XorAll(uint8_t *target, const uint8_t *other, size_t size) noexcept
{
	size_t i = 0;
	for (; i + kBlockSize <= size; i += kBlockSize)
		Xor(target + i, other + i);
	for (; i < size; ++i)
		target[i] ^= other[i];
}

const unsigned char *Bytes(std::string_view text) noexcept
{
	return reinterpret_cast<const unsigned char *>(text.data());
}

// By the size of its key in bytes; nullptr if there is none.
const EVP_CIPHER *AesOf(size_t key_size) noexcept
{
	switch (key_size) {
		case 16:
			return EVP_aes_128_ecb();
		case 24:
			return EVP_aes_192_ecb();
		case kKeySize / 2:
			return EVP_aes_256_ecb();
		default:
			return nullptr;
	}
}

}  // namespace

void AesSiv::FreeContext::operator()(EVP_CIPHER_CTX *context) const noexcept
{
	EVP_CIPHER_CTX_free(context);  // overwrites the key schedule
}

AesSiv::Context AesSiv::MakeContext(std::string_view key)
{
	const EVP_CIPHER *aes = AesOf(key.size());
	Context context(EVP_CIPHER_CTX_new());
	if (!context || EVP_EncryptInit_ex2(context.get(), aes, Bytes(key), nullptr, nullptr) != 1 ||
	    EVP_CIPHER_CTX_set_padding(context.get(), 0) != 1)
		Fail();
	return context;
}

AesSiv::AesSiv(std::string_view key)
{
	if (key.size() % 2 != 0 || AesOf(key.size() / 2) == nullptr)
		throw Error(Fault::kInternal, "a masking key has a wrong length");
	mac_ = MakeContext(key.substr(0, key.size() / 2));
	ctr_ = MakeContext(key.substr(key.size() / 2));

	Block zero{};
	Block l;
	Encrypt(mac_.get(), zero.data(), l.data(), kBlockSize);
	subkey1_ = Double(l);
	subkey2_ = Double(subkey1_);
	Cleanse(l.data(), kBlockSize);
	zero_mac_ = zero;
	Finish(zero.data(), kBlockSize, zero_mac_.data());
}

AesSiv::~AesSiv()
{
	Cleanse(subkey1_.data(), kBlockSize);
	Cleanse(subkey2_.data(), kBlockSize);
	Cleanse(zero_mac_.data(), kBlockSize);
}

// CBC-MAC without its last block: whole blocks of data, chained into `mac`.
void AesSiv::Chain(const uint8_t *data, size_t size, uint8_t *mac) const
{
	for (const uint8_t *end = data + size; data != end; data += kBlockSize) {
		Xor(mac, data);
		Encrypt(mac_.get(), mac, mac, kBlockSize);
	}
}

// The last block, of 0 to kBlockSize bytes, as CMAC (RFC 4493) does it.
void AesSiv::Finish(const uint8_t *data, size_t size, uint8_t *mac) const
{
	Wiped<kBlockSize> last;
	std::copy_n(data, size, last.bytes);
	if (size < kBlockSize)
		PadBlock(last.bytes, size);
	Xor(mac, last.bytes);
	Xor(mac, (size == kBlockSize ? subkey1_ : subkey2_).data());
	Encrypt(mac_.get(), mac, mac, kBlockSize);
}

AesSiv::Prefix AesSiv::Absorb(const Prefix &state, std::string_view component) const
{
	const size_t head = component.empty() ? 0 : WholeBlocks(component.size() - 1);
	Block mac{};
	Chain(Bytes(component), head, mac.data());
	Finish(Bytes(component) + head, component.size() - head, mac.data());
	Block next = Double(state);
	Xor(next.data(), mac.data());
	return next;
}

// The last step of S2V, RFC 5297 section 2.4: `pad` for less than a block, else `xorend`.
void AesSiv::S2v(const Prefix &prefix, const uint8_t *plain, size_t size, uint8_t *mac) const
{
	if (size < kBlockSize) {
		Wiped<kBlockSize> block;
		std::copy_n(plain, size, block.bytes);
		PadBlock(block.bytes, size);
		std::memcpy(mac, Double(prefix).data(), kBlockSize);
		Xor(mac, subkey1_.data());
		Chain(block.bytes, kBlockSize, mac);
		return;
	}
	// The prefix is added to the last 16 bytes, which end a block or lie across two.
	const size_t excess = size % kBlockSize;
	const size_t head = size - excess - kBlockSize;
	std::memset(mac, 0, kBlockSize);
	Chain(plain, head, mac);
	if (excess == 0) {
		Xor(mac, prefix.data());
		Xor(mac, subkey1_.data());
		Chain(plain + head, kBlockSize, mac);
		return;
	}
	Wiped<2 * kBlockSize> tail;
	std::copy_n(plain + head, kBlockSize + excess, tail.bytes);
	Xor(tail.bytes + excess, prefix.data());
	Chain(tail.bytes, kBlockSize, mac);
	Finish(tail.bytes + kBlockSize, excess, mac);
}

// RFC 5297 section 2.5. The two bits that it clears keep the low 32 bits of the counter from ever
// carrying: not before 2^31 blocks, and a message here is far shorter.
void AesSiv::Ctr(const uint8_t *siv, uint8_t *data, size_t size) const
{
	Wiped<kStreamBlocks * kBlockSize> stream(
	    std::min(WholeBlocks(size + kBlockSize - 1), kStreamBlocks * kBlockSize));
	uint64_t high;
	uint64_t low;
	std::memcpy(&high, siv, sizeof high);
	std::memcpy(&low, siv + sizeof high, sizeof low);
	low = BigEndian64(low) & ~(uint64_t{1} << 63 | uint64_t{1} << 31);

	for (size_t done = 0; done < size; done += stream.used) {
		const size_t chunk = std::min(size - done, stream.used);
		for (size_t i = 0; i < chunk; i += kBlockSize) {
			const uint64_t big_low = BigEndian64(low++);
			std::memcpy(stream.bytes + i, &high, sizeof high);
			std::memcpy(stream.bytes + i + sizeof high, &big_low, sizeof big_low);
		}
		Encrypt(ctr_.get(), stream.bytes, stream.bytes, WholeBlocks(chunk + kBlockSize - 1));
		XorAll(data + done, stream.bytes, chunk);
	}
}

// Flattened: calls between its own parts cost a short value a tenth of its time.
[[gnu::flatten]] void AesSiv::Seal(const Prefix &prefix, uint8_t *buffer, size_t size) const
{
	try {
		S2v(prefix, buffer + kSivSize, size, buffer);
		Ctr(buffer, buffer + kSivSize, size);
	} catch (...) {
		Cleanse(buffer, kSivSize + size);
		throw;
	}
}

bool AesSiv::Open(const Prefix &prefix, uint8_t *buffer, size_t size) const
{
	try {
		Block expected;
		Ctr(buffer, buffer + kSivSize, size);
		S2v(prefix, buffer + kSivSize, size, expected.data());
		if (ConstantTimeEqual(expected.data(), buffer, kSivSize))
			return true;
	} catch (...) {
		Cleanse(buffer, kSivSize + size);
		throw;
	}
	Cleanse(buffer, kSivSize + size);
	return false;
}

Hash HmacSha256(std::string_view key, std::initializer_list<std::string_view> parts)
{
	char digest[] = "SHA256";
	const OSSL_PARAM parameters[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
	    OSSL_PARAM_construct_end(),
	};
	const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(
	    EVP_MAC_fetch(nullptr, "HMAC", nullptr), EVP_MAC_free);
	if (!mac)
		Fail();
	const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(
	    EVP_MAC_CTX_new(mac.get()), EVP_MAC_CTX_free);
	if (!context || EVP_MAC_init(context.get(), Bytes(key), key.size(), parameters) != 1)
		Fail();
	for (const std::string_view part : parts) {
		if (EVP_MAC_update(context.get(), Bytes(part), part.size()) != 1)
			Fail();
	}
	Hash hash;
	size_t size = 0;
	if (EVP_MAC_final(context.get(), hash.data(), &size, hash.size()) != 1 || size != kHashSize)
		Fail();
	return hash;
}

void HkdfSha256(
    std::string_view ikm, std::string_view salt, std::string_view info, uint8_t *out, size_t size)
{
	const auto octets = [](const char *name, std::string_view value) {
		return OSSL_PARAM_construct_octet_string(
		    name, const_cast<char *>(value.data()), value.size());  // only read
	};
	char digest[] = "SHA256";
	const OSSL_PARAM parameters[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
	    octets(OSSL_KDF_PARAM_KEY, ikm),
	    octets(OSSL_KDF_PARAM_SALT, salt),
	    octets(OSSL_KDF_PARAM_INFO, info),
	    OSSL_PARAM_construct_end(),
	};
	const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(
	    EVP_KDF_fetch(nullptr, "HKDF", nullptr), EVP_KDF_free);
	if (!kdf)
		Fail();
	const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(
	    EVP_KDF_CTX_new(kdf.get()), EVP_KDF_CTX_free);
	if (!context || EVP_KDF_derive(context.get(), out, size, parameters) != 1)
		Fail();
}

Hash Sha256(std::string_view prefix, std::string_view value)
{
	Hash hash;
	const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(
	    EVP_MD_CTX_new(), EVP_MD_CTX_free);
	if (!context || EVP_DigestInit_ex2(context.get(), EVP_sha256(), nullptr) != 1 ||
	    EVP_DigestUpdate(context.get(), prefix.data(), prefix.size()) != 1 ||
	    EVP_DigestUpdate(context.get(), value.data(), value.size()) != 1 ||
	    EVP_DigestFinal_ex(context.get(), hash.data(), nullptr) != 1)
		Fail();
	return hash;
}

}  // namespace sqs_fdw::masking
