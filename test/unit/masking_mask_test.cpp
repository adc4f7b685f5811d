// Masks: the known answers, the way back, and what is refused.
#include "masking/mask.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "masking/envelope.h"
#include "vectors_masking.h"

namespace sqs_fdw::masking {
namespace {

constexpr uint8_t kLogin4[kIpv4Size] = {199, 172, 111, 135};
constexpr uint8_t kLogin6[kIpv6Size] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

// What is around the place of a mask must stay as it was.
constexpr char kFence = '#';

std::string Mask(const Key &key, const std::string &value, const std::string &domain)
{
	const size_t size = MaskedTextSize(key, value.size());
	std::string out(size + 2, kFence);
	MaskText(key, domain, value, out.data() + 1);
	EXPECT_EQ(out.front(), kFence);
	EXPECT_EQ(out.back(), kFence);
	return out.substr(1, size);
}

std::string Mask(const Key &key, const IpBytes &ip)
{
	std::string out(MaskedIpSize(key), kFence);
	MaskIp(key, ip, out.data());
	return out;
}

std::string OneWay(const Key &key, const std::string &value, const std::string &domain)
{
	std::string out(PseudonymSize(key) + 2, kFence);
	MaskOneWay(key, domain, value, out.data() + 1);
	EXPECT_EQ(out.front(), kFence);
	EXPECT_EQ(out.back(), kFence);
	return out.substr(1, out.size() - 2);
}

// A buffer of exactly the promised capacity, so that a sanitizer sees one byte too much.
std::string Unmask(const Keyring &ring, const std::string &masked, const std::string &domain)
{
	std::vector<char> out(UnmaskedTextCapacity(masked.size()));
	return {out.data(), UnmaskText(ring, masked, domain, out.data())};
}

std::string Remasked(const Keyring &ring, const std::string &masked, const std::string &domain)
{
	std::vector<char> out(RemaskedCapacity(ring, masked.size()));
	return {out.data(), Remask(ring, masked, domain, out.data())};
}

Keyring Ring(const std::string &text)
{
	return Keyring(text, WallTime());
}

// Runs `body`, which must throw an Error whose texts do not hold `secret`.
void ExpectError(Fault fault, const std::function<void()> &body, const std::string &hint = "",
    const std::string &secret = "593-47-5928")
{
	try {
		body();
		ADD_FAILURE() << "no error";
	} catch (const Error &error) {
		EXPECT_EQ(error.fault(), fault) << error.what();
		EXPECT_NE(error.hint(), "");
		EXPECT_NE(error.hint().find(hint), std::string::npos) << error.hint();
		const std::string all = error.what() + error.detail() + error.hint();
		EXPECT_EQ(all.find(secret), std::string::npos) << all;
	}
}

class Masks : public testing::Test {
protected:
	const Keyring ring_{CountingLine(), WallTime()};
	const Key &key_ = ring_.active();
};

TEST_F(Masks, of_texts_are_the_known_answers_and_open_again)
{
	for (const TextVector &vector : kTextVectors) {
		EXPECT_EQ(Mask(key_, vector.value, vector.domain), vector.mask);
		EXPECT_EQ(Unmask(ring_, vector.mask, vector.domain), vector.value);
	}
}

TEST_F(Masks, of_addresses_are_the_known_answers_and_open_again)
{
	const IpBytes v4 = CanonicalIp(IpFamily::kIpv4, kLogin4);
	const IpBytes v6 = CanonicalIp(IpFamily::kIpv6, kLogin6);
	EXPECT_EQ(Mask(key_, v4), kMask199_172_111_135);
	EXPECT_EQ(Mask(key_, v6), kMask2001_db8_1);
	EXPECT_EQ(UnmaskIp(ring_, kMask199_172_111_135), v4);
	EXPECT_EQ(UnmaskIp(ring_, kMask2001_db8_1), v6);
}

TEST_F(Masks, of_every_length_open_again)
{
	std::mt19937 random(7);
	for (size_t size = 0; size < 700; ++size) {
		std::string value(size, '\0');
		for (char &c : value)
			c = static_cast<char>(random());
		ASSERT_EQ(Unmask(ring_, Mask(key_, value, "d"), "d"), value) << size;
	}
}

TEST_F(Masks, of_values_that_look_padded_open_as_they_were)
{
	for (const std::string &value : {std::string("\x80"), std::string("a\x80\0\0", 4),
	         std::string(16, '\0'), std::string(15, '\x80'), std::string("\0", 1)})
		EXPECT_EQ(Unmask(ring_, Mask(key_, value, "d"), "d"), value);
}

TEST_F(Masks, say_the_length_in_steps_of_16_only)
{
	EXPECT_EQ(MaskedTextSize(key_, 0), MaskedTextSize(key_, 15));
	EXPECT_LT(MaskedTextSize(key_, 15), MaskedTextSize(key_, 16));
	EXPECT_EQ(MaskedTextSize(key_, 11), 49U);
	EXPECT_EQ(MaskedIpSize(key_), 49U);
	EXPECT_EQ(MaskedTextSize(key_, 36), 92U);
	EXPECT_LE(MaskedTextSize(key_, 159), 256U);
}

TEST_F(Masks, of_a_domain_cannot_be_opened_in_another)
{
	const std::string mask = Mask(key_, "593-47-5928", "device_id");
	for (const char *domain : {"", "device", "device_id2", "Device_id", "ip"})
		ExpectError(Fault::kBadMask, [&] { Unmask(ring_, mask, domain); });
}

// More domains than a key remembers, in an order that makes it forget and learn again.
TEST_F(Masks, do_not_depend_on_the_domains_used_before)
{
	std::set<std::string> masks;
	for (int round = 0; round < 3; ++round) {
		for (int i = 0; i < 40; ++i) {
			masks.insert(Mask(key_, "value", "domain" + std::to_string(i)));
			ASSERT_EQ(
			    Mask(key_, kTextVectors[0].value, kTextVectors[0].domain), kTextVectors[0].mask);
		}
	}
	EXPECT_EQ(masks.size(), 40U);
}

TEST_F(Masks, with_one_changed_character_are_refused)
{
	const std::string alphabet =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ";
	for (const TextVector *vector : {&kTextVectors[0], &kTextVectors[6]}) {
		const std::string mask = vector->mask;
		for (size_t at = 0; at < mask.size(); ++at) {
			for (const char c : alphabet) {
				std::string altered = mask;
				altered[at] = c;
				if (altered == mask)
					continue;
				// Types i and h exist: there it is the function that is wrong, and the body's
				// length.
				EXPECT_THROW(Unmask(ring_, altered, vector->domain), Error) << altered;
				EXPECT_THROW(UnmaskIp(ring_, altered), Error) << altered;
			}
		}
	}
}

TEST_F(Masks, cut_short_or_longer_are_refused_as_no_mask)
{
	const std::string text = kTextVectors[6].mask;
	const std::string ip = kMask2001_db8_1;
	for (size_t size = 0; size < text.size(); ++size)
		ExpectError(
		    Fault::kBadMask, [&] { Unmask(ring_, text.substr(0, size), kTextVectors[6].domain); });
	for (size_t size = 0; size < ip.size(); ++size)
		ExpectError(Fault::kBadMask, [&] { UnmaskIp(ring_, ip.substr(0, size)); });
	for (const char *more : {"A", "AA", "=", " ", "\n", ".", "AAAAAAAAAAAAAAAAAAAAAA"}) {
		ExpectError(Fault::kBadMask, [&] { Unmask(ring_, text + more, kTextVectors[6].domain); });
		ExpectError(Fault::kBadMask, [&] { UnmaskIp(ring_, ip + more); });
	}
}

// The last character of a 32-byte body has two unused bits: one mask, one text.
TEST_F(Masks, that_are_not_canonical_base64_are_refused)
{
	const std::string ip = kMask1_2_3_4;
	ASSERT_EQ(ip.back(), 'c');
	for (const char last : {'d', 'e', 'f'})
		ExpectError(
		    Fault::kBadMask, [&] { UnmaskIp(ring_, ip.substr(0, ip.size() - 1) + last); },
		    "cut short");
}

TEST_F(Masks, of_the_other_type_are_refused_with_the_right_function_as_hint)
{
	ExpectError(
	    Fault::kInvalid, [&] { UnmaskIp(ring_, Mask(key_, "no ip", "ip")); },
	    "sqs.unmask(..., 'ip')");
	ExpectError(
	    Fault::kInvalid, [&] { Unmask(ring_, kMask1_2_3_4, "ip"); }, "sqs.unmask_ip");
	const std::string one_way = "h1.k1." + std::string(43, 'A');
	ExpectError(
	    Fault::kInvalid, [&] { Unmask(ring_, one_way, "ip"); }, "sqs.mask_hmac");
	ExpectError(
	    Fault::kInvalid, [&] { UnmaskIp(ring_, one_way); }, "sqs.mask_hmac");
}

// The type is authenticated: a body cannot be moved under another letter.
TEST_F(Masks, with_the_type_replaced_do_not_open)
{
	std::string ip = kMask1_2_3_4;
	ip[0] = 't';
	ExpectError(Fault::kBadMask, [&] { Unmask(ring_, ip, "ip"); });
	std::string text = Mask(key_, "no address", "ip");
	text[0] = 'i';
	ExpectError(Fault::kBadMask, [&] { UnmaskIp(ring_, text); });
}

TEST_F(Masks, with_a_padding_that_we_do_not_write_are_refused)
{
	for (const char *mask : kBadlyPadded)
		ExpectError(Fault::kBadMask, [&] { Unmask(ring_, mask, "d"); });
}

TEST_F(Masks, that_are_one_way_are_the_known_answers)
{
	for (const TextVector &vector : kOneWayVectors) {
		for (int twice = 0; twice < 2; ++twice)
			EXPECT_EQ(OneWay(key_, vector.value, vector.domain), vector.mask);
	}
}

// The end of the domain is marked: it cannot run over into the value.
TEST_F(Masks, that_are_one_way_keep_domain_and_value_apart)
{
	EXPECT_NE(OneWay(key_, "bc", "a"), OneWay(key_, "c", "ab"));
	EXPECT_NE(OneWay(key_, "a", "x"), OneWay(key_, "a", "y"));
	EXPECT_NE(OneWay(key_, "a", "x"),
	    OneWay(Ring(KeyLine("k1", "active", SameBytes('1'))).active(), "a", "x"));
}

class MovedMasks : public testing::Test {
protected:
	const Keyring before_{CountingLine(), WallTime()};
	const Keyring after_{
	    KeyLine("k1", "decrypt", CountingBytes()) + KeyLine("k2", "active", SameBytes('2')),
	    WallTime()};
};

TEST_F(MovedMasks, are_those_that_the_active_key_makes)
{
	for (const TextVector &vector : kTextVectors)
		EXPECT_EQ(Remasked(after_, vector.mask, vector.domain),
		    Mask(after_.active(), vector.value, vector.domain));
	const IpBytes v6 = CanonicalIp(IpFamily::kIpv6, kLogin6);
	EXPECT_EQ(Remasked(after_, kMask2001_db8_1, "ip"), Mask(after_.active(), v6));
}

TEST_F(MovedMasks, may_have_a_longer_or_shorter_key_id)
{
	for (const char *id : {"k", "a123456789bcdefg"}) {
		const Keyring ring =
		    Ring(KeyLine("k1", "decrypt", CountingBytes()) + KeyLine(id, "active", SameBytes('2')));
		for (const TextVector &vector : kTextVectors)
			EXPECT_EQ(Unmask(ring, Remasked(ring, vector.mask, vector.domain), vector.domain),
			    vector.value);
	}
}

TEST_F(MovedMasks, of_the_active_key_come_back_as_they_were_if_they_are_authentic)
{
	for (const TextVector &vector : kTextVectors) {
		EXPECT_EQ(Remasked(before_, vector.mask, vector.domain), vector.mask);
		std::string altered = vector.mask;
		altered[8] = altered[8] == 'A' ? 'B' : 'A';
		ExpectError(Fault::kBadMask, [&] { Remasked(before_, altered, vector.domain); });
		ExpectError(Fault::kBadMask, [&] { Remasked(before_, vector.mask, "other"); });
	}
	EXPECT_EQ(Remasked(before_, kMask1_2_3_4, "ip"), kMask1_2_3_4);
}

TEST_F(MovedMasks, must_be_whole_authentic_and_correctly_padded)
{
	const std::string text = kTextVectors[6].mask;
	for (size_t size = 0; size < text.size(); ++size)
		ExpectError(Fault::kBadMask,
		    [&] { Remasked(after_, text.substr(0, size), kTextVectors[6].domain); });
	const std::string ip = kMask2001_db8_1;
	for (size_t size = 0; size < ip.size(); ++size)
		ExpectError(Fault::kBadMask, [&] { Remasked(after_, ip.substr(0, size), "ip"); });
	ExpectError(Fault::kBadMask, [&] { Remasked(after_, ip + "AAAAAAAAAAAAAAAAAAAAAA", "ip"); });
	for (const char *mask : kBadlyPadded)
		ExpectError(Fault::kBadMask, [&] { Remasked(after_, mask, "d"); });
	std::string retyped = kMask1_2_3_4;
	retyped[0] = 't';
	ExpectError(Fault::kBadMask, [&] { Remasked(after_, retyped, "ip"); });
}

TEST_F(MovedMasks, of_an_address_have_the_domain_ip)
{
	for (const char *domain : {"", "device_id", "IP"})
		ExpectError(
		    Fault::kInvalid, [&] { Remasked(after_, kMask1_2_3_4, domain); },
		    "sqs.remask(..., 'ip')");
}

TEST_F(MovedMasks, are_not_one_way)
{
	ExpectError(
	    Fault::kInvalid, [&] { Remasked(after_, kOneWayVectors[0].mask, "device_id"); },
	    "sqs.mask_hmac");
}

TEST(MaskKeys, are_named_by_the_caller_unless_they_are_unknown_or_disabled)
{
	const Keyring ring =
	    Ring(KeyLine("k1", "decrypt", CountingBytes()) + KeyLine("k2", "active", SameBytes('2')) +
	         KeyLine("k3", "disabled", SameBytes('3')));
	EXPECT_EQ(&ring.KeyToMask("k1"), ring.Find("k1"));
	EXPECT_EQ(&ring.KeyToMask("k2"), &ring.active());
	ExpectError(
	    Fault::kInvalid, [&] { ring.KeyToMask("k3"); }, "decrypt");
	// It may be a value in the wrong place.
	for (const char *id : {"", "593-47-5928", "5934759280"})
		ExpectError(
		    Fault::kInvalid, [&] { ring.KeyToMask(id); }, "sqs.mask_keys()", "593");
}

TEST(MaskKeys, open_old_masks_while_they_are_for_reading)
{
	const Keyring before = Ring(CountingLine());
	const std::string old = Mask(before.active(), "593-47-5928", "device_id");
	const Keyring after =
	    Ring(KeyLine("k2", "active", SameBytes('2')) + KeyLine("k1", "decrypt", CountingBytes()));
	EXPECT_EQ(Unmask(after, old, "device_id"), "593-47-5928");
	const std::string young = Mask(after.active(), "593-47-5928", "device_id");
	EXPECT_EQ(young.substr(0, 6), "t1.k2.");
	EXPECT_EQ(Unmask(after, young, "device_id"), "593-47-5928");
}

TEST(MaskKeys, that_are_unknown_disabled_or_other_do_not_open)
{
	const std::string mask = kTextVectors[0].mask;
	const std::string active = KeyLine("k2", "active", SameBytes('2'));
	ExpectError(
	    Fault::kBadMask, [&] { Unmask(Ring(active), mask, "device_id"); }, "Add the key");
	ExpectError(
	    Fault::kBadMask, [&] { UnmaskIp(Ring(active), kMask1_2_3_4); }, "Add the key");
	const Keyring disabled = Ring(active + KeyLine("k1", "disabled", CountingBytes()));
	ExpectError(
	    Fault::kBadMask, [&] { Unmask(disabled, mask, "device_id"); }, "decrypt");
	const Keyring other = Ring(active + KeyLine("k1", "decrypt", SameBytes('1')));
	ExpectError(
	    Fault::kBadMask, [&] { Unmask(other, mask, "device_id"); }, "sqs.mask_keys()");
}

}  // namespace
}  // namespace sqs_fdw::masking
