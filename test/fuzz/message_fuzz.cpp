// The input is a message: a byte of choices, a line of message attributes, and the body, read as
// columns with key, pointer, message_attribute and sns_envelope read it.
//
// Under test: aws/message_reader aws/body aws/field_tree
#include "fuzz.h"
#include "reference_json.h"

#include "aws/message_reader.h"
#include "base/epoch.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace sqs_fdw::fuzz {

namespace {

using aws::FieldValue;
using aws::JsonKind;
using aws::ReadStatus;

aws::MessageReaderOptions Options(bool sns_envelope)
{
	aws::MessageReaderOptions options;
	options.fields = {{"a", false}, {"/a/b", true}, {"", true}, {"user_id", false}};
	options.attributes = {"kind", "bytes", "user_id"};
	options.sns_envelope = sns_envelope;
	return options;
}

// Readers are for many messages, as in a scan: what one leaves behind must not show in the next.
aws::MessageReader &ReaderFor(bool sns_envelope)
{
	static aws::MessageReader plain(Options(false));
	static aws::MessageReader enveloped(Options(true));
	return sns_envelope ? enveloped : plain;
}

void CheckValue(const FieldValue &value)
{
	REQUIRE(value.text.data() == nullptr || value.text.data()[value.text.size()] == '\0');
	REQUIRE(IsUtf8(value.text));
	if (value.kind == JsonKind::kMissing || value.kind == JsonKind::kNull)
		REQUIRE(value.text.empty());
	if (value.kind == JsonKind::kString)
		REQUIRE(value.has_nul == (value.text.find('\0') != std::string_view::npos));
	if (value.kind == JsonKind::kNumber)
		EpochMicroseconds(value.text);
}

// What is read twice, by a reader that is warm and by a new one, is the same.
void CheckSame(const FieldValue &a, const FieldValue &b)
{
	REQUIRE(a.kind == b.kind);
	REQUIRE(a.text == b.text);
	REQUIRE(a.has_nul == b.has_nul);
}

void CheckMessage(const aws::Message &message, bool sns_envelope, bool fields, bool attributes)
{
	aws::MessageReader &warm = ReaderFor(sns_envelope);
	aws::MessageReader fresh(Options(sns_envelope));
	const ReadStatus status = warm.Read(message, fields, attributes);
	REQUIRE(fresh.Read(message, fields, attributes) == status);
	if (status != ReadStatus::kOk)
		return;
	for (size_t i = 0; fields && i < 4; ++i) {
		CheckValue(warm.field(i));
		CheckSame(warm.field(i), fresh.field(i));
	}
	for (size_t i = 0; attributes && i < 3; ++i) {
		CheckValue(warm.attribute(i).value);
		CheckSame(warm.attribute(i).value, fresh.attribute(i).value);
		REQUIRE(warm.attribute(i).is_base64 == fresh.attribute(i).is_base64);
	}
	if (fields && !sns_envelope)
		REQUIRE(warm.field(2).kind == JsonKind::kObject);
}

}  // namespace

}  // namespace sqs_fdw::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	using namespace sqs_fdw::fuzz;
	Input input(data, size);
	const uint8_t choices = input.Byte();
	const PaddedCopy attributes(input.Line(), sqs_fdw::aws::kBodyPadding);
	const PaddedCopy body(input.Rest(), sqs_fdw::aws::kBodyPadding);
	sqs_fdw::aws::Message message;
	message.message_attributes = attributes.view();
	message.body = body.view();
	CheckMessage(message, (choices & 1) != 0, (choices & 2) == 0, (choices & 4) == 0);
	return 0;
}
