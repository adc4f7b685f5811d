// SQS-style requests as botocore signs them; made by make_sigv4_vectors.py with botocore 1.44.5.
//
// clang-format off
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sqs_fdw::aws {

using namespace std::literals;

struct SigV4Vector {
	const char *name;
	long long seconds;  // since 1970
	std::string region, service, host, path;
	std::string access_key_id, secret_access_key, session_token;
	std::vector<std::pair<std::string, std::string>> headers;  // without Host
	std::string body;
	std::string_view canonical_request, string_to_sign, authorization;
};

inline std::string Repeated(
	std::string_view before, std::string_view text, int times, std::string_view after)
{
	std::string out(before);
	for (int i = 0; i < times; ++i)
		out += text;
	return out.append(after);
}

inline const std::vector<SigV4Vector> &SigV4Vectors()
{
	static const std::vector<SigV4Vector> vectors = {
		{"receive", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"0c56d2dba2a5f6ef7cdbef7e4f0ee385b17e73ebf55f987ede2498a00c59acc0"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=070d5f4a55784120ec"
			"0c610413b066bdb9b35576c3595c14d1c9c4eb9cbb39fd"sv},
		{"receive_with_token", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			"IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUC"
			"IQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaC"
			"XVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWV"
			"hc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtM"
			"SJHMEUCIQ=="s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-security-token:IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJHMEUCIQwE"
			"aCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzL"
			"WVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3Q"
			"tMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHM"
			"EUCIQwEaCXVzLWVhc3QtMSJHMEUCIQ==\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-security-token;x-amz-target\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"67e9a50b8badc0bf6e11a979d83e4ad9c6986572e306c6b9f5e8f335140d6db5"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signatu"
			"re=602a9e1241c29f2558f288482336cc3293dc135638a58f58ff9aaf7bdc3a17c9"sv},
		{"receive_all_attributes", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20,\"MessageSystemAttributeNames\":[\"All"
			"\"],\"MessageAttributeNames\":[\"All\"]}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"fbc47a541af33ec863be7cc3490e9b9af31c1682774753db250833947396b1c7"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"eec86564878ff6c69bcd2479ea96fbdf8c69d11b4e9604fead3781e9dec6869d"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=41581ed10db3ba67fe"
			"5acf5da1f59410a9701fa81da42b1f388d94ee1ab58cc8"sv},
		{"delete_batch_of_ten", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.DeleteMessageBatch"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"Entri"
			"es\":[{\"Id\":\"0\",\"ReceiptHandle\":\"AQEBexample+/=0AQEBexample+/=0AQEBexample"
			"+/=0AQEBexample+/=0AQEBexample+/=0AQEBexample+/=0AQEBexample+/=0AQEBexample+/=0AQ"
			"EBexample+/=0AQEBexample+/=0AQEBexample+/=0AQEBexample+/=0\"},{\"Id\":\"1\",\"Rec"
			"eiptHandle\":\"AQEBexample+/=1AQEBexample+/=1AQEBexample+/=1AQEBexample+/=1AQEBex"
			"ample+/=1AQEBexample+/=1AQEBexample+/=1AQEBexample+/=1AQEBexample+/=1AQEBexample+"
			"/=1AQEBexample+/=1AQEBexample+/=1\"},{\"Id\":\"2\",\"ReceiptHandle\":\"AQEBexampl"
			"e+/=2AQEBexample+/=2AQEBexample+/=2AQEBexample+/=2AQEBexample+/=2AQEBexample+/=2A"
			"QEBexample+/=2AQEBexample+/=2AQEBexample+/=2AQEBexample+/=2AQEBexample+/=2AQEBexa"
			"mple+/=2\"},{\"Id\":\"3\",\"ReceiptHandle\":\"AQEBexample+/=3AQEBexample+/=3AQEBe"
			"xample+/=3AQEBexample+/=3AQEBexample+/=3AQEBexample+/=3AQEBexample+/=3AQEBexample"
			"+/=3AQEBexample+/=3AQEBexample+/=3AQEBexample+/=3AQEBexample+/=3\"},{\"Id\":\"4\""
			",\"ReceiptHandle\":\"AQEBexample+/=4AQEBexample+/=4AQEBexample+/=4AQEBexample+/=4"
			"AQEBexample+/=4AQEBexample+/=4AQEBexample+/=4AQEBexample+/=4AQEBexample+/=4AQEBex"
			"ample+/=4AQEBexample+/=4AQEBexample+/=4\"},{\"Id\":\"5\",\"ReceiptHandle\":\"AQEB"
			"example+/=5AQEBexample+/=5AQEBexample+/=5AQEBexample+/=5AQEBexample+/=5AQEBexampl"
			"e+/=5AQEBexample+/=5AQEBexample+/=5AQEBexample+/=5AQEBexample+/=5AQEBexample+/=5A"
			"QEBexample+/=5\"},{\"Id\":\"6\",\"ReceiptHandle\":\"AQEBexample+/=6AQEBexample+/="
			"6AQEBexample+/=6AQEBexample+/=6AQEBexample+/=6AQEBexample+/=6AQEBexample+/=6AQEBe"
			"xample+/=6AQEBexample+/=6AQEBexample+/=6AQEBexample+/=6AQEBexample+/=6\"},{\"Id\""
			":\"7\",\"ReceiptHandle\":\"AQEBexample+/=7AQEBexample+/=7AQEBexample+/=7AQEBexamp"
			"le+/=7AQEBexample+/=7AQEBexample+/=7AQEBexample+/=7AQEBexample+/=7AQEBexample+/=7"
			"AQEBexample+/=7AQEBexample+/=7AQEBexample+/=7\"},{\"Id\":\"8\",\"ReceiptHandle\":"
			"\"AQEBexample+/=8AQEBexample+/=8AQEBexample+/=8AQEBexample+/=8AQEBexample+/=8AQEB"
			"example+/=8AQEBexample+/=8AQEBexample+/=8AQEBexample+/=8AQEBexample+/=8AQEBexampl"
			"e+/=8AQEBexample+/=8\"},{\"Id\":\"9\",\"ReceiptHandle\":\"AQEBexample+/=9AQEBexam"
			"ple+/=9AQEBexample+/=9AQEBexample+/=9AQEBexample+/=9AQEBexample+/=9AQEBexample+/="
			"9AQEBexample+/=9AQEBexample+/=9AQEBexample+/=9AQEBexample+/=9AQEBexample+/=9\"}]}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.DeleteMessageBatch\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"8f2d1284801151820f26f8c7ea71c3fa8b90c8a30563b31c486507921d7a8780"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"ebfda22d61ee8242d89bf2924e4accb35f12fe5e9ab0ad504dffc5d269c0901d"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=2c8378e9b2216a185b"
			"4c96d433410c953162dd4960bb3ee0b4031dc38e37168e"sv},
		{"delete_batch_with_token", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			"IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUC"
			"IQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaC"
			"XVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWV"
			"hc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtM"
			"SJHMEUCIQ=="s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.DeleteMessageBatch"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"Entri"
			"es\":[{\"Id\":\"0\",\"ReceiptHandle\":\"AQEBexample+/=0AQEBexample+/=0AQEBexample"
			"+/=0AQEBexample+/=0AQEBexample+/=0AQEBexample+/=0AQEBexample+/=0AQEBexample+/=0AQ"
			"EBexample+/=0AQEBexample+/=0AQEBexample+/=0AQEBexample+/=0\"},{\"Id\":\"1\",\"Rec"
			"eiptHandle\":\"AQEBexample+/=1AQEBexample+/=1AQEBexample+/=1AQEBexample+/=1AQEBex"
			"ample+/=1AQEBexample+/=1AQEBexample+/=1AQEBexample+/=1AQEBexample+/=1AQEBexample+"
			"/=1AQEBexample+/=1AQEBexample+/=1\"},{\"Id\":\"2\",\"ReceiptHandle\":\"AQEBexampl"
			"e+/=2AQEBexample+/=2AQEBexample+/=2AQEBexample+/=2AQEBexample+/=2AQEBexample+/=2A"
			"QEBexample+/=2AQEBexample+/=2AQEBexample+/=2AQEBexample+/=2AQEBexample+/=2AQEBexa"
			"mple+/=2\"},{\"Id\":\"3\",\"ReceiptHandle\":\"AQEBexample+/=3AQEBexample+/=3AQEBe"
			"xample+/=3AQEBexample+/=3AQEBexample+/=3AQEBexample+/=3AQEBexample+/=3AQEBexample"
			"+/=3AQEBexample+/=3AQEBexample+/=3AQEBexample+/=3AQEBexample+/=3\"},{\"Id\":\"4\""
			",\"ReceiptHandle\":\"AQEBexample+/=4AQEBexample+/=4AQEBexample+/=4AQEBexample+/=4"
			"AQEBexample+/=4AQEBexample+/=4AQEBexample+/=4AQEBexample+/=4AQEBexample+/=4AQEBex"
			"ample+/=4AQEBexample+/=4AQEBexample+/=4\"},{\"Id\":\"5\",\"ReceiptHandle\":\"AQEB"
			"example+/=5AQEBexample+/=5AQEBexample+/=5AQEBexample+/=5AQEBexample+/=5AQEBexampl"
			"e+/=5AQEBexample+/=5AQEBexample+/=5AQEBexample+/=5AQEBexample+/=5AQEBexample+/=5A"
			"QEBexample+/=5\"},{\"Id\":\"6\",\"ReceiptHandle\":\"AQEBexample+/=6AQEBexample+/="
			"6AQEBexample+/=6AQEBexample+/=6AQEBexample+/=6AQEBexample+/=6AQEBexample+/=6AQEBe"
			"xample+/=6AQEBexample+/=6AQEBexample+/=6AQEBexample+/=6AQEBexample+/=6\"},{\"Id\""
			":\"7\",\"ReceiptHandle\":\"AQEBexample+/=7AQEBexample+/=7AQEBexample+/=7AQEBexamp"
			"le+/=7AQEBexample+/=7AQEBexample+/=7AQEBexample+/=7AQEBexample+/=7AQEBexample+/=7"
			"AQEBexample+/=7AQEBexample+/=7AQEBexample+/=7\"},{\"Id\":\"8\",\"ReceiptHandle\":"
			"\"AQEBexample+/=8AQEBexample+/=8AQEBexample+/=8AQEBexample+/=8AQEBexample+/=8AQEB"
			"example+/=8AQEBexample+/=8AQEBexample+/=8AQEBexample+/=8AQEBexample+/=8AQEBexampl"
			"e+/=8AQEBexample+/=8\"},{\"Id\":\"9\",\"ReceiptHandle\":\"AQEBexample+/=9AQEBexam"
			"ple+/=9AQEBexample+/=9AQEBexample+/=9AQEBexample+/=9AQEBexample+/=9AQEBexample+/="
			"9AQEBexample+/=9AQEBexample+/=9AQEBexample+/=9AQEBexample+/=9AQEBexample+/=9\"}]}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-security-token:IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJHMEUCIQwE"
			"aCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzL"
			"WVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3Q"
			"tMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHM"
			"EUCIQwEaCXVzLWVhc3QtMSJHMEUCIQ==\n"
			"x-amz-target:AmazonSQS.DeleteMessageBatch\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-security-token;x-amz-target\n"
			"8f2d1284801151820f26f8c7ea71c3fa8b90c8a30563b31c486507921d7a8780"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"ffaecc6b8dd073e5962550927e590b93607866ab23b4e5db5440daef1a726207"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signatu"
			"re=14a6bf2f690863da01820856b69d30dc71d144a7e6aed59084c8d4e58565bbe5"sv},
		{"change_visibility", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ChangeMessageVisibilityBatch"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"Entri"
			"es\":[{\"Id\":\"0\",\"ReceiptHandle\":\"AQEBexample+/=0AQEBexample+/=0AQEBexample"
			"+/=0AQEBexample+/=0AQEBexample+/=0AQEBexample+/=0AQEBexample+/=0AQEBexample+/=0AQ"
			"EBexample+/=0AQEBexample+/=0AQEBexample+/=0AQEBexample+/=0\",\"VisibilityTimeout\""
			":0},{\"Id\":\"1\",\"ReceiptHandle\":\"AQEBexample+/=1AQEBexample+/=1AQEBexample+/"
			"=1AQEBexample+/=1AQEBexample+/=1AQEBexample+/=1AQEBexample+/=1AQEBexample+/=1AQEB"
			"example+/=1AQEBexample+/=1AQEBexample+/=1AQEBexample+/=1\",\"VisibilityTimeout\":"
			"0},{\"Id\":\"2\",\"ReceiptHandle\":\"AQEBexample+/=2AQEBexample+/=2AQEBexample+/="
			"2AQEBexample+/=2AQEBexample+/=2AQEBexample+/=2AQEBexample+/=2AQEBexample+/=2AQEBe"
			"xample+/=2AQEBexample+/=2AQEBexample+/=2AQEBexample+/=2\",\"VisibilityTimeout\":0"
			"},{\"Id\":\"3\",\"ReceiptHandle\":\"AQEBexample+/=3AQEBexample+/=3AQEBexample+/=3"
			"AQEBexample+/=3AQEBexample+/=3AQEBexample+/=3AQEBexample+/=3AQEBexample+/=3AQEBex"
			"ample+/=3AQEBexample+/=3AQEBexample+/=3AQEBexample+/=3\",\"VisibilityTimeout\":0}"
			",{\"Id\":\"4\",\"ReceiptHandle\":\"AQEBexample+/=4AQEBexample+/=4AQEBexample+/=4A"
			"QEBexample+/=4AQEBexample+/=4AQEBexample+/=4AQEBexample+/=4AQEBexample+/=4AQEBexa"
			"mple+/=4AQEBexample+/=4AQEBexample+/=4AQEBexample+/=4\",\"VisibilityTimeout\":0},"
			"{\"Id\":\"5\",\"ReceiptHandle\":\"AQEBexample+/=5AQEBexample+/=5AQEBexample+/=5AQ"
			"EBexample+/=5AQEBexample+/=5AQEBexample+/=5AQEBexample+/=5AQEBexample+/=5AQEBexam"
			"ple+/=5AQEBexample+/=5AQEBexample+/=5AQEBexample+/=5\",\"VisibilityTimeout\":0},{"
			"\"Id\":\"6\",\"ReceiptHandle\":\"AQEBexample+/=6AQEBexample+/=6AQEBexample+/=6AQE"
			"Bexample+/=6AQEBexample+/=6AQEBexample+/=6AQEBexample+/=6AQEBexample+/=6AQEBexamp"
			"le+/=6AQEBexample+/=6AQEBexample+/=6AQEBexample+/=6\",\"VisibilityTimeout\":0},{\""
			"Id\":\"7\",\"ReceiptHandle\":\"AQEBexample+/=7AQEBexample+/=7AQEBexample+/=7AQEBe"
			"xample+/=7AQEBexample+/=7AQEBexample+/=7AQEBexample+/=7AQEBexample+/=7AQEBexample"
			"+/=7AQEBexample+/=7AQEBexample+/=7AQEBexample+/=7\",\"VisibilityTimeout\":0},{\"I"
			"d\":\"8\",\"ReceiptHandle\":\"AQEBexample+/=8AQEBexample+/=8AQEBexample+/=8AQEBex"
			"ample+/=8AQEBexample+/=8AQEBexample+/=8AQEBexample+/=8AQEBexample+/=8AQEBexample+"
			"/=8AQEBexample+/=8AQEBexample+/=8AQEBexample+/=8\",\"VisibilityTimeout\":0},{\"Id"
			"\":\"9\",\"ReceiptHandle\":\"AQEBexample+/=9AQEBexample+/=9AQEBexample+/=9AQEBexa"
			"mple+/=9AQEBexample+/=9AQEBexample+/=9AQEBexample+/=9AQEBexample+/=9AQEBexample+/"
			"=9AQEBexample+/=9AQEBexample+/=9AQEBexample+/=9\",\"VisibilityTimeout\":0}]}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.ChangeMessageVisibilityBatch\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"2ccad265c62e285c9e44201d48f2b1b4292b2810a4de73c835fba2389289adec"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"8c9fe48b5587a94d987dcc14e19bb223d1aff9cc5bc07400d6d724014ac4b388"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=12cef6302e16a1244c"
			"9b6e870d5360b5415d504c58785646ac31c8a385550bda"sv},
		{"get_queue_url", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.GetQueueUrl"s}},
			"{\"QueueName\":\"logins\"}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.GetQueueUrl\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"6bae92d999ee632db64dacb201f75471219c9082f09485227e327bc190ebbe73"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"60352246f4409a98ba09cb2964443437718e2fd756e51031951643938e19de83"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=ee6ec10bd2a63e6713"
			"fef6ab3bd21d4c65e85d997eb18989f46774c7e7105d3c"sv},
		{"get_queue_url_of_another_account", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.GetQueueUrl"s}},
			"{\"QueueName\":\"logins.fifo\",\"QueueOwnerAWSAccountId\":\"210987654321\"}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.GetQueueUrl\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"3c4cddd947474476ce06edc24d031556fc437b5ad83f9463a3b7fa33cf1216b6"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"08efa7ced09dea8e13025bc4089d12ea81f109d172d5e41c7bf7ec590164209c"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=8f0619fb96ac424584"
			"4af0c84e21f9e34ae0301e9a3b3bcb8f43880280977866"sv},
		{"get_queue_attributes", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.GetQueueAttributes"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"Attri"
			"buteNames\":[\"All\"]}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.GetQueueAttributes\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"7a41a97d7cd513951fd23c727d8fc3cb7ab72a75dd8b7ff448a3cc45b7cf8234"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"af164d685be2ccd086a55d57da567d64964b2346d09e53ac0d639e6f4205d2ec"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=213cc3f1c441f4883b"
			"2fc0cbe746060f516ebd276b6b1edabe5e2bc7bf7c35e9"sv},
		{"send_latin", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.SendMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"Messa"
			"geBody\":\"na\303\257ve caf\303\251\"}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.SendMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"0cc6420f97cfde74edffccfa47f6f970210d4b37019bc79ee102ad5322213e29"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"752559d84fe770428f11df81cdc94171be9c864732bfd1ccee86bbdb32517d60"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=b570b9c89c421a1fbd"
			"96c0953ab6537c2e799bb3addbcb5248674cb6f6bd673c"sv},
		{"send_chinese", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.SendMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"Messa"
			"geBody\":\"\346\266\210\346\201\257\351\232\212\345\210\227\"}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.SendMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"75d9b528b8dd8794bd6418df6643e7604825e93ee22787977e2e5a957702b3a0"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"8c907bf699330ad726e048000a5ce7d02403d609c4bfa2ebc539320d355aaced"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=170b11e4a5d52d2799"
			"3c4deb9db69e93141253c061177ff25c03b70caf11e514"sv},
		{"send_emoji", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.SendMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"Messa"
			"geBody\":\"\360\237\232\200\360\237\247\252\"}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.SendMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"d8fff4dd8b6dc88ff5d46e7048c6ef23cc79a9f350c23ac628e06e555363eb53"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"777a93a57778b3dd5e7be457a5e984567060105a7149664c119f93918dbced91"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=c17070d6701642b6a0"
			"06acc8114638b3dd8e994ab4b0ee0583f7147bf0ab493d"sv},
		{"send_escapes", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.SendMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"Messa"
			"geBody\":\"quote \\\" backslash \\\\ tab \\t line\\nend \\u0001\"}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.SendMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"8b8574bb6a31ea8a26064665203c437fe73786fbd40291d55e47538b6578d329"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"ed5495036a3f6a1379f0baede4c206675fe374e766da8e93de79e9e4d3857e0b"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=ff12e02eaa3f66bbb7"
			"4340ce23d033fc6476f65146db5bfda9b382496286b29c"sv},
		{"send_64_kb", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.SendMessage"s}},
			Repeated("{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"Messa"
			"geBody\":\""s,
			"0123456789abcdef"s, 4096, "\"}"s),
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.SendMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"e3922f0514a4e62112bb2763e2ebaf82985cb54cb40ad5fedc0ce628b20c64f2"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"ce5f5848d4efaa2e6dd8b2383d9b3d0523b8f5776127ed2688f132c691f5c269"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=316d0fbf93fd291372"
			"269cdad2e455f43079df39c726776d6e259fe6c28f328d"sv},
		{"empty_body", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ListQueues"s}},
			""s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.ListQueues\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"09101f1f93dea20153592d84fc885049dec27444d966061f4f4b3c71abda343d"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=34cf925832ce0dcaa9"
			"43a5b1f10d76a6699778022ba63f4638796cf1724042f5"sv},
		{"empty_object", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ListQueues"s}},
			"{}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.ListQueues\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"e9d170ef9541d5a9bfbcdfd40803fe9332f6aa62ae5caf6af8ea3c0151ab36ad"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=979caf3f920140b3f3"
			"5aeb84ec56e5de96eb7f64cc96e4c1ac7681f2a938432b"sv},
		{"binary_body", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.SendMessage"s}},
			"\000\001\002\003\004\005\006\007\010\011\n"
			"\013\014\015\016\017\020\021\022\023\024\025\026\027\030\031\032\033\034\035\036\037"
			" !\"#$%&'()*+,-./0123456789:;<=>\077@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijk"
			"lmnopqrstuvwxyz{|}~\177\200\201\202\203\204\205\206\207\210\211\212\213\214\215\216"
			"\217\220\221\222\223\224\225\226\227\230\231\232\233\234\235\236\237\240\241\242\243"
			"\244\245\246\247\250\251\252\253\254\255\256\257\260\261\262\263\264\265\266\267\270"
			"\271\272\273\274\275\276\277\300\301\302\303\304\305\306\307\310\311\312\313\314\315"
			"\316\317\320\321\322\323\324\325\326\327\330\331\332\333\334\335\336\337\340\341\342"
			"\343\344\345\346\347\350\351\352\353\354\355\356\357\360\361\362\363\364\365\366\367"
			"\370\371\372\373\374\375\376\377"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.SendMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"40aff2e9d2d8922e47afd4648e6967497158785fbd1da870e7110266bf944880"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"9b69eaafd78189d6b4c6d041de3f199779b5fe1c51bafefb22745bb4e59d7b48"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=4ad799f69980b2c089"
			"1d2bea19ed41032fc8953cecd39db3a56feaaa5873506a"sv},
		{"loopback_with_port", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"127.0.0.1:9324"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:127.0.0.1:9324\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"d3612fd49b19babf5085904b8840e576172b6a6eb6ff1e170f787e59d27d0c19"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=bebfb1c10fb76b289e"
			"497cef3adf8275639ff5d63d3782631d182b29577b8b50"sv},
		{"ipv6_with_port", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"[::1]:9324"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:[::1]:9324\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"262086bcf4ad74237ec926a98ea38af7123a4ad149f8a58e56503c995e61e15a"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=86cd3a53c2b6e906ed"
			"defc241c9b740dd832d923af3eacfa77cb9b876eebcf59"sv},
		{"name_with_port_and_token", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"localhost:4566"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			"IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUC"
			"IQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaC"
			"XVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWV"
			"hc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtM"
			"SJHMEUCIQ=="s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:localhost:4566\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-security-token:IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJHMEUCIQwE"
			"aCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzL"
			"WVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3Q"
			"tMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHMEUCIQwEaCXVzLWVhc3QtMSJHM"
			"EUCIQwEaCXVzLWVhc3QtMSJHMEUCIQ==\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-security-token;x-amz-target\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"289e74acfa4904cf8fb6dad30e63872dbb1a47f2a2ae34ca46b05b2dfbbcbbfd"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signatu"
			"re=663173b9e2349bf7f48346c813634c44808f2a78ff41c64b49630f9ddc76d6dd"sv},
		{"path", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"proxy.example.com"s,
			"/sqs/v1_0/~a-b.c/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/sqs/v1_0/~a-b.c/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:proxy.example.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"fe3d610948df60562569059eb3dd01b06db24b6cf0d0dd8a8fb5acb9de5a1193"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=13808e4043fd9a19e9"
			"de9f55e921bd0170f49d6908e0ceef191b58ffec10f20c"sv},
		{"china", 1772323199,
			"cn-northwest-1"s,
			"sqs"s,
			"sqs.cn-northwest-1.amazonaws.com.cn"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.cn-northwest-1.amazonaws.com.cn\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/cn-northwest-1/sqs/aws4_request\n"
			"3ff9bafa6d045c3194442705c1f2c6084e8282f9ed4c17801c2a3d6bcb6a3cf2"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/cn-northwest-1/sqs/aws4_request,"
			" SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=0b45f0b90c304"
			"e3caf4428e21e886f135794a8d203866795d1eaecb4a3142e52"sv},
		{"gov", 1772323199,
			"us-gov-west-1"s,
			"sqs"s,
			"sqs.us-gov-west-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-gov-west-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-gov-west-1/sqs/aws4_request\n"
			"cf89b02ad92a0aeb4f84494202dbf0ba78bcce35be0db07849802b3d66ffb479"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-gov-west-1/sqs/aws4_request, "
			"SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=1d64ba33786c1a"
			"b042ffa6982e108491886f09b57e1b58c289d5dda0b9171e1b"sv},
		{"fips_dual_stack", 1772323199,
			"ca-central-1"s,
			"sqs"s,
			"sqs-fips.ca-central-1.api.aws"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs-fips.ca-central-1.api.aws\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/ca-central-1/sqs/aws4_request\n"
			"332f527af4a886f7be9c47bf6b91fd29e2e564a1d8dcf15df19e38f728c5553a"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/ca-central-1/sqs/aws4_request, S"
			"ignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=328a432eb45d7b4"
			"ade0562218f5cdd277f3ae517b7541524e35816d5e8e925c6"sv},
		{"vpc_endpoint", 1772323199,
			"eu-west-3"s,
			"sqs"s,
			"vpce-0abc-1xyz.sqs.eu-west-3.vpce.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:vpce-0abc-1xyz.sqs.eu-west-3.vpce.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/eu-west-3/sqs/aws4_request\n"
			"0b09ca71bdd3bf848260c2c626585c25b8ccbd9318b2592bd52a9b1e2bae6f59"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/eu-west-3/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=e2928590a7e072e294"
			"6cce6adca411db376a838991c6ec17fe696614e4317622"sv},
		{"local_region_name", 1772323199,
			"elasticmq"s,
			"sqs"s,
			"localhost:9324"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:localhost:9324\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/elasticmq/sqs/aws4_request\n"
			"2189db373329a611496520e0613e6c547a729b40addeee537396ccb99f6ad08b"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/elasticmq/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=5e2c357adce4e1847d"
			"655e983bc5fb3c0e4e64400df16915c6b7e4bffeb6a360"sv},
		{"leap_day", 1835395200,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20280229T000000Z\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"20280229T000000Z\n"
			"20280229/us-east-1/sqs/aws4_request\n"
			"b7310144846afc8c0d26b703999d06a5ac8a84ec45ef5707e25df1909c15ea2a"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20280229/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=51589df833d547f5d1"
			"93d102901f198a43de225f8ae107817b0c35cb2dfa2340"sv},
		{"first_second_of_the_epoch", 0,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:19700101T000000Z\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"19700101T000000Z\n"
			"19700101/us-east-1/sqs/aws4_request\n"
			"4a215e1aa1c82485aa7aa1362c3f4ab19389e37bea32b677c6ba3a12bc278902"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/19700101/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=2887b6616d67039791"
			"1d688f40cf324363cba8f9f4c2018a0b837682d3b4b190"sv},
		{"last_second_of_a_year", 4102444799,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20991231T235959Z\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"20991231T235959Z\n"
			"20991231/us-east-1/sqs/aws4_request\n"
			"861deb044fc7183b444ad591c1e41b995ccc227f211e734f99fe2b36d9c2ae10"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20991231/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=1680d706760455ffb1"
			"f8a16627f05e654d5ef8ec5e9b1408bb2d1fd62a125117"sv},
		{"secret_longer_than_a_block", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEYwJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEYw"
			"JalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"0c56d2dba2a5f6ef7cdbef7e4f0ee385b17e73ebf55f987ede2498a00c59acc0"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=a303e246598576451c"
			"a3e4f4e6bc3a53f9ced888d9c362611518fb58903e9d45"sv},
		{"short_secret", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"x"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"0c56d2dba2a5f6ef7cdbef7e4f0ee385b17e73ebf55f987ede2498a00c59acc0"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target, Signature=829255e375e39d6d30"
			"b4c6506a1d473186a5589d21ba7f6acd14897dc95035b3"sv},
		{"padded_header_values", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s},
			{"X-Padded"s, "  a   b \011 c  "s},
			{"X-Empty"s, ""s},
			{"X-Blank"s, "   "s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"x-blank:\n"
			"x-empty:\n"
			"x-padded:a b c\n"
			"\n"
			"content-type;host;x-amz-date;x-amz-target;x-blank;x-empty;x-padded\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"cfb301a492cca284373f207b69872004c48a17dae1e75fcf356b09ac22745c0a"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date;x-amz-target;x-blank;x-empty;x-padded, Sig"
			"nature=75e1b0af81165633647c27d81dfbefb8ccc5908faf1a391b6f2cbf82d8eda71f"sv},
		{"header_names_in_any_case_and_order", 1772323199,
			"us-east-1"s,
			"sqs"s,
			"sqs.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"x-zulu"s, "1"s},
			{"X-Amz-Target"s, "AmazonSQS.ReceiveMessage"s},
			{"X-ALPHA"s, "2"s},
			{"Content-Type"s, "application/x-amz-json-1.0"s},
			{"X-Alpha-Beta"s, "3"s},
			{"X-B"s, "4"s}},
			"{\"QueueUrl\":\"https://sqs.us-east-1.amazonaws.com/123456789012/logins\",\"MaxNu"
			"mberOfMessages\":10,\"WaitTimeSeconds\":20}"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-amz-json-1.0\n"
			"host:sqs.us-east-1.amazonaws.com\n"
			"x-alpha:2\n"
			"x-alpha-beta:3\n"
			"x-amz-date:20260228T235959Z\n"
			"x-amz-target:AmazonSQS.ReceiveMessage\n"
			"x-b:4\n"
			"x-zulu:1\n"
			"\n"
			"content-type;host;x-alpha;x-alpha-beta;x-amz-date;x-amz-target;x-b;x-zulu\n"
			"da02feff9cd420c7bf4c6a293c3e0744da44404357951427478f9fbe0bd9cb55"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sqs/aws4_request\n"
			"9f54f70c0abe986932736283923834641acd0e2adca51dc35ad9fbfecbeb11bc"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sqs/aws4_request, Sign"
			"edHeaders=content-type;host;x-alpha;x-alpha-beta;x-amz-date;x-amz-target;x-b;x-zu"
			"lu, Signature=61fd266a64080b0d9f4cb2b66195dea306e1af57985d6244d42362989b677a3f"sv},
		{"sts", 1772323199,
			"us-east-1"s,
			"sts"s,
			"sts.us-east-1.amazonaws.com"s,
			"/"s,
			"AKIDEXAMPLE"s,
			"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"s,
			""s,
			{{"Content-Type"s, "application/x-www-form-urlencoded; charset=utf-8"s}},
			"Action=GetCallerIdentity&Version=2011-06-15"s,
			"POST\n"
			"/\n"
			"\n"
			"content-type:application/x-www-form-urlencoded; charset=utf-8\n"
			"host:sts.us-east-1.amazonaws.com\n"
			"x-amz-date:20260228T235959Z\n"
			"\n"
			"content-type;host;x-amz-date\n"
			"ab821ae955788b0e33ebd34c208442ccfc2d406e2edc5e7a39bd6458fbb4f843"sv,
			"AWS4-HMAC-SHA256\n"
			"20260228T235959Z\n"
			"20260228/us-east-1/sts/aws4_request\n"
			"280b5df5f7e9987220575a6f2448b1d583899f716f67607a018684f69ce6238b"sv,
			"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260228/us-east-1/sts/aws4_request, Sign"
			"edHeaders=content-type;host;x-amz-date, Signature=13a2e90230d3d467d408609b71a3011"
			"39a57236b3b2484eda6f7540695205f1a"sv},
	};
	return vectors;
}

}  // namespace sqs_fdw::aws
