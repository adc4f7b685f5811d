// Fields and attributes of plain messages and of SNS notifications.
#include "aws/message_reader.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sqs_fdw::aws {
namespace {

const std::string kNotification = R"({
	"Type" : "Notification", "MessageId" : "22b80b92", "TopicArn" : "arn:aws:sns:us-west-2:1:t",
	"Message" : "{\"user\": \"a \\\"quoted\\\" \\u00e9\", \"at\": {\"deep\": [1, 2]}}",
	"MessageAttributes" : {
		"kind" : {"Type":"String","Value":"login"},
		"count" : {"Type":"Number","Value":"17"},
		"list" : {"Type":"String.Array","Value":"[\"a\", 1]"},
		"blob" : {"Type":"Binary","Value":"AAEC/w=="}
	}
})";

// A reader and messages of which the texts have exactly the padding that is promised.
class Reading {
public:
	explicit Reading(MessageReaderOptions options) : reader_(options) {}

	ReadStatus Read(const std::string &body, const std::string &attributes, bool fields = true,
	    bool named = true)
	{
		body_ = Padded(body);
		attributes_ = Padded(attributes);
		Message message;
		message.body = {body_.data(), body.size()};
		message.message_attributes = {attributes_.data(), attributes.size()};
		return reader_.Read(message, fields, named);
	}

	std::string field(size_t i) const { return std::string(reader_.field(i).text); }
	const char *field_at(size_t i) const { return reader_.field(i).text.data(); }
	std::string attribute(size_t i) const { return std::string(reader_.attribute(i).value.text); }
	JsonKind kind(size_t i) const { return reader_.attribute(i).value.kind; }
	bool is_base64(size_t i) const { return reader_.attribute(i).is_base64; }

private:
	static std::vector<char> Padded(const std::string &text)
	{
		std::vector<char> padded(text.begin(), text.end());
		padded.insert(padded.end(), kBodyPadding, '\x01');
		return padded;
	}

	MessageReader reader_;
	std::vector<char> body_;
	std::vector<char> attributes_;
};

MessageReaderOptions Plain(std::vector<std::string> attributes)
{
	return {{{"user", false}, {"/at/deep/1", true}}, std::move(attributes), false};
}

MessageReaderOptions Enveloped(std::vector<std::string> attributes)
{
	MessageReaderOptions options = Plain(std::move(attributes));
	options.sns_envelope = true;
	return options;
}

TEST(MessageReader, TellsNamesOfAttributes)
{
	for (const char *name : {"a", "A-b_c.9", "9", "-", "AWS.x"})
		EXPECT_TRUE(IsMessageAttributeName(name)) << name;
	EXPECT_TRUE(IsMessageAttributeName(std::string(256, 'a')));
	for (const char *name : {"", ".", ".a", "a.", "a..b", "a b", "a/b", "a~b", "a*", "\xc3\xa9"})
		EXPECT_FALSE(IsMessageAttributeName(name)) << name;
	EXPECT_FALSE(IsMessageAttributeName(std::string(257, 'a')));
}

TEST(MessageReader, ReadsAttributesAsSqsSendsThem)
{
	Reading read(Plain({"kind", "count", "blob", "none"}));
	ASSERT_EQ(read.Read(R"({"user":"u"})", R"({
		"count":{"DataType":"Number.int","StringValue":"17"},
		"kind":{"StringValue":"lo\"gin","DataType":"String"},
		"blob":{"BinaryValue":"AAEC/w==","DataType":"Binary.png"},
		"other":{"DataType":"String","StringValue":"x"}})"),
	    ReadStatus::kOk);
	EXPECT_EQ(read.field(0), "u");
	EXPECT_EQ(read.attribute(0), "lo\"gin");
	EXPECT_FALSE(read.is_base64(0));
	EXPECT_EQ(read.attribute(1), "17");
	EXPECT_FALSE(read.is_base64(1));
	EXPECT_EQ(read.attribute(2), "AAEC/w==");
	EXPECT_TRUE(read.is_base64(2));
	EXPECT_EQ(read.kind(3), JsonKind::kMissing);
}

TEST(MessageReader, AMemberThatIsNullIsNoValue)
{
	Reading read(Plain({"a", "b"}));
	ASSERT_EQ(read.Read("{}", R"({"a":{"StringValue":"x","BinaryValue":null},
		"b":{"StringValue":null,"BinaryValue":"AA=="}})"),
	    ReadStatus::kOk);
	EXPECT_EQ(read.attribute(0), "x");
	EXPECT_FALSE(read.is_base64(0));
	EXPECT_EQ(read.attribute(1), "AA==");
	EXPECT_TRUE(read.is_base64(1));
}

TEST(MessageReader, NothingIsLeftOfThePreviousMessage)
{
	Reading read(Plain({"a"}));
	ASSERT_EQ(read.Read(R"({"user":"u"})", R"({"a":{"BinaryValue":"AA=="}})"), ReadStatus::kOk);
	ASSERT_EQ(read.Read("{}", ""), ReadStatus::kOk);
	EXPECT_EQ(read.field(0), "");
	EXPECT_EQ(read.kind(0), JsonKind::kMissing);
	EXPECT_FALSE(read.is_base64(0));
}

TEST(MessageReader, ReadsOnlyWhatIsAskedFor)
{
	Reading read(Plain({"a"}));
	EXPECT_EQ(read.Read("no JSON", R"({"a":{"StringValue":"x"}})", false, true), ReadStatus::kOk);
	EXPECT_EQ(read.attribute(0), "x");
	EXPECT_EQ(read.Read(R"({"user":"u"})", "no JSON", true, false), ReadStatus::kOk);
	EXPECT_EQ(read.field(0), "u");
	EXPECT_EQ(read.Read("no JSON", "no JSON", false, false), ReadStatus::kOk);
}

TEST(MessageReader, SaysWhatIsWrong)
{
	Reading read(Plain({"a"}));
	EXPECT_EQ(read.Read("[]", "{}"), ReadStatus::kNotObject);
	EXPECT_EQ(read.Read("{", "{}"), ReadStatus::kNotObject);
	EXPECT_EQ(read.Read("{}", "[]"), ReadStatus::kBadAttributes);
	EXPECT_EQ(read.Read("{}", R"({"a":)"), ReadStatus::kBadAttributes);
}

TEST(MessageReader, OpensASnsNotification)
{
	Reading read(Enveloped({"kind", "count", "list", "blob", "none"}));
	// Attributes that SQS knows of are not those of the notification.
	ASSERT_EQ(read.Read(kNotification, R"({"none":{"StringValue":"x"}})"), ReadStatus::kOk);
	EXPECT_EQ(read.field(0), "a \"quoted\" \xc3\xa9");
	EXPECT_EQ(read.field(1), "2");
	EXPECT_EQ(read.attribute(0), "login");
	EXPECT_EQ(read.attribute(1), "17");
	EXPECT_EQ(read.attribute(2), R"(["a", 1])");
	EXPECT_FALSE(read.is_base64(2));
	EXPECT_EQ(read.attribute(3), "AAEC/w==");
	EXPECT_TRUE(read.is_base64(3));
	EXPECT_EQ(read.kind(4), JsonKind::kMissing);
}

TEST(MessageReader, SaysWhatIsWrongWithANotification)
{
	Reading read(Enveloped({"a"}));
	for (const char *body : {"no JSON", "[]", "\"x\"", "{}", R"({"Message":1})",
	         R"({"Message":null})", R"({"Message":{"user":"u"}})", R"({"message":"{}"})"}) {
		EXPECT_EQ(read.Read(body, ""), ReadStatus::kNotNotification) << body;
		EXPECT_EQ(read.Read(body, "", false, true), ReadStatus::kNotNotification) << body;
		EXPECT_EQ(read.Read(body, "", false, false), ReadStatus::kOk) << body;
	}
	for (const char *body : {R"({"Message":""})", R"({"Message":"text"})", R"({"Message":"[]"})",
	         R"({"Message":"{\"a\":"})", R"({"Message":"{\"a\":\"\u0000\"}"})"}) {
		EXPECT_EQ(read.Read(body, ""), ReadStatus::kNotObject) << body;
		EXPECT_EQ(read.Read(body, "", false, true), ReadStatus::kOk) << body;
	}
}

TEST(MessageReader, AMessageOfANotificationMayBeLong)
{
	Reading read(Enveloped({}));
	for (const size_t size : {1, 63, 64, 65, 4095, 4096, 100'000}) {
		const std::string text(size, 'x');
		ASSERT_EQ(
		    read.Read(R"({"Message":"{\"user\":\")" + text + R"(\"}"})", ""), ReadStatus::kOk);
		EXPECT_EQ(read.field(0), text);
	}
}

TEST(MessageReader, AWarmReaderKeepsItsMemory)
{
	Reading read(Enveloped({"kind"}));
	ASSERT_EQ(read.Read(kNotification, ""), ReadStatus::kOk);
	const char *const before = read.field_at(0);
	for (int i = 0; i < 100; ++i)
		ASSERT_EQ(read.Read(kNotification, ""), ReadStatus::kOk);
	EXPECT_EQ(read.field_at(0), before);
}

}  // namespace
}  // namespace sqs_fdw::aws
