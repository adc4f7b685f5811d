// Hexadecimal, base64 and constant-time comparison.
#include "base/bytes.h"

#include <vector>

#include <gtest/gtest.h>

namespace sqs_fdw {
namespace {

std::string UrlEncode(std::string_view bytes)
{
	std::string out(Base64UrlSize(bytes.size()), '\0');
	Base64UrlEncode(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(), out.data());
	return out;
}

// In a buffer of exactly the promised size, so that AddressSanitizer sees a byte too many.
std::optional<std::string> UrlDecode(std::string_view text)
{
	std::vector<uint8_t> out(text.size() / 4 * 3 + 2);
	const auto size = Base64UrlDecode(text, out.data());
	if (!size)
		return std::nullopt;
	EXPECT_LE(*size, out.size());
	return std::string(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*size));
}

std::string AllBytes()
{
	std::string bytes;
	for (int i = 0; i < 256; ++i)
		bytes.push_back(static_cast<char>(i));
	return bytes;
}

TEST(HexEncode, is_lower_case)
{
	EXPECT_EQ(HexEncode(""), "");
	EXPECT_EQ(HexEncode(std::string_view("\x00\x0f\xa5\xff", 4)), "000fa5ff");
	EXPECT_EQ(HexEncode(AllBytes()).size(), 512u);
}

// RFC 4648 section 10.
TEST(Base64, has_the_published_forms)
{
	const std::pair<const char *, const char *> pairs[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
	    {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
	for (const auto &[plain, encoded] : pairs) {
		EXPECT_EQ(Base64Encode(plain), encoded);
		EXPECT_EQ(Base64Decode(encoded), plain);
		const std::string unpadded = std::string(encoded).substr(0, std::string(encoded).find('='));
		EXPECT_EQ(UrlEncode(plain), unpadded);
		EXPECT_EQ(UrlDecode(unpadded), plain);
	}
}

TEST(Base64, comes_back_for_every_length_and_byte)
{
	const std::string bytes = AllBytes();
	for (size_t size = 0; size <= bytes.size(); ++size) {
		const std::string_view part = std::string_view(bytes).substr(bytes.size() - size);
		EXPECT_EQ(Base64Decode(Base64Encode(part)), part);
		EXPECT_EQ(UrlDecode(UrlEncode(part)), part);
		EXPECT_EQ(UrlEncode(part).size(), Base64UrlSize(size));
	}
}

TEST(Base64, alphabets_differ_in_two_characters_and_do_not_mix)
{
	const std::string_view bytes("\xfb\xff\xbf", 3);
	EXPECT_EQ(Base64Encode(bytes), "+/+/");
	EXPECT_EQ(UrlEncode(bytes), "-_-_");
	EXPECT_FALSE(Base64Decode("-_-_"));
	EXPECT_FALSE(UrlDecode("+/+/"));
}

TEST(Base64Decode, is_strict)
{
	using namespace std::string_view_literals;
	for (const std::string_view text : {"Z"sv, "Zg"sv, "Zg="sv, "Zg==="sv, "Zg== "sv, " Zg=="sv,
	         "Zm9v\n"sv, "Z==="sv, "===="sv, "=Zg="sv, "Zg=a"sv, "Zm=v"sv, "Zm9vZg==Zm9v"sv,
	         "Zh=="sv, "Zm9="sv, "Zm\0v"sv, "Zm\xc3\xa9"sv, "Zm9v===="sv})
		EXPECT_FALSE(Base64Decode(text)) << text;
}

TEST(Base64UrlDecode, is_strict_and_canonical)
{
	using namespace std::string_view_literals;
	for (const std::string_view text : {"Z"sv, "Zm9vY"sv, "Zg=="sv, "Zh"sv, "Zm9"sv, "Zm9 "sv,
	         "Zm9v\n"sv, "Zm\0v"sv, "\xff\xff"sv})
		EXPECT_FALSE(UrlDecode(text)) << text;
}

// Of all texts of two characters exactly those with zero unused bits decode, each to its own byte.
TEST(Base64UrlDecode, gives_every_byte_one_text)
{
	std::vector<int> seen(256, 0);
	for (int a = 0; a < 256; ++a)
		for (int b = 0; b < 256; ++b)
			if (const auto byte =
			        UrlDecode(std::string{static_cast<char>(a), static_cast<char>(b)}))
				++seen[static_cast<unsigned char>(byte->at(0))];
	for (const int count : seen)
		EXPECT_EQ(count, 1);
}

TEST(ConstantTimeEqual, sees_a_difference_of_one_bit_anywhere)
{
	const std::string bytes = AllBytes();
	EXPECT_TRUE(ConstantTimeEqual(bytes.data(), std::string(bytes).data(), bytes.size()));
	for (size_t i = 0; i < bytes.size(); ++i) {
		std::string other = bytes;
		other[i] = static_cast<char>(other[i] ^ (1 << (i % 8)));
		EXPECT_FALSE(ConstantTimeEqual(bytes.data(), other.data(), bytes.size())) << i;
	}
	EXPECT_TRUE(ConstantTimeEqual("a", "b", 0));
	EXPECT_TRUE(ConstantTimeEqual(nullptr, nullptr, 0));
}

}  // namespace
}  // namespace sqs_fdw
