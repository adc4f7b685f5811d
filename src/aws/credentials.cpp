// One set of keys, copied on purpose only.
#include "aws/credentials.h"

namespace sqs_fdw::aws {

Credentials Credentials::Clone() const
{
	return {access_key_id, secret_access_key.Clone(), session_token.Clone(), expires};
}

}  // namespace sqs_fdw::aws
