// The SQS client against a scripted server: requests, results, errors, retries, repairs.
#include "aws/sqs.h"

#include "fake_server.h"
#include "fake_sqs.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sqs_fdw::aws {
namespace {

using namespace test;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Then = FakeReply::Then;
using State = EntryResult::State;

std::string Everything(const Error &error)
{
	return std::string(error.what()) + "\n" + error.detail() + "\n" + error.hint();
}

// The n-th request gets the n-th reply, and all after the last one the last.
FakeServer::Handler InTurn(const std::vector<FakeReply> &replies)
{
	return [replies](const FakeRequest &request) {
		return replies[std::min(static_cast<size_t>(request.index), replies.size() - 1)];
	};
}

std::string HttpDate(time_t time)
{
	char text[64];
	std::tm parts{};
	gmtime_r(&time, &parts);
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
	return text;
}

time_t TimeOfAmzDate(const std::string &text)
{
	std::tm parts{};
	strptime(text.c_str(), "%Y%m%dT%H%M%SZ", &parts);
	return timegm(&parts);
}

TEST(Sqs, SignsWhatItSendsAndAsksForTheJsonProtocol)
{
	FakeServer server(Always(Messages(0)));
	Client client(OptionsFor(server), Keys("session-token"));
	ResultOf(&client, client.StartReceive(Receive()));
	const FakeRequest request = server.requests().at(0);
	EXPECT_EQ(request.target, "/");
	EXPECT_EQ(request.action, "ReceiveMessage");
	EXPECT_EQ(request.headers.at("x-amz-target"), "AmazonSQS.ReceiveMessage");
	EXPECT_EQ(request.headers.at("content-type"), "application/x-amz-json-1.0");
	EXPECT_EQ(request.headers.at("x-amzn-query-mode"), "true");
	EXPECT_EQ(request.headers.at("host"), "127.0.0.1:" + std::to_string(server.port()));
	EXPECT_EQ(request.headers.at("x-amz-security-token"), "session-token");
	const std::string &authorization = request.headers.at("authorization");
	EXPECT_TRUE(Holds(authorization, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")) << authorization;
	EXPECT_TRUE(Holds(authorization, "/eu-west-1/sqs/aws4_request")) << authorization;
	EXPECT_TRUE(Holds(authorization,
	    "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target;"
	    "x-amzn-query-mode"))
	    << authorization;
}

TEST(Sqs, AReceiveAsksForWhatItWasTold)
{
	FakeServer server(Always(Messages(0)));
	Client client(OptionsFor(server), Keys());
	ReceiveRequest request = Receive();
	ResultOf(&client, client.StartReceive(request));
	request.max_messages = 3;
	request.wait = seconds(1);
	request.visibility_timeout = seconds(77);
	request.system_attributes = {"SentTimestamp", "SenderId"};
	request.message_attributes = {"All"};
	ResultOf(&client, client.StartReceive(request));
	EXPECT_EQ(server.requests().at(0).body,
	    R"({"QueueUrl":"http://queue.example/123456789012/logins","MaxNumberOfMessages":10,)"
	    R"("WaitTimeSeconds":0})");
	EXPECT_EQ(server.requests().at(1).body,
	    R"({"QueueUrl":"http://queue.example/123456789012/logins","MaxNumberOfMessages":3,)"
	    R"("WaitTimeSeconds":1,"VisibilityTimeout":77,)"
	    R"("MessageSystemAttributeNames":["SentTimestamp","SenderId"],)"
	    R"("MessageAttributeNames":["All"]})");
}

TEST(Sqs, AReceiveReturnsMessagesAndWhenItWasSent)
{
	FakeServer server(Always(Messages(10)));
	Client client(OptionsFor(server), Keys());
	const TimePoint before = Clock::now();
	const ReceivedBatch batch = ResultOf(&client, client.StartReceive(Receive()));
	ASSERT_EQ(batch.messages.size(), 10U);
	EXPECT_EQ(batch.messages[7].id, "m7");
	EXPECT_EQ(batch.messages[7].handle, "handle-7");
	EXPECT_EQ(batch.messages[7].body, R"({"n":7})");
	EXPECT_GE(batch.received_at, before);
	EXPECT_LE(batch.received_at, Clock::now());
	EXPECT_EQ(client.counters().requests, 1);
	EXPECT_GT(client.counters().bytes_received, 500);
}

TEST(Sqs, ALongPollMayTakeItsWaitBesideTheTimeout)
{
	FakeReply late = Messages(1);
	late.delay = milliseconds(700);
	FakeServer server(Always(late));
	Client client(OptionsFor(server), Keys());
	ReceiveRequest request = Receive();
	request.wait = seconds(1);
	EXPECT_EQ(ResultOf(&client, client.StartReceive(request)).messages.size(), 1U);
}

TEST(Sqs, GetsUrlsAndAttributes)
{
	FakeServer server([](const FakeRequest &request) {
		return Reply(request.action == "GetQueueUrl" ? R"({"QueueUrl":"http://h/1/q"})"
		                                             : R"({"Attributes":{"QueueArn":"arn:x"}})");
	});
	Client client(OptionsFor(server), Keys());
	EXPECT_EQ(ResultOf(&client, client.StartGetQueueUrl("q", "")), "http://h/1/q");
	EXPECT_EQ(ResultOf(&client, client.StartGetQueueUrl("q", "210987654321")), "http://h/1/q");
	EXPECT_EQ(ResultOf(&client, client.StartGetQueueAttributes(kQueueUrl)).at("QueueArn"), "arn:x");
	EXPECT_EQ(server.requests().at(0).body, R"({"QueueName":"q"})");
	EXPECT_EQ(server.requests().at(1).body,
	    R"({"QueueName":"q","QueueOwnerAWSAccountId":"210987654321"})");
	EXPECT_EQ(server.requests().at(2).body,
	    R"({"QueueUrl":"http://queue.example/123456789012/logins","AttributeNames":["All"]})");
}

// Errors

TEST(Sqs, ARefusalNamesCodeStatusAndRequestInItsOwnFault)
{
	FakeServer server(Always(Refusal(403, "AccessDenied", "User is not authorized")));
	Client client(OptionsFor(server), Keys());
	const Error error = ErrorOf(&client, client.StartReceive(Receive()));
	EXPECT_EQ(error.fault(), Fault::kDenied);
	EXPECT_STREQ(error.what(), "could not receive messages from SQS: access denied");
	EXPECT_EQ(error.detail(),
	    "SQS answered AccessDenied (HTTP status 403, request id "
	    "7a62c49f-347e-4fc4-9331-6e8e7a96aa73). SQS says: User is not authorized");
	EXPECT_NE(error.hint(), "");
	EXPECT_EQ(server.request_count(), 1);
}

TEST(Sqs, EveryKindOfTroubleHasItsFault)
{
	const std::vector<std::pair<FakeReply, Fault>> cases = {
	    {Refusal(400, "QueueDoesNotExist"), Fault::kNoSuchQueue},
	    {Refusal(400, "AWS.SimpleQueueService.NonExistentQueue"), Fault::kNoSuchQueue},
	    {Refusal(403, "InvalidClientTokenId"), Fault::kDenied},
	    {Refusal(400, "KmsAccessDenied"), Fault::kDenied},
	    {Refusal(400, "InvalidAttributeName"), Fault::kInvalid},
	    {Refusal(400, "UnsupportedOperation"), Fault::kUnsupported},
	    {Reply("<html>not json</html>"), Fault::kBadReply},
	    {Reply(""), Fault::kBadReply},
	    {Reply("{\"Messages\":1}"), Fault::kBadReply},
	};
	for (const auto &[reply, fault] : cases) {
		FakeServer server(Always(reply));
		Client client(OptionsFor(server), Keys());
		const Error error = ErrorOf(&client, client.StartReceive(Receive()));
		EXPECT_EQ(error.fault(), fault) << reply.body;
		EXPECT_EQ(server.request_count(), 1) << reply.body;
	}
}

TEST(Sqs, ARedirectIsABadReplyAndNotFollowed)
{
	FakeServer target(Always({}));
	FakeReply redirect;
	redirect.status = 307;
	redirect.headers = {"Location: " + target.Url()};
	FakeServer server(Always(redirect));
	Client client(OptionsFor(server), Keys());
	EXPECT_EQ(ErrorOf(&client, client.StartReceive(Receive())).fault(), Fault::kBadReply);
	EXPECT_EQ(target.connections(), 0);
}

TEST(Sqs, SecretsThatSqsQuotesAreNotShown)
{
	const std::string long_text(400, 'x');
	for (const std::string &message : {"the key " + std::string(kAccessKeyId) + " is unknown",
	         "secret " + std::string(kSecretKey), std::string("token quoted-session-token"),
	         std::string("two\\nlines"), std::string("bell\\u0007"), long_text}) {
		FakeServer server(Always(Refusal(403, "AccessDenied", message)));
		Client client(OptionsFor(server), Keys("quoted-session-token"));
		const Error error = ErrorOf(&client, client.StartReceive(Receive()));
		EXPECT_FALSE(Holds(Everything(error), "SQS says")) << message;
		EXPECT_TRUE(Holds(error.detail(), "AccessDenied")) << message;
	}
}

TEST(Sqs, SecretsThatStandForACodeOrARequestIdAreNotShown)
{
	const std::string token = "quoted-session-token";
	for (const std::string &secret : {std::string(kAccessKeyId), token}) {
		FakeReply refusal = Refusal(403, secret);
		refusal.headers = {"x-amzn-RequestId: " + secret};
		FakeServer server(Always(refusal));
		Client client(OptionsFor(server), Keys(token));
		const Error error = ErrorOf(&client, client.StartReceive(Receive()));
		EXPECT_FALSE(Holds(Everything(error), secret)) << secret;
		EXPECT_TRUE(Holds(error.detail(), "HTTP status 403")) << error.detail();
	}
}

TEST(Sqs, HandlesAndBodiesThatSqsQuotesAreNotShown)
{
	const std::string secret = "secret-of-the-message";
	for (const char *code : {"ReceiptHandleIsInvalid", "InvalidParameterValue",
	         "InvalidMessageContents", "SomethingNew"}) {
		FakeServer server(Always(Refusal(400, code, "The value " + secret + " is not valid")));
		Client client(OptionsFor(server), Keys());
		EXPECT_FALSE(
		    Holds(Everything(ErrorOf(&client, client.StartDelete(kQueueUrl, {secret}))), secret));
		EXPECT_FALSE(
		    Holds(Everything(ErrorOf(&client, client.StartSend(kQueueUrl, {{secret, "", "", {}}}))),
		        secret));
	}
}

TEST(Sqs, ACredentialErrorComesFromTakeAndNotFromStart)
{
	struct NoKeys : CredentialProvider {
		const Credentials &Get() override { throw Error(Fault::kDenied, "no credentials"); }
		bool Refresh() override { return false; }
	};
	FakeServer server(Always({}));
	Client client(OptionsFor(server), std::make_unique<NoKeys>());
	CallPtr<ReceivedBatch> call = client.StartReceive(Receive());
	EXPECT_FALSE(call->done());
	EXPECT_EQ(ErrorOf(&client, std::move(call)).fault(), Fault::kDenied);
	EXPECT_EQ(server.connections(), 0);
}

TEST(Sqs, TextThatIsNotUtf8IsInvalid)
{
	FakeServer server(Always({}));
	Client client(OptionsFor(server), Keys());
	EXPECT_THROW((void)client.StartReceive(Receive("\xff")), Error);
	EXPECT_EQ(ErrorOf(&client, client.StartSend(kQueueUrl, {{"\xff", "", "", {}}})).fault(),
	    Fault::kInvalid);
	EXPECT_EQ(server.connections(), 0);
}

// Retries

TEST(Sqs, ServerErrorsAndBrokenConnectionsAreRetried)
{
	FakeReply html;
	html.status = 502;
	html.body = "<html>Bad Gateway</html>";
	for (const FakeReply &trouble : {Refusal(500, "InternalFailure"), html,
	         Refusal(503, "ServiceUnavailable"), Broken(Then::kReset), Broken(Then::kTruncate)}) {
		FakeServer server(InTurn({trouble, Messages(2)}));
		Client client(OptionsFor(server), Keys());
		EXPECT_EQ(ResultOf(&client, client.StartReceive(Receive())).messages.size(), 2U);
		EXPECT_EQ(client.counters().retries, 1);
		EXPECT_EQ(client.counters().requests, 2);
	}
}

TEST(Sqs, ThrottlingIsToldByItsCodeAndNotByItsStatus)
{
	FakeServer server(InTurn({Refusal(403, "RequestThrottled"), Messages(1)}));
	Client client(OptionsFor(server), Keys());
	EXPECT_EQ(ResultOf(&client, client.StartReceive(Receive())).messages.size(), 1U);
	EXPECT_EQ(client.counters().throttled, 1);
	EXPECT_EQ(server.request_count(), 2);
}

TEST(Sqs, ItEndsAfterTheLastAttempt)
{
	FakeServer server(Always(Refusal(500, "InternalFailure")));
	Client client(OptionsFor(server), Keys());
	const Error error = ErrorOf(&client, client.StartReceive(Receive()));
	EXPECT_EQ(error.fault(), Fault::kUnreachable);
	EXPECT_TRUE(Holds(error.detail(), "It was tried 3 times.")) << error.detail();
	EXPECT_EQ(server.request_count(), 3);
}

TEST(Sqs, ABlackHoleEndsWithItsTimeouts)
{
	FakeServer server(Always(Broken(Then::kHang)));
	ClientOptions options = OptionsFor(server);
	options.request_timeout = milliseconds(100);
	options.max_attempts = 2;
	Client client(options, Keys());
	const TimePoint begin = Clock::now();
	EXPECT_EQ(ErrorOf(&client, client.StartDelete(kQueueUrl, {"h"})).fault(), Fault::kUnreachable);
	EXPECT_GE(Clock::now() - begin, milliseconds(200));
	EXPECT_LT(Clock::now() - begin, milliseconds(600));
}

TEST(Sqs, RetryAfterIsHonoured)
{
	FakeReply refusal = Refusal(500, "InternalFailure");
	refusal.headers.emplace_back("x-amz-retry-after: 300");
	FakeServer server(InTurn({refusal, Messages(1)}));
	Client client(OptionsFor(server), Keys());
	const TimePoint begin = Clock::now();
	ResultOf(&client, client.StartReceive(Receive()));
	EXPECT_GE(Clock::now() - begin, milliseconds(300));
	EXPECT_LT(Clock::now() - begin, milliseconds(600));
}

TEST(Sqs, ABackOffHoldsUpNobodyElseAndKeepsTheClientBusy)
{
	FakeReply refusal = Refusal(500, "InternalFailure");
	refusal.headers.emplace_back("x-amz-retry-after: 400");
	FakeServer server([&](const FakeRequest &request) {
		if (request.action == "ReceiveMessage")
			return request.index == 0 ? refusal : Messages(1);
		return AllDone(EntriesOf(request));
	});
	Client client(OptionsFor(server), Keys());
	const TimePoint begin = Clock::now();
	CallPtr<ReceivedBatch> receive = client.StartReceive(Receive());
	while (client.counters().retries == 0)
		ASSERT_NE(client.Drive(Never, In(5)), Ran::kIdle);
	ResultOf(&client, client.StartDelete(kQueueUrl, {"h"}));
	EXPECT_LT(Clock::now() - begin, milliseconds(300));
	EXPECT_FALSE(receive->done());

	// Only the back-off is left: the client waits for it, and can be stopped.
	EXPECT_EQ(client.Drive(Never, In(20)), Ran::kDeadline);
	std::atomic<bool> stop{false};
	std::thread stopper([&] {
		std::this_thread::sleep_for(milliseconds(30));
		stop = true;
	});
	const TimePoint waited = Clock::now();
	EXPECT_EQ(client.Drive([&] { return stop.load(); }, In(1000)), Ran::kInterrupted);
	EXPECT_LT(Clock::now() - waited, milliseconds(130));
	stopper.join();
	EXPECT_EQ(ResultOf(&client, std::move(receive)).messages.size(), 1U);
	EXPECT_GE(Clock::now() - begin, milliseconds(400));
	EXPECT_EQ(client.Drive(Never, In(100)), Ran::kIdle);
}

TEST(Sqs, WhereTheQuotaIsUsedUpNobodyRetries)
{
	FakeServer server(Always(Refusal(500, "InternalFailure")));
	ClientOptions options = OptionsFor(server);
	options.max_attempts = 2;
	options.max_connections = 50;
	Client client(options, Keys());
	std::vector<CallPtr<std::vector<EntryResult>>> calls;
	calls.reserve(50);
	for (int i = 0; i < 50; ++i)
		calls.push_back(client.StartDelete(kQueueUrl, {"h"}));
	for (auto &call : calls)
		EXPECT_EQ(ErrorOf(&client, std::move(call)).fault(), Fault::kUnreachable);
	EXPECT_EQ(client.counters().retries, 500 / 14);
	EXPECT_EQ(server.request_count(), 50 + 500 / 14);
}

TEST(Sqs, AnEmptyQuotaDoesNotMakeALongPollFailAtOnce)
{
	FakeReply refusal = Refusal(500, "InternalFailure");
	FakeServer server([&](const FakeRequest &request) {
		FakeReply reply = refusal;
		if (request.action == "ReceiveMessage")
			reply.headers.emplace_back("x-amz-retry-after: 200");
		return reply;
	});
	ClientOptions options = OptionsFor(server);
	options.max_attempts = 2;
	options.max_connections = 50;
	Client client(options, Keys());
	std::vector<CallPtr<std::vector<EntryResult>>> calls;
	calls.reserve(50);
	for (int i = 0; i < 50; ++i)
		calls.push_back(client.StartDelete(kQueueUrl, {"h"}));
	for (auto &call : calls)
		ErrorOf(&client, std::move(call));
	const int before = server.request_count();
	const TimePoint begin = Clock::now();
	ErrorOf(&client, client.StartReceive(Receive()));
	EXPECT_GE(Clock::now() - begin, milliseconds(200));
	EXPECT_EQ(server.request_count(), before + 1);
}

TEST(Sqs, AFifoReceiveKeepsItsAttemptIdAcrossItsRetriesOnly)
{
	FakeServer server(InTurn({Refusal(500, "InternalFailure"), Messages(1)}));
	Client client(OptionsFor(server), Keys());
	ResultOf(&client, client.StartReceive(Receive(kFifoUrl)));
	ResultOf(&client, client.StartReceive(Receive(kFifoUrl)));
	ResultOf(&client, client.StartReceive(Receive()));
	const std::vector<FakeRequest> requests = server.requests();
	ASSERT_EQ(requests.size(), 4U);
	EXPECT_TRUE(Holds(requests[0].body, "\"ReceiveRequestAttemptId\":\""));
	EXPECT_EQ(requests[0].body, requests[1].body);
	EXPECT_NE(requests[1].body, requests[2].body);
	EXPECT_FALSE(Holds(requests[3].body, "ReceiveRequestAttemptId"));
}

FakeReply Damaged(const std::string &more = "")
{
	return Reply(
	    R"({"Messages":[{"MessageId":"bad","ReceiptHandle":"h","Body":"hello","MD5OfBody":")" +
	    std::string(32, '0') + "\"}" + more + "]}");
}

TEST(Sqs, AReplyOfDamagedMessagesIsRetriedAndCounted)
{
	FakeServer server(InTurn({Damaged(), Messages(1)}));
	Client client(OptionsFor(server), Keys());
	EXPECT_EQ(ResultOf(&client, client.StartReceive(Receive())).messages.at(0).id, "m0");
	EXPECT_EQ(client.counters().corrupted, 1);
	EXPECT_EQ(server.request_count(), 2);
}

TEST(Sqs, OneDamagedMessageDoesNotCostTheOthers)
{
	FakeServer server(
	    Always(Damaged(R"(,{"MessageId":"good","ReceiptHandle":"h","Body":"hello","MD5OfBody":)"
	                   R"("5d41402abc4b2a76b9719d911017c592"})")));
	Client client(OptionsFor(server), Keys());
	const ReceivedBatch batch = ResultOf(&client, client.StartReceive(Receive()));
	ASSERT_EQ(batch.messages.size(), 1U);
	EXPECT_EQ(batch.messages[0].id, "good");
	EXPECT_EQ(client.counters().corrupted, 1);
	EXPECT_EQ(server.request_count(), 1);
}

TEST(Sqs, RepliesThatAreDamagedAgainAndAgainAreBadReplies)
{
	FakeServer server(Always(Damaged()));
	Client client(OptionsFor(server), Keys());
	EXPECT_EQ(ErrorOf(&client, client.StartReceive(Receive())).fault(), Fault::kBadReply);
	EXPECT_EQ(server.request_count(), 3);
}

// Repairs

TEST(Sqs, AWrongClockIsShiftedAndStaysShifted)
{
	const time_t server_time = time(nullptr) + 3600;
	FakeServer server([&](const FakeRequest &request) {
		const time_t signed_at = TimeOfAmzDate(request.headers.at("x-amz-date"));
		if (std::abs(static_cast<long>(signed_at - server_time)) < 300)
			return Messages(1);
		FakeReply reply = Refusal(403, "InvalidSignatureException", "Signature expired");
		reply.headers.emplace_back("Date: " + HttpDate(server_time));
		return reply;
	});
	Client client(OptionsFor(server), Keys());
	EXPECT_EQ(ResultOf(&client, client.StartReceive(Receive())).messages.size(), 1U);
	EXPECT_EQ(server.request_count(), 2);
	EXPECT_EQ(ResultOf(&client, client.StartReceive(Receive())).messages.size(), 1U);
	EXPECT_EQ(server.request_count(), 3);
}

TEST(Sqs, AWrongSecretIsNotTakenForAWrongClock)
{
	FakeReply refusal = Refusal(403, "InvalidSignatureException");
	refusal.headers.emplace_back("Date: " + HttpDate(time(nullptr)));
	FakeServer server(Always(refusal));
	Client client(OptionsFor(server), Keys());
	EXPECT_EQ(ErrorOf(&client, client.StartReceive(Receive())).fault(), Fault::kDenied);
	EXPECT_EQ(server.request_count(), 1);
}

TEST(Sqs, AClockThatCannotBeRepairedIsDeniedAfterOneTry)
{
	FakeReply refusal = Refusal(403, "RequestTimeTooSkewed");
	refusal.headers.emplace_back("Date: " + HttpDate(time(nullptr) + 3600));
	FakeServer server(Always(refusal));
	Client client(OptionsFor(server), Keys());
	EXPECT_EQ(ErrorOf(&client, client.StartReceive(Receive())).fault(), Fault::kDenied);
	EXPECT_EQ(server.request_count(), 2);
}

// Hands out a new key at each refresh.
class Rotating final : public CredentialProvider {
public:
	explicit Rotating(int *refreshes) : refreshes_(refreshes) { Renew(); }
	const Credentials &Get() override { return credentials_; }
	bool Refresh() override
	{
		++*refreshes_;
		Renew();
		return true;
	}

private:
	void Renew()
	{
		credentials_.access_key_id = "KEY" + std::to_string(*refreshes_);
		credentials_.secret_access_key = Secret("secret");
	}

	int *const refreshes_;
	Credentials credentials_;
};

TEST(Sqs, StaleCredentialsAreRefreshedOnceForAllCalls)
{
	FakeServer server([](const FakeRequest &request) {
		if (Holds(request.headers.at("authorization"), "Credential=KEY0/"))
			return Refusal(403, "ExpiredTokenException");
		return Messages(1);
	});
	int refreshes = 0;
	Client client(OptionsFor(server), std::make_unique<Rotating>(&refreshes));
	std::vector<CallPtr<ReceivedBatch>> calls;
	calls.reserve(50);
	for (int i = 0; i < 4; ++i)
		calls.push_back(client.StartReceive(Receive()));
	for (auto &call : calls)
		EXPECT_EQ(ResultOf(&client, std::move(call)).messages.size(), 1U);
	EXPECT_EQ(refreshes, 1);
}

TEST(Sqs, CredentialsThatStayStaleAreDenied)
{
	FakeServer server(Always(Refusal(403, "ExpiredTokenException")));
	int refreshes = 0;
	Client client(OptionsFor(server), std::make_unique<Rotating>(&refreshes));
	EXPECT_EQ(ErrorOf(&client, client.StartReceive(Receive())).fault(), Fault::kDenied);
	EXPECT_EQ(refreshes, 1);
	EXPECT_EQ(server.request_count(), 2);
}

TEST(Sqs, KeysThatCannotBeRefreshedAreNotTriedAgain)
{
	FakeServer server(Always(Refusal(403, "ExpiredTokenException")));
	Client client(OptionsFor(server), Keys());
	EXPECT_EQ(ErrorOf(&client, client.StartReceive(Receive())).fault(), Fault::kDenied);
	EXPECT_EQ(server.request_count(), 1);
}

// Cancelling

TEST(Sqs, ADestroyedCallIsCancelled)
{
	FakeServer server([](const FakeRequest &request) {
		return request.action == "ReceiveMessage" ? Broken(Then::kHang) : AllDoneFor(request);
	});
	Client client(OptionsFor(server), Keys());
	CallPtr<ReceivedBatch> receive = client.StartReceive(Receive());
	CallPtr<std::vector<EntryResult>> remove = client.StartDelete(kQueueUrl, Handles(100));
	while (server.request_count() < 2)
		client.Drive(Never, In(5));
	receive.reset();
	remove.reset();
	EXPECT_EQ(client.Drive(Never, In(100)), Ran::kIdle);
	EXPECT_EQ(ResultOf(&client, client.StartDelete(kQueueUrl, {"h"})).at(0).state, State::kDone);
}

TEST(Sqs, ACallInItsBackOffIsCancelled)
{
	FakeReply refusal = Refusal(500, "InternalFailure");
	refusal.headers.emplace_back("x-amz-retry-after: 5000");
	FakeServer server(Always(refusal));
	Client client(OptionsFor(server), Keys());
	CallPtr<ReceivedBatch> call = client.StartReceive(Receive());
	while (client.counters().retries == 0)
		client.Drive(Never, In(5));
	call.reset();
	EXPECT_EQ(client.Drive(Never, In(100)), Ran::kIdle);
}

TEST(Sqs, TheDeadlineOfDriveIsKept)
{
	FakeServer server(Always(Broken(Then::kHang)));
	Client client(OptionsFor(server), Keys());
	const CallPtr<ReceivedBatch> call = client.StartReceive(Receive());
	const TimePoint begin = Clock::now();
	EXPECT_EQ(client.Drive(Never, In(60)), Ran::kDeadline);
	EXPECT_GE(Clock::now() - begin, milliseconds(60));
	EXPECT_LT(Clock::now() - begin, milliseconds(160));
	EXPECT_EQ(client.Drive(Never, Clock::now()), Ran::kDeadline);
	EXPECT_EQ(client.Drive([] { return true; }, In(1000)), Ran::kInterrupted);
}

TEST(Sqs, AnEndpointThatIsNoneIsRefusedAtOnce)
{
	EXPECT_THROW(Client(ClientOptions{}, Keys()), Error);
}

}  // namespace
}  // namespace sqs_fdw::aws
