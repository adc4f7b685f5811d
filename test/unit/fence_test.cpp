// The network fence: what it lets through, and that tricks do not.
#include "aws/endpoint.h"
#include "base/error.h"

#include <gtest/gtest.h>

namespace sqs_fdw::aws {
namespace {

// The error's texts; empty where the fence lets the endpoint through.
std::string Refusal(const std::string &patterns, const Endpoint &endpoint, bool loopback = false)
{
	try {
		Fence(patterns).Check(endpoint, loopback);
	} catch (const Error &error) {
		EXPECT_EQ(error.fault(), Fault::kForbidden);
		EXPECT_NE(error.hint().find("sqs_fdw.allowed_endpoints"), std::string::npos);
		return std::string(error.what()) + "|" + error.detail() + "|" + error.hint();
	}
	return "";
}

bool Admits(const std::string &patterns, std::string_view url, bool loopback = false)
{
	return Refusal(patterns, ParseEndpoint(url), loopback).empty();
}

bool DefaultAdmits(std::string_view host)
{
	return Admits(Fence::DefaultPatterns(), "https://" + std::string(host));
}

bool IsPattern(std::string_view patterns)
{
	try {
		const Fence fence(patterns);
	} catch (const Error &error) {
		EXPECT_EQ(error.fault(), Fault::kInvalid);
		EXPECT_NE(error.hint(), "");
		return false;
	}
	return true;
}

constexpr const char *kRegions[] = {"us-east-1", "us-west-2", "af-south-1", "ap-southeast-7",
    "ca-west-1", "eu-north-1", "il-central-1", "me-central-1", "mx-central-1", "sa-east-1",
    "cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1", "us-iso-east-1",
    "us-iso-west-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1", "eusc-de-east-1"};

TEST(DefaultFence, admits_every_endpoint_that_the_partition_rules_make)
{
	const Fence fence(Fence::DefaultPatterns());
	for (const char *region : kRegions)
		for (const bool fips : {false, true})
			for (const bool dualstack : {false, true}) {
				EndpointOptions options;
				options.region = region;
				options.use_fips = fips;
				options.use_dualstack = dualstack;
				EXPECT_NO_THROW(fence.Check(ResolveSqsEndpoint(options), false)) << region;
			}
}

TEST(DefaultFence, admits_sts_and_vpc_endpoints)
{
	for (const char *host : {"sts.us-east-1.amazonaws.com", "sts-fips.us-west-2.amazonaws.com",
	         "sts.eu-west-1.api.aws", "sts.cn-north-1.amazonaws.com.cn",
	         "sts.us-gov-west-1.amazonaws.com", "sts.eusc-de-east-1.amazonaws.eu",
	         "vpce-0123456789abcdef0-1a2b3c4d.sqs.us-east-1.vpce.amazonaws.com",
	         "vpce-0123456789abcdef0-1a2b3c4d-us-east-1a.sqs.us-east-1.vpce.amazonaws.com",
	         "vpce-01-02.sts.eu-central-1.vpce.amazonaws.com",
	         "vpce-01-02.sqs-fips.us-east-1.vpce.amazonaws.com",
	         "vpce-01-02.sqs.cn-north-1.vpce.amazonaws.com.cn",
	         "vpce-01-02.sqs.us-iso-east-1.vpce.c2s.ic.gov", "SQS.US-EAST-1.AMAZONAWS.COM"})
		EXPECT_TRUE(DefaultAdmits(host)) << host;
}

TEST(DefaultFence, refuses_hosts_of_amazonaws_that_customers_can_have)
{
	for (const char *host : {"amazonaws.com", "sqs.amazonaws.com", "sqs.s3.amazonaws.com",
	         "sts.s3.amazonaws.com", "sqs-fips.s3.amazonaws.com", "sqs.s3-us-west-2.amazonaws.com",
	         "sqs.s3-website-us-east-1.amazonaws.com", "sqs.s3-accelerate.amazonaws.com",
	         "sqs.s3.us-east-1.amazonaws.com", "sqs.us-east-1.elb.amazonaws.com",
	         "bucket.s3.amazonaws.com", "abc.execute-api.us-east-1.amazonaws.com",
	         "sqs.execute-api.us-east-1.amazonaws.com",
	         "ec2-1-2-3-4.us-west-2.compute.amazonaws.com",
	         "vpce-1.vpce-svc-1.us-east-1.vpce.amazonaws.com",
	         "vpce-1.s3.us-east-1.vpce.amazonaws.com", "vpce-1.sqs.us-east-1.evil.amazonaws.com",
	         "vpce-1.sqs.us-east-1.vpce.amazonaws.com.evil.example",
	         "vpce-1.sqs.us-east-1.amazonaws.com", "vpce-1.sqs.us-east-1.vpce.amazonaws.com.cn",
	         "sqs.us-east-1.vpce.amazonaws.com", "x.sqs.us-east-1.amazonaws.com",
	         "sqs.us-east-1.amazonaws.com.evil.example", "sqs.us-east-1.evil.example",
	         "evil-sqs.us-east-1.amazonaws.com", "sqs.us-east-1amazonaws.com",
	         "sqs.us-east-1.amazonaws.org", "sns.us-east-1.amazonaws.com",
	         "sqs.cn-north-1.amazonaws.com", "sqs.us-east-1.amazonaws.com.cn",
	         "sqs.us-iso-east-1.amazonaws.com", "sqs.us-east-1.c2s.ic.gov"})
		EXPECT_FALSE(DefaultAdmits(host)) << host;
}

TEST(DefaultFence, never_admits_plain_http)
{
	EXPECT_FALSE(Admits(Fence::DefaultPatterns(), "http://sqs.us-east-1.amazonaws.com"));
	const std::string refusal = Refusal("aws", ParseEndpoint("http://sqs.us-east-1.amazonaws.com"));
	EXPECT_NE(refusal.find("plain http"), std::string::npos);
}

TEST(Fence, admits_nothing_when_empty)
{
	EXPECT_FALSE(Admits("", "https://sqs.us-east-1.amazonaws.com"));
	EXPECT_FALSE(Admits("  ", "http://localhost:9324"));
	EXPECT_TRUE(Admits("", "http://localhost:9324", true));
}

TEST(Fence, admits_loopback_where_allowed_or_listed_only)
{
	for (const char *url : {"http://localhost:9324", "http://127.0.0.1:9324", "http://[::1]:9324",
	         "https://localhost"}) {
		EXPECT_FALSE(Admits("aws", url)) << url;
		EXPECT_TRUE(Admits("aws", url, true)) << url;
	}
	EXPECT_TRUE(Admits("localhost", "http://localhost:9324"));
	EXPECT_FALSE(Admits("localhost", "http://127.0.0.1:9324"));
	EXPECT_TRUE(Admits("[::1]:9324", "http://[0::0:1]:9324"));
	EXPECT_TRUE(Admits("*.localhost", "http://sqs.localhost"));
}

TEST(Fence, allowing_loopback_allows_nothing_else)
{
	for (const char *url : {"http://10.0.0.1", "http://0.0.0.0:9324", "http://[::]:9324",
	         "http://localhost.localstack.cloud:4566", "https://evil.example"})
		EXPECT_FALSE(Admits("aws", url, true)) << url;
}

TEST(Fence, a_host_without_star_admits_plain_http_and_a_port_narrows_it)
{
	EXPECT_TRUE(Admits("sqs.internal", "http://sqs.internal:9324"));
	EXPECT_TRUE(Admits("sqs.internal", "https://sqs.internal"));
	EXPECT_TRUE(Admits("sqs.internal:9324", "http://sqs.internal:9324"));
	EXPECT_FALSE(Admits("sqs.internal:9324", "http://sqs.internal"));
	EXPECT_FALSE(Admits("sqs.internal:9324", "https://sqs.internal"));
	EXPECT_TRUE(Admits("sqs.internal:443", "https://sqs.internal"));
	EXPECT_TRUE(Admits(" aws ,\n Sqs.Internal:9324 ", "http://SQS.internal:9324"));
	EXPECT_FALSE(Admits("sqs.internal", "http://a.sqs.internal"));
	EXPECT_TRUE(Admits("10.1.2.3", "http://10.1.2.3:4566"));
}

TEST(Fence, a_star_is_one_or_more_characters_but_no_dot_and_no_plain_http)
{
	EXPECT_TRUE(Admits("*.example.com", "https://a.example.com"));
	EXPECT_FALSE(Admits("*.example.com", "https://a.b.example.com"));
	EXPECT_FALSE(Admits("*.example.com", "https://example.com"));
	EXPECT_FALSE(Admits("*.example.com", "http://a.example.com"));
	EXPECT_TRUE(Admits("sqs-*.example.com", "https://sqs-a-b.example.com"));
	EXPECT_FALSE(Admits("sqs-*x.example.com", "https://sqs-x.example.com"));
	EXPECT_TRUE(Admits("*", "https://host"));
	EXPECT_FALSE(Admits("*", "https://host.example"));
	EXPECT_TRUE(Admits("*.*.example", "https://a.b.example"));
	EXPECT_FALSE(Admits("*.*.example", "https://a.b.c.example"));
	EXPECT_TRUE(Admits("a*b*c.d", "https://aababbcc.d"));
	EXPECT_FALSE(Admits("a*b*c.d", "https://aababbcc.e"));
	EXPECT_FALSE(Admits("a*c.d", "https://ab.c.d"));
	EXPECT_TRUE(Admits("**.example", "https://ab.example"));
	EXPECT_FALSE(Admits("**.example", "https://a.example"));
}

TEST(Fence, a_pattern_of_many_stars_takes_no_exponential_time)
{
	std::string pattern;
	for (int i = 0; i < 30; ++i)
		pattern += "*a";
	EXPECT_FALSE(Admits(pattern + "b", "https://" + std::string(63, 'a')));
}

TEST(Fence, refuses_link_local_addresses_even_when_listed)
{
	for (const char *address : {"169.254.169.254", "169.254.170.2", "169.254.0.1", "[fe80::1]",
	         "[febf::1]", "[fe80::a9fe:a9fe]"}) {
		const std::string url = std::string("http://") + address;
		EXPECT_FALSE(Admits(address, url, true)) << address;
		EXPECT_FALSE(Admits("*.254.169.25x, 169.254.*.*4x", url, true)) << address;
	}
	EXPECT_TRUE(Admits("169.253.0.1, [fec0::1]", "http://169.253.0.1"));
}

TEST(Fence, an_endpoint_built_by_hand_gets_through_no_odd_number)
{
	for (const char *host : {"0x7f.1", "2130706433", "127.1", "::ffff:127.0.0.1",
	         "::ffff:169.254.169.254", "0xa9fea9fe", "localhost.", "sqs.us-east-1.amazonaws.com.",
	         "SQS.us-east-1.amazonaws.com\n", ""}) {
		Endpoint endpoint;
		endpoint.host = host;
		EXPECT_NE(Refusal("aws", endpoint, true), "") << host;
	}
}

TEST(Fence, says_why_and_what_to_do)
{
	const std::string refusal = Refusal("aws", ParseEndpoint("https://evil.example:8443/q"));
	EXPECT_NE(refusal.find("\"evil.example:8443\""), std::string::npos) << refusal;
	EXPECT_NE(Refusal("aws", ParseEndpoint("http://localhost")).find("superuser owns"),
	    std::string::npos);
	EXPECT_NE(Refusal("*.example", ParseEndpoint("http://a.example")).find("plain http"),
	    std::string::npos);
	EXPECT_NE(
	    Refusal("", ParseEndpoint("http://169.254.169.254")).find("Link-local"), std::string::npos);
}

TEST(Fence, refuses_malformed_patterns)
{
	for (const char *patterns : {",", "aws,", ",aws", "a,,b", "https://host", "host/path", "host:0",
	         "host:", "host:x", "*.host:443", "a b", "user@host", "127.1", "0x7f.1", "host.",
	         "*..a", "-*", "[::1", "::1", "m\xc3\xbcnchen", "[::ffff:1.2.3.4]"})
		EXPECT_FALSE(IsPattern(patterns)) << patterns;
	for (const char *patterns : {"", "aws", "AWS.example", "a, b ,c", "*", "*.a", "[::1]",
	         "[::1]:80", "127.0.0.1:80", "my_stack"})
		EXPECT_TRUE(IsPattern(patterns)) << patterns;
	EXPECT_TRUE(IsPattern(Fence::DefaultPatterns()));
}

}  // namespace
}  // namespace sqs_fdw::aws
