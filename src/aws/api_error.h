// Puts failed API requests into words that hold nothing secret.
#pragma once

#include <string>
#include <string_view>

#include "aws/credentials.h"
#include "aws/http.h"
#include "aws/json.h"
#include "aws/retry.h"
#include "base/error.h"

namespace sqs_fdw::aws {

// What an error needs to know of the request that failed.
struct FailedRequest {
	std::string_view purpose;      // "receive from SQS": completes "could not"
	bool carries_secrets = false;  // receipt handles or message bodies, which SQS may quote
	int attempts = 1;
};

// SQS refused it. Its own text is shown only where `credentials`, with which the request was
// signed, are there to make sure that they are not in it.
Error RefusedError(const FailedRequest &request, ErrorClass error_class, const ErrorReply &error,
    const HttpReply &reply, const Credentials *credentials);

// There was no usable reply.
Error NoReplyError(const FailedRequest &request, const HttpOutcome &outcome);

// What stands in EntryResult::code where a request failed without an error code of SQS.
const char *CodeOf(Fault fault) noexcept;

}  // namespace sqs_fdw::aws
