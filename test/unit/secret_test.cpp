// Secrets: owned, moved, and overwritten before their memory is given back.
#include "base/secret.h"

#include <ostream>
#include <string>
#include <type_traits>

#include <gtest/gtest.h>

namespace sqs_fdw {
namespace {

template <class T, class = void>
struct IsPrintable : std::false_type {
};
template <class T>
struct IsPrintable<T, std::void_t<decltype(std::declval<std::ostream &>() << std::declval<T>())>>
    : std::true_type {
};

static_assert(!IsPrintable<const Secret &>::value, "a secret must not print");
static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_convertible_v<std::string_view, Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret>);
static_assert(std::is_nothrow_move_assignable_v<Secret>);

constexpr std::string_view kText = "correct horse battery staple";
const std::string kZeros(kText.size(), '\0');

TEST(Secret, holds_a_copy_of_any_bytes)
{
	std::string bytes("a\0b\xff", 4);
	const Secret secret(bytes);
	bytes.assign(4, 'x');
	EXPECT_TRUE(secret.Reveal() == std::string_view("a\0b\xff", 4));
	EXPECT_EQ(secret.size(), 4u);
	EXPECT_FALSE(secret.empty());
}

TEST(Secret, is_empty_by_default_and_of_nothing)
{
	EXPECT_TRUE(Secret().empty());
	EXPECT_TRUE(Secret("").empty());
	EXPECT_TRUE(Secret(std::string_view()).Reveal().empty());
	EXPECT_TRUE(Secret().Clone().empty());
}

// Small blocks stay mapped when they are given back, so a test can look at what is left in them.
std::string Left(const char *data)
{
	return {data, kText.size()};
}

TEST(Secret, is_overwritten_when_destroyed)
{
	const char *data;
	{
		const Secret secret(kText);
		data = secret.Reveal().data();
		ASSERT_EQ(Left(data), kText);
	}
	EXPECT_EQ(Left(data), kZeros);
}

TEST(Secret, is_overwritten_when_another_takes_its_place)
{
	Secret secret(kText);
	const char *const data = secret.Reveal().data();
	secret = Secret("next");
	EXPECT_EQ(Left(data), kZeros);
	EXPECT_TRUE(secret.Reveal() == "next");
}

TEST(Secret, can_be_filled_in_place)
{
	Secret secret = Secret::Zeroed(kText.size());
	EXPECT_EQ(std::string(secret.Reveal()), kZeros);
	kText.copy(secret.Writable(), kText.size());
	EXPECT_TRUE(secret.Reveal() == kText);
	EXPECT_TRUE(Secret::Zeroed(0).empty());
}

TEST(Secret, moves_without_copying_and_leaves_nothing)
{
	Secret from(kText);
	const char *const data = from.Reveal().data();
	Secret to(std::move(from));
	EXPECT_EQ(to.Reveal().data(), data);
	EXPECT_TRUE(from.empty());
	from = std::move(to);
	EXPECT_EQ(from.Reveal().data(), data);
	EXPECT_TRUE(to.empty());
}

TEST(Secret, survives_being_moved_to_itself)
{
	Secret secret(kText);
	Secret &same = secret;
	secret = std::move(same);
	EXPECT_TRUE(secret.Reveal() == kText);
}

TEST(Secret, clones_into_memory_of_its_own)
{
	Secret secret(kText);
	const Secret clone = secret.Clone();
	secret = Secret();
	EXPECT_TRUE(clone.Reveal() == kText);
}

TEST(Cleanse, overwrites_with_zeros)
{
	std::string bytes(kText);
	Cleanse(bytes.data(), bytes.size());
	EXPECT_EQ(bytes, kZeros);
	Cleanse(nullptr, 0);
}

}  // namespace
}  // namespace sqs_fdw
