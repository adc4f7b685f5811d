// What the ledger knows messages by.
#include "pg/ledger_key.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/bytes.h"

namespace sqs_fdw::pg {
namespace {

std::string Hex(std::string_view id)
{
	const auto bytes = MessageIdBytes(id);
	return HexEncode({reinterpret_cast<const char *>(bytes.data()), bytes.size()});
}

TEST(LedgerKey, AUuidIsItsBytes)
{
	EXPECT_EQ(Hex("5fea7756-0ea4-451a-a703-a558b933e274"), "5fea77560ea4451aa703a558b933e274");
	EXPECT_EQ(Hex("5FEA7756-0EA4-451A-A703-A558B933E274"), "5fea77560ea4451aa703a558b933e274");
}

TEST(LedgerKey, AnyOtherIdIsHashed)
{
	// The published FNV-1a vectors of 128 bits.
	EXPECT_EQ(Hex(""), "6c62272e07bb014262b821756295c58d");
	EXPECT_EQ(Hex("a"), "d228cb696f1a8caf78912b704e4a8964");
	const std::set<std::string> hashes = {Hex("5fea7756-0ea4-451a-a703-a558b933e27"),
	    Hex("5fea7756-0ea4-451a-a703-a558b933e27g"), Hex("5fea7756x0ea4-451a-a703-a558b933e274"),
	    Hex("5fea77560ea4451aa703a558b933e274"), Hex("message 1"), Hex("message 2")};
	EXPECT_EQ(hashes.size(), 6U);
	EXPECT_EQ(hashes.count("5fea77560ea4451aa703a558b933e274"), 0U);
}

TEST(LedgerKey, AQueueIsTheSameUnderEveryHost)
{
	const auto number = [](const char *host, const char *path) {
		return QueueNumber("us-east-1", std::string("https://") + host + path);
	};
	const int32_t logins = number("sqs.us-east-1.amazonaws.com", "/123456789012/logins");
	EXPECT_EQ(number("127.0.0.1:9324", "/123456789012/logins"), logins);
	EXPECT_NE(number("sqs.us-east-1.amazonaws.com", "/123456789012/orders"), logins);
	EXPECT_NE(number("sqs.us-east-1.amazonaws.com", "/999456789012/logins"), logins);
}

TEST(LedgerKey, ARegionHasAQueueOfItsOwn)
{
	constexpr char kUrl[] = "https://queue.example/123456789012/logins";
	EXPECT_NE(QueueNumber("us-east-1", kUrl), QueueNumber("eu-west-1", kUrl));
}

}  // namespace
}  // namespace sqs_fdw::pg
