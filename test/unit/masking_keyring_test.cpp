// Keyring texts: what is read, and what is refused without a word of what it says.
#include "masking/keyring.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/error.h"
#include "vectors_masking.h"

namespace sqs_fdw::masking {
namespace {

Keyring Ring(const std::string &text)
{
	return Keyring(text, WallTime());
}

// The text must be refused, with `part` in the message, a hint, and none of its words.
void ExpectRefused(const std::string &text, const std::string &part)
{
	try {
		Ring(text);
		ADD_FAILURE() << "accepted, expected: " << part;
	} catch (const Error &error) {
		EXPECT_EQ(error.fault(), Fault::kKeyring);
		EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
		EXPECT_NE(error.hint(), "");
		const std::string all = error.what() + error.detail() + error.hint();
		for (const std::string &bytes : {CountingBytes(), SameBytes('2'), SameBytes('3')})
			EXPECT_EQ(all.find(Base64Encode(bytes).substr(0, 8)), std::string::npos) << all;
		EXPECT_EQ(all.find("sesame"), std::string::npos) << all;
	}
}

const std::string kSecond = KeyLine("k2", "decrypt", SameBytes('2'));
const std::string kThird = KeyLine("k3", "disabled", SameBytes('3'));

TEST(Keyring, reads_keys_states_comments_and_blank_lines)
{
	const WallTime now = WallClock::now();
	const Keyring ring(
	    "# ours\n\n   \t \n" + CountingLine() + "\t" + kSecond + "#\n" + kThird, now);
	ASSERT_EQ(ring.keys().size(), 3U);
	EXPECT_EQ(ring.active().id(), "k1");
	EXPECT_EQ(ring.loaded_at(), now);
	EXPECT_EQ(ring.Find("k1"), &ring.active());
	ASSERT_NE(ring.Find("k2"), nullptr);
	EXPECT_EQ(ring.Find("k2")->state(), KeyState::kDecrypt);
	ASSERT_NE(ring.Find("k3"), nullptr);
	EXPECT_EQ(ring.Find("k3")->state(), KeyState::kDisabled);
	EXPECT_EQ(ring.Find("k4"), nullptr);
	EXPECT_EQ(ring.Find(""), nullptr);
}

TEST(Keyring, accepts_windows_line_ends_tabs_a_comment_after_a_key_and_no_last_line_end)
{
	const std::string key = Base64Encode(CountingBytes());
	EXPECT_EQ(Ring("k1\tactive\t" + key + "\r\n").active().id(), "k1");
	EXPECT_EQ(Ring("  k1  active  " + key + "  # since May").active().id(), "k1");
}

TEST(Keyring, needs_exactly_one_active_key)
{
	ExpectRefused("", "empty");
	ExpectRefused("# nothing here\n\r\n", "empty");
	ExpectRefused(kSecond + kThird, "no active key");
	ExpectRefused(CountingLine() + KeyLine("k2", "active", SameBytes('2')), "line 2");
}

TEST(Keyring, refuses_keys_that_are_not_64_bytes)
{
	for (const size_t size : {1, 16, 32, 48, 63, 65, 128})
		ExpectRefused("\n" + KeyLine("k1", "active", std::string(size, 'k')), "line 2");
}

TEST(Keyring, refuses_keys_that_are_not_base64)
{
	std::string key = Base64Encode(CountingBytes());
	for (const std::string &bad : {key.substr(0, 86), key.substr(0, 87), key + "=", key.substr(1),
	         "sesame" + key.substr(6, 81) + "!", std::string(88, '='), std::string(88, '-')})
		ExpectRefused("k1 active " + bad + "\n", "line 1");
	key[85] = 'x';  // bits after the last byte are not zero
	ExpectRefused("k1 active " + key + "\n", "not base64");
}

TEST(Keyring, refuses_lines_of_other_shapes)
{
	const std::string key = Base64Encode(CountingBytes());
	const std::string bad_lines[] = {"k1 active", "k1", "k1 active\n" + key, "k1 " + key,
	    key + " active k1", "active k1 " + key, "k1 active " + key + " sesame", "k1 Active " + key,
	    "k1 sesame " + key, "K1 active " + key, "k_1 active " + key,
	    "12345678901234567 active " + key, "k1,active," + key,
	    "k1 active " + key.substr(0, 64) + "\n" + key.substr(64),
	    std::string("k1\0 active ", 11) + key};
	for (const std::string &bad : bad_lines)
		ExpectRefused(bad + "\n", "keyring line 1");
}

TEST(Keyring, refuses_an_id_twice_and_a_key_twice)
{
	ExpectRefused(CountingLine() + KeyLine("k1", "decrypt", SameBytes('2')), "repeats the key id");
	ExpectRefused(CountingLine() + "\n" + KeyLine("k2", "disabled", CountingBytes()),
	    "keyring line 3 repeats the key of line 1");
}

TEST(Keyring, refuses_byte_order_marks_by_name)
{
	for (const std::string mark : {"\xef\xbb\xbf", "\xfe\xff", "\xff\xfe"})
		ExpectRefused(mark + CountingLine(), "byte order mark");
}

// Keys of different ids and bytes, the first one active.
std::string ManyKeys(size_t count)
{
	std::string text;
	for (size_t i = 0; i < count; ++i) {
		std::string bytes = CountingBytes();
		bytes.replace(0, sizeof i, reinterpret_cast<const char *>(&i), sizeof i);
		text += KeyLine(
		    "abcdefghi" + std::to_string(1000000 + i), i == 0 ? "active" : "disabled", bytes);
	}
	return text;
}

// Comparing each key with each would take far longer.
TEST(Keyring, of_ten_thousand_keys_is_read_in_a_short_time)
{
	const std::string text = ManyKeys(10000);
	const TimePoint start = Clock::now();
	const Keyring ring = Ring(text);
	EXPECT_LT(Clock::now() - start, std::chrono::seconds(5));
	EXPECT_EQ(ring.keys().size(), 10000U);
	EXPECT_EQ(ring.Find("abcdefghi1009999"), ring.keys().back().get());
	ExpectRefused(text + KeyLine("k1", "decrypt", std::string(8, '\0') + CountingBytes().substr(8)),
	    "line 10001 repeats the key of line 1 ");
}

TEST(Keyring, tells_all_that_is_wrong_with_a_text)
{
	const std::string text = "k1 aktive x\n" + kSecond + "# fine\nK2 active y\n" + kSecond;
	const std::vector<Error> problems = Keyring::ProblemsOf(text);
	ASSERT_EQ(problems.size(), 3U);
	EXPECT_STREQ(problems[0].what(), "keyring line 1 is not a key id, a state and a key");
	EXPECT_STREQ(problems[1].what(), "keyring line 4 does not begin with a key id");
	EXPECT_STREQ(problems[2].what(), "keyring line 5 repeats the key id of line 2");
}

TEST(Keyring, tells_what_is_wrong_with_the_whole_only_where_every_line_is_right)
{
	EXPECT_TRUE(Keyring::ProblemsOf(CountingLine() + kSecond).empty());
	const std::vector<Error> none = Keyring::ProblemsOf(kSecond);
	ASSERT_EQ(none.size(), 1U);
	EXPECT_STREQ(none[0].what(), "the keyring has no active key");
	EXPECT_EQ(Keyring::ProblemsOf("").size(), 1U);
	EXPECT_EQ(Keyring::ProblemsOf(kSecond + "x\n").size(), 1U);
	EXPECT_EQ(Keyring::ProblemsOf("\xef\xbb\xbf" + CountingLine()).size(), 1U);
}

TEST(Keyring, tells_no_more_problems_than_a_person_reads)
{
	std::string text;
	for (int i = 0; i < 1000; ++i)
		text += "nonsense\n";
	EXPECT_EQ(Keyring::ProblemsOf(text).size(), Keyring::kMaxProblems);
}

// HMAC-SHA256 of the constant, by Python.
TEST(Keyring, fingerprints_are_an_hmac_of_a_constant)
{
	const Keyring ring = Ring(CountingLine() + kSecond);
	EXPECT_EQ(ring.active().fingerprint(), "c7421cbf");
	EXPECT_EQ(ring.Find("k2")->fingerprint().size(), 8U);
	EXPECT_NE(ring.Find("k2")->fingerprint(), ring.active().fingerprint());
}

TEST(Keyring, names_states_as_it_reads_them)
{
	EXPECT_EQ(KeyStateName(KeyState::kActive), "active");
	EXPECT_EQ(KeyStateName(KeyState::kDecrypt), "decrypt");
	EXPECT_EQ(KeyStateName(KeyState::kDisabled), "disabled");
}

}  // namespace
}  // namespace sqs_fdw::masking
