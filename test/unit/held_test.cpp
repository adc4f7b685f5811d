// The table of the messages that a transaction has in hand.
#include "pg/held.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace sqs_fdw::pg {
namespace {

MessageKey Key(uint64_t number)
{
	MessageKey key{};
	std::memcpy(key.data(), &number, sizeof number);
	return key;
}

aws::Handle HandleOf(const std::string &text)
{
	aws::Message message;
	message.handle = text;
	return aws::HandleBlock({message}).Next(message);
}

TEST(Held, AMessageIsEnteredOnce)
{
	HeldMessages held;
	const auto first = held.Enter(Key(1));
	EXPECT_TRUE(first.is_new);
	const auto again = held.Enter(Key(1));
	EXPECT_FALSE(again.is_new);
	EXPECT_EQ(again.message, first.message);
	EXPECT_TRUE(held.Enter(Key(2)).is_new);
	EXPECT_EQ(held.size(), 2u);
}

TEST(Held, AForgottenMessageIsNewAgain)
{
	HeldMessages held;
	const Held *message = held.Enter(Key(1)).message;
	held.Forget(message);
	EXPECT_EQ(held.size(), 0u);
	EXPECT_TRUE(held.Enter(Key(1)).is_new);
}

TEST(Held, AnEntryOfAnotherTableIsLeftAlone)
{
	HeldMessages held;
	HeldMessages other;
	const Held *message = held.Enter(Key(1)).message;
	other.Forget(message);
	other.Enter(Key(1));
	other.Forget(message);
	EXPECT_EQ(other.size(), 1u);
	EXPECT_FALSE(held.Enter(Key(1)).is_new);
}

TEST(Held, EntriesStayWhereTheyAreAndAreFoundWhateverElseIsForgotten)
{
	std::mt19937 random(4711);
	HeldMessages held;
	std::map<uint64_t, Held *> model;
	for (int step = 0; step < 200'000; ++step) {
		// Few enough keys that each comes and goes often, and that cells are crowded.
		const uint64_t number = random() % 5'000;
		const auto known = model.find(number);
		if (known != model.end() && random() % 2 == 0) {
			ASSERT_EQ(known->second->handle.text(), std::to_string(number));
			held.Forget(known->second);
			model.erase(known);
			continue;
		}
		const auto [message, is_new] = held.Enter(Key(number));
		ASSERT_EQ(is_new, known == model.end());
		if (!is_new) {
			ASSERT_EQ(message, known->second);
			continue;
		}
		message->handle = HandleOf(std::to_string(number));
		model[number] = message;
	}
	EXPECT_EQ(held.size(), model.size());
	for (const auto &[number, message] : model) {
		EXPECT_EQ(held.Enter(Key(number)).message, message);
		EXPECT_EQ(message->id, Key(number));
	}
}

TEST(Handle, HandlesOfAReplyShareABlockThatLivesAsLongAsOneOfThem)
{
	std::vector<aws::Message> messages(3);
	messages[0].handle = "first";
	messages[1].handle = "";
	messages[2].handle = "third";
	std::vector<aws::Handle> handles;
	{
		aws::HandleBlock block(messages);
		for (const aws::Message &message : messages)
			handles.push_back(block.Next(message));
	}
	EXPECT_EQ(handles[0].text(), "first");
	EXPECT_EQ(handles[1].text(), "");
	aws::Handle last = std::move(handles[2]);
	EXPECT_EQ(handles[2].text(), "");
	handles.clear();
	EXPECT_EQ(last.text(), "third");
	const aws::Handle copy = last;
	last = aws::Handle();
	EXPECT_EQ(copy.text(), "third");
	EXPECT_EQ(last.text(), "");
}

}  // namespace
}  // namespace sqs_fdw::pg
