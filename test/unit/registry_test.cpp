// Registry: which message is deleted, released or kept, by subtransaction, fate and end.
#include "pg/registry.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fake_server.h"

#include <gtest/gtest.h>

namespace sqs_fdw::pg {
namespace {

using test::FakeReply;
using test::FakeRequest;
using test::FakeServer;

constexpr SubTransactionId kTop = 1;

// An SQS with `count` messages m0, m1, …, whose handles are h0, h1, …, and what it was told of
// them.
class FakeQueue {
public:
	explicit FakeQueue(int count)
	    : left_(count), server_([this](const FakeRequest &request) { return Answer(request); })
	{
		aws::ClientOptions options;
		options.endpoint.region = "us-east-1";
		options.endpoint.endpoint = server_.Url();
		options.max_connections = 2;
		aws::Credentials keys;
		keys.access_key_id = "id";
		keys.secret_access_key = Secret("secret");
		queue_ = std::make_shared<aws::Queue>(aws::Queue{
		    std::make_shared<aws::Client>(options, aws::MakeStaticCredentials(std::move(keys))),
		    server_.Url("/000000000000/q"), "q"});
	}

	const aws::QueuePtr &queue() const { return queue_; }
	const std::set<std::string> &deleted() const { return deleted_; }
	const std::map<std::string, int> &released() const { return released_; }  // by delay
	void set_receive_count(int count) { receive_count_ = count; }
	// The visibility of all messages ran out: they come again, each with another handle.
	void Redeliver(int count)
	{
		left_ = count;
		next_ = 0;
		handle_ = "again";
	}

private:
	FakeReply Answer(const FakeRequest &request)
	{
		FakeReply reply;
		if (request.action == "ReceiveMessage")
			reply.body = Receive();
		else
			reply.body = Settle(request);
		return reply;
	}

	std::string Receive()
	{
		std::string messages;
		for (int i = 0; i < aws::kBatchEntries && left_ > 0; ++i, --left_) {
			const std::string number = std::to_string(next_++);
			messages += std::string(messages.empty() ? "" : ",") + R"({"MessageId":"m)" + number +
			            R"(","ReceiptHandle":")" + handle_ + number +
			            R"(","Body":"{}","Attributes":{"ApproximateReceiveCount":")" +
			            std::to_string(receive_count_) + R"("}})";
		}
		return R"({"Messages":[)" + messages + "]}";
	}

	// Picks handles, ids and delays out of a batch request, which our own writer wrote.
	std::string Settle(const FakeRequest &request)
	{
		std::string successful;
		const std::string handle_key = "\"ReceiptHandle\":\"";
		const std::string delay_key = "\"VisibilityTimeout\":";
		size_t at = 0;
		for (int id = 0; (at = request.body.find(handle_key, at)) != std::string::npos; ++id) {
			at += handle_key.size();
			const std::string handle = request.body.substr(at, request.body.find('"', at) - at);
			if (request.action == "DeleteMessageBatch")
				deleted_.insert(handle);
			else
				released_[handle] = std::stoi(
				    request.body.substr(request.body.find(delay_key, at) + delay_key.size()));
			successful +=
			    std::string(id == 0 ? "" : ",") + R"({"Id":")" + std::to_string(id) + R"("})";
		}
		return R"({"Successful":[)" + successful + R"(],"Failed":[]})";
	}

	int left_;
	int next_ = 0;
	int receive_count_ = 1;
	std::string handle_ = "h";
	std::set<std::string> deleted_;
	std::map<std::string, int> released_;
	aws::QueuePtr queue_;
	FakeServer server_;
};

bool Never()
{
	return false;
}

aws::SettlementDeadlines Soon()
{
	const TimePoint soon = Clock::now() + std::chrono::seconds(5);
	return {soon, soon};
}

InboxOptions Options(const FakeQueue &queue, bool look = false)
{
	InboxOptions options;
	options.receiver.request.queue_url = queue.queue()->url;
	options.receiver.request.wait = std::chrono::seconds(0);
	options.receiver.max_polls = 1;
	options.subtransaction = kTop;
	options.look = look;
	return options;
}

// Waits until the inbox has a next batch in this subtransaction; false at the queue's end.
bool Next(Registry *registry, Inbox *inbox, SubTransactionId subtransaction)
{
	registry->Touch(subtransaction);
	inbox->receiver().set_wanted(aws::kBatchEntries);
	for (;;) {
		inbox->receiver().Pump();
		if (inbox->Advance(subtransaction))
			return true;
		if (inbox->receiver().saw_empty())
			return false;
		inbox->receiver().client()->Drive(Never, Clock::now() + std::chrono::seconds(5));
	}
}

std::vector<std::string> Keys(const std::map<std::string, int> &map)
{
	std::vector<std::string> keys;
	for (const auto &entry : map)
		keys.push_back(entry.first);
	return keys;
}

TEST(Registry, commit_deletes_what_was_taken_and_releases_the_rest)
{
	FakeQueue queue(3);
	Registry registry;
	Inbox *inbox = registry.Open(queue.queue(), Options(queue));
	ASSERT_TRUE(Next(&registry, inbox, kTop));
	inbox->Mark(0, Fate::kTaken, kTop);
	inbox->Mark(1, Fate::kFiltered, kTop);
	registry.Close(inbox);
	registry.EndTransaction(TransactionEnd::kCommitted);
	EXPECT_TRUE(registry.settlement().Run(Never, Soon()));
	EXPECT_EQ(queue.deleted(), std::set<std::string>{"h0"});
	EXPECT_EQ(Keys(queue.released()), (std::vector<std::string>{"h1", "h2"}));
	EXPECT_TRUE(registry.idle());
}

TEST(Registry, rollback_deletes_nothing_and_releases_everything)
{
	FakeQueue queue(3);
	Registry registry;
	Inbox *inbox = registry.Open(queue.queue(), Options(queue));
	ASSERT_TRUE(Next(&registry, inbox, kTop));
	inbox->Mark(0, Fate::kTaken, kTop);
	registry.EndTransaction(
	    TransactionEnd::kAborted);  // as after an error: nobody closed the inbox
	EXPECT_TRUE(registry.settlement().Run(Never, Soon()));
	EXPECT_TRUE(queue.deleted().empty());
	EXPECT_EQ(queue.released().size(), 3u);
}

TEST(Registry, a_look_deletes_nothing_and_holds_until_the_transaction_ends)
{
	FakeQueue queue(2);
	Registry registry;
	Inbox *inbox = registry.Open(queue.queue(), Options(queue, true));
	ASSERT_TRUE(Next(&registry, inbox, kTop));
	inbox->Mark(0, Fate::kLooked, kTop);
	registry.Close(inbox);
	EXPECT_EQ(registry.settlement().releases_left(), 0);
	registry.EndTransaction(TransactionEnd::kCommitted);
	EXPECT_TRUE(registry.settlement().Run(Never, Soon()));
	EXPECT_TRUE(queue.deleted().empty());
	EXPECT_EQ(queue.released().size(), 2u);
}

TEST(Registry, savepoint_rollback_releases_what_was_received_in_it)
{
	FakeQueue queue(20);
	Registry registry;
	Inbox *outer = registry.Open(queue.queue(), Options(queue));
	ASSERT_TRUE(Next(&registry, outer, kTop));
	for (size_t i = 0; i < 10; ++i)
		outer->Mark(i, Fate::kTaken, kTop);
	registry.Close(outer);

	const SubTransactionId savepoint = 2;
	InboxOptions options = Options(queue);
	options.subtransaction = savepoint;
	Inbox *inner = registry.Open(queue.queue(), options);
	ASSERT_TRUE(Next(&registry, inner, savepoint));
	inner->Mark(0, Fate::kTaken, savepoint);
	registry.Abort(savepoint);
	EXPECT_TRUE(registry.settlement().Run(Never, Soon()));
	EXPECT_EQ(queue.released().size(), 10u);

	registry.EndTransaction(TransactionEnd::kCommitted);
	EXPECT_TRUE(registry.settlement().Run(Never, Soon()));
	EXPECT_EQ(queue.deleted().size(), 10u);
	EXPECT_EQ(queue.deleted().count("h0"), 1u);
	EXPECT_EQ(queue.deleted().count("h10"), 0u);
}

TEST(Registry, released_savepoint_belongs_to_its_parent)
{
	FakeQueue queue(1);
	Registry registry;
	Inbox *inbox = registry.Open(queue.queue(), Options(queue));
	ASSERT_TRUE(Next(&registry, inbox, 3));
	inbox->Mark(0, Fate::kTaken, 3);
	registry.Close(inbox);
	registry.Commit(3, 2);
	EXPECT_TRUE(registry.Concerns(2));
	EXPECT_FALSE(registry.Concerns(3));
	registry.Abort(2);
	registry.EndTransaction(TransactionEnd::kCommitted);
	EXPECT_TRUE(registry.settlement().Run(Never, Soon()));
	EXPECT_TRUE(queue.deleted().empty());
	EXPECT_EQ(queue.released().size(), 1u);
}

// A cursor that is fetched from inside a savepoint goes on after ROLLBACK TO.
TEST(Registry, a_scan_outlives_the_savepoint_it_received_in)
{
	FakeQueue queue(20);
	Registry registry;
	Inbox *inbox = registry.Open(queue.queue(), Options(queue));
	ASSERT_TRUE(Next(&registry, inbox, kTop));
	inbox->Mark(0, Fate::kTaken, kTop);
	ASSERT_TRUE(Next(&registry, inbox, 2));
	const uint32_t serial = inbox->serial();
	registry.Abort(2);
	EXPECT_NE(inbox->serial(), serial);
	EXPECT_FALSE(Next(&registry, inbox, kTop));
	registry.Close(inbox);
	registry.EndTransaction(TransactionEnd::kCommitted);
	EXPECT_TRUE(registry.settlement().Run(Never, Soon()));
	EXPECT_EQ(queue.deleted(), std::set<std::string>{"h0"});
	EXPECT_EQ(queue.released().size(), 19u);
}

TEST(Registry, taking_inside_a_savepoint_is_undone_with_it)
{
	FakeQueue queue(2);
	Registry registry;
	Inbox *inbox = registry.Open(queue.queue(), Options(queue));
	ASSERT_TRUE(Next(&registry, inbox, kTop));
	inbox->Mark(0, Fate::kTaken, kTop);
	inbox->Mark(1, Fate::kTaken, 2);
	registry.Touch(2);
	registry.Abort(2);
	registry.Close(inbox);
	registry.EndTransaction(TransactionEnd::kCommitted);
	EXPECT_TRUE(registry.settlement().Run(Never, Soon()));
	EXPECT_EQ(queue.deleted(), std::set<std::string>{"h0"});
	EXPECT_EQ(Keys(queue.released()), std::vector<std::string>{"h1"});
}

TEST(Registry, a_rolled_back_mark_leaves_the_rest_of_its_batch)
{
	FakeQueue queue(10);
	Registry registry;
	Inbox *inbox = registry.Open(queue.queue(), Options(queue));
	ASSERT_TRUE(Next(&registry, inbox, kTop));
	const uint32_t serial = inbox->serial();
	inbox->Mark(0, Fate::kTaken, kTop);
	registry.Touch(2);
	inbox->Mark(1, Fate::kTaken, 2);
	registry.Abort(2);
	EXPECT_EQ(inbox->serial(), serial);
	EXPECT_EQ(inbox->FateOf(1), Fate::kGone);
	EXPECT_FALSE(inbox->Mark(1, Fate::kTaken, kTop));
	EXPECT_TRUE(inbox->Mark(2, Fate::kTaken, kTop));
	registry.Close(inbox);
	registry.EndTransaction(TransactionEnd::kCommitted);
	EXPECT_TRUE(registry.settlement().Run(Never, Soon()));
	EXPECT_EQ(queue.deleted(), (std::set<std::string>{"h0", "h2"}));
	EXPECT_EQ(queue.released().size(), 8u);
}

TEST(Registry, a_replay_returns_the_same_batches_and_marks_them_once)
{
	FakeQueue queue(15);
	Registry registry;
	InboxOptions options = Options(queue);
	options.replay = true;
	Inbox *inbox = registry.Open(queue.queue(), options);
	ASSERT_TRUE(Next(&registry, inbox, kTop));
	const uint32_t first = inbox->serial();
	EXPECT_TRUE(inbox->Mark(0, Fate::kTaken, kTop));
	ASSERT_TRUE(Next(&registry, inbox, kTop));
	inbox->Rewind();
	ASSERT_TRUE(Next(&registry, inbox, kTop));
	EXPECT_EQ(inbox->serial(), first);
	EXPECT_FALSE(inbox->Mark(0, Fate::kTaken, kTop));
	EXPECT_EQ(inbox->counts().received, 15);
	EXPECT_EQ(inbox->counts().taken, 1);
}

// DELETE says so only when its row has come all the way up, perhaps long after its batch.
TEST(Registry, a_message_is_taken_by_its_id_wherever_it_is)
{
	FakeQueue queue(25);
	Registry registry;
	Inbox *inbox = registry.Open(queue.queue(), Options(queue));
	ASSERT_TRUE(Next(&registry, inbox, kTop));
	const uint32_t first = inbox->serial();
	ASSERT_TRUE(Next(&registry, inbox, kTop));
	const uint32_t second = inbox->serial();
	EXPECT_TRUE(registry.Mark({first, 9}, Fate::kTaken, kTop));
	EXPECT_FALSE(registry.Mark({first, 9}, Fate::kTaken, kTop));
	EXPECT_TRUE(registry.Mark({second, 0}, Fate::kTaken, kTop));
	EXPECT_FALSE(registry.Mark({second + 1, 0}, Fate::kTaken, kTop));
	EXPECT_TRUE(registry.Mark({first, 0}, Fate::kTaken, 2));
	registry.Abort(2);
	EXPECT_FALSE(registry.Mark({first, 0}, Fate::kTaken, kTop));
	EXPECT_EQ(inbox->counts().taken, 3);
	registry.Close(inbox);
	registry.EndTransaction(TransactionEnd::kCommitted);
	EXPECT_TRUE(registry.settlement().Run(Never, Soon()));
	EXPECT_EQ(queue.deleted(), (std::set<std::string>{"h9", "h10"}));
}

TEST(Registry, a_message_that_comes_again_is_kept_once_with_its_newest_handle)
{
	FakeQueue queue(2);
	Registry registry;
	Inbox *inbox = registry.Open(queue.queue(), Options(queue));
	ASSERT_TRUE(Next(&registry, inbox, kTop));
	inbox->Mark(0, Fate::kTaken, kTop);
	queue.Redeliver(2);
	ASSERT_TRUE(Next(&registry, inbox, kTop));
	EXPECT_EQ(inbox->FateOf(0), Fate::kRepeated);
	EXPECT_EQ(inbox->FateOf(1), Fate::kRepeated);
	EXPECT_FALSE(inbox->Mark(0, Fate::kTaken, kTop));
	EXPECT_EQ(inbox->counts().repeated, 2);
	registry.Close(inbox);
	registry.EndTransaction(TransactionEnd::kCommitted);
	EXPECT_TRUE(registry.settlement().Run(Never, Soon()));
	EXPECT_EQ(queue.deleted(), std::set<std::string>{"again0"});
	EXPECT_EQ(Keys(queue.released()), std::vector<std::string>{"again1"});
}

TEST(Registry, a_released_message_may_come_again_in_the_same_transaction)
{
	FakeQueue queue(10);
	Registry registry;
	Inbox *first = registry.Open(queue.queue(), Options(queue));
	ASSERT_TRUE(Next(&registry, first, 2));
	first->Mark(0, Fate::kTaken, 2);
	EXPECT_TRUE(registry.Abort(2));
	registry.Close(first);
	queue.Redeliver(10);
	Inbox *second = registry.Open(queue.queue(), Options(queue));
	ASSERT_TRUE(Next(&registry, second, kTop));
	EXPECT_EQ(second->FateOf(0), Fate::kHeld);
	EXPECT_TRUE(second->Mark(0, Fate::kTaken, kTop));
	registry.Close(second);
	registry.EndTransaction(TransactionEnd::kCommitted);
	EXPECT_TRUE(registry.settlement().Run(Never, Soon()));
	EXPECT_EQ(queue.deleted(), std::set<std::string>{"again0"});
}

TEST(Registry, what_is_not_trusted_is_not_deleted)
{
	FakeQueue queue(1);
	Registry registry;
	Inbox *inbox = registry.Open(queue.queue(), Options(queue));
	ASSERT_TRUE(Next(&registry, inbox, kTop));
	inbox->Mark(0, Fate::kTaken, kTop);
	registry.Distrust();
	registry.EndTransaction(TransactionEnd::kCommitted);
	EXPECT_TRUE(registry.settlement().Run(Never, Soon()));
	EXPECT_TRUE(queue.deleted().empty());
	EXPECT_EQ(Keys(queue.released()), std::vector<std::string>{"h0"});
}

TEST(Registry, a_suspect_message_comes_back_later_each_time)
{
	EXPECT_EQ(ReleaseDelay(0).count(), 0);
	EXPECT_EQ(ReleaseDelay(1).count(), 0);
	EXPECT_EQ(ReleaseDelay(2).count(), 1);
	EXPECT_EQ(ReleaseDelay(5).count(), 8);
	EXPECT_EQ(ReleaseDelay(12).count(), 900);
	EXPECT_EQ(ReleaseDelay(100000).count(), 900);

	FakeQueue queue(3);
	queue.set_receive_count(4);
	Registry registry;
	Inbox *inbox = registry.Open(queue.queue(), Options(queue));
	ASSERT_TRUE(Next(&registry, inbox, kTop));
	inbox->Mark(0, Fate::kTaken, kTop);
	inbox->Mark(1, Fate::kRejected, kTop);
	registry.EndTransaction(TransactionEnd::kAborted);
	EXPECT_TRUE(registry.settlement().Run(Never, Soon()));
	EXPECT_EQ(queue.released(), (std::map<std::string, int>{{"h0", 4}, {"h1", 4}, {"h2", 0}}));
}

TEST(Registry, what_is_left_at_the_deadline_is_done_by_the_next_run)
{
	FakeQueue queue(10);
	Registry registry;
	Inbox *inbox = registry.Open(queue.queue(), Options(queue));
	ASSERT_TRUE(Next(&registry, inbox, kTop));
	for (size_t i = 0; i < 10; ++i)
		inbox->Mark(i, Fate::kTaken, kTop);
	registry.Close(inbox);
	registry.EndTransaction(TransactionEnd::kCommitted);
	const TimePoint past = Clock::now() - std::chrono::seconds(1);
	EXPECT_FALSE(registry.settlement().Run(Never, {past, past}));
	EXPECT_EQ(registry.settlement().deletes_left(), 10);
	EXPECT_TRUE(registry.settlement().Run(Never, Soon()));
	EXPECT_EQ(queue.deleted().size(), 10u);
}

}  // namespace
}  // namespace sqs_fdw::pg
