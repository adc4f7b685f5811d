// Reading message bodies: what is picked, and what is no JSON.
#include "aws/body.h"

#include "base/error.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sqs_fdw::aws {
namespace {

// Reads one body, with exactly the padding that is promised behind it.
class Reading {
public:
	Reading(std::vector<FieldPath> paths, const std::string &body) : values_(paths.size())
	{
		reader_ = std::make_unique<BodyReader>(std::move(paths));
		Again(body);
	}

	void Again(const std::string &body)
	{
		buffer_.assign(body.begin(), body.end());
		buffer_.insert(buffer_.end(), kBodyPadding, '\x01');
		status_ = reader_->Read({buffer_.data(), body.size()}, values_.data());
	}

	BodyStatus status() const { return status_; }
	const FieldValue &operator[](size_t i) const { return values_[i]; }
	std::string text(size_t i) const { return std::string(values_[i].text); }

private:
	std::unique_ptr<BodyReader> reader_;
	std::vector<FieldValue> values_;
	std::vector<char> buffer_;
	BodyStatus status_ = BodyStatus::kNotJson;
};

FieldPath Key(std::string path)
{
	return {std::move(path), false};
}

FieldPath Pointer(std::string path)
{
	return {std::move(path), true};
}

BodyStatus StatusOf(const std::string &body)
{
	return Reading({Key("a")}, body).status();
}

TEST(Body, PicksEveryKindOfValueAsItStandsInTheBody)
{
	const Reading read(
	    {Key("s"), Key("n"), Key("t"), Key("f"), Key("z"), Key("o"), Key("a"), Key("x")},
	    R"({"s":"text","n":-1.50e+3,"t":true,"f" : false ,"z":null,"o":{"b": [1, 2]} ,"a":[ ] })");
	ASSERT_EQ(read.status(), BodyStatus::kOk);
	EXPECT_EQ(read[0].kind, JsonKind::kString);
	EXPECT_EQ(read.text(0), "text");
	EXPECT_EQ(read[1].kind, JsonKind::kNumber);
	EXPECT_EQ(read.text(1), "-1.50e+3");
	EXPECT_EQ(read[2].kind, JsonKind::kBool);
	EXPECT_EQ(read.text(2), "true");
	EXPECT_EQ(read[3].kind, JsonKind::kBool);
	EXPECT_EQ(read.text(3), "false");
	EXPECT_EQ(read[4].kind, JsonKind::kNull);
	EXPECT_EQ(read[5].kind, JsonKind::kObject);
	EXPECT_EQ(read.text(5), R"({"b": [1, 2]})");
	EXPECT_EQ(read[6].kind, JsonKind::kArray);
	EXPECT_EQ(read.text(6), "[ ]");
	EXPECT_EQ(read[7].kind, JsonKind::kMissing);
}

TEST(Body, EveryTextIsFollowedByANul)
{
	const Reading read({Key("s"), Key("n"), Key("o"), Key("e"), Key("x")},
	    R"({"s":"abc","n":12,"o":{},"e":"\u0041"})");
	for (size_t i = 0; i < 5; ++i)
		EXPECT_EQ(*(read[i].text.data() + read[i].text.size()), '\0') << i;
}

// So that a string that holds JSON can be read as a body. ASan sees when it is not.
TEST(Body, EveryTextIsReadablePaddingBytesPastItsEnd)
{
	const Reading read({Key("s"), Key("n"), Key("e")}, R"({"s":"abc","n":12,"e":"{\"a\":1}"})");
	int sum = 0;
	for (size_t i = 0; i < 3; ++i) {
		for (size_t k = 0; k < kBodyPadding; ++k)
			sum += *(read[i].text.data() + read[i].text.size() + k) == '\x02' ? 1 : 0;
	}
	EXPECT_EQ(sum, 0);
}

TEST(Body, UnescapesStringsAndKeys)
{
	const Reading read({Key("a/b\"c"), Key("\xc3\xa9")},
	    R"({"a\/b\"c":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00","\u00e9":"x"})");
	ASSERT_EQ(read.status(), BodyStatus::kOk);
	EXPECT_EQ(read.text(0), "\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80");
	EXPECT_EQ(read.text(1), "x");
}

TEST(Body, TellsANulInAString)
{
	const Reading read({Key("a"), Key("b")}, R"({"a":"x\u0000y","b":"\\u0000"})");
	ASSERT_EQ(read.status(), BodyStatus::kOk);
	EXPECT_TRUE(read[0].has_nul);
	EXPECT_EQ(read.text(0), std::string("x\0y", 3));
	EXPECT_FALSE(read[1].has_nul);
	EXPECT_EQ(read.text(1), "\\u0000");
}

TEST(Body, BigNumbersKeepTheirOwnCharacters)
{
	const std::string digits(400, '9');
	const Reading read({Key("a"), Key("b"), Key("c")},
	    "{\"a\":18446744073709551616,\"b\":0.1000000000000000055511151231257827,\"c\":" + digits +
	        "e999999}");
	ASSERT_EQ(read.status(), BodyStatus::kOk);
	EXPECT_EQ(read.text(0), "18446744073709551616");
	EXPECT_EQ(read.text(1), "0.1000000000000000055511151231257827");
	EXPECT_EQ(read.text(2), digits + "e999999");
}

TEST(Body, OfDuplicateKeysTheLastWinsWithAllThatIsBelow)
{
	const Reading read({Key("a"), Pointer("/b/c"), Pointer("/d"), Pointer("/b")},
	    R"({"a":1,"b":{"c":1},"a":"two","b":{"x":1},"d":1,"d":null})");
	ASSERT_EQ(read.status(), BodyStatus::kOk);
	EXPECT_EQ(read.text(0), "two");
	EXPECT_EQ(read[1].kind, JsonKind::kMissing);
	EXPECT_EQ(read[2].kind, JsonKind::kNull);
	EXPECT_EQ(read.text(3), R"({"x":1})");
}

TEST(Body, PointersReachIntoObjectsAndArrays)
{
	const Reading read({Pointer("/a/b/1/c"), Pointer("/a/b"), Pointer("/a/b/0"), Pointer(""),
	                       Pointer("/x~1y/~0"), Pointer("/a/b/2"), Pointer("/a/b/01"),
	                       Pointer("/a/b/-"), Pointer("/"), Pointer("/a/b/0/c")},
	    R"( {"a":{"b":[ 7 , {"c":"deep"} ]},"x/y":{"~":true},"":"empty"} )");
	ASSERT_EQ(read.status(), BodyStatus::kOk);
	EXPECT_EQ(read.text(0), "deep");
	EXPECT_EQ(read.text(1), R"([ 7 , {"c":"deep"} ])");
	EXPECT_EQ(read.text(2), "7");
	EXPECT_EQ(read[3].kind, JsonKind::kObject);
	EXPECT_EQ(read.text(3), R"({"a":{"b":[ 7 , {"c":"deep"} ]},"x/y":{"~":true},"":"empty"})");
	EXPECT_EQ(read.text(4), "true");
	for (const size_t missing : {5, 6, 7, 9})
		EXPECT_EQ(read[missing].kind, JsonKind::kMissing) << missing;
	EXPECT_EQ(read.text(8), "empty");
}

TEST(Body, APointerAndAKeyMayMeanTheSameAndAKeyIsNoPointer)
{
	const Reading read({Key("a"), Pointer("/a"), Key("/a"), Key("a")}, R"({"/a":1,"a":2})");
	EXPECT_EQ(read.text(0), "2");
	EXPECT_EQ(read.text(1), "2");
	EXPECT_EQ(read.text(2), "1");
	EXPECT_EQ(read.text(3), "2");
}

TEST(Body, KeysInAnyOrderAreFound)
{
	Reading read({Key("a"), Key("b"), Key("c")}, R"({"c":3,"a":1,"b":2})");
	EXPECT_EQ(read.text(0) + read.text(1) + read.text(2), "123");
	read.Again(R"({"b":5,"x":0,"c":6,"a":4})");
	EXPECT_EQ(read.text(0) + read.text(1) + read.text(2), "456");
}

TEST(Body, NothingIsLeftOfThePreviousBody)
{
	Reading read({Key("a"), Pointer("/b/c")}, R"({"a":1,"b":{"c":2}})");
	read.Again(R"({"z":1})");
	EXPECT_EQ(read[0].kind, JsonKind::kMissing);
	EXPECT_EQ(read[1].kind, JsonKind::kMissing);
	read.Again(R"({"a":1,"b":)");
	EXPECT_EQ(read.status(), BodyStatus::kNotJson);
	EXPECT_EQ(read[0].kind, JsonKind::kMissing);
}

TEST(Body, WellFormedButNoObject)
{
	for (const char *body : {"[]", "[1,{\"a\":2}]", "1", " -0.5 ", "\"a\"", "\"a\\n\"", "true",
	         "false", " null", "\"\""})
		EXPECT_EQ(StatusOf(body), BodyStatus::kNotObject) << body;
}

TEST(Body, MalformedAnywhereIsNotJson)
{
	for (const char *body : {// nothing, and not enough
	         "", " ", "{", "}", "[", "]", "{]", "[}", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,",
	         "{\"a\":[1}", "{\"a\":{\"b\":1}", "\"", "{\"a\":\"x}", "{\"a:1}",
	         // too much
	         "{}}", "{} {}", "{}x", "{},", "[] 1", "1 2", "null null", "\"a\" \"b\"", "{}\"",
	         "\xef\xbb\xbf{}",
	         // commas and colons
	         "{\"a\":1,}", "{,}", "{\"a\" 1}", "{\"a\"::1}", "{\"a\":,}", "{\"a\":1 \"b\":2}",
	         "{\"a\":1,,\"b\":2}", "[1,]", "[,]", "{\"a\":[1 2]}", "{\"a\":[1,,2]}", "{\"a\":[,1]}",
	         "{\"a\":1:2}", "{\"a\":}", "{\"a\":\"b\":1}", "{\"a\":\"b\":}}", "[\"a\":1]",
	         "[\"a\":]]", "{\"a\":[\"b\":]]}", "{\"z\":{\"a\":\"b\":},\"c\":1}}",
	         // keys
	         "{a:1}", "{1:1}", "{null:1}", "{'a':1}", "{\"\\x\":1}", "{\"\\ud800\":1}",
	         "{\"a\\\":1}", "{[]:1}",
	         // atoms
	         "{\"z\":nul}", "{\"z\":nulll}", "{\"z\":True}", "{\"z\":tru}", "{\"z\":falsey}",
	         "{\"z\":NaN}", "{\"z\":Infinity}", "{\"z\":undefined}", "{\"z\":true false}", "nul",
	         "{\"z\":truex}", "{\"z\":x}",
	         // numbers
	         "{\"z\":01}", "{\"z\":-}", "{\"z\":+1}", "{\"z\":1.}", "{\"z\":.5}", "{\"z\":1e}",
	         "{\"z\":1e+}", "{\"z\":0x10}", "{\"z\":1-}", "{\"z\":--1}", "{\"z\":1.2.3}",
	         "{\"z\":-01}", "{\"z\":1_0}", "{\"z\":1a}", "{\"z\":1\"a\"}", "01", "-",
	         // strings
	         "{\"z\":\"\\x\"}", "{\"z\":\"\\u12\"}", "{\"z\":\"\\u12g4\"}", "{\"z\":\"\\\"}",
	         "{\"z\":\"\\ud800\"}", "{\"z\":\"\\udc00\"}", "{\"z\":\"\\ud800\\u0041\"}",
	         "{\"z\":\"\\ud800\\ud800\"}", "{\"z\":'x'}", "{\"z\":\"a\tb\"}", "{\"z\":\"a\nb\"}",
	         "{\"z\":\"a\"\"b\"}", "{\"z\":x\"a\"}", "\"\\ud800\"",
	         // UTF-8
	         "{\"z\":\"\xff\"}", "{\"z\":\"\xc3\"}", "{\"z\":\"\xed\xa0\x80\"}",
	         "{\"z\":\"\xc0\x80\"}", "{\"\xff\":1}", "{\"z\":\"\xf5\x80\x80\x80\"}",
	         // white space that is none
	         "{\"a\":\f1}", "\v{}", "{}\x01", "{\xc2\xa0}",
	         // comments
	         "{/*x*/}", "{\"a\":1}//x",
	         // the same a level deeper, in what nobody asked for
	         "{\"z\":{\"y\":[{\"x\":01}]}}", "{\"z\":{\"y\":tru}}", "{\"z\":[\"\\x\"]}",
	         "{\"z\":[[]}", "{\"z\":{\"y\":1,}}"})
		EXPECT_EQ(StatusOf(body), BodyStatus::kNotJson) << body;
	EXPECT_EQ(StatusOf(std::string("{\"a\":\"\0\"}", 9)), BodyStatus::kNotJson);
	EXPECT_EQ(StatusOf(std::string("{\"a\":1}\0", 8)), BodyStatus::kNotJson);
}

TEST(Body, UnusualButValid)
{
	for (const char *body :
	    {"{}", " \t\r\n{ \t\r\n} \t\r\n", "{\"\":\"\"}", "{\"a\":[[[]],{}]}", "{\"a\":-0}",
	        "{\"a\":0e0}", "{\"a\":1E-2}", "{\"a\":\"\x7f\"}", "{\"a\":\"\xf4\x8f\xbf\xbf\"}",
	        "{\"a\":\"\\u0000\"}", "{\"a\":{},\"b\":[],\"c\":\"\"}",
	        "{\"a\":\"}\",\"b\":\"]\",\"c\":\"{[,:\"}", "{\"a\\\"\":\"\\\\\"}"})
		EXPECT_EQ(StatusOf(body), BodyStatus::kOk) << body;
}

std::string Nested(int depth)
{
	std::string body = "{\"a\":";
	for (int i = 1; i < depth; ++i)
		body += i % 2 != 0 ? "[" : "{\"b\":";
	body += "1";
	for (int i = depth - 1; i >= 1; --i)
		body += i % 2 != 0 ? "]" : "}";
	return body + "}";
}

TEST(Body, DepthEndsAt1024)
{
	EXPECT_EQ(StatusOf(Nested(1024)), BodyStatus::kOk);
	EXPECT_EQ(StatusOf(Nested(1025)), BodyStatus::kNotJson);
	EXPECT_EQ(StatusOf(Nested(50000)), BodyStatus::kNotJson);
	EXPECT_EQ(StatusOf("{\"a\":" + std::string(50000, '[') + "}"), BodyStatus::kNotJson);
}

TEST(Body, LongBodiesAndManyKeys)
{
	std::string body = "{";
	for (int i = 0; i < 5000; ++i)
		body += "\"k" + std::to_string(i) + "\":\"" + std::string(200, 'x') + "\",";
	body += "\"last\":\"" + std::string(300000, 'y') + "\"}";
	Reading read({Key("k4999"), Key("last")}, body);
	ASSERT_EQ(read.status(), BodyStatus::kOk);
	EXPECT_EQ(read.text(0), std::string(200, 'x'));
	EXPECT_EQ(read[1].text.size(), 300000U);
	read.Again("{\"last\":1}");
	EXPECT_EQ(read.text(1), "1");
}

// Whatever is done to a body, the reader answers, and what it calls an object is closed.
TEST(Body, DamagedBodiesAreAnsweredAndNeverHalfRead)
{
	const std::string whole =
	    R"({"user_id":"5d","app":"2.3.0","n":[1,-2.5e3,{"x":null}],"ip":"1.2.3.4","l":"\u00e9\n"})";
	std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same bodies in every run
	Reading read({Key("user_id"), Pointer("/n/2/x"), Key("l")}, whole);
	ASSERT_EQ(read.status(), BodyStatus::kOk);
	for (size_t size = 0; size < whole.size(); ++size) {
		read.Again(whole.substr(0, size));
		EXPECT_EQ(read.status(), BodyStatus::kNotJson) << size;
	}
	const std::string alphabet = "{}[]\",:\\0e-tnu \x01\xff";
	for (int i = 0; i < 20000; ++i) {
		std::string body = whole;
		for (unsigned changes = 1 + random() % 3; changes > 0; --changes)
			body[random() % body.size()] = alphabet[random() % alphabet.size()];
		read.Again(body);
		if (read.status() == BodyStatus::kOk) {
			EXPECT_EQ(body.front(), '{');
			EXPECT_EQ(body.back(), '}');
		}
	}
}

TEST(Body, TellsJsonPointers)
{
	for (const char *pointer : {"", "/", "/a", "/a/0/b~1c", "/~0~1", "//"})
		EXPECT_TRUE(IsJsonPointer(pointer)) << pointer;
	for (const char *pointer : {"a", "a/b", "/~", "/~2", "/a~", "#/a"})
		EXPECT_FALSE(IsJsonPointer(pointer)) << pointer;
	EXPECT_THROW(BodyReader({Pointer("a")}), Error);
	EXPECT_THROW(BodyReader({Pointer("/~2")}), Error);
}

}  // namespace
}  // namespace sqs_fdw::aws
