// Reads the replies of SQS with simdjson.
#include "aws/json.h"

#include "aws/body.h"
#include "aws/md5.h"
#include "aws/retry.h"
#include "aws/simdjson.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

namespace sqs_fdw::aws {

namespace {

namespace ondemand = simdjson::ondemand;

constexpr size_t kMaxCode = 128;
constexpr size_t kMaxErrorText = 4096;

[[noreturn]] void ThrowBadReply(const char *detail)
{
	throw Error(Fault::kBadReply, "SQS sent a reply that is not what its protocol says", detail,
	    HintFor(Fault::kBadReply, ""));
}

void Check(simdjson::error_code code)
{
	if (code == simdjson::SUCCESS)
		return;
	if (code == simdjson::MEMALLOC)
		throw Error(Fault::kOutOfMemory, "out of memory");
	ThrowBadReply("The reply is not valid JSON, or a part of it has the wrong type.");
}

template <class Value, class Result>
Value Get(Result result)
{
	Value value{};
	Check(std::move(result).get(value));
	return value;
}

// A number that the API sends as a string; 0 if it is none.
int64_t ToInteger(std::string_view digits) noexcept
{
	int64_t value = 0;
	const char *end = digits.data() + digits.size();
	const auto parsed = std::from_chars(digits.data(), end, value);
	return parsed.ec == std::errc() && parsed.ptr == end ? value : 0;
}

// The position that we gave an entry as its identifier; SIZE_MAX if it is none of ours.
size_t ToPosition(std::string_view id) noexcept
{
	size_t value = 0;
	const char *end = id.data() + id.size();
	const auto parsed = std::from_chars(id.data(), end, value);
	return parsed.ec == std::errc() && parsed.ptr == end ? value : SIZE_MAX;
}

bool IsNull(ondemand::value value)
{
	return Get<ondemand::json_type>(value.type()) == ondemand::json_type::null;
}

std::string ToString(ondemand::value value)
{
	return std::string(Get<std::string_view>(value.get_string()));
}

bool IsCodeCharacter(unsigned char c) noexcept
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
	       c == '_' || c == '-';
}

// "com.amazonaws.sqs#QueueDoesNotExist" and "QueueDoesNotExist:http://…" are QueueDoesNotExist.
std::string BareCode(std::string_view type)
{
	if (const size_t hash = type.find('#'); hash != std::string_view::npos)
		type.remove_prefix(hash + 1);
	type = type.substr(0, type.find_first_of(":;"));
	if (type.size() > kMaxCode || !std::all_of(type.begin(), type.end(), IsCodeCharacter))
		return "";
	return std::string(type);
}

// Where the unescaped strings of one reply go. They are never longer than the reply itself.
class Arena {
public:
	explicit Arena(size_t reply_size)
	    : size_(reply_size + kBodyPadding),
	      bytes_(new char[size_]),
	      next_(reinterpret_cast<uint8_t *>(bytes_.get()))
	{
	}

	std::string_view Unescape(const ondemand::parser &parser, ondemand::raw_json_string raw)
	{
		return Get<std::string_view>(parser.unescape(raw, next_));
	}

	std::string_view Copy(std::string_view text)
	{
		std::memcpy(next_, text.data(), text.size());
		const char *copy =
		    reinterpret_cast<const char *>(std::exchange(next_, next_ + text.size()));
		return {copy, text.size()};
	}

	void MoveTo(ReceivedBatch *batch) noexcept
	{
		// Readers of the last text look into what was never written.
		std::memset(next_, 0, kBodyPadding);
		batch->storage = std::move(bytes_);
		batch->storage_size = size_;
	}

private:
	size_t size_;
	std::unique_ptr<char[]> bytes_;
	uint8_t *next_;
};

}  // namespace

struct ReplyReader::Impl {
	ondemand::document Parse(std::string *body);
	std::string_view String(ondemand::value value, Arena *arena) const;
	void ReadMessage(ondemand::object object, Arena *arena, ReceiveReply *reply);
	void ReadSystemAttributes(ondemand::object object, Arena *arena, Message *message) const;
	static FailedEntry ReadFailed(ondemand::object object);
	static SentEntry ReadSuccessful(ondemand::object object);
	ErrorReply ReadErrorObject(std::string *body);

	ondemand::parser parser;
	std::optional<Md5Check> md5;  // none: bodies are not verified
};

// The document is iterated once, in its own order, so that any order of keys is read in one pass.
ondemand::document ReplyReader::Impl::Parse(std::string *body)
{
	body->reserve(body->size() + simdjson::SIMDJSON_PADDING);
	ondemand::document document;
	Check(parser
	          .iterate(simdjson::padded_string_view(
	              body->data(), body->size(), body->size() + simdjson::SIMDJSON_PADDING))
	          .get(document));
	return document;
}

std::string_view ReplyReader::Impl::String(ondemand::value value, Arena *arena) const
{
	return arena->Unescape(parser, Get<ondemand::raw_json_string>(value.get_raw_json_string()));
}

ReceiveReply ReplyReader::ReadReceive(std::string *body)
{
	ReceiveReply reply;
	ondemand::document document = impl_->Parse(body);
	std::optional<Arena> arena;
	for (auto result : Get<ondemand::object>(document.get_object())) {
		auto field = Get<ondemand::field>(result);
		if (field.key() != "Messages" || IsNull(field.value()))
			continue;
		if (arena)
			ThrowBadReply("The reply has two lists of messages.");
		arena.emplace(body->size());
		reply.batch.messages.reserve(kBatchEntries);
		for (auto element : Get<ondemand::array>(field.value().get_array())) {
			if (reply.batch.messages.size() >= static_cast<size_t>(kBatchEntries))
				ThrowBadReply("The reply has more messages than SQS ever sends at once.");
			auto message = Get<ondemand::value>(element);
			impl_->ReadMessage(Get<ondemand::object>(message.get_object()), &*arena, &reply);
		}
	}
	if (arena)
		arena->MoveTo(&reply.batch);
	return reply;
}

void ReplyReader::Impl::ReadMessage(ondemand::object object, Arena *arena, ReceiveReply *reply)
{
	Message message;
	std::string_view md5_of_body;
	bool has_body = false;
	for (auto result : object) {
		auto field = Get<ondemand::field>(result);
		const ondemand::raw_json_string key = field.key();
		if (key == "Body") {
			message.body = String(field.value(), arena);
			has_body = true;
		} else if (key == "ReceiptHandle") {
			message.handle = String(field.value(), arena);
		} else if (key == "MessageId") {
			message.id = String(field.value(), arena);
		} else if (key == "MD5OfBody") {
			md5_of_body = String(field.value(), arena);
		} else if (key == "Attributes" && !IsNull(field.value())) {
			ReadSystemAttributes(
			    Get<ondemand::object>(field.value().get_object()), arena, &message);
		} else if (key == "MessageAttributes" && !IsNull(field.value())) {
			auto attributes = Get<ondemand::object>(field.value().get_object());
			message.message_attributes = arena->Copy(Get<std::string_view>(attributes.raw_json()));
		}
	}
	if (!has_body || message.handle.empty() || message.id.empty())
		ThrowBadReply("A message has no body, no receipt handle or no identifier.");
	if (!md5 || md5->Fits(message.body, md5_of_body))
		reply->batch.messages.push_back(message);
	else
		++reply->corrupted;
}

void ReplyReader::Impl::ReadSystemAttributes(
    ondemand::object object, Arena *arena, Message *message) const
{
	for (auto result : object) {
		auto field = Get<ondemand::field>(result);
		const ondemand::raw_json_string key = field.key();
		const auto text = [&] { return String(field.value(), arena); };
		if (key == "SentTimestamp")
			message->sent_ms = ToInteger(text());
		else if (key == "ApproximateReceiveCount")
			message->receive_count =
			    static_cast<int32_t>(std::clamp<int64_t>(ToInteger(text()), 0, INT32_MAX));
		else if (key == "ApproximateFirstReceiveTimestamp")
			message->first_receive_ms = ToInteger(text());
		else if (key == "SenderId")
			message->sender_id = text();
		else if (key == "MessageGroupId")
			message->group_id = text();
		else if (key == "MessageDeduplicationId")
			message->deduplication_id = text();
		else if (key == "SequenceNumber")
			message->sequence_number = text();
		else if (key == "AWSTraceHeader")
			message->trace_header = text();
		else if (key == "DeadLetterQueueSourceArn")
			message->dead_letter_source_arn = text();
	}
}

BatchReply ReplyReader::ReadBatch(std::string *body)
{
	BatchReply reply;
	ondemand::document document = impl_->Parse(body);
	for (auto result : Get<ondemand::object>(document.get_object())) {
		auto field = Get<ondemand::field>(result);
		const bool failed = field.key() == "Failed";
		if ((!failed && field.key() != "Successful") || IsNull(field.value()))
			continue;
		if (!failed)
			reply.successful.reserve(kBatchEntries);
		for (auto element : Get<ondemand::array>(field.value().get_array())) {
			auto value = Get<ondemand::value>(element);
			auto entry = Get<ondemand::object>(value.get_object());
			if (failed)
				reply.failed.push_back(Impl::ReadFailed(entry));
			else
				reply.successful.push_back(Impl::ReadSuccessful(entry));
		}
	}
	return reply;
}

FailedEntry ReplyReader::Impl::ReadFailed(ondemand::object object)
{
	FailedEntry entry;
	bool has_id = false;
	for (auto result : object) {
		auto field = Get<ondemand::field>(result);
		const ondemand::raw_json_string key = field.key();
		if (key == "Id") {
			entry.id = ToPosition(Get<std::string_view>(field.value().get_string()));
			has_id = true;
		} else if (key == "Code") {
			entry.code = BareCode(Get<std::string_view>(field.value().get_string()));
		} else if (key == "SenderFault") {
			entry.sender_fault = Get<bool>(field.value().get_bool());
		} else if (key == "Message" && !IsNull(field.value())) {
			entry.message = ToString(field.value());
		}
	}
	if (!has_id)
		ThrowBadReply("An entry of a batch has no identifier.");
	return entry;
}

SentEntry ReplyReader::Impl::ReadSuccessful(ondemand::object object)
{
	SentEntry entry;
	bool has_id = false;
	for (auto result : object) {
		auto field = Get<ondemand::field>(result);
		const ondemand::raw_json_string key = field.key();
		if (key == "Id") {
			entry.id = ToPosition(Get<std::string_view>(field.value().get_string()));
			has_id = true;
		} else if (key == "MessageId") {
			entry.message_id = ToString(field.value());
		}
	}
	if (!has_id)
		ThrowBadReply("An entry of a batch has no identifier.");
	return entry;
}

std::string ReplyReader::ReadQueueUrl(std::string *body)
{
	std::string url;
	ondemand::document document = impl_->Parse(body);
	for (auto result : Get<ondemand::object>(document.get_object())) {
		auto field = Get<ondemand::field>(result);
		if (field.key() == "QueueUrl")
			url = ToString(field.value());
	}
	if (url.empty())
		ThrowBadReply("The reply has no queue URL.");
	return url;
}

std::map<std::string, std::string> ReplyReader::ReadAttributes(std::string *body)
{
	std::map<std::string, std::string> attributes;
	ondemand::document document = impl_->Parse(body);
	for (auto result : Get<ondemand::object>(document.get_object())) {
		auto field = Get<ondemand::field>(result);
		if (field.key() != "Attributes" || IsNull(field.value()))
			continue;
		for (auto element : Get<ondemand::object>(field.value().get_object())) {
			auto attribute = Get<ondemand::field>(element);
			std::string name(Get<std::string_view>(attribute.unescaped_key()));
			attributes[std::move(name)] = ToString(attribute.value());
		}
	}
	return attributes;
}

ErrorReply ReplyReader::Impl::ReadErrorObject(std::string *body)
{
	ErrorReply error;
	ondemand::document document = Parse(body);
	for (auto result : Get<ondemand::object>(document.get_object())) {
		auto field = Get<ondemand::field>(result);
		const ondemand::raw_json_string key = field.key();
		if (IsNull(field.value()))
			continue;
		if (key == "__type")
			error.code = BareCode(Get<std::string_view>(field.value().get_string()));
		else if (key == "message" || key == "Message")
			error.message = ToString(field.value());
	}
	if (error.message.size() > kMaxErrorText)
		error.message.clear();
	return error;
}

namespace {

// The code of an error in the form of the legacy Query protocol, in which what stands before SQS
// may refuse a signature; empty where there is none.
std::string_view CodeInXml(std::string_view body) noexcept
{
	constexpr std::string_view kOpen = "<Code>";
	const size_t open = body.find(kOpen);
	if (open == std::string_view::npos)
		return {};
	body.remove_prefix(open + kOpen.size());
	const size_t close = body.find("</Code>");
	return close == std::string_view::npos ? std::string_view() : body.substr(0, close);
}

}  // namespace

ErrorReply ReplyReader::ReadError(HttpReply *reply) noexcept
{
	ErrorReply error;
	try {
		error = impl_->ReadErrorObject(&reply->body);
	} catch (...) {
		error = ErrorReply{};  // HTML of a proxy, or nothing: the status has to do
	}
	try {
		if (error.code.empty())
			error.code = BareCode(reply->query_error);
		if (error.code.empty())
			error.code = BareCode(CodeInXml(reply->body));
	} catch (...) {
		error.code.clear();
	}
	return error;
}

ReplyReader::ReplyReader(bool verify_md5) : impl_(std::make_unique<Impl>())
{
	if (verify_md5)
		impl_->md5.emplace();
}

ReplyReader::~ReplyReader() = default;

}  // namespace sqs_fdw::aws
