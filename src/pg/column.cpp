// Values of message bodies and attributes as Datums of a column's type.
#include "pg/column.h"

#include "pg/text.h"

#include <string_view>

#include "pg/server.h"

extern "C" {
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "utils/json.h"
#include "utils/timestamp.h"
}

namespace sqs_fdw::pg {

namespace {

// Text as the server's encoding wants it, NUL-terminated. `text` is valid UTF-8.
char *ServerText(std::string_view text)
{
	if (text.find('\0') != std::string_view::npos)
		ereport(ERROR, (errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
		                   errmsg("\\u0000 cannot be converted to text")));
	const std::string_view converted = FromUtf8(text);
	return pnstrdup(converted.data(), converted.size());
}

Datum Input(const Column &column, void *input, char *text)
{
	return InputFunctionCall(
	    static_cast<FmgrInfo *>(input), text, column.input_parameter, column.typmod);
}

// A string as a JSON string again, for json and jsonb columns.
char *Quoted(const char *text)
{
	StringInfoData quoted;
	initStringInfo(&quoted);
	escape_json(&quoted, text);
	return quoted.data;
}

// Milliseconds since 1970, as a timestamp or, for other types, as their decimal digits.
Datum TimeValue(const Column &column, void *input, int64 milliseconds)
{
	constexpr int64 kEpochDays = POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE;
	const TimestampTz time = milliseconds * 1000 - kEpochDays * USECS_PER_DAY;
	switch (column.base_type) {
		case TIMESTAMPTZOID:
			if (column.type == TIMESTAMPTZOID && column.typmod < 0)
				return TimestampTzGetDatum(time);
			[[fallthrough]];
		case TIMESTAMPOID:
		case DATEOID:
			return Input(column, input, const_cast<char *>(timestamptz_to_str(time)));
		default:
			return Input(column, input, psprintf(INT64_FORMAT, milliseconds));
	}
}

bool TextAttribute(const Column &column, void *input, std::string_view text, Datum *result)
{
	if (text.empty())
		return false;
	char *value = ServerText(text);
	*result = Input(column, input, column.is_json ? Quoted(value) : value);
	return true;
}

// A JSON document: kept as it is for json and jsonb.
bool DocumentAttribute(const Column &column, void *input, std::string_view json, Datum *result)
{
	if (json.empty())
		return false;
	*result = Input(column, input, ServerText(json));
	return true;
}

bool TimeAttribute(const Column &column, void *input, int64 milliseconds, Datum *result)
{
	if (milliseconds == 0)
		return false;
	*result = TimeValue(column, input, milliseconds);
	return true;
}

}  // namespace

Column DescribeColumn(Relation relation, int attnum, int field)
{
	const Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), attnum - 1);
	const ColumnOptions options = ReadColumnOptions(
	    GetForeignColumnOptions(RelationGetRelid(relation), static_cast<AttrNumber>(attnum)));

	Column column = {};
	column.attnum = attnum;
	column.name = pstrdup(NameStr(attribute->attname));
	column.not_null = attribute->attnotnull;
	column.from_body = options.attribute == nullptr;
	column.field = field;
	if (!column.from_body)
		column.attribute = AttributeByName(options.attribute);
	column.type = attribute->atttypid;
	column.base_type = getBaseType(attribute->atttypid);
	column.is_json = column.base_type == JSONOID || column.base_type == JSONBOID;
	column.typmod = attribute->atttypmod;
	getTypeInputInfo(column.type, &column.input_function, &column.input_parameter);
	return column;
}

ColumnPath PathOf(Relation relation, const Column &column)
{
	const ColumnOptions options = ReadColumnOptions(GetForeignColumnOptions(
	    RelationGetRelid(relation), static_cast<AttrNumber>(column.attnum)));
	const char *path = options.pointer;
	if (path == nullptr)
		path = options.key != nullptr ? options.key : column.name;
	const std::string_view in_utf8 = ToUtf8(path);  // as the body is
	return {pnstrdup(in_utf8.data(), in_utf8.size()), options.pointer != nullptr};
}

bool BodyValue(const Column &column, void *input, const aws::FieldValue &value, Datum *result)
{
	if (value.kind == aws::JsonKind::kMissing || value.kind == aws::JsonKind::kNull)
		return false;
	// The reader keeps a NUL behind the text, so that UTF-8 databases need no copy.
	const bool as_is = GetDatabaseEncoding() == PG_UTF8 && !value.has_nul;
	char *text = as_is ? const_cast<char *>(value.text.data()) : ServerText(value.text);
	if (column.is_json && value.kind == aws::JsonKind::kString)
		text = Quoted(text);
	*result = Input(column, input, text);
	return true;
}

bool AttributeValue(const Column &column, void *input, const aws::Message &message, Datum *result)
{
	switch (column.attribute) {
		case Attribute::kMessageId:
			return TextAttribute(column, input, message.id, result);
		case Attribute::kReceiptHandle:
			return TextAttribute(column, input, message.handle, result);
		case Attribute::kBody:
			return DocumentAttribute(column, input, message.body, result);
		case Attribute::kSentTimestamp:
			return TimeAttribute(column, input, message.sent_ms, result);
		case Attribute::kFirstReceiveTimestamp:
			return TimeAttribute(column, input, message.first_receive_ms, result);
		case Attribute::kReceiveCount:
			if (message.receive_count == 0)
				return false;
			*result = Input(column, input, psprintf("%d", message.receive_count));
			return true;
		case Attribute::kSenderId:
			return TextAttribute(column, input, message.sender_id, result);
		case Attribute::kMessageGroupId:
			return TextAttribute(column, input, message.group_id, result);
		case Attribute::kMessageDeduplicationId:
			return TextAttribute(column, input, message.deduplication_id, result);
		case Attribute::kSequenceNumber:
			return TextAttribute(column, input, message.sequence_number, result);
		case Attribute::kTraceHeader:
			return TextAttribute(column, input, message.trace_header, result);
		case Attribute::kDeadLetterSourceArn:
			return TextAttribute(column, input, message.dead_letter_source_arn, result);
		case Attribute::kMessageAttributes:
			return DocumentAttribute(column, input, message.message_attributes, result);
	}
	pg_unreachable();
}

}  // namespace sqs_fdw::pg
