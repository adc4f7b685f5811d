// AWS Signature Version 4, as pure functions by stage, and a signer that caches the daily key.
//
// Source: "AWS Signature Version 4 for API requests", AWS General Reference.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/credentials.h"
#include "base/clock.h"

namespace sqs_fdw::aws {

using Header = std::pair<std::string, std::string>;  // name, value

// What is signed. `path` and `query` are already URI-encoded, and the query sorted.
struct SigningInput {
	std::string_view method;
	std::string_view path = "/";
	std::string_view query;
	std::vector<Header> headers;  // all are signed; any order, any case
	std::string_view body;
};

struct SigningScope {
	std::string date;  // YYYYMMDD
	std::string region;
	std::string service;
};

using Sha256Digest = std::array<unsigned char, 32>;

Sha256Digest Sha256(std::string_view data);                            // throws Error(kCrypto)
Sha256Digest HmacSha256(std::string_view key, std::string_view data);  // throws Error(kCrypto)

// "20150830T123600Z"
std::string AmzDate(WallTime time);

// Stage 1: the canonical request, and the list of signed header names ("a;b;c"). Values are trimmed
// and runs of blanks become one space; headers of the same name become one, in their order.
std::string CanonicalRequest(const SigningInput &input, std::string *signed_headers);

// Stage 2: the string to sign.
std::string StringToSign(
    std::string_view amz_date, const SigningScope &scope, std::string_view canonical_request);

// Stage 3: the signing key of a day, region and service.
Sha256Digest SigningKey(std::string_view secret_access_key, const SigningScope &scope);

// Stage 4: the signature, lower-case hexadecimal.
std::string Signature(const Sha256Digest &signing_key, std::string_view string_to_sign);

// Signs requests for one region and service. Caches the signing key per day and secret. The clock
// can be shifted, for hosts whose clock is wrong.
class Signer {
public:
	Signer(std::string region, std::string service);
	~Signer();
	Signer(const Signer &) = delete;
	Signer &operator=(const Signer &) = delete;

	// The header lines to send: those of `input`, and X-Amz-Date, X-Amz-Security-Token where there
	// is one, and Authorization, none of which `input` may hold; it must hold Host. Throws
	// Error(kCrypto), and Error(kInvalid) for a value that would break out of its line.
	std::vector<std::string> Sign(
	    const SigningInput &input, const Credentials &credentials, WallTime now);

	// Added to `now` by Sign.
	void set_clock_shift(std::chrono::seconds shift) noexcept { clock_shift_ = shift; }
	std::chrono::seconds clock_shift() const noexcept { return clock_shift_; }

private:
	void PrepareKey(std::string_view date, const Secret &secret_access_key);

	SigningScope scope_;  // its date is the day of key_; empty: no key yet
	std::chrono::seconds clock_shift_{0};
	Secret key_secret_;  // which secret key_ was derived from
	Sha256Digest key_{};
};

}  // namespace sqs_fdw::aws
