// Who signs the requests: the interface that every credential provider has.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/secret.h"

namespace sqs_fdw::aws {

// One set of keys as AWS hands them out. The access key id is no secret, but is not logged either.
struct Credentials {
	std::string access_key_id;
	Secret secret_access_key;
	Secret session_token;             // empty: long-term keys
	std::optional<WallTime> expires;  // unset: never

	Credentials Clone() const;
};

// One source of credentials. Get returns what is valid now, valid until the next call of a
// non-const member; Refresh drops what is cached, so that the next Get asks again, and says whether
// there was anything to ask (false for static keys).
class CredentialProvider {
public:
	virtual ~CredentialProvider() = default;
	virtual const Credentials &Get() = 0;  // throws Error(kDenied, kUnreachable)
	virtual bool Refresh() = 0;
};

// Keys that were written down: the user mapping's. Throws Error(kInvalid) where one is missing or
// is not printable ASCII.
std::unique_ptr<CredentialProvider> MakeStaticCredentials(Credentials credentials);

}  // namespace sqs_fdw::aws
