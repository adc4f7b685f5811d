// AES-SIV against RFC 5297 and OpenSSL's own; the hashes against their RFCs.
#include "masking/cipher.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "vectors_masking.h"

#include <openssl/evp.h>

namespace sqs_fdw::masking {
namespace {

std::string FromHex(std::string_view hex)
{
	std::string out;
	for (size_t i = 0; i < hex.size(); i += 2)
		out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
	return out;
}

template <class Bytes>
std::string ToHex(const Bytes &bytes)
{
	return HexEncode({reinterpret_cast<const char *>(bytes.data()), bytes.size()});
}

AesSiv::Prefix PrefixOf(const AesSiv &siv, const std::vector<std::string> &components)
{
	AesSiv::Prefix prefix = siv.Begin();
	for (const std::string &component : components)
		prefix = siv.Absorb(prefix, component);
	return prefix;
}

std::string Seal(
    const AesSiv &siv, const std::vector<std::string> &components, const std::string &plain)
{
	std::string buffer = std::string(kSivSize, '\0') + plain;
	siv.Seal(PrefixOf(siv, components), reinterpret_cast<uint8_t *>(buffer.data()), plain.size());
	return buffer;
}

bool Open(const AesSiv &siv, const std::vector<std::string> &components, std::string sealed,
    std::string *plain)
{
	const size_t size = sealed.size() - kSivSize;
	const bool good =
	    siv.Open(PrefixOf(siv, components), reinterpret_cast<uint8_t *>(sealed.data()), size);
	*plain = sealed.substr(kSivSize);
	return good;
}

const char *OpenSslName(size_t key_size)
{
	return key_size == kKeySize ? "AES-256-SIV" : key_size == 48 ? "AES-192-SIV" : "AES-128-SIV";
}

// OpenSSL's own AES-SIV, keyed afresh for each message.
std::string OpenSslSeal(
    const std::string &key, const std::vector<std::string> &components, const std::string &plain)
{
	const std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)> cipher(
	    EVP_CIPHER_fetch(nullptr, OpenSslName(key.size()), nullptr), EVP_CIPHER_free);
	const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
	    EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
	const auto bytes = [](const std::string &s) {
		return reinterpret_cast<const unsigned char *>(s.data());
	};
	std::string out(kSivSize + plain.size(), '\0');
	auto *to = reinterpret_cast<unsigned char *>(out.data());
	int size = 0;
	EXPECT_EQ(EVP_EncryptInit_ex2(context.get(), cipher.get(), bytes(key), nullptr, nullptr), 1);
	for (const std::string &component : components)
		EXPECT_EQ(EVP_EncryptUpdate(context.get(), nullptr, &size, bytes(component),
		              static_cast<int>(component.size())),
		    1);
	EXPECT_EQ(EVP_EncryptUpdate(context.get(), to + kSivSize, &size, bytes(plain),
	              static_cast<int>(plain.size())),
	    1);
	EXPECT_EQ(EVP_EncryptFinal_ex(context.get(), to + kSivSize, &size), 1);
	EXPECT_EQ(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kSivSize, to), 1);
	return out;
}

class Random {
public:
	std::string Bytes(size_t size)
	{
		std::string out(size, '\0');
		for (char &c : out)
			c = static_cast<char>(generator_());
		return out;
	}

	size_t Below(size_t limit) { return generator_() % limit; }

private:
	std::mt19937 generator_{20240607};
};

struct SivVector {
	const char *name, *key;
	std::vector<std::string> components;
	std::string plain;
	const char *sealed;
};

// RFC 5297 appendix A.1 and A.2.
const SivVector kRfc5297[] = {
    {"A.1", "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
        {"101112131415161718191a1b1c1d1e1f2021222324252627"}, "112233445566778899aabbccddee",
        "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c"},
    {"A.2", "7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f",
        {"00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100",
            "102030405060708090a0", "09f911029d74e35bd84156c5635688c0"},
        "7468697320697320736f6d6520706c61696e7465787420746f20656e6372797074207573696e6720534956"
        "2d414553",
        "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17dba77ceb094fa663b7a3f7"
        "48ba8af829ea64ad544a272e9c485b62a3fd5c0d"},
};

TEST(AesSiv, gives_the_answers_of_rfc_5297)
{
	for (const SivVector &vector : kRfc5297) {
		SCOPED_TRACE(vector.name);
		const AesSiv siv(FromHex(vector.key));
		std::vector<std::string> components;
		for (const std::string &component : vector.components)
			components.push_back(FromHex(component));
		const std::string sealed = Seal(siv, components, FromHex(vector.plain));
		EXPECT_EQ(ToHex(sealed), vector.sealed);
		std::string plain;
		EXPECT_TRUE(Open(siv, components, sealed, &plain));
		EXPECT_EQ(ToHex(plain), vector.plain);
	}
}

// Every message length around the block size, and lengths around the 256 bytes of key stream.
// Three of four cases have the key size of masks. How many there were is printed.
TEST(AesSiv, equals_openssl_on_random_messages)
{
	constexpr size_t kCases = 8000;
	constexpr size_t kKeySizes[] = {
	    kKeySize, kKeySize, kKeySize, kKeySize, kKeySize, kKeySize, 48, 32};
	Random random;
	size_t of_masks = 0;
	for (size_t i = 0; i < kCases; ++i) {
		const std::string key = random.Bytes(kKeySizes[i / 8 % std::size(kKeySizes)]);
		of_masks += key.size() == kKeySize;
		std::vector<std::string> components;
		for (size_t n = random.Below(4); n > 0; --n)
			components.push_back(random.Bytes(1 + random.Below(70)));
		const size_t size = 1 + (i % 8 == 0 ? random.Below(1200) : random.Below(80));
		const std::string plain = random.Bytes(size);
		const AesSiv siv(key);
		const std::string sealed = Seal(siv, components, plain);
		ASSERT_EQ(ToHex(sealed), ToHex(OpenSslSeal(key, components, plain)))
		    << "case " << i << ", " << size << " bytes, " << components.size() << " components";
		std::string opened;
		ASSERT_TRUE(Open(siv, components, sealed, &opened));
		ASSERT_EQ(opened, plain);
	}
	std::printf("AES-SIV equals OpenSSL's on %zu random messages, %zu of them AES-256-SIV\n",
	    kCases, of_masks);
}

// OpenSSL 3.0 fails on these, so there is nothing to compare with.
TEST(AesSiv, seals_and_opens_the_empty_message)
{
	const AesSiv siv(CountingBytes());
	const std::string sealed = Seal(siv, {"domain"}, "");
	EXPECT_EQ(sealed.size(), kSivSize);
	std::string opened = "x";
	EXPECT_TRUE(Open(siv, {"domain"}, sealed, &opened));
	EXPECT_EQ(opened, "");
	EXPECT_FALSE(Open(siv, {"other"}, sealed, &opened));
}

TEST(AesSiv, keeps_no_state_between_messages)
{
	const AesSiv siv(CountingBytes());
	const std::string first = Seal(siv, {"a"}, "one message");
	Seal(siv, {"b"}, Letters(400));
	std::string ignored;
	EXPECT_FALSE(Open(siv, {"b"}, first, &ignored));
	EXPECT_EQ(Seal(siv, {"a"}, "one message"), first);
}

TEST(AesSiv, refuses_one_changed_bit_anywhere_and_leaves_no_plain_text)
{
	const AesSiv siv(CountingBytes());
	for (const size_t size : {1, 16, 21, 48}) {
		const std::string plain = Letters(size);
		const std::string sealed = Seal(siv, {"domain"}, plain);
		for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
			std::string altered = sealed;
			altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ 1 << bit % 8);
			std::string opened;
			ASSERT_FALSE(Open(siv, {"domain"}, altered, &opened)) << "bit " << bit;
			ASSERT_EQ(opened, std::string(size, '\0'));
		}
	}
}

TEST(AesSiv, refuses_another_key_and_another_domain)
{
	const AesSiv siv(CountingBytes());
	const std::string sealed = Seal(siv, {"domain"}, "value");
	std::string ignored;
	EXPECT_FALSE(Open(siv, {"domaim"}, sealed, &ignored));
	EXPECT_FALSE(Open(siv, {"dom", "ain"}, sealed, &ignored));
	EXPECT_FALSE(Open(siv, {}, sealed, &ignored));
	std::string other_key = CountingBytes();
	other_key.back() ^= 1;
	EXPECT_FALSE(Open(AesSiv(other_key), {"domain"}, sealed, &ignored));
	other_key = CountingBytes();
	other_key.front() ^= 1;
	EXPECT_FALSE(Open(AesSiv(other_key), {"domain"}, sealed, &ignored));
}

TEST(AesSiv, refuses_keys_of_other_lengths)
{
	for (const size_t size : {0, 1, 16, 31, 33, 47, 49, 63, 65, 128})
		EXPECT_THROW(AesSiv{std::string(size, 'k')}, Error) << size;
}

// RFC 4231 test case 2.
TEST(HmacSha256, gives_the_answer_of_rfc_4231)
{
	EXPECT_EQ(ToHex(HmacSha256("Jefe", "what do ya want for nothing?")),
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(HkdfSha256, gives_the_answer_of_rfc_5869)
{
	std::vector<uint8_t> out(42);
	HkdfSha256(std::string(22, '\x0b'), FromHex("000102030405060708090a0b0c"),
	    FromHex("f0f1f2f3f4f5f6f7f8f9"), out.data(), out.size());
	EXPECT_EQ(ToHex(out),
	    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

// The keys that one-way masks and sealed bodies will be made with, from the bytes 00 to 3f.
TEST(HkdfSha256, derives_the_keys_that_python_derives)
{
	std::vector<uint8_t> hmac_key(32);
	HkdfSha256(CountingBytes(), "sqs_fdw", "mask_hmac v1", hmac_key.data(), hmac_key.size());
	EXPECT_EQ(ToHex(hmac_key), "cca4bae6feeecc7449e25f8b0bb82adee1fb98b1e3b708730d1ad140e40c3568");
	std::vector<uint8_t> seal_key(64);
	HkdfSha256(CountingBytes(), "sqs_fdw", "seal v1", seal_key.data(), seal_key.size());
	EXPECT_EQ(ToHex(seal_key),
	    "85a3ee7a246563584fddcb27e93c8e18fdda218b92a0f7ce922664641134ac498002405d00fdd4e4ca9cbb1e"
	    "5e9c1acbe718807b0a87329d667989dc149869a2");
}

// FIPS 180-4's example, in one piece and in two.
TEST(Sha256, hashes_prefix_and_value_as_one_text)
{
	const char *abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	EXPECT_EQ(ToHex(Sha256("", "abc")), abc);
	EXPECT_EQ(ToHex(Sha256("a", "bc")), abc);
	EXPECT_EQ(
	    ToHex(Sha256("", "")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace sqs_fdw::masking
