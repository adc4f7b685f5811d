// Requests written and replies read: escapes, every field, errors in all their forms.
#include "aws/json.h"

#include "aws/body.h"

#include <functional>
#include <map>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace sqs_fdw::aws {
namespace {

Fault FaultOf(const std::function<void()> &action)
{
	try {
		action();
	} catch (const Error &error) {
		return error.fault();
	}
	return Fault::kInternal;
}

std::string Quoted(std::string_view text)
{
	JsonWriter writer(16);
	writer.String(text);
	return writer.Take();
}

ReceiveReply ReadReceive(std::string body, bool verify = true)
{
	ReplyReader reader(verify);
	return reader.ReadReceive(&body);
}

TEST(Json, WritesObjectsAndArraysWithTheirCommas)
{
	JsonWriter writer(16);
	writer.BeginObject();
	writer.Key("A");
	writer.String("x");
	writer.Key("B");
	writer.BeginArray();
	writer.Integer(-5);
	writer.BeginObject();
	writer.EndObject();
	writer.BeginArray();
	writer.EndArray();
	writer.EndArray();
	writer.Key("C");
	writer.Integer(INT64_MIN);
	writer.EndObject();
	EXPECT_EQ(writer.Take(), R"({"A":"x","B":[-5,{},[]],"C":-9223372036854775808})");
}

TEST(Json, EscapesWhatJsonDemandsAndNothingElse)
{
	EXPECT_EQ(Quoted("plain text, \xc3\xa9 / \x7f"), "\"plain text, \xc3\xa9 / \x7f\"");
	EXPECT_EQ(Quoted("\"\\\n\r\t\b\f"), R"("\"\\\n\r\t\u0008\u000c")");
	EXPECT_EQ(Quoted(std::string("\0\x1f", 2)), R"("\u0000\u001f")");
	EXPECT_EQ(Quoted(""), "\"\"");
	// The quote at every position of a word.
	for (size_t i = 0; i < 20; ++i) {
		std::string text(20, 'a');
		text[i] = '"';
		EXPECT_EQ(
		    Quoted(text), "\"" + std::string(i, 'a') + "\\\"" + std::string(19 - i, 'a') + "\"");
	}
}

TEST(Json, EveryByteBelow0x80SurvivesAWriteAndARead)
{
	std::string text;
	for (int c = 1; c < 0x80; ++c)
		text.push_back(static_cast<char>(c));
	text += std::string("\0", 1) + "\xf0\x9f\x98\x80";
	const ReceiveReply reply = ReadReceive(
	    R"({"Messages":[{"MessageId":"i","ReceiptHandle":"h","Body":)" + Quoted(text) + "}]}");
	EXPECT_EQ(reply.batch.messages.at(0).body, text);
}

TEST(Json, TextThatIsNotUtf8IsInvalid)
{
	for (const char *text : {"\xff", "a\xc3", "\xed\xa0\x80"})
		EXPECT_EQ(FaultOf([&] { Quoted(text); }), Fault::kInvalid);
}

TEST(Json, ReadsEveryFieldOfAMessage)
{
	const ReceiveReply reply = ReadReceive(R"({"Messages":[{
		"Attributes":{"SentTimestamp":"1700000000123","ApproximateReceiveCount":"3",
			"ApproximateFirstReceiveTimestamp":"1700000000456","SenderId":"AIDA:x",
			"MessageGroupId":"g","MessageDeduplicationId":"d","SequenceNumber":"188",
			"AWSTraceHeader":"Root=1","DeadLetterQueueSourceArn":"arn:a","Unknown":"y"},
		"Body":"{\"a\":\"\\u00e9\\n\"}","MD5OfBody":"cff45cebb32427ac4bcc2e9eb1dc3b4e",
		"MD5OfMessageAttributes":"x",
		"MessageAttributes":{"k":{"DataType":"String","StringValue":"v, \"}"}},
		"MessageId":"id-1","ReceiptHandle":"h\/1","Unknown":[{}]}],"Unknown":{"Messages":[]}})",
	    false);
	ASSERT_EQ(reply.batch.messages.size(), 1U);
	const Message &message = reply.batch.messages[0];
	EXPECT_EQ(message.id, "id-1");
	EXPECT_EQ(message.handle, "h/1");
	EXPECT_EQ(message.body, R"({"a":"\u00e9\n"})");
	EXPECT_EQ(message.sent_ms, 1700000000123);
	EXPECT_EQ(message.first_receive_ms, 1700000000456);
	EXPECT_EQ(message.receive_count, 3);
	EXPECT_EQ(message.sender_id, "AIDA:x");
	EXPECT_EQ(message.group_id, "g");
	EXPECT_EQ(message.deduplication_id, "d");
	EXPECT_EQ(message.sequence_number, "188");
	EXPECT_EQ(message.trace_header, "Root=1");
	EXPECT_EQ(message.dead_letter_source_arn, "arn:a");
	EXPECT_EQ(message.message_attributes, R"({"k":{"DataType":"String","StringValue":"v, \"}"}})");
}

TEST(Json, ABodyIsReadablePaddingBytesPastItsEnd)
{
	// The body comes last, so that nothing but the padding is behind it.
	const ReceiveReply reply =
	    ReadReceive(R"({"Messages":[{"MessageId":"i","ReceiptHandle":"h","Body":")" +
	                std::string(500, 'x') + "\"}]}");
	const std::string_view body = reply.batch.messages.at(0).body;
	const char *const end = reply.batch.storage.get() + reply.batch.storage_size;
	EXPECT_GE(end - (body.data() + body.size()), static_cast<ptrdiff_t>(kBodyPadding));
}

TEST(Json, MessageAttributesAreReadablePaddingBytesPastTheirEnd)
{
	const ReceiveReply reply = ReadReceive(
	    R"({"Messages":[{"MessageId":"i","ReceiptHandle":"h","Body":"","MessageAttributes":{"a":")" +
	    std::string(500, 'x') + "\"}}]}");
	const std::string_view attributes = reply.batch.messages.at(0).message_attributes;
	const char *const end = reply.batch.storage.get() + reply.batch.storage_size;
	EXPECT_EQ(attributes.size(), 508U);
	EXPECT_GE(end - (attributes.data() + attributes.size()), static_cast<ptrdiff_t>(kBodyPadding));
}

TEST(Json, AttributesThatAreNullAreNone)
{
	const ReceiveReply reply = ReadReceive(R"({"Messages":[{"MessageId":"i","ReceiptHandle":"h",
		"Body":"b","Attributes":null,"MessageAttributes":null}]})",
	    false);
	ASSERT_EQ(reply.batch.messages.size(), 1U);
	EXPECT_EQ(reply.batch.messages[0].receive_count, 0);
	EXPECT_EQ(reply.batch.messages[0].message_attributes, "");
}

TEST(Json, AReplyWithoutMessagesIsEmpty)
{
	for (const char *body : {"{}", R"({"Messages":[]})", R"({"Messages":null})"})
		EXPECT_TRUE(ReadReceive(body).batch.messages.empty()) << body;
}

TEST(Json, MessagesKeepTheirOrder)
{
	std::string body = R"({"Messages":[)";
	for (int i = 0; i < 10; ++i)
		body += std::string(i > 0 ? "," : "") + R"({"MessageId":")" + std::to_string(i) +
		        R"(","ReceiptHandle":"h","Body":"b)" + std::to_string(i) + "\"}";
	const ReceiveReply reply = ReadReceive(body + "]}");
	ASSERT_EQ(reply.batch.messages.size(), 10U);
	for (int i = 0; i < 10; ++i)
		EXPECT_EQ(reply.batch.messages[static_cast<size_t>(i)].body, "b" + std::to_string(i));
}

TEST(Json, AMessageWhoseMd5DoesNotFitIsLeftOutAndCounted)
{
	const auto message = [](const char *id, const char *md5) {
		return std::string(R"({"MessageId":")") + id + R"(","ReceiptHandle":"h","MD5OfBody":")" +
		       md5 + R"(","Body":"hello"})";
	};
	const std::string body =
	    R"({"Messages":[)" + message("good", "5d41402abc4b2a76b9719d911017c592") + "," +
	    message("upper", "5D41402ABC4B2A76B9719D911017C592") + "," +
	    message("bad", "00000000000000000000000000000000") + "," + message("none", "") + "]}";
	const ReceiveReply reply = ReadReceive(body);
	ASSERT_EQ(reply.batch.messages.size(), 3U);
	EXPECT_EQ(reply.batch.messages[0].id, "good");
	EXPECT_EQ(reply.batch.messages[1].id, "upper");
	EXPECT_EQ(reply.batch.messages[2].id, "none");
	EXPECT_EQ(reply.corrupted, 1);
	EXPECT_EQ(ReadReceive(body, false).batch.messages.size(), 4U);
}

TEST(Json, AReplyThatIsNotWhatWasPromisedIsABadReply)
{
	for (const char *body : {"", "<html>", "[]", "null", "{\"Messages\":", "{\"Messages\":{}}",
	         "{\"Messages\":[1]}", "{\"Messages\":[{}]}", "{\"Messages\":\"x\"}",
	         R"({"Messages":[{"MessageId":"i","Body":"b"}]})",
	         R"({"Messages":[{"MessageId":"i","ReceiptHandle":"h"}]})",
	         R"({"Messages":[{"ReceiptHandle":"h","Body":"b"}]})",
	         R"({"Messages":[{"MessageId":1,"ReceiptHandle":"h","Body":"b"}]})",
	         R"({"Messages":[{"MessageId":"i","ReceiptHandle":"h","Body":"\x"}]})",
	         R"({"Messages":[{"MessageId":"i","ReceiptHandle":"h","Body":"b"}])",
	         R"({"Messages":[],"Messages":[{"MessageId":"i","ReceiptHandle":"h","Body":"b"}]})",
	         "{\"Messages\":[{\"Body\":\"\xff\"}]}"})
		EXPECT_EQ(FaultOf([&] { ReadReceive(body); }), Fault::kBadReply) << body;
}

TEST(Json, ReadsBatchResults)
{
	ReplyReader reader;
	std::string body = R"({"Successful":[{"Id":"0"},{"Id":"2","MessageId":"m"}],
		"Failed":[{"Id":"1","Code":"com.amazonaws.sqs#ReceiptHandleIsInvalid","SenderFault":true,
		"Message":"said"},{"Id":"3","Code":"InternalError","SenderFault":false,"Message":null},
		{"Id":"x"}]})";
	const BatchReply reply = reader.ReadBatch(&body);
	ASSERT_EQ(reply.successful.size(), 2U);
	EXPECT_EQ(reply.successful[0].id, 0U);
	EXPECT_EQ(reply.successful[1].id, 2U);
	EXPECT_EQ(reply.successful[1].message_id, "m");
	ASSERT_EQ(reply.failed.size(), 3U);
	EXPECT_EQ(reply.failed[0].id, 1U);
	EXPECT_EQ(reply.failed[0].code, "ReceiptHandleIsInvalid");
	EXPECT_TRUE(reply.failed[0].sender_fault);
	EXPECT_EQ(reply.failed[0].message, "said");
	EXPECT_EQ(reply.failed[1].code, "InternalError");
	EXPECT_FALSE(reply.failed[1].sender_fault);
	EXPECT_EQ(reply.failed[2].id, SIZE_MAX);
}

TEST(Json, BatchResultsWithoutIdentifiersAreBadReplies)
{
	ReplyReader reader;
	for (std::string body : {R"({"Failed":[{}]})", R"({"Successful":[{}]})", R"({"Failed":{}})"})
		EXPECT_EQ(FaultOf([&] { reader.ReadBatch(&body); }), Fault::kBadReply);
}

TEST(Json, ReadsQueueUrlAndAttributes)
{
	ReplyReader reader;
	std::string body = R"({"QueueUrl":"http:\/\/host\/1\/q"})";
	EXPECT_EQ(reader.ReadQueueUrl(&body), "http://host/1/q");
	body = R"({"Attributes":{"A":"1","B":"{\"x\":2}"}})";
	const std::map<std::string, std::string> expected{{"A", "1"}, {"B", "{\"x\":2}"}};
	EXPECT_EQ(reader.ReadAttributes(&body), expected);
	body = "{}";
	EXPECT_TRUE(reader.ReadAttributes(&body).empty());
	body = "{}";
	EXPECT_EQ(FaultOf([&] { reader.ReadQueueUrl(&body); }), Fault::kBadReply);
}

ErrorReply ReadError(std::string body, std::string query_error = "")
{
	HttpReply reply;
	reply.status = 400;
	reply.body = std::move(body);
	reply.query_error = std::move(query_error);
	ReplyReader reader;
	return reader.ReadError(&reply);
}

TEST(Json, ErrorCodesLoseTheirNamespace)
{
	EXPECT_EQ(ReadError(R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"m"})").code,
	    "QueueDoesNotExist");
	EXPECT_EQ(
	    ReadError(R"({"__type":"AccessDenied:http://x/","Message":"m"})").code, "AccessDenied");
	EXPECT_EQ(ReadError(R"({"message":"m","__type":"a#B"})").message, "m");
	EXPECT_EQ(ReadError(R"({"__type":"a#B","message":null})").code, "B");
}

TEST(Json, WithoutATypeTheQueryErrorHeaderSaysIt)
{
	EXPECT_EQ(ReadError("{}", "AWS.SimpleQueueService.NonExistentQueue;Sender").code,
	    "AWS.SimpleQueueService.NonExistentQueue");
	EXPECT_EQ(ReadError("", "RequestThrottled;Sender").code, "RequestThrottled");
}

TEST(Json, ErrorsInNoKnownFormAreJustEmpty)
{
	for (const char *body : {"", "<html><body>502</body></html>", "[]", "{\"__type\":1}", "{",
	         R"({"__type":"a#<script>"})", R"({"__type":"spaces in it"})"})
		EXPECT_EQ(ReadError(body).code, "") << body;
	EXPECT_EQ(ReadError(R"({"__type":")" + std::string(500, 'x') + "\"}").code, "");
}

}  // namespace
}  // namespace sqs_fdw::aws
