// The MD5 with which SQS vouches for a message's body.
#pragma once

#include <string_view>

#include <openssl/types.h>

namespace sqs_fdw::aws {

// Checks digests where the crypto library offers MD5, which it does not under FIPS. MD5 is here a
// checksum against damage, not protection against anybody.
class Md5Check {
public:
	Md5Check();
	~Md5Check();
	Md5Check(const Md5Check &) = delete;
	Md5Check &operator=(const Md5Check &) = delete;

	// Whether `hex` is the MD5 of `text`; also true where that cannot be found out.
	bool Fits(std::string_view text, std::string_view hex) noexcept;

private:
	EVP_MD *md5_;
	EVP_MD_CTX *context_;
};

}  // namespace sqs_fdw::aws
