// The text form of masks, read strictly and written.
#include "masking/envelope.h"

#include <gtest/gtest.h>

#include <string>

namespace sqs_fdw::masking {
namespace {

using namespace std::string_literals;

TEST(Envelope, takes_a_mask_apart)
{
	const auto envelope = ParseEnvelope("i1.k1.UVrAQKgHHUzQlgQC2HD4mw");
	ASSERT_TRUE(envelope);
	EXPECT_EQ(envelope->type, MaskType::kIp);
	EXPECT_EQ(envelope->key_id, "k1");
	EXPECT_EQ(envelope->body, "UVrAQKgHHUzQlgQC2HD4mw");
	EXPECT_EQ(ParseEnvelope("t1.k1.AA")->type, MaskType::kText);
	EXPECT_EQ(ParseEnvelope("h1.k1.AA")->type, MaskType::kPseudonym);
}

TEST(Envelope, refuses_what_is_not_the_head_of_a_mask)
{
	const std::string bad[] = {"", "t", "t1", "t1.", "t1.k1", "t1.k1.", "t1..AA", ".k1.AA",
	    "T1.k1.AA", "x1.k1.AA", "t0.k1.AA", "t2.k1.AA", "t1k1.AA", "t11.k1.AA", " t1.k1.AA",
	    "t1 k1.AA", "t1.K1.AA", "t1.k-1.AA", "t1.k 1.AA", "t1.k1 .AA",
	    "t1.k\0"
	    "1.AA"s,
	    "t1.\xc3\xa4.AA", "t1.12345678901234567.AA",
	    "\0"
	    "1.k1.AA"s,
	    "593-47-5928", "1.2.3.4"};
	for (const std::string &mask : bad)
		EXPECT_FALSE(ParseEnvelope(mask)) << mask;
}

TEST(Envelope, key_ids_are_1_to_16_of_a_to_z_and_0_to_9)
{
	EXPECT_TRUE(IsKeyId("a"));
	EXPECT_TRUE(IsKeyId("0z9a"));
	EXPECT_TRUE(IsKeyId("1234567890123456"));
	for (const char *bad : {"", "12345678901234567", "K1", "k_1", "k.1", "k 1", "\xc3\xa4"})
		EXPECT_FALSE(IsKeyId(bad)) << bad;
}

TEST(Envelope, the_head_that_is_written_is_read_back)
{
	for (const std::string &id : {"k"s, "k1"s, "1234567890123456"s}) {
		std::string mask(EnvelopeHeadSize(id), '?');
		EXPECT_EQ(WriteEnvelopeHead(MaskType::kText, id, mask.data()), mask.data() + mask.size());
		EXPECT_EQ(mask, "t1." + id + ".");
		const auto envelope = ParseEnvelope(mask += "AA");
		ASSERT_TRUE(envelope);
		EXPECT_EQ(envelope->key_id, id);
	}
}

TEST(Envelope, associated_data_is_what_the_format_says)
{
	EXPECT_EQ(AssociatedData(MaskType::kText, "device_id"), "sqs_fdw\0t1\0device_id"s);
	EXPECT_EQ(AssociatedData(MaskType::kIp, "ip"), "sqs_fdw\0i1\0ip"s);
	EXPECT_EQ(AssociatedData(MaskType::kText, ""), "sqs_fdw\0t1\0"s);
}

}  // namespace
}  // namespace sqs_fdw::masking
