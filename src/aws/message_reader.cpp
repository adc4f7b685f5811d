// Fields and attributes of messages, plain or in an SNS notification, on top of BodyReader.
#include "aws/message_reader.h"

#include <algorithm>
#include <utility>

namespace sqs_fdw::aws {

namespace {

constexpr size_t kMaxName = 256;

bool IsNameCharacter(char c) noexcept
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '-' || c == '.';
}

// Where the parts of an SNS notification are among the values of its reader.
constexpr size_t kMessage = 0;
constexpr size_t kFirstAttribute = 1;

// Names need no escape in a JSON Pointer: they have neither slash nor tilde.
std::string Member(const std::string &name, const char *member)
{
	return "/" + name + "/" + member;
}

// Of each attribute two members of the object that SQS sends.
std::vector<FieldPath> SqsPaths(const std::vector<std::string> &names)
{
	std::vector<FieldPath> paths;
	for (const std::string &name : names) {
		paths.push_back({Member(name, "StringValue"), true});
		paths.push_back({Member(name, "BinaryValue"), true});
	}
	return paths;
}

// The message in the notification, and of each attribute two members.
std::vector<FieldPath> SnsPaths(const std::vector<std::string> &names)
{
	std::vector<FieldPath> paths = {{"Message", false}};
	for (const std::string &name : names) {
		paths.push_back({"/MessageAttributes" + Member(name, "Value"), true});
		paths.push_back({"/MessageAttributes" + Member(name, "Type"), true});
	}
	return paths;
}

bool HasValue(const FieldValue &value) noexcept
{
	return value.kind != JsonKind::kMissing && value.kind != JsonKind::kNull;
}

}  // namespace

bool IsMessageAttributeName(std::string_view name) noexcept
{
	return !name.empty() && name.size() <= kMaxName && name.front() != '.' && name.back() != '.' &&
	       name.find("..") == std::string_view::npos &&
	       std::all_of(name.begin(), name.end(), IsNameCharacter);
}

struct MessageReader::Impl {
	explicit Impl(const MessageReaderOptions &options)
	    : sns_envelope(options.sns_envelope),
	      body(options.fields),
	      envelope(sns_envelope ? SnsPaths(options.attributes) : SqsPaths(options.attributes)),
	      fields(options.fields.size()),
	      members(2 * options.attributes.size() + (sns_envelope ? kFirstAttribute : 0)),
	      attributes(options.attributes.size())
	{
	}

	ReadStatus ReadFields(std::string_view text);
	ReadStatus ReadSqsAttributes(const Message &message);
	ReadStatus ReadNotification(const Message &message, bool want_fields);

	bool sns_envelope;
	BodyReader body;
	BodyReader envelope;  // of the SNS notification, or of the attributes as SQS sends them
	std::vector<FieldValue> fields;
	std::vector<FieldValue> members;  // what `envelope` reads
	std::vector<NamedAttribute> attributes;
};

ReadStatus MessageReader::Impl::ReadFields(std::string_view text)
{
	return body.Read(text, fields.data()) == BodyStatus::kOk ? ReadStatus::kOk
	                                                         : ReadStatus::kNotObject;
}

ReadStatus MessageReader::Impl::ReadSqsAttributes(const Message &message)
{
	std::fill(attributes.begin(), attributes.end(), NamedAttribute{});
	if (message.message_attributes.empty())
		return ReadStatus::kOk;
	if (envelope.Read(message.message_attributes, members.data()) != BodyStatus::kOk)
		return ReadStatus::kBadAttributes;
	for (size_t i = 0; i < attributes.size(); ++i) {
		const FieldValue &text = members[2 * i];
		const FieldValue &binary = members[2 * i + 1];
		attributes[i].is_base64 = HasValue(binary);
		attributes[i].value = HasValue(binary) ? binary : text;
	}
	return ReadStatus::kOk;
}

ReadStatus MessageReader::Impl::ReadNotification(const Message &message, bool want_fields)
{
	if (envelope.Read(message.body, members.data()) != BodyStatus::kOk ||
	    members[kMessage].kind != JsonKind::kString)
		return ReadStatus::kNotNotification;
	for (size_t i = 0; i < attributes.size(); ++i) {
		attributes[i].value = members[kFirstAttribute + 2 * i];
		attributes[i].is_base64 = members[kFirstAttribute + 2 * i + 1].text == "Binary";
	}
	return want_fields ? ReadFields(members[kMessage].text) : ReadStatus::kOk;
}

MessageReader::MessageReader(const MessageReaderOptions &options)
    : impl_(std::make_unique<Impl>(options))
{
}

MessageReader::~MessageReader() = default;

ReadStatus MessageReader::Read(const Message &message, bool fields, bool attributes)
{
	if (impl_->sns_envelope)
		return fields || attributes ? impl_->ReadNotification(message, fields) : ReadStatus::kOk;
	ReadStatus status = fields ? impl_->ReadFields(message.body) : ReadStatus::kOk;
	if (attributes && status == ReadStatus::kOk)
		status = impl_->ReadSqsAttributes(message);
	return status;
}

const FieldValue &MessageReader::field(size_t i) const noexcept
{
	return impl_->fields[i];
}

const NamedAttribute &MessageReader::attribute(size_t i) const noexcept
{
	return impl_->attributes[i];
}

}  // namespace sqs_fdw::aws
