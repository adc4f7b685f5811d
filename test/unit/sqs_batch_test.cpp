// Batch calls against a scripted server: splitting, results of entries, what is sent twice.
#include "aws/sqs.h"
#include "fake_server.h"
#include "fake_sqs.h"

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sqs_fdw::aws {
namespace {

using namespace test;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Then = FakeReply::Then;
using State = EntryResult::State;

TEST(SqsBatch, ABatchSplitsByTenOverAtMostMaxConnectionsRequests)
{
	FakeServer server([](const FakeRequest &request) {
		FakeReply reply = AllDoneFor(request);
		reply.delay = milliseconds(20);
		return reply;
	});
	ClientOptions options = OptionsFor(server);
	options.max_connections = 3;
	Client client(options, Keys());
	const std::vector<EntryResult> results =
	    ResultOf(&client, client.StartDelete(kQueueUrl, Handles(95)));
	ASSERT_EQ(results.size(), 95U);
	for (const EntryResult &result : results)
		EXPECT_EQ(result.state, State::kDone);
	EXPECT_EQ(server.request_count(), 10);
	EXPECT_EQ(server.connections(), 3);
	size_t entries = 0;
	for (const FakeRequest &request : server.requests()) {
		EXPECT_EQ(request.action, "DeleteMessageBatch");
		EXPECT_LE(EntriesOf(request), 10U);
		entries += EntriesOf(request);
	}
	EXPECT_EQ(entries, 95U);
}

TEST(SqsBatch, ABatchOfNothingIsDoneAtOnce)
{
	FakeServer server(Always({}));
	Client client(OptionsFor(server), Keys());
	CallPtr<std::vector<EntryResult>> call = client.StartDelete(kQueueUrl, {});
	EXPECT_TRUE(call->done());
	EXPECT_TRUE(call->Take().empty());
	EXPECT_EQ(client.Drive(Never, In(100)), Ran::kIdle);
}

TEST(SqsBatch, BatchBodiesAreWhatTheApiSays)
{
	FakeServer server(AllDoneFor);
	Client client(OptionsFor(server), Keys());
	ResultOf(&client, client.StartDelete(kQueueUrl, {"a\"b", "c"}));
	ResultOf(&client,
	    client.StartChangeVisibility(kQueueUrl, {{"a", seconds(0)}, {"b", seconds(43200)}}));
	ResultOf(&client, client.StartSend(kQueueUrl,
	                      {{"x\n", "", "", {}}, {"y", "g", "d", {}}, {"z", "", "", seconds(5)}}));
	const std::string begin =
	    R"({"QueueUrl":"http://queue.example/123456789012/logins","Entries":)";
	const std::vector<FakeRequest> requests = server.requests();
	EXPECT_EQ(requests.at(0).body,
	    begin + R"([{"Id":"0","ReceiptHandle":"a\"b"},{"Id":"1","ReceiptHandle":"c"}]})");
	EXPECT_EQ(
	    requests.at(1).body, begin + R"([{"Id":"0","ReceiptHandle":"a","VisibilityTimeout":0},)" +
	                             R"({"Id":"1","ReceiptHandle":"b","VisibilityTimeout":43200}]})");
	EXPECT_EQ(requests.at(1).action, "ChangeMessageVisibilityBatch");
	EXPECT_EQ(requests.at(2).body,
	    begin + R"([{"Id":"0","MessageBody":"x\n"},)" +
	        R"({"Id":"1","MessageBody":"y","MessageGroupId":"g","MessageDeduplicationId":"d"},)" +
	        R"({"Id":"2","MessageBody":"z","DelaySeconds":5}]})");
	EXPECT_EQ(requests.at(2).action, "SendMessageBatch");
}

TEST(SqsBatch, TheSameHandleTwiceIsSentOnceAndAnsweredTwice)
{
	FakeServer server([](const FakeRequest &request) {
		FakeReply reply = AllDoneFor(request);
		if (request.action == "DeleteMessageBatch")
			reply.body = R"({"Successful":[{"Id":"0"}],"Failed":[{"Id":"1","SenderFault":true,)"
			             R"("Code":"ReceiptHandleIsInvalid"}]})";
		return reply;
	});
	Client client(OptionsFor(server), Keys());
	const std::vector<EntryResult> results =
	    ResultOf(&client, client.StartDelete(kQueueUrl, {"a", "b", "a", "b", "b"}));
	ASSERT_EQ(results.size(), 5U);
	EXPECT_EQ(EntriesOf(server.requests().at(0)), 2U);
	EXPECT_EQ(results[0].state, State::kDone);
	EXPECT_EQ(results[2].state, State::kDone);
	for (const size_t i : {1, 3, 4})
		EXPECT_EQ(results[i].state, State::kDeadHandle) << i;

	ResultOf(
	    &client, client.StartChangeVisibility(kQueueUrl, {{"a", seconds(1)}, {"a", seconds(2)}}));
	EXPECT_TRUE(Holds(server.requests().at(1).body, R"("VisibilityTimeout":2)"));
	EXPECT_EQ(EntriesOf(server.requests().at(1)), 1U);
}

TEST(SqsBatch, FailedEntriesAreReadAndThoseOfSqsAreRetriedAlone)
{
	FakeServer server([](const FakeRequest &request) {
		if (request.index == 0)
			return Reply(
			    R"({"Successful":[{"Id":"0"}],"Failed":[)"
			    R"({"Id":"1","SenderFault":false,"Code":"InternalError","Message":"try again"},)"
			    R"({"Id":"2","SenderFault":true,"Code":"ReceiptHandleIsInvalid"},)"
			    R"({"Id":"3","SenderFault":true,"Code":"InvalidParameterValue",)"
			    R"("Message":"Value x for parameter ReceiptHandle is invalid. Reason: expired."},)"
			    R"({"Id":"4","SenderFault":true,"Code":"Unlawful"}]})");
		return AllDoneFor(request);
	});
	Client client(OptionsFor(server), Keys());
	const std::vector<EntryResult> results =
	    ResultOf(&client, client.StartDelete(kQueueUrl, Handles(6)));
	EXPECT_EQ(results[0].state, State::kDone);
	EXPECT_EQ(results[1].state, State::kDone);
	EXPECT_EQ(results[1].code, "");
	EXPECT_EQ(results[2].state, State::kDeadHandle);
	EXPECT_EQ(results[2].code, "ReceiptHandleIsInvalid");
	EXPECT_EQ(results[3].state, State::kDeadHandle);
	EXPECT_EQ(results[4].state, State::kFailed);
	EXPECT_EQ(results[4].code, "Unlawful");
	EXPECT_EQ(results[5].state, State::kFailed);
	EXPECT_EQ(results[5].code, "NoResult");
	ASSERT_EQ(server.request_count(), 2);
	EXPECT_TRUE(Holds(server.requests()[1].body, "handle-1"));
	EXPECT_EQ(EntriesOf(server.requests()[1]), 1U);
}

TEST(SqsBatch, EntriesThatFailAgainAndAgainAreFailed)
{
	FakeServer server(
	    Always(Reply(R"({"Failed":[{"Id":"0","SenderFault":false,"Code":"InternalError"}]})")));
	Client client(OptionsFor(server), Keys());
	const std::vector<EntryResult> results =
	    ResultOf(&client, client.StartDelete(kQueueUrl, {"h"}));
	EXPECT_EQ(results.at(0).state, State::kFailed);
	EXPECT_EQ(results.at(0).code, "InternalError");
	EXPECT_EQ(server.request_count(), 3);
}

TEST(SqsBatch, ARequestThatFailsAsAWholeFailsItsEntriesOnly)
{
	FakeServer server([](const FakeRequest &request) {
		if (Holds(request.body, "handle-10\""))
			return Refusal(403, "AccessDenied");
		return AllDoneFor(request);
	});
	ClientOptions options = OptionsFor(server);
	options.max_connections = 1;
	Client client(options, Keys());
	const std::vector<EntryResult> results =
	    ResultOf(&client, client.StartDelete(kQueueUrl, Handles(30)));
	EXPECT_EQ(results.at(9).state, State::kDone);
	for (const size_t i : {10, 19, 20, 29}) {
		EXPECT_EQ(results.at(i).state, State::kFailed) << i;
		EXPECT_EQ(results.at(i).code, "AccessDenied") << i;
	}
	EXPECT_EQ(server.request_count(), 2);  // the third would most likely fail, too
}

TEST(SqsBatch, WhereNothingCameThroughABatchThrows)
{
	FakeServer server(Always(Refusal(400, "QueueDoesNotExist")));
	Client client(OptionsFor(server), Keys());
	const Error error = ErrorOf(&client, client.StartDelete(kQueueUrl, Handles(12)));
	EXPECT_EQ(error.fault(), Fault::kNoSuchQueue);
	EXPECT_STREQ(error.what(), "could not delete messages from SQS: the queue does not exist");
}

TEST(SqsBatch, SendsAnswerWithMessageIds)
{
	FakeServer server(AllDoneFor);
	Client client(OptionsFor(server), Keys());
	const std::vector<EntryResult> results =
	    ResultOf(&client, client.StartSend(kQueueUrl, {{"a", "", "", {}}, {"b", "", "", {}}}));
	EXPECT_EQ(results.at(0).message_id, "id-0");
	EXPECT_EQ(results.at(1).message_id, "id-1");
}

TEST(SqsBatch, SendsSplitByAMebibyte)
{
	FakeServer server(AllDoneFor);
	Client client(OptionsFor(server), Keys());
	const std::string third(400 << 10, 'x');
	std::vector<OutgoingMessage> messages(5, {third, "", "", {}});
	messages.push_back({std::string(2 << 20, 'x'), "", "", {}});
	EXPECT_EQ(ResultOf(&client, client.StartSend(kQueueUrl, messages)).size(), 6U);
	std::multiset<size_t> entries;
	for (const FakeRequest &request : server.requests())
		entries.insert(EntriesOf(request));
	EXPECT_EQ(entries, (std::multiset<size_t>{1, 1, 2, 2}));
}

TEST(SqsBatch, ASendThatMayHaveArrivedIsNotRepeated)
{
	FakeServer server(Always(Broken(Then::kReset)));
	Client client(OptionsFor(server), Keys());
	EXPECT_EQ(ErrorOf(&client, client.StartSend(kQueueUrl, {{"a", "", "", {}}})).fault(),
	    Fault::kUnreachable);
	EXPECT_EQ(server.request_count(), 1);
	// A FIFO queue knows what it got.
	ErrorOf(&client, client.StartSend(kFifoUrl, {{"a", "g", "d", {}}}));
	EXPECT_EQ(server.request_count(), 4);
}

TEST(SqsBatch, ASendThatWasRefusedIsRepeatedOnItsOwnConnection)
{
	FakeServer server([](const FakeRequest &request) {
		return request.index == 0   ? Messages(0)
		       : request.index == 1 ? Refusal(503, "ServiceUnavailable")
		                            : AllDoneFor(request);
	});
	Client client(OptionsFor(server), Keys());
	ResultOf(&client, client.StartReceive(Receive()));
	ResultOf(&client, client.StartSend(kQueueUrl, {{"a", "", "", {}}}));
	EXPECT_EQ(server.request_count(), 3);
	EXPECT_EQ(server.connections(), 3);
}

}  // namespace
}  // namespace sqs_fdw::aws
