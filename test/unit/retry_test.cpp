// Error classes, faults, hints, back-off and the retry quota.
#include "aws/retry.h"

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sqs_fdw::aws {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

ErrorClass ClassOf(std::string_view code, long status = 400)
{
	return Classify(code, status, seconds(0), "");
}

struct ClassCase {
	ErrorClass error_class;
	Fault fault;
	std::vector<const char *> codes;
};

const std::vector<ClassCase> &Classes()
{
	static const std::vector<ClassCase> classes = {
	    {ErrorClass::kThrottled, Fault::kThrottled,
	        {"RequestThrottled", "RequestThrottledException", "Throttling", "ThrottlingException",
	            "Throttling.User", "ThrottledException", "KmsThrottled", "KMS.ThrottlingException",
	            "OverLimit", "TooManyRequestsException", "SlowDown", "LimitExceededException",
	            "PriorRequestNotComplete", "RequestLimitExceeded"}},
	    {ErrorClass::kTransient, Fault::kUnreachable,
	        {"InternalFailure", "InternalError", "InternalServerError", "ServiceUnavailable",
	            "ServiceUnavailableException", "RequestTimeout", "RequestTimeoutException"}},
	    {ErrorClass::kStaleCredentials, Fault::kDenied,
	        {"ExpiredToken", "ExpiredTokenException", "InvalidToken", "UnrecognizedClientException",
	            "InvalidClientTokenId"}},
	    {ErrorClass::kClockSkew, Fault::kDenied,
	        {"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"}},
	    {ErrorClass::kDeadHandle, Fault::kInvalid,
	        {"ReceiptHandleIsInvalid", "MessageNotInflight",
	            "AWS.SimpleQueueService.MessageNotInflight"}},
	    {ErrorClass::kPermanent, Fault::kNoSuchQueue,
	        {"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "QueueDeletedRecently",
	            "AWS.SimpleQueueService.QueueDeletedRecently", "InvalidAddress"}},
	    {ErrorClass::kPermanent, Fault::kDenied,
	        {"AccessDenied", "AccessDeniedException", "KmsAccessDenied",
	            "KMS.AccessDeniedException", "KmsDisabled", "KMS.DisabledException",
	            "KmsInvalidKeyUsage", "KmsInvalidState", "KmsNotFound", "KMS.NotFoundException",
	            "KmsOptInRequired", "KMS.OptInRequired", "InvalidSecurity",
	            "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature",
	            "IncompleteSignatureException", "MissingAuthenticationToken",
	            "MissingAuthenticationTokenException", "NotAuthorized", "OptInRequired"}},
	    {ErrorClass::kPermanent, Fault::kUnsupported,
	        {"UnknownOperationException", "InvalidAction",
	            "AWS.SimpleQueueService.UnsupportedOperation"}},
	};
	return classes;
}

TEST(Classify, knows_every_code_by_both_names_and_whatever_the_status)
{
	for (const ClassCase &wanted : Classes())
		for (const char *code : wanted.codes)
			for (const long status : {200L, 400L, 403L, 500L, 503L}) {
				EXPECT_EQ(ClassOf(code, status), wanted.error_class) << code << status;
				EXPECT_EQ(FaultFor(wanted.error_class, code, status), wanted.fault) << code;
			}
}

TEST(Classify, tolerates_the_namespace_of_a_json_type)
{
	EXPECT_EQ(ClassOf("com.amazonaws.sqs#RequestThrottled", 403), ErrorClass::kThrottled);
	EXPECT_EQ(FaultFor(ErrorClass::kPermanent, "com.amazonaws.sqs#QueueDoesNotExist", 400),
	    Fault::kNoSuchQueue);
	EXPECT_EQ(
	    ClassOf("com.amazon.coral.service#InvalidSignatureException"), ErrorClass::kPermanent);
}

TEST(Classify, by_status_only_where_the_code_says_nothing)
{
	EXPECT_EQ(ClassOf("", 200), ErrorClass::kNone);
	EXPECT_EQ(ClassOf("", 0), ErrorClass::kTransient);
	for (const long status : {408L, 500L, 502L, 503L, 504L}) {
		EXPECT_EQ(ClassOf("", status), ErrorClass::kTransient) << status;
		EXPECT_EQ(ClassOf("BrandNewError", status), ErrorClass::kTransient) << status;
	}
	EXPECT_EQ(ClassOf("", 429), ErrorClass::kThrottled);
	for (const long status : {301L, 307L, 400L, 401L, 403L, 404L, 413L, 501L, 505L})
		EXPECT_EQ(ClassOf("", status), ErrorClass::kPermanent) << status;
	EXPECT_EQ(ClassOf("AccessDenied", 503), ErrorClass::kPermanent);
}

TEST(Classify, a_bad_signature_is_a_wrong_clock_from_four_minutes_on)
{
	for (const char *code : {"InvalidSignatureException", "SignatureDoesNotMatch"}) {
		for (const int off : {0, 240, -240})
			EXPECT_EQ(Classify(code, 403, seconds(off), ""), ErrorClass::kPermanent) << off;
		for (const int off : {241, -241, 86400, -86400})
			EXPECT_EQ(Classify(code, 403, seconds(off), ""), ErrorClass::kClockSkew) << off;
	}
	EXPECT_EQ(Classify("AccessDenied", 403, seconds(9999), ""), ErrorClass::kPermanent);
}

TEST(Classify, a_bad_parameter_is_a_dead_handle_only_when_it_is_about_one)
{
	const char *const about_handle =
	    "Value x for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.";
	for (const char *code : {"InvalidParameterValue", "InvalidParameterValueException"}) {
		EXPECT_EQ(Classify(code, 400, seconds(0), about_handle), ErrorClass::kDeadHandle);
		EXPECT_EQ(Classify(code, 400, seconds(0), "The receipt handle has expired"),
		    ErrorClass::kDeadHandle);
		EXPECT_EQ(
		    Classify(code, 400, seconds(0), "Value 99 for parameter WaitTimeSeconds is invalid."),
		    ErrorClass::kPermanent);
	}
	EXPECT_EQ(Classify("AccessDenied", 403, seconds(0), about_handle), ErrorClass::kPermanent);
}

TEST(FaultFor, of_what_has_no_known_code_goes_by_class_and_status)
{
	EXPECT_EQ(FaultFor(ErrorClass::kTransient, "", 503), Fault::kUnreachable);
	EXPECT_EQ(FaultFor(ErrorClass::kThrottled, "", 429), Fault::kThrottled);
	EXPECT_EQ(FaultFor(ErrorClass::kPermanent, "", 403), Fault::kDenied);
	EXPECT_EQ(FaultFor(ErrorClass::kPermanent, "", 404), Fault::kBadReply);
	EXPECT_EQ(FaultFor(ErrorClass::kPermanent, "", 307), Fault::kBadReply);
	EXPECT_EQ(FaultFor(ErrorClass::kPermanent, "InvalidAttributeName", 400), Fault::kInvalid);
}

bool IsWholeSentence(const std::string &text)
{
	return !text.empty() && text.front() >= 'A' && text.front() <= 'Z' && text.back() == '.';
}

TEST(HintFor, is_a_whole_sentence_wherever_a_person_can_do_something)
{
	for (const ClassCase &known : Classes())
		for (const char *code : known.codes) {
			const std::string hint = HintFor(known.fault, code);
			const bool has_hint =
			    known.fault != Fault::kInvalid &&
			    std::string_view(code) != "AWS.SimpleQueueService.UnsupportedOperation";
			EXPECT_EQ(IsWholeSentence(hint), has_hint) << code << ": " << hint;
		}
	for (const Fault fault : {Fault::kUnreachable, Fault::kUntrusted, Fault::kForbidden,
	         Fault::kDenied, Fault::kThrottled, Fault::kNoSuchQueue, Fault::kBadReply})
		EXPECT_TRUE(IsWholeSentence(HintFor(fault, ""))) << static_cast<int>(fault);
	EXPECT_STREQ(HintFor(Fault::kInternal, ""), "");
	EXPECT_STREQ(HintFor(Fault::kInvalid, "SomethingNew"), "");
}

TEST(HintFor, speaks_of_what_is_wrong)
{
	const auto says = [](Fault fault, const char *code, const char *word) {
		return std::strstr(HintFor(fault, code), word) != nullptr;
	};
	for (const char *action : {"sqs:ReceiveMessage", "sqs:DeleteMessage",
	         "sqs:ChangeMessageVisibility", "sqs:GetQueueUrl", "sqs:GetQueueAttributes"})
		EXPECT_TRUE(says(Fault::kDenied, "AccessDenied", action)) << action;
	for (const char *code : {"AccessDenied", "AuthorizationError"})
		EXPECT_FALSE(says(Fault::kDenied, code, "SendMessage")) << "nothing is sent";
	EXPECT_TRUE(says(Fault::kDenied, "InvalidSignatureException", "secret_access_key"));
	EXPECT_TRUE(says(Fault::kDenied, "SignatureDoesNotMatch", "clock"));
	EXPECT_TRUE(says(Fault::kDenied, "InvalidClientTokenId", "access_key_id"));
	EXPECT_TRUE(says(Fault::kDenied, "ExpiredTokenException", "USER MAPPING"));
	EXPECT_TRUE(says(Fault::kDenied, "RequestTimeTooSkewed", "clock"));
	EXPECT_TRUE(says(Fault::kDenied, "KmsAccessDenied", "kms:Decrypt"));
	EXPECT_TRUE(says(Fault::kDenied, "KMS.DisabledException", "kms:Decrypt"));
	EXPECT_TRUE(says(Fault::kNoSuchQueue, "QueueDoesNotExist", "region"));
	EXPECT_TRUE(says(Fault::kThrottled, "RequestThrottled", "max_connections"));
	EXPECT_TRUE(says(Fault::kThrottled, "OverLimit", "in flight"));
	EXPECT_TRUE(says(Fault::kForbidden, "", "sqs_fdw.allowed_endpoints"));
	EXPECT_TRUE(says(Fault::kUntrusted, "", "certificate"));
}

TEST(Backoff, doubles_from_its_base_to_its_cap)
{
	EXPECT_EQ(Backoff(ErrorClass::kTransient, 0, 1), milliseconds(50));
	EXPECT_EQ(Backoff(ErrorClass::kTransient, 1, 1), milliseconds(100));
	EXPECT_EQ(Backoff(ErrorClass::kTransient, 8, 1), milliseconds(12800));
	EXPECT_EQ(Backoff(ErrorClass::kTransient, 9, 1), milliseconds(20000));
	EXPECT_EQ(Backoff(ErrorClass::kThrottled, 0, 1), milliseconds(1000));
	EXPECT_EQ(Backoff(ErrorClass::kThrottled, 4, 1), milliseconds(16000));
	EXPECT_EQ(Backoff(ErrorClass::kThrottled, 5, 1), milliseconds(20000));
	for (const int attempt : {10, 31, 63, 1000000, 2147483647})
		EXPECT_EQ(Backoff(ErrorClass::kThrottled, attempt, 1), milliseconds(20000)) << attempt;
	EXPECT_EQ(Backoff(ErrorClass::kTransient, -1, 1), milliseconds(50));
}

TEST(Backoff, has_full_jitter_within_bounds)
{
	EXPECT_EQ(Backoff(ErrorClass::kThrottled, 1, 0), milliseconds(0));
	EXPECT_EQ(Backoff(ErrorClass::kThrottled, 1, 0.25), milliseconds(500));
	EXPECT_EQ(Backoff(ErrorClass::kThrottled, 1, 7), milliseconds(2000));
	EXPECT_EQ(Backoff(ErrorClass::kThrottled, 1, -1), milliseconds(0));
	EXPECT_EQ(Backoff(ErrorClass::kThrottled, 1, std::nan("")), milliseconds(0));
}

TEST(Backoff, is_none_for_what_is_retried_at_once_or_never)
{
	for (const ErrorClass error_class : {ErrorClass::kNone, ErrorClass::kStaleCredentials,
	         ErrorClass::kClockSkew, ErrorClass::kDeadHandle, ErrorClass::kPermanent})
		EXPECT_EQ(Backoff(error_class, 3, 1), milliseconds(0));
}

TEST(RetryQuota, pays_for_35_transient_or_100_throttled_retries)
{
	RetryQuota transient;
	RetryQuota throttled;
	int transient_retries = 0;
	int throttled_retries = 0;
	while (transient.Take(ErrorClass::kTransient))
		++transient_retries;
	while (throttled.Take(ErrorClass::kThrottled))
		++throttled_retries;
	EXPECT_EQ(transient_retries, 35);
	EXPECT_EQ(transient.tokens(), 10);
	EXPECT_EQ(throttled_retries, 100);
	EXPECT_EQ(throttled.tokens(), 0);
}

TEST(RetryQuota, refuses_a_retry_without_spending_for_it)
{
	RetryQuota quota;
	while (quota.Take(ErrorClass::kTransient)) {
	}
	EXPECT_FALSE(quota.Take(ErrorClass::kTransient));
	EXPECT_EQ(quota.tokens(), 10);
	EXPECT_TRUE(quota.Take(ErrorClass::kThrottled));
	EXPECT_TRUE(quota.Take(ErrorClass::kClockSkew));
	EXPECT_EQ(quota.tokens(), 5);
}

TEST(RetryQuota, gets_back_what_a_successful_retry_cost_up_to_its_capacity)
{
	RetryQuota quota;
	quota.GiveBack(ErrorClass::kTransient);
	EXPECT_EQ(quota.tokens(), 500);
	ASSERT_TRUE(quota.Take(ErrorClass::kTransient));
	EXPECT_EQ(quota.tokens(), 486);
	quota.GiveBack(ErrorClass::kNone);
	EXPECT_EQ(quota.tokens(), 487);
	quota.GiveBack(ErrorClass::kTransient);
	EXPECT_EQ(quota.tokens(), 500);
}

}  // namespace
}  // namespace sqs_fdw::aws
