// Queues by name, URL and ARN.
#include "aws/endpoint.h"
#include "base/error.h"

#include <gtest/gtest.h>

namespace sqs_fdw::aws {
namespace {

template <class Read>
bool Refuses(Read read, std::string_view text)
{
	try {
		read(text);
	} catch (const Error &error) {
		return error.fault() == Fault::kInvalid;
	}
	return false;
}

TEST(QueueFromName, takes_every_name_that_sqs_has)
{
	for (const std::string &name :
	    {std::string("a"), std::string("Log-ins_2"), std::string(80, 'x'), std::string("-")}) {
		const QueueRef queue = QueueFromName(name);
		EXPECT_EQ(queue.name, name);
		EXPECT_FALSE(queue.fifo);
		EXPECT_EQ(queue.account + queue.region + queue.url, "");
	}
	EXPECT_TRUE(QueueFromName("orders.fifo").fifo);
	EXPECT_TRUE(QueueFromName(std::string(75, 'x') + ".fifo").fifo);
	EXPECT_FALSE(QueueFromName("fifo").fifo);
}

TEST(QueueFromName, refuses_every_other)
{
	for (const std::string &name : {std::string(), std::string(81, 'x'), std::string(".fifo"),
	         std::string("a.b"), std::string("a.FIFO"), std::string("a.fifo.fifo"),
	         std::string("a b"), std::string("a/b"), std::string("a\n"), std::string("\xc3\xa9"),
	         std::string("a\0b", 3), std::string(76, 'x') + ".fifo"})
		EXPECT_TRUE(Refuses(QueueFromName, name)) << name;
}

struct UrlCase {
	const char *url;
	const char *name;
	const char *account;
	const char *region;
};

TEST(QueueFromUrl, finds_name_account_and_region)
{
	constexpr UrlCase kCases[] = {
	    {"https://sqs.us-east-1.amazonaws.com/123456789012/logins", "logins", "123456789012",
	        "us-east-1"},
	    {"https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q", "q", "123456789012",
	        "cn-north-1"},
	    {"https://sqs.us-gov-east-1.amazonaws.com/123456789012/q", "q", "123456789012",
	        "us-gov-east-1"},
	    {"https://sqs-fips.us-west-2.amazonaws.com/123456789012/q", "q", "123456789012",
	        "us-west-2"},
	    {"https://sqs.eu-west-1.api.aws/123456789012/q", "q", "123456789012", "eu-west-1"},
	    {"https://vpce-0a-1b-eu-west-1c.sqs.eu-west-1.vpce.amazonaws.com/123456789012/q", "q",
	        "123456789012", "eu-west-1"},
	    {"https://us-west-1.queue.amazonaws.com/123456789012/q", "q", "123456789012", "us-west-1"},
	    {"https://queue.amazonaws.com/123456789012/q", "q", "123456789012", "us-east-1"},
	    {"http://localhost:9324/000000000000/logins", "logins", "000000000000", ""},
	    {"http://localhost:9324/queue/logins", "logins", "", ""},
	    {"http://localhost:9324/logins", "logins", "", ""},
	    {"http://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/q", "q", "000000000000",
	        "us-east-1"},
	    {"http://us-east-1.queue.localhost.localstack.cloud:4566/000000000000/q", "q",
	        "000000000000", "us-east-1"},
	    {"https://sqs.internal.example/123456789012/q", "q", "123456789012", ""},
	};
	for (const UrlCase &wanted : kCases) {
		const QueueRef queue = QueueFromUrl(wanted.url);
		EXPECT_EQ(queue.name, wanted.name) << wanted.url;
		EXPECT_EQ(queue.account, wanted.account) << wanted.url;
		EXPECT_EQ(queue.region, wanted.region) << wanted.url;
		EXPECT_EQ(queue.url, wanted.url);
		EXPECT_FALSE(queue.fifo);
	}
	EXPECT_TRUE(QueueFromUrl("https://sqs.us-east-1.amazonaws.com/123456789012/q.fifo").fifo);
}

TEST(QueueFromUrl, refuses_urls_of_no_queue)
{
	for (const char *url : {"", "logins", "https://sqs.us-east-1.amazonaws.com",
	         "https://sqs.us-east-1.amazonaws.com/", "https://sqs.us-east-1.amazonaws.com/logins",
	         "https://sqs.us-east-1.amazonaws.com/12345/logins",
	         "https://sqs.us-east-1.amazonaws.com/123456789012/",
	         "https://sqs.us-east-1.amazonaws.com/123456789012/a b",
	         "https://sqs.us-east-1.amazonaws.com/123456789012/a?Action=ReceiveMessage",
	         "https://user@sqs.us-east-1.amazonaws.com/123456789012/a",
	         "ftp://sqs.us-east-1.amazonaws.com/123456789012/a"})
		EXPECT_TRUE(Refuses(QueueFromUrl, url)) << url;
}

TEST(QueueFromArn, finds_name_account_and_region)
{
	const QueueRef queue = QueueFromArn("arn:aws:sqs:eu-central-1:123456789012:logins");
	EXPECT_EQ(queue.name, "logins");
	EXPECT_EQ(queue.account, "123456789012");
	EXPECT_EQ(queue.region, "eu-central-1");
	EXPECT_EQ(queue.url, "");
	EXPECT_FALSE(queue.fifo);
	for (const char *partition :
	    {"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc"})
		EXPECT_EQ(
		    QueueFromArn(std::string("arn:") + partition + ":sqs:us-east-1:123456789012:q.fifo")
		        .name,
		    "q.fifo");
	EXPECT_EQ(QueueFromArn("arn:aws:sqs:elasticmq:000000000000:q").region, "elasticmq");
}

TEST(QueueFromArn, refuses_arns_of_no_queue)
{
	for (const char *arn : {"", "arn", ":::::", "arn:aws:sqs:us-east-1:123456789012",
	         "arn:aws:sqs:us-east-1:123456789012:", "arn:aws:sqs:us-east-1:123456789012:a:b",
	         "arn:aws:sns:us-east-1:123456789012:q", "arn:aws:sqs::123456789012:q",
	         "arn:aws:sqs:us-east-1::q", "arn:aws:sqs:us-east-1:12345678901:q",
	         "arn:aws:sqs:us-east-1:12345678901x:q", "ARN:aws:sqs:us-east-1:123456789012:q",
	         "arn::sqs:us-east-1:123456789012:q", "arn:aws:sqs:US-EAST-1:123456789012:q",
	         "arn:aws:sqs:us-east-1:123456789012:a/b", " arn:aws:sqs:us-east-1:123456789012:q"})
		EXPECT_TRUE(Refuses(QueueFromArn, arn)) << arn;
}

}  // namespace
}  // namespace sqs_fdw::aws
