// The SQS API as typed calls that run beside each other on one thread.
//
// Source: Amazon SQS API reference, AWS JSON protocol 1.0.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/http.h"
#include "base/clock.h"
#include "base/error.h"

namespace sqs_fdw::aws {

constexpr int kBatchEntries = 10;                      // most entries of a batch, and of a receive
constexpr std::chrono::seconds kMaxVisibility{43200};  // 12 h

// Values that belong to one message; views into the batch that holds it. Times are milliseconds
// since 1970; an absent attribute is empty, or 0.
struct Message {
	std::string_view id;
	std::string_view handle;  // never logged
	std::string_view body;    // never logged; readable kBodyPadding bytes past its end
	int64_t sent_ms = 0;
	int64_t first_receive_ms = 0;
	int32_t receive_count = 0;
	std::string_view sender_id;
	std::string_view group_id;
	std::string_view deduplication_id;
	std::string_view sequence_number;
	std::string_view trace_header;
	std::string_view dead_letter_source_arn;
	// The JSON object as SQS sent it, readable kBodyPadding bytes past its end; or empty.
	std::string_view message_attributes;
};

// The messages of one ReceiveMessage reply, with the memory they point into.
struct ReceivedBatch {
	std::vector<Message> messages;
	TimePoint received_at;  // when the request was sent: visibility counts from no earlier
	std::unique_ptr<char[]> storage;
	size_t storage_size = 0;
};

struct ReceiveRequest {
	std::string queue_url;
	int max_messages = kBatchEntries;
	std::chrono::seconds wait{1};
	std::optional<std::chrono::seconds> visibility_timeout;  // unset: the queue's own
	std::vector<std::string> system_attributes;              // "SentTimestamp", "All"
	std::vector<std::string> message_attributes;             // names, or "All"
};

struct VisibilityChange {
	std::string_view handle;
	std::chrono::seconds timeout{0};
};

struct OutgoingMessage {
	std::string body;
	std::string group_id;
	std::string deduplication_id;
	std::optional<std::chrono::seconds> delay;
};

// What became of one entry of a batch call; the batch's own order.
struct EntryResult {
	enum class State { kDone, kDeadHandle, kFailed } state = State::kDone;
	std::string code;        // SQS's error code or a word for the fault, where it is not kDone
	std::string message_id;  // SendMessageBatch only
};

struct ClientOptions {
	EndpointOptions endpoint;
	int max_connections = 16;
	std::chrono::milliseconds connect_timeout{5000};
	std::chrono::milliseconds request_timeout{10000};  // beyond the long poll
	int max_attempts = 3;
	bool verify_md5 = true;  // of received bodies, where the crypto library offers MD5
};

// What a client did since it was made.
struct ClientCounters {
	int64_t requests = 0;  // HTTP requests, retries among them
	int64_t retries = 0;
	int64_t throttled = 0;
	int64_t bytes_received = 0;
	int64_t corrupted = 0;  // received messages left out because their MD5 did not fit
	int64_t drives = 0;     // calls of Drive: what was started since the latest is not sent yet
};

// A call under way. Destroying it before it is done cancels it (nothing is waited for).
template <class T>
class Call {
public:
	virtual ~Call() = default;
	virtual bool done() const noexcept = 0;
	// The result; call once, when done. Throws the Error that the call ended with.
	virtual T Take() = 0;
};

template <class T>
using CallPtr = std::unique_ptr<Call<T>>;

// A client of one endpoint with one set of credentials. Every call is asynchronous: Start… returns
// at once, Drive makes progress on all of them. Retries, back-off, clock shift and credential
// refresh happen inside. Start… throws Error(kInvalid) for text that is not UTF-8; whatever else
// fails comes from Take. A call must not outlive its client.
class Client {
public:
	// Throws Error(kInvalid) for options that name no endpoint.
	Client(const ClientOptions &options, std::unique_ptr<CredentialProvider> credentials);
	~Client();
	Client(const Client &) = delete;
	Client &operator=(const Client &) = delete;

	[[nodiscard]] CallPtr<ReceivedBatch> StartReceive(const ReceiveRequest &request);

	// Handles are read until the call is done. Any number of entries, split by ten, at most
	// max_connections requests at once. The same handle twice is sent once (of two visibility
	// timeouts the last). Entries that failed through no fault of ours are retried. Where a request
	// fails as a whole, its entries and those not yet sent are kFailed with its code; Take throws
	// its Error only if no entry at all came through.
	[[nodiscard]] CallPtr<std::vector<EntryResult>> StartDelete(
	    const std::string &queue_url, std::vector<std::string_view> handles);
	[[nodiscard]] CallPtr<std::vector<EntryResult>> StartChangeVisibility(
	    const std::string &queue_url, std::vector<VisibilityChange> changes);
	// Also split by the 1 MiB of a batch. On connections of their own, and not retried when it is
	// unknown whether SQS got them: never sent twice unnoticed. FIFO queues recognise duplicates.
	[[nodiscard]] CallPtr<std::vector<EntryResult>> StartSend(
	    const std::string &queue_url, std::vector<OutgoingMessage> messages);

	// `account` empty: the caller's own.
	[[nodiscard]] CallPtr<std::string> StartGetQueueUrl(
	    const std::string &name, const std::string &account);
	[[nodiscard]] CallPtr<std::map<std::string, std::string>> StartGetQueueAttributes(
	    const std::string &queue_url);

	// Makes progress until a call (or a part of one) ended, `stop` returned true, or `deadline`
	// passed; kIdle when nothing is under way. After kInterrupted, call again to go on.
	Ran Drive(const StopPredicate &stop, TimePoint deadline);

	const ClientCounters &counters() const noexcept;
	const ClientOptions &options() const noexcept;

private:
	struct Impl;
	std::unique_ptr<Impl> impl_;
};

}  // namespace sqs_fdw::aws
