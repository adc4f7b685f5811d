// The HTTP client against a scripted server: connections, limits, faults, interruption, the fence.
#include "aws/http.h"

#include "aws/link_local.h"
#include "fake_server.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sqs_fdw::aws {
namespace {

using std::chrono::milliseconds;
using test::FakeReply;
using test::FakeRequest;
using test::FakeServer;
using Then = FakeReply::Then;

bool Never()
{
	return false;
}

TimePoint In(milliseconds duration)
{
	return Clock::now() + duration;
}

milliseconds Since(TimePoint begin)
{
	return std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
}

HttpRequest Post(const std::string &url, milliseconds timeout = milliseconds(1500))
{
	HttpRequest request;
	request.url = url;
	request.headers = {"Content-Type: application/x-amz-json-1.0", "X-Amz-Target: AmazonSQS.Test"};
	request.body = R"({"QueueUrl":"q"})";
	request.timeout = timeout;
	return request;
}

// Sends one request and drives it to its end.
HttpOutcome Send(Http *http, HttpRequest request)
{
	std::optional<HttpOutcome> outcome;
	http->Start(std::move(request), [&](HttpOutcome result) { outcome = std::move(result); });
	const TimePoint deadline = In(milliseconds(3000));
	while (!outcome && Clock::now() < deadline)
		http->Run(Never, deadline);
	if (!outcome)
		throw std::runtime_error("the transfer did not end");
	return std::move(*outcome);
}

FakeServer::Handler Always(const FakeReply &reply)
{
	return [reply](const FakeRequest &) { return reply; };
}

TEST(Http, HandsOnStatusBodyAndTheHeadersThatMatter)
{
	FakeReply reply;
	reply.status = 403;
	reply.body = "some body";
	reply.headers = {"Date: Thu, 01 Jan 2026 00:00:00 GMT", "X-AMZN-REQUESTID: abc-1",
	    "x-amzn-query-error: A.B;Sender", "x-amz-retry-after:  250 ", "x-other: 1"};
	FakeServer server(Always(reply));
	Http http({});
	const HttpOutcome outcome = Send(&http, Post(server.Url()));
	ASSERT_TRUE(outcome.ok) << outcome.what;
	EXPECT_EQ(outcome.reply.status, 403);
	EXPECT_EQ(outcome.reply.body, "some body");
	EXPECT_EQ(outcome.reply.date, "Thu, 01 Jan 2026 00:00:00 GMT");
	EXPECT_EQ(outcome.reply.request_id, "abc-1");
	EXPECT_EQ(outcome.reply.query_error, "A.B;Sender");
	EXPECT_EQ(outcome.reply.retry_after, "250");
}

TEST(Http, SendsThePostAsGivenAndNothingThatLibcurlWouldAdd)
{
	FakeServer server(Always({}));
	Http http({});
	ASSERT_TRUE(Send(&http, Post(server.Url("/some/path"))).ok);
	const FakeRequest request = server.requests().at(0);
	EXPECT_EQ(request.method, "POST");
	EXPECT_EQ(request.target, "/some/path");
	EXPECT_EQ(request.body, R"({"QueueUrl":"q"})");
	EXPECT_EQ(request.headers.at("content-type"), "application/x-amz-json-1.0");
	EXPECT_EQ(request.headers.at("host"), "127.0.0.1:" + std::to_string(server.port()));
	EXPECT_EQ(request.headers.count("expect"), 0U);
	EXPECT_EQ(request.headers.count("accept"), 0U);
}

TEST(Http, SendsALargeBodyWithoutWaitingForContinue)
{
	FakeServer server(Always({}));
	Http http({});
	HttpRequest request = Post(server.Url());
	request.body.assign(3 << 20, 'x');
	ASSERT_TRUE(Send(&http, std::move(request)).ok);
	EXPECT_EQ(server.requests().at(0).body.size(), 3U << 20);
	EXPECT_EQ(server.requests().at(0).headers.count("expect"), 0U);
}

TEST(Http, RequestsOneAfterTheOtherShareAConnection)
{
	FakeServer server(Always({}));
	Http http({});
	for (int i = 0; i < 20; ++i)
		ASSERT_TRUE(Send(&http, Post(server.Url())).ok);
	EXPECT_EQ(server.request_count(), 20);
	EXPECT_EQ(server.connections(), 1);
}

TEST(Http, ParallelRequestsKeepTheirConnectionsForTheNextRound)
{
	FakeReply reply;
	reply.delay = milliseconds(30);
	FakeServer server(Always(reply));
	Http http({});
	for (int round = 0; round < 3; ++round) {
		int done = 0;
		for (int i = 0; i < 16; ++i)
			http.Start(Post(server.Url()), [&](const HttpOutcome &outcome) { done += outcome.ok; });
		const TimePoint deadline = In(milliseconds(1500));
		while (done < 16 && Clock::now() < deadline)
			http.Run(Never, deadline);
		EXPECT_EQ(done, 16);
	}
	EXPECT_EQ(server.request_count(), 48);
	EXPECT_EQ(server.connections(), 16);
}

TEST(Http, AFreshConnectionIsNotAKeptOne)
{
	FakeServer server(Always({}));
	Http http({});
	ASSERT_TRUE(Send(&http, Post(server.Url())).ok);
	HttpRequest request = Post(server.Url());
	request.fresh_connection = true;
	ASSERT_TRUE(Send(&http, std::move(request)).ok);
	EXPECT_EQ(server.connections(), 2);
}

TEST(Http, AConnectionThatTheServerClosedIsReplaced)
{
	FakeReply reply;
	reply.then = Then::kClose;
	FakeServer server(Always(reply));
	Http http({});
	for (int i = 0; i < 3; ++i)
		ASSERT_TRUE(Send(&http, Post(server.Url())).ok);
	EXPECT_EQ(server.connections(), 3);
}

TEST(Http, ACallbackMayStartTheNextTransfer)
{
	FakeServer server(Always({}));
	Http http({});
	int done = 0;
	Http::Done next = [&](const HttpOutcome &) {
		if (++done < 5)
			http.Start(Post(server.Url()), next);
	};
	http.Start(Post(server.Url()), next);
	while (http.Run(Never, In(milliseconds(1500))) == Ran::kProgress) {
	}
	EXPECT_EQ(done, 5);
	EXPECT_EQ(http.active(), 0U);
}

TEST(Http, AnExceptionOfACallbackComesOutOfRunAndHarmsNothing)
{
	FakeServer server(Always({}));
	Http http({});
	http.Start(Post(server.Url()),
	    [](const HttpOutcome &) { throw Error(Fault::kInternal, "thrown by the callback"); });
	EXPECT_THROW(while (http.Run(Never, In(milliseconds(1500))) != Ran::kIdle){}, Error);
	EXPECT_EQ(http.active(), 0U);
	EXPECT_TRUE(Send(&http, Post(server.Url())).ok);
}

TEST(Http, RunIsIdleWithoutTransfers)
{
	Http http({});
	EXPECT_EQ(http.Run(Never, In(milliseconds(500))), Ran::kIdle);
}

TEST(Http, RunReturnsAtItsDeadlineAndTheTransferGoesOn)
{
	FakeReply reply;
	reply.delay = milliseconds(250);
	FakeServer server(Always(reply));
	Http http({});
	bool ok = false;
	http.Start(Post(server.Url()), [&](const HttpOutcome &outcome) { ok = outcome.ok; });
	const TimePoint begin = Clock::now();
	EXPECT_EQ(http.Run(Never, In(milliseconds(80))), Ran::kDeadline);
	EXPECT_GE(Since(begin), milliseconds(80));
	EXPECT_LT(Since(begin), milliseconds(200));
	EXPECT_EQ(http.Run(Never, In(milliseconds(1500))), Ran::kProgress);
	EXPECT_TRUE(ok);
}

TEST(Http, TheStopPredicateIsNoticedWithin100Milliseconds)
{
	FakeReply reply;
	reply.then = Then::kHang;
	FakeServer server(Always(reply));
	Http http({});
	http.Start(Post(server.Url()), [](const HttpOutcome &) {});
	std::atomic<bool> stop{false};
	std::atomic<Clock::rep> stopped_at{0};
	std::thread stopper([&] {
		std::this_thread::sleep_for(milliseconds(120));
		stopped_at = Clock::now().time_since_epoch().count();
		stop = true;
	});
	EXPECT_EQ(http.Run([&] { return stop.load(); }, In(milliseconds(1500))), Ran::kInterrupted);
	const TimePoint noticed = Clock::now();
	stopper.join();
	EXPECT_LT(noticed.time_since_epoch().count() - stopped_at.load(),
	    Clock::duration(milliseconds(100)).count());
	EXPECT_EQ(http.active(), 1U);
}

volatile sig_atomic_t signalled = 0;

TEST(Http, ASignalInterruptsTheWait)
{
	struct sigaction action {};
	action.sa_handler = [](int) { signalled = 1; };
	sigaction(SIGUSR1, &action, nullptr);
	FakeReply reply;
	reply.then = Then::kHang;
	FakeServer server(Always(reply));
	Http http({});
	http.Start(Post(server.Url()), [](const HttpOutcome &) {});

	// The median of several, since one signal may fall between the question and the wait.
	std::vector<milliseconds> delays;
	for (int i = 0; i < 5; ++i) {
		signalled = 0;
		std::atomic<Clock::rep> sent_at{0};
		const pthread_t waiter = pthread_self();
		std::thread sender([&] {
			std::this_thread::sleep_for(milliseconds(60 + 7 * i));
			sent_at = Clock::now().time_since_epoch().count();
			pthread_kill(waiter, SIGUSR1);
		});
		EXPECT_EQ(
		    http.Run([] { return signalled != 0; }, In(milliseconds(1500))), Ran::kInterrupted);
		const Clock::rep noticed = Clock::now().time_since_epoch().count();
		sender.join();
		delays.push_back(
		    std::chrono::duration_cast<milliseconds>(Clock::duration(noticed - sent_at.load())));
	}
	std::sort(delays.begin(), delays.end());
	EXPECT_LT(delays[2], milliseconds(10));
}

TEST(Http, ACancelledTransferClosesItsConnectionAndNeverCallsBack)
{
	FakeReply reply;
	reply.delay = milliseconds(50);
	FakeServer server(Always(reply));
	Http http({});
	bool called = false;
	const TransferId id =
	    http.Start(Post(server.Url()), [&](const HttpOutcome &) { called = true; });
	while (server.request_count() == 0)
		http.Run(Never, In(milliseconds(5)));
	http.Cancel(id);
	http.Cancel(id);  // unknown by now
	EXPECT_EQ(http.active(), 0U);
	EXPECT_EQ(http.Run(Never, In(milliseconds(200))), Ran::kIdle);
	EXPECT_TRUE(Send(&http, Post(server.Url())).ok);
	EXPECT_FALSE(called);
	EXPECT_EQ(server.connections(), 2);
}

TEST(Http, AnIdDoesNotReachTheNextTransferInItsPlace)
{
	FakeServer server(Always({}));
	Http http({});
	const TransferId first = http.Start(Post(server.Url()), [](const HttpOutcome &) {});
	http.Cancel(first);
	bool ok = false;
	http.Start(Post(server.Url()), [&](const HttpOutcome &outcome) { ok = outcome.ok; });
	http.Cancel(first);
	http.Run(Never, In(milliseconds(1500)));
	EXPECT_TRUE(ok);
}

TEST(Http, ABlackHoleTimesOut)
{
	FakeReply reply;
	reply.then = Then::kHang;
	FakeServer server(Always(reply));
	Http http({});
	const TimePoint begin = Clock::now();
	const HttpOutcome outcome = Send(&http, Post(server.Url(), milliseconds(150)));
	EXPECT_FALSE(outcome.ok);
	EXPECT_EQ(outcome.fault, Fault::kUnreachable);
	EXPECT_TRUE(outcome.sent);
	EXPECT_EQ(outcome.what, "No reply within 150 ms");
	EXPECT_GE(Since(begin), milliseconds(150));
	EXPECT_LT(Since(begin), milliseconds(400));
}

TEST(Http, AHandshakeThatNobodyAnswersTimesOut)
{
	// A socket that listens and never accepts: TCP connects, TLS does not.
	const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sockaddr_in address{};
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	socklen_t size = sizeof address;
	ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr *>(&address), size), 0);
	ASSERT_EQ(listen(listener, 8), 0);
	getsockname(listener, reinterpret_cast<sockaddr *>(&address), &size);

	HttpOptions options;
	options.connect_timeout = milliseconds(150);
	Http http(options);
	const HttpOutcome outcome =
	    Send(&http, Post("https://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/"));
	close(listener);
	EXPECT_EQ(outcome.fault, Fault::kUnreachable);
	EXPECT_FALSE(outcome.sent);
}

TEST(Http, AReplyThatCameWhileNobodyLookedIsNotTimedOut)
{
	FakeServer server(Always({}));
	Http http({});
	std::optional<HttpOutcome> outcome;
	http.Start(Post(server.Url(), milliseconds(100)),
	    [&](HttpOutcome result) { outcome = std::move(result); });
	while (server.request_count() == 0)
		http.Run([&] { return server.request_count() > 0; }, In(milliseconds(20)));
	if (!outcome) {
		std::this_thread::sleep_for(milliseconds(250));
		http.Run(Never, In(milliseconds(500)));
	}
	ASSERT_TRUE(outcome);
	EXPECT_TRUE(outcome->ok) << outcome->what;
}

TEST(Http, ARefusedConnectionIsUnreachable)
{
	Http http({});
	const HttpOutcome outcome = Send(&http, Post("http://127.0.0.1:1/"));
	EXPECT_EQ(outcome.fault, Fault::kUnreachable);
	EXPECT_FALSE(outcome.sent);
	EXPECT_NE(outcome.what, "");
}

TEST(Http, ANameThatDoesNotResolveIsUnreachable)
{
	Http http({});
	// A label of 64 characters is no host name, so the resolver refuses it without asking anybody.
	const std::string host(64, 'a');
	EXPECT_EQ(Send(&http, Post("http://" + host + ".invalid/")).fault, Fault::kUnreachable);
}

TEST(Http, AResetIsUnreachable)
{
	FakeReply reply;
	reply.then = Then::kReset;
	FakeServer server(Always(reply));
	Http http({});
	const HttpOutcome outcome = Send(&http, Post(server.Url()));
	EXPECT_EQ(outcome.fault, Fault::kUnreachable);
	EXPECT_TRUE(outcome.sent);
}

TEST(Http, ATruncatedBodyIsUnreachable)
{
	FakeReply reply;
	reply.body = std::string(1000, 'x');
	reply.then = Then::kTruncate;
	FakeServer server(Always(reply));
	Http http({});
	EXPECT_EQ(Send(&http, Post(server.Url())).fault, Fault::kUnreachable);
}

TEST(Http, AnAnswerThatIsNotHttpIsABadReply)
{
	FakeReply reply;
	reply.body = "220 mail.example ESMTP\r\n";
	reply.then = Then::kRaw;
	FakeServer server(Always(reply));
	Http http({});
	EXPECT_EQ(Send(&http, Post(server.Url())).fault, Fault::kBadReply);
}

TEST(Http, AReplyOverTheCapIsTooLargeWhetherAnnouncedOrNot)
{
	FakeReply announced;
	announced.body = std::string(5000, 'x');
	FakeReply chunked;
	chunked.then = Then::kRaw;
	chunked.body = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
	for (int i = 0; i < 5; ++i)
		chunked.body += "400\r\n" + std::string(0x400, 'x') + "\r\n";
	chunked.body += "0\r\n\r\n";

	HttpOptions options;
	options.max_reply_bytes = 4096;
	for (const FakeReply &reply : {announced, chunked}) {
		FakeServer server(Always(reply));
		Http http(options);
		const HttpOutcome outcome = Send(&http, Post(server.Url()));
		EXPECT_EQ(outcome.fault, Fault::kTooLarge);
		EXPECT_EQ(outcome.what, "The reply is longer than 4096 bytes");
	}
}

TEST(Http, AReplyOfExactlyTheCapPasses)
{
	FakeReply reply;
	reply.body = std::string(4096, 'x');
	FakeServer server(Always(reply));
	HttpOptions options;
	options.max_reply_bytes = 4096;
	Http http(options);
	EXPECT_TRUE(Send(&http, Post(server.Url())).ok);
}

TEST(Http, HeadersWithoutEndAreTooLarge)
{
	FakeReply reply;
	reply.then = Then::kRaw;
	reply.body = "HTTP/1.1 200 OK\r\n";
	for (int i = 0; i < 400; ++i)
		reply.body += "x-" + std::to_string(i) + ": " + std::string(1000, 'x') + "\r\n";
	FakeServer server(Always(reply));
	Http http({});
	EXPECT_EQ(Send(&http, Post(server.Url())).fault, Fault::kTooLarge);
}

TEST(Http, ARedirectIsHandedOnAndNotFollowed)
{
	FakeServer target(Always({}));
	FakeReply reply;
	reply.status = 307;
	reply.headers = {"Location: " + target.Url("/stolen")};
	FakeServer server(Always(reply));
	Http http({});
	const HttpOutcome outcome = Send(&http, Post(server.Url()));
	ASSERT_TRUE(outcome.ok);
	EXPECT_EQ(outcome.reply.status, 307);
	EXPECT_EQ(target.connections(), 0);
}

TEST(Http, ProxiesOfTheEnvironmentAreIgnored)
{
	FakeServer proxy(Always({}));
	FakeServer server(Always({}));
	for (const char *name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"})
		setenv(name, proxy.Url().c_str(), 1);
	Http http({});
	EXPECT_TRUE(Send(&http, Post(server.Url())).ok);
	for (const char *name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"})
		unsetenv(name);
	EXPECT_EQ(proxy.connections(), 0);
	EXPECT_EQ(server.connections(), 1);
}

TEST(Http, ACertificateOfTheServersOwnMakingIsUntrusted)
{
	FakeServer server(Always({}), true);
	Http http({});
	const HttpOutcome outcome = Send(&http, Post(server.Url()));
	EXPECT_EQ(outcome.fault, Fault::kUntrusted);
	EXPECT_FALSE(outcome.sent);
	EXPECT_EQ(server.request_count(), 0);
}

TEST(Http, ACertificateIsTrustedForItsOwnNameOnly)
{
	FakeServer server(Always({}), true);
	const std::string file =
	    testing::TempDir() + "/sqs_fdw_certificate_" + std::to_string(server.port()) + ".pem";
	server.WriteCertificate(file);
	HttpOptions options;
	options.authorities_file = file;
	Http http(options);
	const std::string port = std::to_string(server.port());
	EXPECT_TRUE(Send(&http, Post("https://localhost:" + port + "/")).ok);
	EXPECT_EQ(Send(&http, Post("https://127.0.0.1:" + port + "/")).fault, Fault::kUntrusted);
	EXPECT_EQ(server.request_count(), 1);
	std::remove(file.c_str());
}

TEST(Http, PlainHttpBehindHttpsIsUnreachable)
{
	FakeReply reply;
	reply.then = Then::kReset;
	FakeServer server(Always(reply));
	Http http({});
	const HttpOutcome outcome = Send(
	    &http, Post("https://127.0.0.1:" + std::to_string(server.port()) + "/", milliseconds(300)));
	EXPECT_EQ(outcome.fault, Fault::kUnreachable);
}

TEST(Http, OtherProtocolsAreRefused)
{
	Http http({});
	const HttpOutcome outcome = Send(&http, Post("file:///etc/hostname"));
	EXPECT_FALSE(outcome.ok);
	EXPECT_EQ(outcome.fault, Fault::kInternal);
}

TEST(Http, LinkLocalAddressesAreForbidden)
{
	Http http({});
	for (const char *host : {"169.254.169.254", "[fe80::1]", "[::ffff:169.254.170.2]",
	         "[fd00:ec2::254]", "2852039166" /* the same as a number */}) {
		const HttpOutcome outcome = Send(&http, Post("http://" + std::string(host) + ":80/"));
		EXPECT_EQ(outcome.fault, Fault::kForbidden) << host;
		EXPECT_FALSE(outcome.sent) << host;
	}
}

TEST(Http, TellsLinkLocalAddressesInAllTheirForms)
{
	const auto is_link_local = [](const char *text) {
		sockaddr_storage storage{};
		if (inet_pton(AF_INET, text, &reinterpret_cast<sockaddr_in *>(&storage)->sin_addr) == 1)
			storage.ss_family = AF_INET;
		else if (inet_pton(
		             AF_INET6, text, &reinterpret_cast<sockaddr_in6 *>(&storage)->sin6_addr) == 1)
			storage.ss_family = AF_INET6;
		return IsLinkLocal(reinterpret_cast<sockaddr *>(&storage));
	};
	for (const char *text : {"169.254.0.1", "169.254.255.255", "fe80::1", "febf::1",
	         "::ffff:169.254.169.254", "::169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::23"})
		EXPECT_TRUE(is_link_local(text)) << text;
	for (const char *text : {"127.0.0.1", "169.253.1.1", "169.255.1.1", "10.0.0.1", "::1",
	         "fec0::1", "2600::1", "::ffff:127.0.0.1", "fd00:ec3::1", "64:ff9b::1.1.1.1"})
		EXPECT_FALSE(is_link_local(text)) << text;
}

TEST(Http, DestroyingItWithTransfersUnderWayDoesNotWait)
{
	FakeReply reply;
	reply.then = Then::kHang;
	FakeServer server(Always(reply));
	auto http = std::make_unique<Http>(HttpOptions{});
	for (int i = 0; i < 4; ++i)
		http->Start(Post(server.Url()), [](const HttpOutcome &) { FAIL(); });
	http->Run(Never, In(milliseconds(30)));
	const TimePoint begin = Clock::now();
	http.reset();
	EXPECT_LT(Since(begin), milliseconds(50));
}

}  // namespace
}  // namespace sqs_fdw::aws
