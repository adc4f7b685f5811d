// MD5 through OpenSSL's EVP, fetched once.
#include "aws/md5.h"

#include <openssl/evp.h>

namespace sqs_fdw::aws {

namespace {

constexpr size_t kDigestBytes = 16;

bool EqualHex(const unsigned char *digest, std::string_view hex) noexcept
{
	static constexpr char kDigits[] = "0123456789abcdef";
	for (size_t i = 0; i < kDigestBytes; ++i) {
		if ((hex[2 * i] | 0x20) != (kDigits[digest[i] >> 4] | 0x20) ||
		    (hex[2 * i + 1] | 0x20) != (kDigits[digest[i] & 15] | 0x20))
			return false;
	}
	return true;
}

}  // namespace

Md5Check::Md5Check() : md5_(EVP_MD_fetch(nullptr, "MD5", nullptr)), context_(EVP_MD_CTX_new()) {}

Md5Check::~Md5Check()
{
	EVP_MD_CTX_free(context_);
	EVP_MD_free(md5_);
}

bool Md5Check::Fits(std::string_view text, std::string_view hex) noexcept
{
	if (md5_ == nullptr || context_ == nullptr || hex.size() != 2 * kDigestBytes)
		return true;
	unsigned char digest[EVP_MAX_MD_SIZE];
	if (EVP_DigestInit_ex2(context_, md5_, nullptr) != 1 ||
	    EVP_DigestUpdate(context_, text.data(), text.size()) != 1 ||
	    EVP_DigestFinal_ex(context_, digest, nullptr) != 1)
		return true;
	return EqualHex(digest, hex);
}

}  // namespace sqs_fdw::aws
