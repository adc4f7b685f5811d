// The JSON of the SQS API: writes requests, reads replies.
//
// Source: Amazon SQS API reference, AWS JSON protocol 1.0.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aws/sqs.h"

namespace sqs_fdw::aws {

// Builds one JSON text. Commas are put where they belong; nesting is the caller's to get right.
class JsonWriter {
public:
	explicit JsonWriter(size_t expected_size) { out_.reserve(expected_size); }

	void BeginObject() { Separate(), out_.push_back('{'); }
	void EndObject() { out_.push_back('}'); }
	void BeginArray() { Separate(), out_.push_back('['); }
	void EndArray() { out_.push_back(']'); }
	void Key(std::string_view name);  // a name of the API: nothing in it needs an escape
	void Integer(int64_t value);
	void String(std::string_view text);  // throws Error(kInvalid): not UTF-8

	std::string Take() noexcept { return std::move(out_); }

private:
	void Separate();

	std::string out_;
};

struct ReceiveReply {
	ReceivedBatch batch;  // received_at is not set
	int corrupted = 0;    // messages left out because their MD5 does not fit
};

struct FailedEntry {
	size_t id = 0;  // as sent; SIZE_MAX if the reply's is none that we send
	bool sender_fault = false;
	std::string code;
	std::string message;  // may quote a receipt handle: for Classify, not for people
};

struct SentEntry {
	size_t id = 0;
	std::string message_id;  // SendMessageBatch only
};

struct BatchReply {
	std::vector<SentEntry> successful;
	std::vector<FailedEntry> failed;
};

// An error as the reply tells it. Everything is the server's own text, and empty where it is not
// told or not fit to be shown.
struct ErrorReply {
	std::string code;     // without its namespace; of [A-Za-z0-9._-]
	std::string message;  // may quote what was sent
};

// Reads replies. Reused, so that its parser's memory is. Members throw Error(kBadReply) for what is
// not JSON or lacks what the API promises, and take the reply's body, to which they may add room.
class ReplyReader {
public:
	// `verify_md5`: leave out messages whose MD5 does not fit their body.
	explicit ReplyReader(bool verify_md5 = true);
	~ReplyReader();
	ReplyReader(const ReplyReader &) = delete;
	ReplyReader &operator=(const ReplyReader &) = delete;

	ReceiveReply ReadReceive(std::string *body);
	BatchReply ReadBatch(std::string *body);
	std::string ReadQueueUrl(std::string *body);
	std::map<std::string, std::string> ReadAttributes(std::string *body);

	// Reads what there is: an error may also come as HTML, or as nothing.
	ErrorReply ReadError(HttpReply *reply) noexcept;

private:
	struct Impl;
	std::unique_ptr<Impl> impl_;
};

}  // namespace sqs_fdw::aws
