// Unix times as numbers: seconds, milliseconds, and what is neither.
#include "base/epoch.h"

#include <string>

#include <gtest/gtest.h>

namespace sqs_fdw {
namespace {

TEST(Epoch, SmallNumbersAreSeconds)
{
	EXPECT_EQ(EpochMicroseconds("0"), 0);
	EXPECT_EQ(EpochMicroseconds("1"), 1'000'000);
	EXPECT_EQ(EpochMicroseconds("1700000000"), 1'700'000'000'000'000);
	EXPECT_EQ(EpochMicroseconds("-1700000000"), -1'700'000'000'000'000);
	EXPECT_EQ(EpochMicroseconds("99999999999"), 99'999'999'999'000'000);
}

TEST(Epoch, GreatNumbersAreMilliseconds)
{
	EXPECT_EQ(EpochMicroseconds("100000000000"), 100'000'000'000'000);
	EXPECT_EQ(EpochMicroseconds("1700000000123"), 1'700'000'000'123'000);
	EXPECT_EQ(EpochMicroseconds("-1700000000123"), -1'700'000'000'123'000);
	EXPECT_EQ(EpochMicroseconds("99999999999999"), 99'999'999'999'999'000);
}

TEST(Epoch, GreaterOnesAreNone)
{
	EXPECT_EQ(EpochMicroseconds("100000000000000"), std::nullopt);
	EXPECT_EQ(EpochMicroseconds("-100000000000000"), std::nullopt);
	EXPECT_EQ(EpochMicroseconds("1e14"), std::nullopt);
	EXPECT_EQ(EpochMicroseconds("1e400"), std::nullopt);
	EXPECT_EQ(EpochMicroseconds("1e99999999999999999999999"), std::nullopt);
	EXPECT_EQ(EpochMicroseconds(std::string(400, '9')), std::nullopt);
}

TEST(Epoch, FractionsAreKeptToTheMicrosecond)
{
	EXPECT_EQ(EpochMicroseconds("1700000000.123456"), 1'700'000'000'123'456);
	EXPECT_EQ(EpochMicroseconds("1700000000.1"), 1'700'000'000'100'000);
	EXPECT_EQ(EpochMicroseconds("1700000000123.456"), 1'700'000'000'123'456);
	EXPECT_EQ(EpochMicroseconds("-0.000001"), -1);
	EXPECT_EQ(EpochMicroseconds("0.25"), 250'000);
	// A double holds the first, not the second.
	EXPECT_EQ(EpochMicroseconds("99999999999.999998"), 99'999'999'999'999'998);
	EXPECT_EQ(EpochMicroseconds("99999999999.999999"), 99'999'999'999'999'999);
}

TEST(Epoch, WhatIsBehindTheMicrosecondIsRounded)
{
	EXPECT_EQ(EpochMicroseconds("1.1234564999"), 1'123'456);
	EXPECT_EQ(EpochMicroseconds("1.1234565"), 1'123'457);
	EXPECT_EQ(EpochMicroseconds("-1.1234565"), -1'123'457);
	EXPECT_EQ(EpochMicroseconds("99999999999.9999999"), 100'000'000'000'000'000);
	EXPECT_EQ(EpochMicroseconds("1700000000123.4567"), 1'700'000'000'123'457);
	EXPECT_EQ(EpochMicroseconds("0.0000005"), 1);
	EXPECT_EQ(EpochMicroseconds("0.00000049"), 0);
	EXPECT_EQ(EpochMicroseconds("0.00000005"), 0);
	EXPECT_EQ(EpochMicroseconds("1e-400"), 0);
	EXPECT_EQ(EpochMicroseconds("1e-99999999999999999999"), 0);
}

TEST(Epoch, ExponentsMoveThePoint)
{
	EXPECT_EQ(EpochMicroseconds("1.7e9"), 1'700'000'000'000'000);
	EXPECT_EQ(EpochMicroseconds("1.7E+12"), 1'700'000'000'000'000);
	EXPECT_EQ(EpochMicroseconds("17000000000000e-4"), 1'700'000'000'000'000);
	EXPECT_EQ(EpochMicroseconds("0.0000000017e18"), 1'700'000'000'000'000);
	EXPECT_EQ(EpochMicroseconds("1e11"), 100'000'000'000'000);
	EXPECT_EQ(EpochMicroseconds("0.99999999999e11"), 99'999'999'999'000'000);
	EXPECT_EQ(EpochMicroseconds("0.1e1"), 1'000'000);
}

TEST(Epoch, ZeroIsZeroHoweverItIsWritten)
{
	for (const char *zero : {"-0", "0.0", "-0.000", "0e5", "0e400", "0.0e-400"})
		EXPECT_EQ(EpochMicroseconds(zero), 0) << zero;
}

}  // namespace
}  // namespace sqs_fdw
