// Endpoints: URL parsing, and SQS's endpoint in every partition.
#include "aws/endpoint.h"

#include "base/error.h"

#include <gtest/gtest.h>

namespace sqs_fdw::aws {
namespace {

// The message of the kInvalid that parsing ends in; empty where it does not.
std::string Refusal(std::string_view url)
{
	try {
		ParseEndpoint(url);
	} catch (const Error &error) {
		EXPECT_EQ(error.fault(), Fault::kInvalid) << url;
		return error.what();
	}
	return "";
}

std::string Resolved(const std::string &region, bool fips = false, bool dualstack = false)
{
	EndpointOptions options;
	options.region = region;
	options.use_fips = fips;
	options.use_dualstack = dualstack;
	return ResolveSqsEndpoint(options).Url();
}

TEST(ParseEndpoint, keeps_scheme_host_port_and_path)
{
	const Endpoint plain = ParseEndpoint("https://sqs.us-east-1.amazonaws.com");
	EXPECT_TRUE(plain.tls);
	EXPECT_EQ(plain.host, "sqs.us-east-1.amazonaws.com");
	EXPECT_EQ(plain.port, 443);
	EXPECT_EQ(plain.path, "/");
	EXPECT_EQ(plain.Url(), "https://sqs.us-east-1.amazonaws.com/");
	EXPECT_EQ(plain.HostHeader(), "sqs.us-east-1.amazonaws.com");

	const Endpoint local = ParseEndpoint("HTTP://LocalHost:9324/some_path/v1.0/");
	EXPECT_FALSE(local.tls);
	EXPECT_EQ(local.host, "localhost");
	EXPECT_EQ(local.port, 9324);
	EXPECT_EQ(local.path, "/some_path/v1.0/");
	EXPECT_EQ(local.Url(), "http://localhost:9324/some_path/v1.0/");
	EXPECT_EQ(local.HostHeader(), "localhost:9324");
}

TEST(ParseEndpoint, leaves_out_only_the_scheme_s_own_port)
{
	EXPECT_EQ(ParseEndpoint("http://a:80").Url(), "http://a/");
	EXPECT_EQ(ParseEndpoint("https://a:443").Url(), "https://a/");
	EXPECT_EQ(ParseEndpoint("http://a:443").Url(), "http://a:443/");
	EXPECT_EQ(ParseEndpoint("https://a:80").HostHeader(), "a:80");
	EXPECT_EQ(ParseEndpoint("http://a").port, 80);
}

TEST(ParseEndpoint, reads_ipv6_in_brackets_and_shortens_it)
{
	const Endpoint loopback = ParseEndpoint("http://[0:0:0:0:0:0:0:1]:9324");
	EXPECT_EQ(loopback.host, "::1");
	EXPECT_EQ(loopback.Url(), "http://[::1]:9324/");
	EXPECT_EQ(ParseEndpoint("https://[2001:DB8::5]").HostHeader(), "[2001:db8::5]");
}

TEST(ParseEndpoint, refuses_what_is_no_plain_https_or_http_url)
{
	for (const char *url : {"", "sqs.us-east-1.amazonaws.com", "//host", "ftp://host",
	         "file:///etc/passwd", "https:/host", "https:host", "javascript://host",
	         "https+x://host", " https://host", "://host", "unix:///tmp/x"})
		EXPECT_NE(Refusal(url).find("https://"), std::string::npos) << url;
	for (const char *url : {"https://", "https:///path", "https://:443"})
		EXPECT_NE(Refusal(url).find("empty"), std::string::npos) << url;
	EXPECT_NE(Refusal("https://a/" + std::string(2048, 'x')), "");
}

TEST(ParseEndpoint, refuses_user_info_query_and_fragment_and_repeats_no_password)
{
	for (const char *url : {"https://user:hush@host/", "https://hush@host",
	         "https://sqs.us-east-1.amazonaws.com@evil.example", "https://host/?hush",
	         "https://host?hush=1", "https://host#hush", "https://host/#"}) {
		const std::string message = Refusal(url);
		EXPECT_NE(message, "") << url;
		EXPECT_EQ(message.find("hush"), std::string::npos) << message;
	}
}

TEST(ParseEndpoint, refuses_ports_out_of_range)
{
	for (const char *url :
	    {"https://host:", "https://host:0", "https://host:65536", "https://host:-1",
	        "https://host:+1", "https://host:80x", "https://host:8 0",
	        "https://host:99999999999999", "https://host:1:2", "https://[::1]:", "https://[::1]:0"})
		EXPECT_NE(Refusal(url), "") << url;
	EXPECT_EQ(ParseEndpoint("https://host:1").port, 1);
	EXPECT_EQ(ParseEndpoint("https://host:65535").port, 65535);
}

TEST(ParseEndpoint, refuses_hosts_that_are_odd)
{
	using namespace std::string_literals;
	for (const std::string &host :
	    {"a..b"s, ".a"s, "a."s, "localhost."s, "-a"s, "a-"s, "a.-b"s, "a b"s, "a\tb"s, "a\nb"s,
	        "a\0b"s, "a%2eb"s, "a\\b"s, "a'b"s, "a\"b"s, "a*b"s, "a,b"s, "a;b"s, "a!b"s,
	        "m\xc3\xbcnchen.example"s, "\xe2\x93\x94.example"s, "a\xe3\x80\x82"s + "b"s,
	        std::string(64, 'a'), std::string(127, 'a') + "." + std::string(127, 'b')})
		EXPECT_NE(Refusal("https://" + host), "") << host;
	EXPECT_EQ(ParseEndpoint("https://my_stack-1.example").host, "my_stack-1.example");
	EXPECT_EQ(ParseEndpoint("https://xn--mnchen-3ya.example").host, "xn--mnchen-3ya.example");
	EXPECT_EQ(ParseEndpoint("https://1e100.net").host, "1e100.net");
}

TEST(ParseEndpoint, refuses_numbers_that_only_some_resolvers_take_for_an_address)
{
	for (const char *host : {"0x7f.1", "0x7f000001", "0X7F000001", "2130706433", "127.1", "127.0.1",
	         "0177.0.0.1", "127.0.0.01", "127.0.0.0x1", "256.1.1.1", "1.2.3.4.5", "0", "0x",
	         "1.2.3", "a.1", "127.0.0.1.", "169.254.43518", "0251.254.169.254"})
		EXPECT_NE(Refusal(std::string("http://") + host), "") << host;
	EXPECT_EQ(ParseEndpoint("http://127.0.0.1").host, "127.0.0.1");
	EXPECT_EQ(ParseEndpoint("http://10.20.30.40:8080").HostHeader(), "10.20.30.40:8080");
}

TEST(ParseEndpoint, refuses_ipv6_that_is_malformed_scoped_or_ipv4_in_disguise)
{
	for (const char *host :
	    {"[", "[]", "[::1", "::1", "[::1]x", "[fe80::1%25eth0]", "[fe80::1%eth0]", "[::g]", "[1:2]",
	        "[127.0.0.1]", "[localhost]", "[[::1]]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]",
	        "[::127.0.0.1]", "[::2]", "[::ffff:169.254.169.254]"})
		EXPECT_NE(Refusal(std::string("http://") + host), "") << host;
	EXPECT_NE(Refusal(std::string("http://[::1\0.example]", 21)), "");
}

TEST(ParseEndpoint, refuses_paths_that_would_be_signed_and_sent_differently)
{
	for (const char *path : {"//", "/a//b", "/.", "/..", "/a/../b", "/a/./b", "/a%2fb", "/a b",
	         "/a\\b", "/a;b", "/a:b", "/$default", "/\xc3\xa9", "/a\r\nX: 1"})
		EXPECT_NE(Refusal(std::string("https://host") + path), "") << path;
	for (const char *path : {"/", "/a", "/a/", "/a/b.c/..d/~e_f-G"})
		EXPECT_EQ(ParseEndpoint(std::string("https://host") + path).path, path);
}

TEST(Endpoint, is_loopback_for_loopback_only)
{
	for (const char *url : {"http://localhost", "http://LOCALHOST:1", "http://sqs.localhost",
	         "http://127.0.0.1", "http://127.255.255.254", "http://[::1]"})
		EXPECT_TRUE(ParseEndpoint(url).IsLoopback()) << url;
	for (const char *url :
	    {"http://localhost.localstack.cloud", "http://notlocalhost", "http://localhost.example",
	        "http://127.0.0.1.example", "http://128.0.0.1", "http://0.0.0.0", "http://[::]",
	        "http://[fd00::1]", "http://10.0.0.127", "http://localhost-1"})
		EXPECT_FALSE(ParseEndpoint(url).IsLoopback()) << url;
}

TEST(Endpoint, built_by_hand_with_an_odd_number_is_not_loopback)
{
	for (const char *host : {"0x7f.1", "2130706433", "127.1", "0177.0.0.1", "::ffff:127.0.0.1"}) {
		Endpoint endpoint;
		endpoint.host = host;
		EXPECT_FALSE(endpoint.IsLoopback()) << host;
	}
}

TEST(IsRegionName, takes_lower_case_labels_only)
{
	for (const char *region : {"us-east-1", "us-gov-west-1", "elasticmq", "a", "1"})
		EXPECT_TRUE(IsRegionName(region)) << region;
	EXPECT_TRUE(IsRegionName(std::string(63, 'a')));
	for (const char *region : {"", "-", "us-east-1-", "-us", "US-EAST-1", "us_east_1", "us east 1",
	         "us.east", "us-east-1/", "us-east-1\n", "\xc3\xa9"})
		EXPECT_FALSE(IsRegionName(region)) << region;
	EXPECT_FALSE(IsRegionName(std::string(64, 'a')));
}

struct PartitionCase {
	const char *region;
	const char *plain;
	const char *fips;
	const char *dualstack;
	const char *both;
};

// What SQS's endpoint rule set, as the SDKs ship it, gives for a region of each partition.
constexpr PartitionCase kPartitionCases[] = {
    {"us-east-1", "sqs.us-east-1.amazonaws.com", "sqs-fips.us-east-1.amazonaws.com",
        "sqs.us-east-1.api.aws", "sqs-fips.us-east-1.api.aws"},
    {"mx-central-1", "sqs.mx-central-1.amazonaws.com", "sqs-fips.mx-central-1.amazonaws.com",
        "sqs.mx-central-1.api.aws", "sqs-fips.mx-central-1.api.aws"},
    {"cn-north-1", "sqs.cn-north-1.amazonaws.com.cn", "sqs-fips.cn-north-1.amazonaws.com.cn",
        "sqs.cn-north-1.api.amazonwebservices.com.cn",
        "sqs-fips.cn-north-1.api.amazonwebservices.com.cn"},
    {"us-gov-west-1", "sqs.us-gov-west-1.amazonaws.com", "sqs.us-gov-west-1.amazonaws.com",
        "sqs.us-gov-west-1.api.aws", "sqs-fips.us-gov-west-1.api.aws"},
    {"us-iso-east-1", "sqs.us-iso-east-1.c2s.ic.gov", "sqs-fips.us-iso-east-1.c2s.ic.gov",
        "sqs.us-iso-east-1.api.aws.ic.gov", "sqs-fips.us-iso-east-1.api.aws.ic.gov"},
    {"us-isob-east-1", "sqs.us-isob-east-1.sc2s.sgov.gov", "sqs-fips.us-isob-east-1.sc2s.sgov.gov",
        "sqs.us-isob-east-1.api.aws.scloud", "sqs-fips.us-isob-east-1.api.aws.scloud"},
    {"eu-isoe-west-1", "sqs.eu-isoe-west-1.cloud.adc-e.uk",
        "sqs-fips.eu-isoe-west-1.cloud.adc-e.uk", "sqs.eu-isoe-west-1.api.cloud-aws.adc-e.uk",
        "sqs-fips.eu-isoe-west-1.api.cloud-aws.adc-e.uk"},
    {"us-isof-south-1", "sqs.us-isof-south-1.csp.hci.ic.gov",
        "sqs-fips.us-isof-south-1.csp.hci.ic.gov", "sqs.us-isof-south-1.api.aws.hci.ic.gov",
        "sqs-fips.us-isof-south-1.api.aws.hci.ic.gov"},
    {"eusc-de-east-1", "sqs.eusc-de-east-1.amazonaws.eu", "sqs-fips.eusc-de-east-1.amazonaws.eu",
        "sqs.eusc-de-east-1.api.amazonwebservices.eu",
        "sqs-fips.eusc-de-east-1.api.amazonwebservices.eu"},
    {"zz-new-9", "sqs.zz-new-9.amazonaws.com", "sqs-fips.zz-new-9.amazonaws.com",
        "sqs.zz-new-9.api.aws", "sqs-fips.zz-new-9.api.aws"},
};

TEST(ResolveSqsEndpoint, follows_the_partition_of_the_region)
{
	for (const PartitionCase &partition : kPartitionCases) {
		const auto url = [](const char *host) { return std::string("https://") + host + "/"; };
		EXPECT_EQ(Resolved(partition.region), url(partition.plain));
		EXPECT_EQ(Resolved(partition.region, true), url(partition.fips));
		EXPECT_EQ(Resolved(partition.region, false, true), url(partition.dualstack));
		EXPECT_EQ(Resolved(partition.region, true, true), url(partition.both));
	}
}

TEST(ResolveSqsEndpoint, an_endpoint_wins_over_the_region)
{
	EndpointOptions options;
	options.region = "eu-west-1";
	options.endpoint = "http://127.0.0.1:9324";
	EXPECT_EQ(ResolveSqsEndpoint(options).Url(), "http://127.0.0.1:9324/");
	options.region.clear();
	EXPECT_EQ(ResolveSqsEndpoint(options).Url(), "http://127.0.0.1:9324/");
}

TEST(ResolveSqsEndpoint, refuses_options_that_name_none_or_contradict)
{
	const auto refused = [](const EndpointOptions &options) {
		try {
			ResolveSqsEndpoint(options);
		} catch (const Error &error) {
			return error.fault() == Fault::kInvalid && !error.hint().empty();
		}
		return false;
	};
	EndpointOptions options;
	EXPECT_TRUE(refused(options));
	options.region = "us-east-1.evil.example/";
	EXPECT_TRUE(refused(options));
	options.endpoint = "http://localhost";
	EXPECT_TRUE(refused(options));
	options.region = "us-east-1";
	EXPECT_FALSE(refused(options));
	options.use_fips = true;
	EXPECT_TRUE(refused(options));
	options.use_fips = false;
	options.use_dualstack = true;
	EXPECT_TRUE(refused(options));
}

}  // namespace
}  // namespace sqs_fdw::aws
