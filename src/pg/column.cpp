// Values of message bodies and attributes as Datums of a column's type.
#include "pg/column.h"

#include <string_view>

#include "base/epoch.h"
#include "pg/keyring.h"
#include "pg/mask_functions.h"
#include "pg/text.h"

#include "pg/server.h"

extern "C" {
#include "access/transam.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/timestamp.h"
}

namespace sqs_fdw::pg {

struct Converter {
	FmgrInfo input;
	FmgrInfo populate;  // of a column with members: json_populate_record
	Datum record;       // and what it fills: a record of this column alone
};

namespace {

[[noreturn]] void RaiseNulInText()
{
	ereport(ERROR,
	    (errcode(ERRCODE_UNTRANSLATABLE_CHARACTER), errmsg("\\u0000 cannot be converted to text")));
	pg_unreachable();
}

// Text as the server's encoding wants it, NUL-terminated. `text` is valid UTF-8.
char *ServerText(std::string_view text)
{
	if (text.find('\0') != std::string_view::npos)
		RaiseNulInText();
	const std::string_view converted = FromUtf8(text);
	return pnstrdup(converted.data(), converted.size());
}

// The same of a value that the reader has found. It keeps a NUL behind the text, so that UTF-8
// databases need no copy.
char *TextOf(const aws::FieldValue &value)
{
	const bool as_is = GetDatabaseEncoding() == PG_UTF8 && !value.has_nul;
	return as_is ? const_cast<char *>(value.text.data()) : ServerText(value.text);
}

bool HasValue(const aws::FieldValue &value)
{
	return value.kind != aws::JsonKind::kMissing && value.kind != aws::JsonKind::kNull;
}

Datum Input(const Column &column, Converter *converter, char *text)
{
	return InputFunctionCall(&converter->input, text, column.input_parameter, column.typmod);
}

// A string as a JSON string again, for json and jsonb columns.
char *Quoted(const char *text)
{
	StringInfoData quoted;
	initStringInfo(&quoted);
	escape_json(&quoted, text);
	return quoted.data;
}

[[noreturn]] void RaiseTimeOutOfRange()
{
	ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
	                   errmsg("a number is out of range for a Unix time"),
	                   errhint("It counts seconds since 1970, or milliseconds.")));
	pg_unreachable();
}

// A point in time, in microseconds since 1970, for a date or timestamp column.
Datum TimeValue(const Column &column, Converter *converter, int64 microseconds)
{
	constexpr int64 kEpochDays = POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE;
	const TimestampTz time = microseconds - kEpochDays * USECS_PER_DAY;
	if (column.type == TIMESTAMPTZOID && column.typmod < 0)
		return TimestampTzGetDatum(time);
	// As text in the session's time zone it is what a cast makes of it, and domains can check.
	return Input(column, converter, const_cast<char *>(timestamptz_to_str(time)));
}

Datum EpochValue(const Column &column, Converter *converter, std::string_view number)
{
	const auto microseconds = EpochMicroseconds(number);
	if (!microseconds.has_value())
		RaiseTimeOutOfRange();
	return TimeValue(column, converter, *microseconds);
}

// The name of the one attribute of a converter's record, in JSON a name without escapes.
#define MEMBER_NAME "v"

// The expression that json_populate_record takes its first argument's type from.
Node *PopulateCall()
{
	Node *record = reinterpret_cast<Node *>(makeNullConst(RECORDOID, -1, InvalidOid));
	Node *json = reinterpret_cast<Node *>(makeNullConst(JSONOID, -1, InvalidOid));
	return reinterpret_cast<Node *>(makeFuncExpr(F_JSON_POPULATE_RECORD, RECORDOID,
	    list_make2(record, json), InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL));
}

// Prepares a record type with the column as its only attribute, and a record of NULL.
void PreparePopulate(const Column &column, Converter *converter)
{
	fmgr_info(F_JSON_POPULATE_RECORD, &converter->populate);
	fmgr_info_set_expr(PopulateCall(), &converter->populate);
	TupleDesc type = CreateTemplateTupleDesc(1);
	TupleDescInitEntry(type, 1, MEMBER_NAME, column.type, column.typmod, 0);
	type = BlessTupleDesc(type);
	Datum value = 0;
	bool null = true;
	converter->record = HeapTupleGetDatum(heap_form_tuple(type, &value, &null));
}

// A JSON array or object, member by member: the server's own reading of JSON.
Datum MembersValue(Converter *converter, const char *json)
{
	const Datum document = CStringGetTextDatum(psprintf("{\"" MEMBER_NAME "\":%s}", json));
	const Datum record =
	    FunctionCall3(&converter->populate, converter->record, document, BoolGetDatum(false));
	bool null = false;
	const Datum value = GetAttributeByNum(DatumGetHeapTupleHeader(record), 1, &null);
	if (null)
		elog(ERROR, "json_populate_record returned no value");
	return value;
}

// Bytes that SQS and SNS send as base64.
Datum BytesValue(const Column &column, Converter *converter, std::string_view base64)
{
	if (column.base_type != BYTEAOID)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
		                   errmsg("a binary message attribute needs a column of type bytea")));
	text *encoded = cstring_to_text_with_len(base64.data(), static_cast<int>(base64.size()));
	const Datum bytes =
	    DirectFunctionCall2(binary_decode, PointerGetDatum(encoded), CStringGetTextDatum("base64"));
	if (column.type == BYTEAOID)
		return bytes;
	return Input(column, converter, DatumGetCString(DirectFunctionCall1(byteaout, bytes)));
}

// The mask of a text in UTF-8, whether or not the database could hold that text.
Datum MaskedValue(const Column &column, Converter *converter, std::string_view text)
{
	if (text.find('\0') != std::string_view::npos)
		RaiseNulInText();
	const std::string_view masked = ViewOf(MaskValue(text, column.mask));
	return Input(column, converter, pnstrdup(masked.data(), masked.size()));
}

bool TextAttribute(const Column &column, Converter *converter, std::string_view text, Datum *result)
{
	if (text.empty())
		return false;
	if (column.mask != nullptr) {
		*result = MaskedValue(column, converter, text);
		return true;
	}
	char *value = ServerText(text);
	*result = Input(column, converter, column.is_json ? Quoted(value) : value);
	return true;
}

// A JSON document: kept as it is for json and jsonb.
bool DocumentAttribute(
    const Column &column, Converter *converter, std::string_view json, Datum *result)
{
	if (json.empty())
		return false;
	*result = column.mask != nullptr ? MaskedValue(column, converter, json)
	                                 : Input(column, converter, ServerText(json));
	return true;
}

bool NumberAttribute(const Column &column, Converter *converter, int64 number, Datum *result)
{
	char *digits = psprintf(INT64_FORMAT, number);
	*result = column.mask != nullptr ? MaskedValue(column, converter, digits)
	                                 : Input(column, converter, digits);
	return true;
}

// SQS counts milliseconds since 1970.
bool TimeAttribute(const Column &column, Converter *converter, int64 milliseconds, Datum *result)
{
	constexpr int64 kEnd = INT64CONST(100000000000000);
	if (milliseconds == 0)
		return false;
	if (!column.is_time)
		return NumberAttribute(column, converter, milliseconds, result);
	if (milliseconds <= -kEnd || milliseconds >= kEnd)
		RaiseTimeOutOfRange();
	*result = TimeValue(column, converter, milliseconds * 1000);
	return true;
}

// A column's source, and where it is in that.
void DescribeSource(Column *column, Relation relation)
{
	const ColumnOptions options = ReadColumnOptions(GetForeignColumnOptions(
	    RelationGetRelid(relation), static_cast<AttrNumber>(column->attnum)));
	if (options.mask != nullptr) {
		const std::string_view domain = ToUtf8(options.mask);
		column->mask = pnstrdup(domain.data(), domain.size());
	}
	if (TupleDescAttr(RelationGetDescr(relation), column->attnum - 1)->attgenerated != '\0') {
		column->source = Source::kGenerated;
	} else if (options.attribute != nullptr) {
		column->source = Source::kAttribute;
		column->attribute = AttributeByName(options.attribute);
	} else if (options.message_attribute != nullptr) {
		column->source = Source::kMessageAttribute;
		column->path = pstrdup(options.message_attribute);
	} else {
		column->source = Source::kBody;
		column->is_pointer = options.pointer != nullptr;
		const char *path = column->is_pointer ? options.pointer : options.key;
		const std::string_view in_utf8 = ToUtf8(path != nullptr ? path : column->name);
		column->path = pnstrdup(in_utf8.data(), in_utf8.size());
	}
}

// Whether a type has room for a mask, or says that it has not: a name cuts it short.
bool HoldsMasks(Oid base_type)
{
	char category = TYPCATEGORY_INVALID;
	bool preferred = false;
	get_type_category_preferred(base_type, &category, &preferred);
	return category == TYPCATEGORY_STRING && base_type != NAMEOID;
}

// What is converted member by member: the arrays that the server calls so, and rows.
aws::JsonKind MembersOf(Oid base_type)
{
	if (OidIsValid(get_element_type(base_type)))
		return aws::JsonKind::kArray;
	return get_typtype(base_type) == TYPTYPE_COMPOSITE ? aws::JsonKind::kObject
	                                                   : aws::JsonKind::kMissing;
}

}  // namespace

Column DescribeColumn(Relation relation, int attnum)
{
	const Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), attnum - 1);
	Column column = {};
	column.attnum = attnum;
	column.name = pstrdup(NameStr(attribute->attname));
	column.not_null = attribute->attnotnull;
	DescribeSource(&column, relation);
	column.type = attribute->atttypid;
	column.base_type = getBaseType(attribute->atttypid);
	column.is_core_type = attribute->atttypid < FirstGenbkiObjectId;
	column.typmod = attribute->atttypmod;
	column.is_json = column.base_type == JSONOID || column.base_type == JSONBOID;
	column.is_time = column.base_type == DATEOID || column.base_type == TIMESTAMPOID ||
	                 column.base_type == TIMESTAMPTZOID;
	column.members = MembersOf(column.base_type);
	getTypeInputInfo(column.type, &column.input_function, &column.input_parameter);
	return column;
}

void RequireMask(Relation relation, const Column &column)
{
	if (!HoldsMasks(column.base_type))
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
		                   errmsg("column \"%s\" of foreign table \"%s\" cannot be masked",
		                       column.name, RelationGetRelationName(relation)),
		                   errhint("A masked column is of type text or varchar.")));
	const Oid owner = RelationGetForm(relation)->relowner;
	if (!MayMask(owner))
		ereport(
		    ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		               errmsg("the owner of foreign table \"%s\" may not mask column \"%s\"",
		                   RelationGetRelationName(relation), column.name),
		               errdetail("Whoever defines a masked column can find out what a mask hides."),
		               errhint("Use GRANT EXECUTE ON FUNCTION sqs.mask(text, text) TO %s.",
		                   quote_identifier(GetUserNameFromId(owner, false)))));
	ActiveKey();
}

Converter *MakeConverter(const Column &column)
{
	auto *converter = static_cast<Converter *>(palloc0(sizeof(Converter)));
	fmgr_info(column.input_function, &converter->input);
	if (column.members != aws::JsonKind::kMissing)
		PreparePopulate(column, converter);
	return converter;
}

bool BodyValue(
    const Column &column, Converter *converter, const aws::FieldValue &value, Datum *result)
{
	if (!HasValue(value))
		return false;
	if (column.mask != nullptr) {
		*result = MaskedValue(column, converter, value.text);
		return true;
	}
	if (value.kind == aws::JsonKind::kNumber && column.is_time) {
		*result = EpochValue(column, converter, value.text);
		return true;
	}
	char *text = TextOf(value);
	if (value.kind == column.members) {
		*result = MembersValue(converter, text);
		return true;
	}
	if (column.is_json && value.kind == aws::JsonKind::kString)
		text = Quoted(text);
	*result = Input(column, converter, text);
	return true;
}

bool MessageAttributeValue(
    const Column &column, Converter *converter, const aws::NamedAttribute &value, Datum *result)
{
	if (!HasValue(value.value))
		return false;
	if (value.is_base64)
		*result = BytesValue(column, converter, value.value.text);
	else if (column.mask != nullptr)
		*result = MaskedValue(column, converter, value.value.text);
	else
		*result = Input(column, converter, TextOf(value.value));
	return true;
}

void CheckNull(const Column &column, Converter *converter)
{
	if (!converter->input.fn_strict)
		InputFunctionCall(&converter->input, nullptr, column.input_parameter, column.typmod);
}

bool AttributeValue(
    const Column &column, Converter *converter, const aws::Message &message, Datum *result)
{
	switch (column.attribute) {
		case Attribute::kMessageId:
			return TextAttribute(column, converter, message.id, result);
		case Attribute::kReceiptHandle:
			return TextAttribute(column, converter, message.handle, result);
		case Attribute::kBody:
			return DocumentAttribute(column, converter, message.body, result);
		case Attribute::kSentTimestamp:
			return TimeAttribute(column, converter, message.sent_ms, result);
		case Attribute::kFirstReceiveTimestamp:
			return TimeAttribute(column, converter, message.first_receive_ms, result);
		case Attribute::kReceiveCount:
			if (message.receive_count == 0)
				return false;
			return NumberAttribute(column, converter, message.receive_count, result);
		case Attribute::kSenderId:
			return TextAttribute(column, converter, message.sender_id, result);
		case Attribute::kMessageGroupId:
			return TextAttribute(column, converter, message.group_id, result);
		case Attribute::kMessageDeduplicationId:
			return TextAttribute(column, converter, message.deduplication_id, result);
		case Attribute::kSequenceNumber:
			return TextAttribute(column, converter, message.sequence_number, result);
		case Attribute::kTraceHeader:
			return TextAttribute(column, converter, message.trace_header, result);
		case Attribute::kDeadLetterSourceArn:
			return TextAttribute(column, converter, message.dead_letter_source_arn, result);
		case Attribute::kMessageAttributes:
			return DocumentAttribute(column, converter, message.message_attributes, result);
	}
	pg_unreachable();
}

}  // namespace sqs_fdw::pg
