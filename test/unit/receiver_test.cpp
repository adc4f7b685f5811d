// The fleet of long polls: how it grows and shrinks, its budgets, and what it hands on.
#include "aws/receiver.h"

#include "fake_server.h"
#include "fake_sqs.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sqs_fdw::aws {
namespace {

using namespace test;
using std::chrono::milliseconds;

int AskedBy(const FakeRequest &request)
{
	const std::string key = "\"MaxNumberOfMessages\":";
	return std::stoi(request.body.substr(request.body.find(key) + key.size()));
}

// A queue that always has as many messages as are asked for.
FakeReply Full(const FakeRequest &request)
{
	return Messages(AskedBy(request));
}

ReceiverOptions Options()
{
	ReceiverOptions options;
	options.request = Receive();
	return options;
}

class Fleet {
public:
	explicit Fleet(FakeServer::Handler handler, const ReceiverOptions &options = Options())
	    : server(std::move(handler))
	{
		ClientOptions client_options = OptionsFor(server);
		client_options.max_attempts = 1;
		client = std::make_shared<Client>(client_options, Keys());
		receiver = std::make_unique<Receiver>(client, options);
	}

	// Pumps until every poll under way has ended, and starts new ones once more.
	void Round()
	{
		while (server.request_count() < started())
			client->Drive(Never, In(5));
		for (int i = 0; i < 200 && client->Drive(Never, In(20)) == Ran::kProgress; ++i) {
		}
		receiver->Pump();
	}

	int started() const { return static_cast<int>(client->counters().requests); }

	int Drain() const
	{
		int messages = 0;
		while (const auto batch = receiver->Next())
			messages += static_cast<int>(batch->messages.size());
		return messages;
	}

	FakeServer server;
	std::shared_ptr<Client> client;
	std::unique_ptr<Receiver> receiver;
};

TEST(Receiver, StartsNothingBeforeTheFirstPumpAndThenOnePoll)
{
	Fleet fleet(Full);
	EXPECT_EQ(fleet.receiver->polls_under_way(), 0U);
	fleet.receiver->Pump();
	EXPECT_EQ(fleet.receiver->polls_under_way(), 1U);
	fleet.receiver->Pump();
	EXPECT_EQ(fleet.receiver->polls_under_way(), 1U);
}

TEST(Receiver, GrowsByOnePollForEachFullReplyUpToItsMost)
{
	ReceiverOptions options = Options();
	options.max_polls = 5;
	Fleet fleet(Full, options);
	fleet.receiver->Pump();
	std::vector<size_t> polls;
	for (int i = 0; i < 4; ++i) {
		fleet.Round();
		polls.push_back(fleet.receiver->polls_under_way());
		fleet.Drain();
	}
	EXPECT_EQ(polls, (std::vector<size_t>{2, 4, 5, 5}));
	EXPECT_FALSE(fleet.receiver->saw_empty());
}

TEST(Receiver, ShrinksWithRepliesThatAreNotFullAndStartsAgainFromOneAfterAnEmptyOne)
{
	std::atomic<int> give{10};
	Fleet fleet([&](const FakeRequest &) { return Messages(give); });
	fleet.receiver->Pump();
	for (int i = 0; i < 3; ++i) {
		fleet.Round();
		fleet.Drain();
	}
	ASSERT_EQ(fleet.receiver->polls_under_way(), 8U);
	give = 9;
	fleet.Round();
	fleet.Drain();
	ASSERT_LT(fleet.receiver->polls_under_way(), 8U);
	give = 10;
	fleet.Round();
	fleet.Drain();
	ASSERT_GT(fleet.receiver->polls_under_way(), 1U);
	EXPECT_EQ(fleet.receiver->empty_polls(), 0);
	give = 0;
	fleet.Round();
	EXPECT_EQ(fleet.receiver->polls_under_way(), 1U);
	EXPECT_TRUE(fleet.receiver->saw_empty());
	EXPECT_GT(fleet.receiver->empty_polls(), 0);
}

TEST(Receiver, AsksForNoMoreThanIsWanted)
{
	Fleet fleet(Full);
	fleet.receiver->set_wanted(23);
	fleet.receiver->Pump();
	int messages = 0;
	for (int i = 0; i < 6; ++i) {
		fleet.Round();
		messages += fleet.Drain();
	}
	EXPECT_EQ(messages, 23);
	EXPECT_EQ(fleet.receiver->messages(), 23);
	EXPECT_EQ(fleet.receiver->polls_under_way(), 0U);
	std::vector<int> asked;
	for (const FakeRequest &request : fleet.server.requests())
		asked.push_back(AskedBy(request));
	std::sort(asked.begin(), asked.end());
	EXPECT_EQ(asked, (std::vector<int>{3, 10, 10}));

	fleet.receiver->set_wanted(1);
	fleet.receiver->Pump();
	fleet.Round();
	EXPECT_EQ(fleet.Drain(), 1);
	EXPECT_EQ(fleet.receiver->polls_under_way(), 0U);
}

TEST(Receiver, WantingNothingAsksForNothing)
{
	Fleet fleet(Full);
	fleet.receiver->set_wanted(0);
	fleet.receiver->Pump();
	EXPECT_EQ(fleet.receiver->polls_under_way(), 0U);
}

TEST(Receiver, KeepsToItsBudgetOfMessages)
{
	ReceiverOptions options = Options();
	options.buffer_messages = 35;
	Fleet fleet(Full, options);
	fleet.receiver->Pump();
	for (int i = 0; i < 6; ++i)
		fleet.Round();
	EXPECT_EQ(fleet.receiver->messages(), 30);
	EXPECT_EQ(fleet.receiver->polls_under_way(), 0U);
	EXPECT_NE(fleet.receiver->Next(), nullptr);
	fleet.receiver->Pump();
	EXPECT_EQ(fleet.receiver->polls_under_way(), 1U);
}

TEST(Receiver, KeepsToItsBudgetOfBytes)
{
	const std::string body = R"({"Messages":[{"MessageId":"m","ReceiptHandle":"h","Body":")" +
	                         std::string(10000, 'x') + "\"}]}";
	ReceiverOptions options = Options();
	options.request.max_messages = 1;
	options.buffer_bytes = 45000;
	Fleet fleet([&](const FakeRequest &) { return Reply(body); }, options);
	fleet.receiver->Pump();
	for (int i = 0; i < 8; ++i)
		fleet.Round();
	EXPECT_GE(fleet.receiver->messages(), 3);
	EXPECT_LE(fleet.receiver->messages(), 4);
	EXPECT_EQ(fleet.receiver->polls_under_way(), 0U);
}

TEST(Receiver, ABudgetBelowOneReplyStillLetsOnePollGo)
{
	ReceiverOptions options = Options();
	options.buffer_messages = 1;
	options.buffer_bytes = 1;
	Fleet fleet(Full, options);
	fleet.receiver->Pump();
	fleet.Round();
	EXPECT_EQ(fleet.Drain(), 10);
	fleet.receiver->Pump();
	EXPECT_EQ(fleet.receiver->polls_under_way(), 1U);
}

TEST(Receiver, ASlowPollHoldsUpNoOther)
{
	Fleet fleet([](const FakeRequest &request) {
		if (request.index == 1)
			return Broken(FakeReply::Then::kHang);
		return Full(request);
	});
	fleet.receiver->Pump();
	int messages = 0;
	const TimePoint deadline = In(400);
	while (messages < 100 && Clock::now() < deadline) {
		fleet.receiver->Pump();
		fleet.client->Drive(Never, deadline);
		fleet.receiver->Pump();
		messages += fleet.Drain();
	}
	EXPECT_GE(messages, 100);
}

TEST(Receiver, RepliesComeInTheOrderOfTheirArrival)
{
	Fleet fleet([](const FakeRequest &request) {
		FakeReply reply = Messages(10, request.index * 10);
		reply.delay = milliseconds(request.index == 1 ? 120 : 5);
		return reply;
	});
	fleet.receiver->Pump();
	std::vector<std::string> first_ids;
	while (first_ids.size() < 4) {
		fleet.receiver->Pump();
		fleet.client->Drive(Never, In(300));
		fleet.receiver->Pump();
		while (const auto batch = fleet.receiver->Next())
			first_ids.emplace_back(batch->messages.at(0).id);
	}
	EXPECT_EQ(first_ids[0], "m0");
	EXPECT_NE(first_ids[1], "m10");
	EXPECT_NE(first_ids[2], "m10");
}

TEST(Receiver, AnErrorComesAfterWhatArrivedBeforeIt)
{
	Fleet fleet([](const FakeRequest &request) {
		return request.index == 0 ? Full(request) : Refusal(403, "AccessDenied");
	});
	fleet.receiver->Pump();
	fleet.Round();  // the first reply, and two polls that will fail
	for (int i = 0; i < 100 && fleet.client->Drive(Never, In(50)) == Ran::kProgress; ++i) {
	}
	EXPECT_NO_THROW(fleet.receiver->Pump());
	EXPECT_EQ(fleet.receiver->polls_under_way(), 0U);  // and no more are started
	EXPECT_EQ(fleet.Drain(), 10);
	try {
		fleet.receiver->Pump();
		FAIL() << "no error";
	} catch (const Error &error) {
		EXPECT_EQ(error.fault(), Fault::kDenied);
	}
	// The owner may go on.
	EXPECT_NO_THROW(fleet.receiver->Pump());
	EXPECT_EQ(fleet.receiver->polls_under_way(), 1U);
}

TEST(Receiver, StopLetsPollsUnderWayEndAndStartsNoMore)
{
	Fleet fleet(Full);
	fleet.receiver->Pump();
	fleet.client->Drive(Never, Clock::now());
	fleet.receiver->Stop();
	fleet.Round();
	EXPECT_EQ(fleet.Drain(), 10);
	EXPECT_EQ(fleet.receiver->polls_under_way(), 0U);
	EXPECT_EQ(fleet.server.request_count(), 1);
}

TEST(Receiver, StopDropsPollsThatWereNeverSent)
{
	Fleet fleet(Full);
	fleet.receiver->Pump();
	fleet.Round();
	ASSERT_GT(fleet.receiver->polls_under_way(), 0U);
	fleet.receiver->Stop();
	EXPECT_EQ(fleet.receiver->polls_under_way(), 0U);
	EXPECT_EQ(fleet.client->Drive(Never, In(100)), Ran::kIdle);
	EXPECT_EQ(fleet.server.request_count(), 1);
	EXPECT_EQ(fleet.Drain(), 10);
}

TEST(Receiver, DestroyingItCancelsItsPolls)
{
	Fleet fleet([](const FakeRequest &) { return Broken(FakeReply::Then::kHang); });
	fleet.receiver->Pump();
	fleet.client->Drive(Never, In(20));
	fleet.receiver.reset();
	EXPECT_EQ(fleet.client->Drive(Never, In(100)), Ran::kIdle);
}

TEST(Receiver, TellsWhenItsPollsEnd)
{
	Fleet fleet([](const FakeRequest &) { return Broken(FakeReply::Then::kHang); });
	const TimePoint none = fleet.receiver->PollsEndBy();
	EXPECT_LE(none, Clock::now());
	ReceiverOptions options = Options();
	options.request.wait = std::chrono::seconds(7);
	Receiver receiver(fleet.client, options);
	const TimePoint before = Clock::now();
	receiver.Pump();
	EXPECT_GE(receiver.PollsEndBy(), before + std::chrono::seconds(7));
	EXPECT_LE(receiver.PollsEndBy(), Clock::now() + std::chrono::seconds(7));
}

}  // namespace
}  // namespace sqs_fdw::aws
