// Sealed messages: known answers, the way back, and what does not open.
#include "masking/seal.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "vectors_masking.h"

namespace sqs_fdw::masking {
namespace {

constexpr std::string_view kBody = "{\"ip\":1}";

std::string Sealed(const Keyring &ring, SealedPart part, std::string_view id, std::string_view body)
{
	std::string buffer(kSivSize, '\0');
	buffer += body;
	Seal(ring.active(), part, id, reinterpret_cast<uint8_t *>(buffer.data()), body.size());
	return buffer;
}

std::string Opened(const Keyring &ring, SealedPart part, std::string_view id, std::string sealed,
    std::string_view key_id = "k1")
{
	auto *const buffer = reinterpret_cast<uint8_t *>(sealed.data());
	return sealed.substr(kSivSize, Unseal(ring, key_id, part, id, buffer, sealed.size()));
}

Keyring OneKey()
{
	return Keyring(CountingLine(), WallTime());
}

TEST(Seal, GivesTheKnownAnswers)
{
	const Keyring ring = OneKey();
	const auto hex = [&](SealedPart part, std::string_view body) {
		return HexEncode(Sealed(ring, part, "m-1", body));
	};
	EXPECT_EQ(hex(SealedPart::kBody, ""), "7d87c892ede0878364985725a412b5da");
	EXPECT_EQ(hex(SealedPart::kBody, kBody), "11eefb0931f5c9c93dc2c639c8452f903787d8fce3f3d1b0");
	EXPECT_EQ(
	    hex(SealedPart::kAttributes, kBody), "ce34a42ffb70e7eebaa3bbb13ba1f6fc5746a77bbcaf7cfc");
}

TEST(Seal, OpensWhatItSealed)
{
	const Keyring ring = OneKey();
	for (const size_t size : {0, 1, 15, 16, 17, 100000}) {
		const std::string body = Letters(size);
		const std::string sealed = Sealed(ring, SealedPart::kBody, "m-1", body);
		EXPECT_EQ(Opened(ring, SealedPart::kBody, "m-1", sealed), body);
	}
}

TEST(Seal, OpensWithAnOlderKeyOfTheRing)
{
	const std::string sealed = Sealed(OneKey(), SealedPart::kBody, "m-1", kBody);
	const Keyring rotated(
	    KeyLine("k1", "decrypt", CountingBytes()) + KeyLine("k2", "active", SameBytes('x')),
	    WallTime());
	EXPECT_EQ(Opened(rotated, SealedPart::kBody, "m-1", sealed), kBody);
}

TEST(Seal, OpensNothingElse)
{
	const Keyring ring = OneKey();
	const std::string sealed = Sealed(ring, SealedPart::kBody, "m-1", kBody);
	const auto refuses = [](auto &&open) {
		try {
			open();
		} catch (const Error &error) {
			return error.fault() == Fault::kBadMask;
		}
		return false;
	};
	EXPECT_TRUE(refuses([&] { Opened(ring, SealedPart::kBody, "m-2", sealed); }));
	EXPECT_TRUE(refuses([&] { Opened(ring, SealedPart::kAttributes, "m-1", sealed); }));
	EXPECT_TRUE(refuses([&] { Opened(ring, SealedPart::kBody, "m-1", sealed, "k9"); }));
	EXPECT_TRUE(refuses([&] { Opened(ring, SealedPart::kBody, "m-1", sealed.substr(0, 20)); }));
	EXPECT_TRUE(refuses([&] { Opened(ring, SealedPart::kBody, "m-1", sealed.substr(0, 15)); }));
	for (size_t i = 0; i < sealed.size(); ++i) {
		std::string altered = sealed;
		altered[i] = static_cast<char>(altered[i] ^ 1);
		EXPECT_TRUE(refuses([&] { Opened(ring, SealedPart::kBody, "m-1", altered); })) << i;
	}
	const Keyring disabled(
	    KeyLine("k1", "disabled", CountingBytes()) + KeyLine("k2", "active", SameBytes('x')),
	    WallTime());
	EXPECT_TRUE(refuses([&] { Opened(disabled, SealedPart::kBody, "m-1", sealed); }));
}

}  // namespace
}  // namespace sqs_fdw::masking
