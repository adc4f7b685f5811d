// The input is a reply of SQS: read as every kind of reply there is, and its bodies as bodies.
//
// Under test: aws/json aws/json_writer aws/body aws/field_tree aws/api_error aws/retry
#include "body_check.h"
#include "fuzz.h"
#include "reference_json.h"

#include "aws/api_error.h"
#include "aws/body.h"
#include "aws/json.h"
#include "aws/retry.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sqs_fdw::fuzz {

namespace {

using aws::JsonKind;
using aws::Message;

constexpr int kAnyDepth = 1000;  // what simdjson reads in a reply; deeper ones are not compared
constexpr size_t kMaxCode = 128;
constexpr size_t kMaxErrorText = 4096;

constexpr std::string_view kKeyId = "AKIDSENTINEL";
constexpr std::string_view kSecretKey = "SENTINELsecret";
constexpr std::string_view kToken = "SENTINELtoken";

// The reply as the client hands it over: a string that the reader may give more room.
std::string Reply(std::string_view bytes)
{
	std::string reply(bytes);
	reply.shrink_to_fit();
	return reply;
}

bool IsText(const Json *value)
{
	return value == nullptr || value->kind == JsonKind::kString;
}

// The readers compare keys as they stand in the reply.
const Json *FindRaw(const Json &object, std::string_view key)
{
	const Json *found = nullptr;
	for (const Member &member : object.members) {
		if (member.raw_key == key)
			found = &member.value;
	}
	return found;
}

std::string_view TextOf(const Json *value)
{
	return value == nullptr ? std::string_view() : std::string_view(value->string);
}

// ------------------------------------------------------------------------------- ReceiveMessage

// A number as SQS sends it, in a string; 0 where it is none.
int64_t ExpectedInteger(const Json *value)
{
	const std::string text(TextOf(value));
	const size_t digits = !text.empty() && text[0] == '-' ? 1 : 0;
	if (text.size() == digits || text.size() > 20 ||
	    text.find_first_not_of("0123456789", digits) != std::string::npos)
		return 0;
	errno = 0;
	const long long number = std::strtoll(text.c_str(), nullptr, 10);
	return errno == 0 ? number : 0;
}

constexpr const char *kTextAttributes[] = {"SenderId", "MessageGroupId", "MessageDeduplicationId",
    "SequenceNumber", "AWSTraceHeader", "DeadLetterQueueSourceArn"};
constexpr const char *kNumberAttributes[] = {
    "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp"};

// Every value of a key counts, also those that a later one of the same name replaces.
bool AreAll(const Json &object, std::string_view key, JsonKind kind)
{
	return std::all_of(object.members.begin(), object.members.end(),
	    [&](const Member &member) { return member.raw_key != key || member.value.kind == kind; });
}

bool AreAllObjectsOrNull(const Json &object, std::string_view key)
{
	return std::all_of(object.members.begin(), object.members.end(), [&](const Member &member) {
		return member.raw_key != key || member.value.kind == JsonKind::kObject ||
		       member.value.kind == JsonKind::kNull;
	});
}

bool IsGoodMessage(const Json &message)
{
	if (message.kind != JsonKind::kObject)
		return false;
	for (const char *key : {"Body", "ReceiptHandle", "MessageId", "MD5OfBody"}) {
		if (!AreAll(message, key, JsonKind::kString))
			return false;
	}
	for (const char *key : {"Attributes", "MessageAttributes"}) {
		if (!AreAllObjectsOrNull(message, key))
			return false;
	}
	for (const Member &member : message.members) {
		if (member.raw_key != "Attributes" || member.value.kind != JsonKind::kObject)
			continue;
		for (const char *key : kTextAttributes) {
			if (!AreAll(member.value, key, JsonKind::kString))
				return false;
		}
		for (const char *key : kNumberAttributes) {
			if (!AreAll(member.value, key, JsonKind::kString))
				return false;
		}
	}
	return FindRaw(message, "Body") != nullptr &&
	       !TextOf(FindRaw(message, "ReceiptHandle")).empty() &&
	       !TextOf(FindRaw(message, "MessageId")).empty();
}

// The messages that a well-formed reply holds; unset where it is to be refused.
std::optional<std::vector<const Json *>> ExpectedMessages(const Json &reply)
{
	std::vector<const Json *> messages;
	bool has_list = false;
	if (reply.kind != JsonKind::kObject)
		return std::nullopt;
	for (const Member &member : reply.members) {
		if (member.raw_key != "Messages" || member.value.kind == JsonKind::kNull)
			continue;
		if (has_list || member.value.kind != JsonKind::kArray ||
		    member.value.elements.size() > static_cast<size_t>(aws::kBatchEntries))
			return std::nullopt;
		has_list = true;
		for (const Json &message : member.value.elements) {
			if (!IsGoodMessage(message))
				return std::nullopt;
			messages.push_back(&message);
		}
	}
	return messages;
}

// The last attribute of that name in whichever of the message's lists has one: the reader reads
// them one after the other.
const Json *FindAttribute(const Json &message, std::string_view name)
{
	const Json *found = nullptr;
	for (const Member &member : message.members) {
		if (member.raw_key != "Attributes" || member.value.kind != JsonKind::kObject)
			continue;
		if (const Json *value = FindRaw(member.value, name); value != nullptr)
			found = value;
	}
	return found;
}

void CheckMessage(const Message &message, const Json &expected)
{
	const auto attribute = [&](const char *name) { return FindAttribute(expected, name); };
	REQUIRE(message.body == TextOf(FindRaw(expected, "Body")));
	REQUIRE(message.handle == TextOf(FindRaw(expected, "ReceiptHandle")));
	REQUIRE(message.id == TextOf(FindRaw(expected, "MessageId")));
	REQUIRE(message.sender_id == TextOf(attribute("SenderId")));
	REQUIRE(message.group_id == TextOf(attribute("MessageGroupId")));
	REQUIRE(message.deduplication_id == TextOf(attribute("MessageDeduplicationId")));
	REQUIRE(message.sequence_number == TextOf(attribute("SequenceNumber")));
	REQUIRE(message.trace_header == TextOf(attribute("AWSTraceHeader")));
	REQUIRE(message.dead_letter_source_arn == TextOf(attribute("DeadLetterQueueSourceArn")));
	REQUIRE(message.sent_ms == ExpectedInteger(attribute("SentTimestamp")));
	REQUIRE(
	    message.first_receive_ms == ExpectedInteger(attribute("ApproximateFirstReceiveTimestamp")));
	REQUIRE(
	    message.receive_count ==
	    std::clamp<int64_t>(ExpectedInteger(attribute("ApproximateReceiveCount")), 0, INT32_MAX));
	// The last one that is not null.
	std::string_view attributes;
	for (const Member &member : expected.members) {
		if (member.raw_key == "MessageAttributes" && member.value.kind == JsonKind::kObject)
			attributes = member.value.raw;
	}
	REQUIRE(message.message_attributes == attributes);
}

// What every message promises, whatever the reply was.
void CheckPromises(const Message &message, const aws::ReceivedBatch &batch)
{
	REQUIRE(!message.id.empty() && !message.handle.empty());
	const char *const begin = batch.storage.get();
	const char *const end = begin + batch.storage_size;
	for (const std::string_view text : {message.id, message.handle, message.body, message.sender_id,
	         message.group_id, message.deduplication_id, message.sequence_number,
	         message.trace_header, message.dead_letter_source_arn, message.message_attributes}) {
		REQUIRE(
		    text.data() == nullptr || (text.data() >= begin && text.data() + text.size() <= end));
		REQUIRE(IsUtf8(text));
	}
	// The body, and the bytes that its readers look at beyond it.
	REQUIRE(message.body.data() + message.body.size() + aws::kBodyPadding <= end);
}

// A request that holds a text is JSON, and means that text.
void CheckWriting(std::string_view text)
{
	aws::JsonWriter writer(0);
	writer.BeginObject();
	writer.Key("Text");
	writer.String(text);
	writer.EndObject();
	const std::string request = writer.Take();
	const Parsed parsed = ParseJson(request, 1);
	REQUIRE(parsed.value.has_value());
	REQUIRE(TextOf(FindRaw(*parsed.value, "Text")) == text);
}

std::optional<aws::ReceiveReply> ReadReceive(std::string_view bytes, bool verify)
{
	static aws::ReplyReader plain(false);
	static aws::ReplyReader verifying(true);
	std::string reply = Reply(bytes);
	try {
		return (verify ? verifying : plain).ReadReceive(&reply);
	} catch (const Error &error) {
		REQUIRE(error.fault() == Fault::kBadReply);
		return std::nullopt;
	}
}

void CheckReceive(std::string_view bytes, const Parsed &parsed)
{
	const auto reply = ReadReceive(bytes, false);
	if (parsed.value) {
		const auto expected = ExpectedMessages(*parsed.value);
		REQUIRE(reply.has_value() == expected.has_value());
		REQUIRE(!reply || reply->batch.messages.size() == expected->size());
		for (size_t i = 0; reply && i < expected->size(); ++i)
			CheckMessage(reply->batch.messages[i], *(*expected)[i]);
	}
	const auto verified = ReadReceive(bytes, true);
	REQUIRE(verified.has_value() == reply.has_value());
	if (!reply)
		return;
	REQUIRE(reply->corrupted == 0);
	REQUIRE(verified->batch.messages.size() + static_cast<size_t>(verified->corrupted) ==
	        reply->batch.messages.size());
	REQUIRE(reply->batch.messages.size() <= static_cast<size_t>(aws::kBatchEntries));
	for (const Message &message : reply->batch.messages) {
		CheckPromises(message, reply->batch);
		CheckBody(message.body);
		CheckWriting(message.body);
		if (!message.message_attributes.empty())
			CheckBody(message.message_attributes);
	}
}

// ------------------------------------------------------------------------------ the other replies

bool IsCode(std::string_view code)
{
	return code.size() <= kMaxCode && std::all_of(code.begin(), code.end(), [](unsigned char c) {
		return (std::isalnum(c) != 0 && c < 0x80) || c == '.' || c == '_' || c == '-';
	});
}

template <class Read>
auto ReadOther(std::string_view bytes, Read read) -> std::optional<decltype(read(nullptr, nullptr))>
{
	static aws::ReplyReader reader;
	std::string reply = Reply(bytes);
	try {
		return read(&reader, &reply);
	} catch (const Error &error) {
		REQUIRE(error.fault() == Fault::kBadReply);
		return std::nullopt;
	}
}

// Entries of one list of a well-formed batch reply: all objects that have an id.
bool AreGoodEntries(const Json &list, bool failed)
{
	return list.kind == JsonKind::kArray &&
	       std::all_of(list.elements.begin(), list.elements.end(), [failed](const Json &entry) {
		       if (entry.kind != JsonKind::kObject || FindRaw(entry, "Id") == nullptr ||
		           !AreAll(entry, "Id", JsonKind::kString))
			       return false;
		       if (!failed)
			       return AreAll(entry, "MessageId", JsonKind::kString);
		       const auto is_text_or_null = [](const Member &member) {
			       return member.raw_key != "Message" || member.value.kind == JsonKind::kNull ||
			              IsText(&member.value);
		       };
		       return AreAll(entry, "Code", JsonKind::kString) &&
		              AreAll(entry, "SenderFault", JsonKind::kBool) &&
		              std::all_of(entry.members.begin(), entry.members.end(), is_text_or_null);
	       });
}

// How many entries of each list a well-formed reply has; unset where it is to be refused.
struct Counts {
	size_t successful = 0;
	size_t failed = 0;
};
std::optional<Counts> ExpectedEntries(const Json &reply)
{
	Counts counts;
	if (reply.kind != JsonKind::kObject)
		return std::nullopt;
	for (const Member &member : reply.members) {
		const bool failed = member.raw_key == "Failed";
		if ((!failed && member.raw_key != "Successful") || member.value.kind == JsonKind::kNull)
			continue;
		if (!AreGoodEntries(member.value, failed))
			return std::nullopt;
		(failed ? counts.failed : counts.successful) += member.value.elements.size();
	}
	return counts;
}

void CheckBatch(std::string_view bytes, const Parsed &parsed)
{
	const auto reply = ReadOther(
	    bytes, [](aws::ReplyReader *reader, std::string *body) { return reader->ReadBatch(body); });
	if (parsed.value) {
		const auto expected = ExpectedEntries(*parsed.value);
		REQUIRE(reply.has_value() == expected.has_value());
		REQUIRE(!reply || (reply->successful.size() == expected->successful &&
		                      reply->failed.size() == expected->failed));
	}
	if (!reply)
		return;
	for (const aws::FailedEntry &entry : reply->failed) {
		REQUIRE(IsCode(entry.code));
		REQUIRE(IsUtf8(entry.message));
		aws::Classify(
		    entry.code, entry.sender_fault ? 400 : 500, std::chrono::seconds{0}, entry.message);
	}
	for (const aws::SentEntry &entry : reply->successful)
		REQUIRE(IsUtf8(entry.message_id));
}

void CheckQueueReplies(std::string_view bytes)
{
	const auto url = ReadOther(bytes,
	    [](aws::ReplyReader *reader, std::string *body) { return reader->ReadQueueUrl(body); });
	REQUIRE(!url || (!url->empty() && IsUtf8(*url)));
	const auto attributes = ReadOther(bytes,
	    [](aws::ReplyReader *reader, std::string *body) { return reader->ReadAttributes(body); });
	if (!attributes)
		return;
	for (const auto &[name, value] : *attributes)
		REQUIRE(IsUtf8(name) && IsUtf8(value));
}

// An error that a person sees: lines that a terminal shows as they are.
std::string Shown(const Error &error)
{
	std::string shown = error.what() + error.detail() + error.hint();
	REQUIRE(std::all_of(
	    shown.begin(), shown.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; }));
	return shown;
}

void CheckError(std::string_view bytes)
{
	static aws::ReplyReader reader;
	static const aws::Credentials credentials{
	    std::string(kKeyId), Secret(kSecretKey), Secret(kToken), std::nullopt};
	aws::HttpReply reply;
	reply.body = Reply(bytes);
	// Headers, which come from the same server; the reply's own text stands in.
	reply.query_error = std::string(bytes.substr(0, 80));
	reply.request_id = std::string(bytes.substr(bytes.size() / 2, 40));
	reply.status = 400 + static_cast<long>(bytes.size() % 120);
	const aws::ErrorReply error = reader.ReadError(&reply);
	REQUIRE(IsCode(error.code));
	REQUIRE(error.message.size() <= kMaxErrorText && IsUtf8(error.message));
	for (const bool carries_secrets : {false, true}) {
		const aws::FailedRequest request{"receive messages from SQS", carries_secrets, 2};
		const aws::ErrorClass error_class =
		    aws::Classify(error.code, reply.status, std::chrono::seconds{0}, error.message);
		const std::string shown =
		    Shown(aws::RefusedError(request, error_class, error, reply, &credentials));
		for (const std::string_view secret : {kKeyId, kSecretKey, kToken})
			REQUIRE(shown.find(secret) == std::string::npos);
		// Without the keys nobody knows what must not be shown: then nothing of the text is.
		const std::string unsure =
		    Shown(aws::RefusedError(request, error_class, error, reply, nullptr));
		REQUIRE(unsure.find("SQS says") == std::string::npos);
	}
}

}  // namespace

}  // namespace sqs_fdw::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	using namespace sqs_fdw::fuzz;
	const std::string_view bytes(reinterpret_cast<const char *>(data), size);
	const Parsed parsed = ParseJson(bytes, kAnyDepth);
	CheckReceive(bytes, parsed);
	CheckBatch(bytes, parsed);
	CheckQueueReplies(bytes);
	CheckError(bytes);
	return 0;
}
