// Reads what a table has columns for out of one message: members of its body, named attributes.
//
// Sources: Amazon SQS API reference, MessageAttributeValue; Amazon SNS developer guide, "Parsing
// message formats" (HTTP/HTTPS notification JSON).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aws/body.h"
#include "aws/sqs.h"

namespace sqs_fdw::aws {

// Whether SQS allows a message attribute of this name: 1 to 256 letters, digits, underscores,
// hyphens and periods, no period first, last or after another.
bool IsMessageAttributeName(std::string_view name) noexcept;

struct MessageReaderOptions {
	std::vector<FieldPath> fields;        // in the body
	std::vector<std::string> attributes;  // names of message attributes
	// The body is an SNS notification: the fields are in the JSON that its `Message` holds, and the
	// attributes are its own, not those that SQS knows of.
	bool sns_envelope = false;
};

// A message attribute; kMissing where the message has none of the name.
struct NamedAttribute {
	FieldValue value;
	bool is_base64 = false;  // the value's text is the base64 of bytes (data type Binary)
};

enum class ReadStatus {
	kOk,
	kNotObject,        // what should hold the fields is no JSON object
	kNotNotification,  // the body is no SNS notification
	kBadAttributes,    // the attributes are not what SQS sends
};

// Picks values out of messages. Reused for many, and does not allocate once warm. Not thread-safe.
class MessageReader {
public:
	explicit MessageReader(const MessageReaderOptions &options);
	~MessageReader();
	MessageReader(const MessageReader &) = delete;
	MessageReader &operator=(const MessageReader &) = delete;

	// Reads the fields, the attributes, or both. The message's texts must be readable kBodyPadding
	// bytes past their ends.
	ReadStatus Read(const Message &message, bool fields, bool attributes);

	// What the latest Read that was asked for it found, by the position in the options; valid until
	// the next Read.
	const FieldValue &field(size_t i) const noexcept;
	const NamedAttribute &attribute(size_t i) const noexcept;

private:
	struct Impl;
	std::unique_ptr<Impl> impl_;
};

}  // namespace sqs_fdw::aws
