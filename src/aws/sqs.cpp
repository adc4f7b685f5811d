// The typed calls of the SQS client.
#include "aws/sqs.h"

#include "aws/batch.h"
#include "aws/json.h"
#include "aws/requester.h"

#include <random>
#include <string_view>
#include <utility>

#include "base/bytes.h"

namespace sqs_fdw::aws {

namespace {

constexpr BatchKind kDelete{"DeleteMessageBatch", "delete messages from SQS"};
constexpr BatchKind kChangeVisibility{
    "ChangeMessageVisibilityBatch", "change the visibility of messages in SQS"};
constexpr BatchKind kSend{"SendMessageBatch", "send messages to SQS", true};
// A FIFO queue recognises what it was sent before, by its deduplication id.
constexpr BatchKind kSendFifo{"SendMessageBatch", "send messages to SQS", false};

bool IsFifo(std::string_view queue_url) noexcept
{
	constexpr std::string_view kSuffix = ".fifo";
	return queue_url.size() >= kSuffix.size() &&
	       queue_url.substr(queue_url.size() - kSuffix.size()) == kSuffix;
}

// 128 random bits; SQS takes up to 128 characters.
std::string NewAttemptId()
{
	std::random_device random;
	std::string bits;
	for (int i = 0; i < 4; ++i) {
		const uint32_t word = random();
		bits.append(reinterpret_cast<const char *>(&word), sizeof word);
	}
	return HexEncode(bits);
}

void WriteNames(const char *key, const std::vector<std::string> &names, JsonWriter *out)
{
	if (names.empty())
		return;
	out->Key(key);
	out->BeginArray();
	for (const std::string &name : names)
		out->String(name);
	out->EndArray();
}

std::string ReceiveBody(const ReceiveRequest &request)
{
	JsonWriter out(512);
	out.BeginObject();
	out.Key("QueueUrl");
	out.String(request.queue_url);
	out.Key("MaxNumberOfMessages");
	out.Integer(request.max_messages);
	out.Key("WaitTimeSeconds");
	out.Integer(request.wait.count());
	if (request.visibility_timeout) {
		out.Key("VisibilityTimeout");
		out.Integer(request.visibility_timeout->count());
	}
	WriteNames("MessageSystemAttributeNames", request.system_attributes, &out);
	WriteNames("MessageAttributeNames", request.message_attributes, &out);
	// The body is the same in all attempts: a retried receive returns the same messages.
	if (IsFifo(request.queue_url)) {
		out.Key("ReceiveRequestAttemptId");
		out.String(NewAttemptId());
	}
	out.EndObject();
	return out.Take();
}

// A call that is one request.
template <class Result>
class SingleCall : public Call<Result>, private ReplyHandler {
public:
	SingleCall(Requester *requester, ApiRequest request)
	    : requester_(requester), id_(requester->Start(std::move(request), this))
	{
	}
	~SingleCall() override
	{
		if (!done())
			requester_->Cancel(id_);
	}

	bool done() const noexcept override { return result_ || error_; }

	Result Take() override
	{
		if (error_)
			throw *error_;
		return std::move(*result_);
	}

protected:
	Requester *requester() const noexcept { return requester_; }

private:
	// The result, or nothing if the reply is damaged.
	virtual std::optional<Result> Read(HttpReply *reply, const SentTimes &sent) = 0;

	Verdict OnReply(HttpReply *reply, const SentTimes &sent) override
	{
		result_ = Read(reply, sent);
		return result_ ? Verdict::kAccepted : Verdict::kRetry;
	}

	void OnError(const Error &error, const std::string &) override { error_ = error; }

	Requester *const requester_;
	std::optional<Result> result_;
	std::optional<Error> error_;
	const Requester::Id id_;
};

class ReceiveCall final : public SingleCall<ReceivedBatch> {
public:
	ReceiveCall(Requester *requester, ApiRequest request, bool fifo)
	    : SingleCall(requester, std::move(request)), fifo_(fifo)
	{
	}

private:
	// Messages that came through damaged are left in the queue, and come again; a reply with
	// nothing else in it must not be taken for an empty queue.
	std::optional<ReceivedBatch> Read(HttpReply *reply, const SentTimes &sent) override
	{
		ReceiveReply received = requester()->reader().ReadReceive(&reply->body);
		requester()->counters().corrupted += received.corrupted;
		if (received.corrupted > 0 && received.batch.messages.empty())
			return std::nullopt;
		// On a FIFO queue an earlier attempt may have received them already.
		received.batch.received_at = fifo_ ? sent.first : sent.last;
		return std::move(received.batch);
	}

	const bool fifo_;
};

class GetQueueUrlCall final : public SingleCall<std::string> {
public:
	using SingleCall::SingleCall;

private:
	std::optional<std::string> Read(HttpReply *reply, const SentTimes &) override
	{
		return requester()->reader().ReadQueueUrl(&reply->body);
	}
};

using Attributes = std::map<std::string, std::string>;

class GetQueueAttributesCall final : public SingleCall<Attributes> {
public:
	using SingleCall::SingleCall;

private:
	std::optional<Attributes> Read(HttpReply *reply, const SentTimes &) override
	{
		return requester()->reader().ReadAttributes(&reply->body);
	}
};

}  // namespace

struct Client::Impl {
	Impl(const ClientOptions &options, std::unique_ptr<CredentialProvider> credentials)
	    : requester(options, std::move(credentials))
	{
	}

	CallPtr<std::vector<EntryResult>> StartBatch(
	    const BatchKind &kind, const std::string &queue_url, std::unique_ptr<BatchEntries> entries)
	{
		return std::make_unique<BatchCall>(&requester, kind, queue_url, std::move(entries));
	}

	Requester requester;
};

Client::Client(const ClientOptions &options, std::unique_ptr<CredentialProvider> credentials)
    : impl_(std::make_unique<Impl>(options, std::move(credentials)))
{
}

Client::~Client() = default;

CallPtr<ReceivedBatch> Client::StartReceive(const ReceiveRequest &request)
{
	ApiRequest api;
	api.action = "ReceiveMessage";
	api.purpose = "receive messages from SQS";
	api.body = ReceiveBody(request);
	api.timeout = options().request_timeout + request.wait;
	api.long_poll = true;
	return std::make_unique<ReceiveCall>(
	    &impl_->requester, std::move(api), IsFifo(request.queue_url));
}

CallPtr<std::vector<EntryResult>> Client::StartDelete(
    const std::string &queue_url, std::vector<std::string_view> handles)
{
	return impl_->StartBatch(kDelete, queue_url, MakeDeletes(std::move(handles)));
}

CallPtr<std::vector<EntryResult>> Client::StartChangeVisibility(
    const std::string &queue_url, std::vector<VisibilityChange> changes)
{
	return impl_->StartBatch(
	    kChangeVisibility, queue_url, MakeVisibilityChanges(std::move(changes)));
}

CallPtr<std::vector<EntryResult>> Client::StartSend(
    const std::string &queue_url, std::vector<OutgoingMessage> messages)
{
	return impl_->StartBatch(
	    IsFifo(queue_url) ? kSendFifo : kSend, queue_url, MakeSends(std::move(messages)));
}

CallPtr<std::string> Client::StartGetQueueUrl(const std::string &name, const std::string &account)
{
	JsonWriter out(256);
	out.BeginObject();
	out.Key("QueueName");
	out.String(name);
	if (!account.empty()) {
		out.Key("QueueOwnerAWSAccountId");
		out.String(account);
	}
	out.EndObject();

	ApiRequest api;
	api.action = "GetQueueUrl";
	api.purpose = "get the URL of the queue from SQS";
	api.body = out.Take();
	api.timeout = options().request_timeout;
	return std::make_unique<GetQueueUrlCall>(&impl_->requester, std::move(api));
}

CallPtr<Attributes> Client::StartGetQueueAttributes(const std::string &queue_url)
{
	JsonWriter out(256);
	out.BeginObject();
	out.Key("QueueUrl");
	out.String(queue_url);
	WriteNames("AttributeNames", {"All"}, &out);
	out.EndObject();

	ApiRequest api;
	api.action = "GetQueueAttributes";
	api.purpose = "get the attributes of the queue from SQS";
	api.body = out.Take();
	api.timeout = options().request_timeout;
	return std::make_unique<GetQueueAttributesCall>(&impl_->requester, std::move(api));
}

Ran Client::Drive(const StopPredicate &stop, TimePoint deadline)
{
	return impl_->requester.Drive(stop, deadline);
}

const ClientCounters &Client::counters() const noexcept
{
	return impl_->requester.counters();
}

const ClientOptions &Client::options() const noexcept
{
	return impl_->requester.options();
}

}  // namespace sqs_fdw::aws
