// SigV4 by stage: AWS's published examples, vectors computed with botocore, and the signer's cache.
#include "aws/sigv4.h"

#include "base/bytes.h"
#include "base/error.h"
#include "sigv4_vectors.h"

#include <algorithm>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

namespace sqs_fdw::aws {
namespace {

constexpr char kSecret[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr long long kSuiteSeconds = 1440938160;  // 2015-08-30T12:36:00Z

WallTime At(long long seconds)
{
	return WallTime(std::chrono::seconds(seconds));
}

std::string Hex(const Sha256Digest &digest)
{
	return HexEncode({reinterpret_cast<const char *>(digest.data()), digest.size()});
}

Credentials Keys(std::string_view secret = kSecret, std::string_view token = "")
{
	Credentials credentials;
	credentials.access_key_id = "AKIDEXAMPLE";
	credentials.secret_access_key = Secret(secret);
	credentials.session_token = Secret(token);
	return credentials;
}

// The value of one header among the lines to send; empty where it is missing.
std::string ValueOf(const std::vector<std::string> &lines, const std::string &name)
{
	const std::string start = name + ": ";
	for (const std::string &line : lines)
		if (line.compare(0, start.size(), start) == 0)
			return line.substr(start.size());
	return "";
}

std::string SignatureIn(const std::vector<std::string> &lines)
{
	const std::string value = ValueOf(lines, "Authorization");
	return value.substr(value.rfind('=') + 1);
}

SigningInput Vanilla(std::string_view method = "GET")
{
	SigningInput input;
	input.method = method;
	input.headers = {{"Host", "example.amazonaws.com"}};
	return input;
}

// FIPS 180-4, and RFC 4231's second case.
TEST(Sha256, knows_published_digests)
{
	EXPECT_EQ(Hex(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	EXPECT_EQ(
	    Hex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(HmacSha256, knows_published_codes)
{
	EXPECT_EQ(Hex(HmacSha256("Jefe", "what do ya want for nothing?")),
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	EXPECT_EQ(Hex(HmacSha256(std::string(131, '\xaa'),
	              "Test Using Larger Than Block-Size Key - Hash Key First")),
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, an_empty_key_is_not_the_previous_key)
{
	HmacSha256("previous", "");
	EXPECT_EQ(Hex(HmacSha256({}, {})),
	    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(AmzDate, is_utc_without_fraction)
{
	EXPECT_EQ(AmzDate(At(kSuiteSeconds)), "20150830T123600Z");
	EXPECT_EQ(AmzDate(At(0)), "19700101T000000Z");
	EXPECT_EQ(AmzDate(At(1709251199)), "20240229T235959Z");
	EXPECT_EQ(AmzDate(At(0) + std::chrono::milliseconds(999)), "19700101T000000Z");
	EXPECT_EQ(AmzDate(At(0) - std::chrono::milliseconds(1)), "19691231T235959Z");
}

// Examples of the AWS General Reference, of two days.
TEST(SigningKey, matches_the_documentation)
{
	EXPECT_EQ(Hex(SigningKey(kSecret, {"20120215", "us-east-1", "iam"})),
	    "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
	EXPECT_EQ(Hex(SigningKey(kSecret, {"20150830", "us-east-1", "iam"})),
	    "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

// One case of AWS's signature version 4 test suite; Host and X-Amz-Date are in all of them.
struct SuiteCase {
	const char *name;
	const char *method;
	const char *query;
	std::vector<Header> headers;
	const char *body;
	const char *token;
	const char *signed_headers;
	const char *signature;
};

constexpr char kSuiteToken[] =
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfI"
    "eoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0"
    "wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDry"
    "pNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

const std::vector<SuiteCase> &Suite()
{
	static const std::vector<SuiteCase> cases = {
	    {"get-vanilla", "GET", "", {}, "", "", "host;x-amz-date",
	        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	    {"get-vanilla-query-order-key-case", "GET", "Param1=value1&Param2=value2", {}, "", "",
	        "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
	    {"get-header-key-duplicate", "GET", "",
	        {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}}, "", "",
	        "host;my-header1;x-amz-date",
	        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
	    {"get-header-value-order", "GET", "",
	        {{"My-Header1", "value4"}, {"My-Header1", "value1"}, {"My-Header1", "value3"},
	            {"My-Header1", "value2"}},
	        "", "", "host;my-header1;x-amz-date",
	        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
	    {"get-header-value-trim", "GET", "",
	        {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}, "", "",
	        "host;my-header1;my-header2;x-amz-date",
	        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
	    {"post-header-key-sort", "POST", "", {{"My-Header1", "value1"}}, "", "",
	        "host;my-header1;x-amz-date",
	        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
	    {"post-x-www-form-urlencoded", "POST", "",
	        {{"Content-Type", "application/x-www-form-urlencoded"}}, "Param1=value1", "",
	        "content-type;host;x-amz-date",
	        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	    {"post-sts-header-before", "POST", "", {}, "", kSuiteToken,
	        "host;x-amz-date;x-amz-security-token",
	        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
	};
	return cases;
}

TEST(Signer, signs_the_published_suite)
{
	Signer signer("us-east-1", "service");
	for (const SuiteCase &suite : Suite()) {
		SCOPED_TRACE(suite.name);
		SigningInput input = Vanilla(suite.method);
		input.query = suite.query;
		input.body = suite.body;
		input.headers.insert(input.headers.end(), suite.headers.begin(), suite.headers.end());
		const auto lines = signer.Sign(input, Keys(kSecret, suite.token), At(kSuiteSeconds));
		EXPECT_EQ(ValueOf(lines, "Authorization"),
		    std::string("AWS4-HMAC-SHA256 "
		                "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
		                "SignedHeaders=") +
		        suite.signed_headers + ", Signature=" + suite.signature);
	}
}

TEST(CanonicalRequest, of_the_published_form_post_is_as_published)
{
	SigningInput input = Vanilla("POST");
	input.body = "Param1=value1";
	input.headers.push_back({"X-Amz-Date", "20150830T123600Z"});
	input.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
	std::string names = "what was here before";
	const std::string canonical = CanonicalRequest(input, &names);
	EXPECT_EQ(canonical,
	    "POST\n/\n\n"
	    "content-type:application/x-www-form-urlencoded\n"
	    "host:example.amazonaws.com\n"
	    "x-amz-date:20150830T123600Z\n\n"
	    "content-type;host;x-amz-date\n"
	    "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e");
	EXPECT_EQ(names, "content-type;host;x-amz-date");
	EXPECT_EQ(StringToSign("20150830T123600Z", {"20150830", "us-east-1", "service"}, canonical),
	    "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n"
	    "42a5e5bb34198acb3e84da4f085bb7927f2bc277ca766e6d19c73c2154021281");
}

TEST(CanonicalRequest, joins_equal_names_whatever_their_case_and_keeps_their_order)
{
	SigningInput input = Vanilla();
	input.headers = {{"b", "2"}, {"A", "1"}, {"B", " 1  x "}, {"Host", "h"}, {"ab", ""}};
	std::string names;
	const std::string canonical = CanonicalRequest(input, &names);
	EXPECT_EQ(names, "a;ab;b;host");
	EXPECT_NE(canonical.find("\na:1\nab:\nb:2,1 x\nhost:h\n\n"), std::string::npos) << canonical;
}

TEST(Vectors, match_botocore_stage_by_stage)
{
	ASSERT_GE(SigV4Vectors().size(), 20u);
	for (const SigV4Vector &vector : SigV4Vectors()) {
		SCOPED_TRACE(vector.name);
		const std::string date = AmzDate(At(vector.seconds));
		const SigningScope scope{date.substr(0, 8), vector.region, vector.service};
		SigningInput input;
		input.method = "POST";
		input.path = vector.path;
		input.body = vector.body;
		input.headers = vector.headers;
		input.headers.push_back({"Host", vector.host});
		input.headers.push_back({"X-Amz-Date", date});
		if (!vector.session_token.empty())
			input.headers.push_back({"X-Amz-Security-Token", vector.session_token});
		std::string names;
		EXPECT_EQ(CanonicalRequest(input, &names), vector.canonical_request);
		EXPECT_EQ(StringToSign(date, scope, vector.canonical_request), vector.string_to_sign);
		const std::string signature =
		    Signature(SigningKey(vector.secret_access_key, scope), vector.string_to_sign);
		EXPECT_EQ(signature, vector.authorization.substr(vector.authorization.rfind('=') + 1));
	}
}

// One signer per region and service, so that its cache meets every secret and day.
TEST(Vectors, match_botocore_through_signers_that_are_used_again)
{
	std::vector<std::pair<std::string, std::unique_ptr<Signer>>> signers;
	for (const SigV4Vector &vector : SigV4Vectors()) {
		SCOPED_TRACE(vector.name);
		const std::string key = vector.region + "/" + vector.service;
		auto found = std::find_if(
		    signers.begin(), signers.end(), [&](const auto &pair) { return pair.first == key; });
		if (found == signers.end())
			found = signers.insert(
			    signers.end(), {key, std::make_unique<Signer>(vector.region, vector.service)});
		SigningInput input;
		input.method = "POST";
		input.path = vector.path;
		input.body = vector.body;
		input.headers = vector.headers;
		input.headers.push_back({"Host", vector.host});
		const auto lines = found->second->Sign(
		    input, Keys(vector.secret_access_key, vector.session_token), At(vector.seconds));
		EXPECT_EQ(ValueOf(lines, "Authorization"), vector.authorization);
		EXPECT_EQ(ValueOf(lines, "X-Amz-Security-Token"), vector.session_token);
		EXPECT_EQ(ValueOf(lines, "Host"), vector.host);
	}
}

TEST(Signer, sends_values_as_they_were_given)
{
	Signer signer("us-east-1", "service");
	SigningInput input = Vanilla();
	input.headers.push_back({"X-Note", "a   b"});
	const auto lines = signer.Sign(input, Keys(), At(kSuiteSeconds));
	EXPECT_EQ(lines.size(), 4u);
	EXPECT_EQ(ValueOf(lines, "X-Note"), "a   b");
	EXPECT_EQ(ValueOf(lines, "X-Amz-Date"), "20150830T123600Z");
	EXPECT_EQ(ValueOf(lines, "X-Amz-Security-Token"), "");
}

TEST(Signer, derives_the_key_again_when_day_or_secret_change_and_comes_back)
{
	Signer signer("us-east-1", "service");
	const auto sign = [&](std::string_view secret, long long seconds) {
		return SignatureIn(signer.Sign(Vanilla(), Keys(secret), At(seconds)));
	};
	const std::string first = sign(kSecret, kSuiteSeconds);
	EXPECT_NE(sign("another secret of quite the same length", kSuiteSeconds), first);
	EXPECT_NE(sign(kSecret, kSuiteSeconds + 86400), first);
	EXPECT_NE(sign("wJalrXUtnFEMI", kSuiteSeconds), first);
	EXPECT_EQ(sign(kSecret, kSuiteSeconds), first);
}

TEST(Signer, shifts_its_clock_over_midnight)
{
	Signer shifted("us-east-1", "service");
	shifted.set_clock_shift(std::chrono::hours(-13));
	Signer plain("us-east-1", "service");
	const auto lines = shifted.Sign(Vanilla(), Keys(), At(kSuiteSeconds));
	EXPECT_EQ(ValueOf(lines, "X-Amz-Date"), "20150829T233600Z");
	EXPECT_EQ(lines, plain.Sign(Vanilla(), Keys(), At(kSuiteSeconds - 13 * 3600)));
	EXPECT_EQ(shifted.clock_shift(), std::chrono::hours(-13));
}

TEST(Signer, refuses_values_that_would_start_another_header)
{
	Signer signer("us-east-1", "service");
	using namespace std::string_view_literals;
	for (const std::string_view bad : {"a\r\nX-Evil: 1"sv, "a\n"sv, "a\0b"sv}) {
		SigningInput input = Vanilla();
		EXPECT_THROW(signer.Sign(input, Keys(kSecret, bad), At(0)), Error);
		input.headers.push_back({"X-Amz-Target", std::string(bad)});
		EXPECT_THROW(signer.Sign(input, Keys(), At(0)), Error);
		Credentials keys = Keys();
		keys.access_key_id = bad;
		EXPECT_THROW(signer.Sign(Vanilla(), keys, At(0)), Error);
	}
}

TEST(Signer, errors_hold_no_secret)
{
	Signer signer("us-east-1", "service");
	try {
		signer.Sign(Vanilla(), Keys(kSecret, "hush\n"), At(0));
		FAIL() << "no error";
	} catch (const Error &error) {
		const std::string all = error.what() + error.detail() + error.hint();
		EXPECT_EQ(all.find("hush"), std::string::npos);
		EXPECT_EQ(all.find("wJalr"), std::string::npos);
	}
}

TEST(Signer, signs_the_same_on_several_threads)
{
	const std::string expected = [] {
		Signer signer("us-east-1", "service");
		return SignatureIn(signer.Sign(Vanilla(), Keys(), At(kSuiteSeconds)));
	}();
	std::vector<std::string> signatures(4);
	std::vector<std::thread> threads;
	for (std::string &signature : signatures)
		threads.emplace_back([&signature] {
			Signer signer("us-east-1", "service");
			for (int i = 0; i < 200; ++i)
				signature = SignatureIn(signer.Sign(Vanilla(), Keys(), At(kSuiteSeconds)));
		});
	for (std::thread &thread : threads)
		thread.join();
	for (const std::string &signature : signatures)
		EXPECT_EQ(signature, expected);
}

TEST(Credentials, clone_holds_the_same_values)
{
	Credentials keys = Keys(kSecret, "token");
	keys.expires = At(5);
	const Credentials copy = keys.Clone();
	EXPECT_EQ(copy.access_key_id, keys.access_key_id);
	EXPECT_TRUE(copy.secret_access_key.Reveal() == kSecret);
	EXPECT_TRUE(copy.session_token.Reveal() == "token");
	EXPECT_EQ(copy.expires, At(5));
	EXPECT_NE(copy.secret_access_key.Reveal().data(), keys.secret_access_key.Reveal().data());
}

TEST(StaticCredentials, stay_and_have_nothing_to_refresh)
{
	const auto provider = MakeStaticCredentials(Keys(kSecret, "token"));
	EXPECT_FALSE(provider->Refresh());
	EXPECT_EQ(provider->Get().access_key_id, "AKIDEXAMPLE");
	EXPECT_TRUE(provider->Get().session_token.Reveal() == "token");
}

TEST(StaticCredentials, refuse_what_was_copied_wrongly_without_telling_it)
{
	const auto refused = [](Credentials keys) -> std::string {
		try {
			MakeStaticCredentials(std::move(keys));
		} catch (const Error &error) {
			EXPECT_EQ(error.fault(), Fault::kInvalid);
			EXPECT_NE(error.hint(), "");
			EXPECT_EQ(
			    (error.what() + error.detail() + error.hint()).find("hush"), std::string::npos);
			return error.what();
		}
		return "";
	};
	EXPECT_NE(refused(Keys("hush\n")), "");
	EXPECT_NE(refused(Keys("hush hush")), "");
	EXPECT_NE(refused(Keys("hush\xc3\xa9")), "");
	EXPECT_NE(refused(Keys("")), "");
	EXPECT_NE(refused(Keys(kSecret, " hush")), "");
	Credentials without_id = Keys();
	without_id.access_key_id.clear();
	EXPECT_EQ(refused(std::move(without_id)), "access_key_id is missing");
	EXPECT_EQ(refused(Keys(kSecret, "to/ken+=")), "");
}

}  // namespace
}  // namespace sqs_fdw::aws
