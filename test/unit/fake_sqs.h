// What the tests of the SQS client share: replies in SQS's form, and clients of a scripted server.
#pragma once

#include "aws/sqs.h"
#include "fake_server.h"

#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sqs_fdw::test {

inline constexpr char kQueueUrl[] = "http://queue.example/123456789012/logins";
inline constexpr char kFifoUrl[] = "http://queue.example/123456789012/logins.fifo";
inline constexpr char kAccessKeyId[] = "AKIDEXAMPLE";
inline constexpr char kSecretKey[] = "wJalrXUtnFEMIexamplekey";

inline bool Never()
{
	return false;
}

inline FakeReply Reply(std::string body)
{
	FakeReply reply;
	reply.body = std::move(body);
	return reply;
}

inline FakeReply Refusal(int status, const std::string &code, const std::string &message = "")
{
	FakeReply reply;
	reply.status = status;
	reply.body = R"({"__type":"com.amazonaws.sqs#)" + code + R"(","message":")" + message + "\"}";
	reply.headers = {"x-amzn-RequestId: 7a62c49f-347e-4fc4-9331-6e8e7a96aa73"};
	return reply;
}

inline FakeReply Broken(FakeReply::Then then)
{
	FakeReply reply;
	reply.then = then;
	return reply;
}

// A ReceiveMessage reply of `count` messages, numbered from `first`.
inline FakeReply Messages(int count, int first = 0)
{
	std::string body = R"({"Messages":[)";
	for (int i = 0; i < count; ++i) {
		const std::string number = std::to_string(first + i);
		body.append(i > 0 ? "," : "").append(R"({"MessageId":"m)").append(number);
		body.append(R"(","ReceiptHandle":"handle-)").append(number);
		body.append(R"(","Body":"{\"n\":)").append(number).append("}\"}");
	}
	return Reply(body + "]}");
}

// The successes of a batch request with so many entries.
inline FakeReply AllDone(size_t entries)
{
	std::string body = R"({"Successful":[)";
	for (size_t i = 0; i < entries; ++i) {
		const std::string number = std::to_string(i);
		body.append(i > 0 ? "," : "").append(R"({"Id":")").append(number);
		body.append(R"(","MessageId":"id-)").append(number).append("\"}");
	}
	return Reply(body + "]}");
}

inline size_t CountOf(std::string_view part, std::string_view text)
{
	size_t count = 0;
	for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
		++count;
	return count;
}

inline size_t EntriesOf(const FakeRequest &request)
{
	return CountOf("\"Id\":", request.body);
}

// They stay for as long as the program runs.
inline std::vector<std::string_view> Handles(int count)
{
	static std::deque<std::string> texts;
	while (texts.size() < static_cast<size_t>(count))
		texts.push_back("handle-" + std::to_string(texts.size()));
	return {texts.begin(), texts.begin() + count};
}

inline FakeReply AllDoneFor(const FakeRequest &request)
{
	return AllDone(EntriesOf(request));
}

inline bool Holds(const std::string &text, std::string_view part)
{
	return text.find(part) != std::string::npos;
}

inline FakeServer::Handler Always(const FakeReply &reply)
{
	return [reply](const FakeRequest &) { return reply; };
}

inline std::unique_ptr<aws::CredentialProvider> Keys(const std::string &token = "")
{
	aws::Credentials credentials;
	credentials.access_key_id = kAccessKeyId;
	credentials.secret_access_key = Secret(kSecretKey);
	credentials.session_token = Secret(token);
	return aws::MakeStaticCredentials(std::move(credentials));
}

inline aws::ClientOptions OptionsFor(const FakeServer &server)
{
	aws::ClientOptions options;
	options.endpoint.region = "eu-west-1";
	options.endpoint.endpoint = server.Url();
	options.request_timeout = std::chrono::milliseconds(500);
	return options;
}

inline TimePoint In(int milliseconds)
{
	return Clock::now() + std::chrono::milliseconds(milliseconds);
}

// Drives a client until a call is done.
template <class T>
void Finish(aws::Client *client, const aws::CallPtr<T> &call)
{
	const TimePoint deadline = In(4000);
	while (!call->done()) {
		const aws::Ran ran = client->Drive(Never, deadline);
		if (ran == aws::Ran::kDeadline || (ran == aws::Ran::kIdle && !call->done()))
			throw std::runtime_error("the call did not end");
	}
}

template <class T>
T ResultOf(aws::Client *client, aws::CallPtr<T> call)
{
	Finish(client, call);
	return call->Take();
}

// The Error that a call ends with.
template <class T>
Error ErrorOf(aws::Client *client, aws::CallPtr<T> call)
{
	Finish(client, call);
	try {
		call->Take();
	} catch (const Error &error) {
		return error;
	}
	throw std::runtime_error("the call succeeded");
}

inline aws::ReceiveRequest Receive(const char *url = kQueueUrl)
{
	aws::ReceiveRequest request;
	request.queue_url = url;
	request.wait = std::chrono::seconds(0);
	return request;
}

}  // namespace sqs_fdw::test
