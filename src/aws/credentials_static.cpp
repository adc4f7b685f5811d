// The credential provider for keys that were written down.
#include "aws/credentials.h"
#include "base/error.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace sqs_fdw::aws {

namespace {

class StaticCredentials : public CredentialProvider {
public:
	explicit StaticCredentials(Credentials credentials) : credentials_(std::move(credentials)) {}

	const Credentials &Get() override { return credentials_; }
	bool Refresh() override { return false; }

private:
	Credentials credentials_;
};

// Keys and tokens are printable ASCII. What is not was copied along with them, as a line break
// often is, and would otherwise show only as a signature that does not match.
void CheckPrintable(const char *what, std::string_view value)
{
	const auto printable = [](char c) { return c > ' ' && c <= '~'; };
	if (!std::all_of(value.begin(), value.end(), printable))
		throw Error(Fault::kInvalid,
		    std::string(what) + " holds a space, a line break or a character outside ASCII", "",
		    "Write it again without what was copied along with it.");
}

void CheckPresent(const char *what, bool empty)
{
	if (empty)
		throw Error(Fault::kInvalid, std::string(what) + " is missing", "",
		    "Set access_key_id and secret_access_key together.");
}

}  // namespace

std::unique_ptr<CredentialProvider> MakeStaticCredentials(Credentials credentials)
{
	CheckPresent("access_key_id", credentials.access_key_id.empty());
	CheckPresent("secret_access_key", credentials.secret_access_key.empty());
	CheckPrintable("access_key_id", credentials.access_key_id);
	CheckPrintable("secret_access_key", credentials.secret_access_key.Reveal());
	CheckPrintable("session_token", credentials.session_token.Reveal());
	return std::make_unique<StaticCredentials>(std::move(credentials));
}

}  // namespace sqs_fdw::aws
