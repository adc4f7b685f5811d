// The table of options, the validator that it drives, and the readers.
#include "pg/option.h"

#include <cstring>
#include <string>
#include <string_view>

#include "aws/body.h"
#include "aws/endpoint.h"
#include "aws/message_reader.h"
#include "pg/guard.h"

#include "pg/server.h"

extern "C" {
#include "access/reloptions.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "utils/varlena.h"
}

namespace sqs_fdw::pg {

namespace {

struct AttributeName {
	const char *name;
	Attribute attribute;
	const char *sqs_name;  // null: part of every message
};

constexpr AttributeName kAttributes[] = {
    {"message_id", Attribute::kMessageId, nullptr},
    {"receipt_handle", Attribute::kReceiptHandle, nullptr},
    {"body", Attribute::kBody, nullptr},
    {"sent_timestamp", Attribute::kSentTimestamp, "SentTimestamp"},
    {"first_receive_timestamp", Attribute::kFirstReceiveTimestamp,
        "ApproximateFirstReceiveTimestamp"},
    {"receive_count", Attribute::kReceiveCount, "ApproximateReceiveCount"},
    {"sender_id", Attribute::kSenderId, "SenderId"},
    {"message_group_id", Attribute::kMessageGroupId, "MessageGroupId"},
    {"message_deduplication_id", Attribute::kMessageDeduplicationId, "MessageDeduplicationId"},
    {"sequence_number", Attribute::kSequenceNumber, "SequenceNumber"},
    {"trace_header", Attribute::kTraceHeader, "AWSTraceHeader"},
    {"dead_letter_source_arn", Attribute::kDeadLetterSourceArn, "DeadLetterQueueSourceArn"},
    {"message_attributes", Attribute::kMessageAttributes, nullptr},
};

const AttributeName *FindAttribute(const char *name)
{
	for (const AttributeName &attribute : kAttributes) {
		if (strcmp(attribute.name, name) == 0)
			return &attribute;
	}
	return nullptr;
}

// How an option's value is checked.
enum class Kind { kText, kBool, kNumber, kChoice, kChecked };

struct Option {
	const char *name;
	Oid where;  // the catalog whose rows have it
	Kind kind;
	long min;
	long max;
	const char *choices;          // kChoice: "a, b, c"
	void (*check)(const char *);  // kChecked: raises
	const char *default_text;
	const char *description;
};

// Runs a parser of the layers below on an option's value. Its errors name the option.
template <class Parse>
void CheckBy(const char *option, const char *value, const char *example, Parse parse)
{
	Guard([&] {
		try {
			parse(value);
		} catch (const Error &error) {
			throw Error(error.fault(),
			    std::string("invalid value for option \"") + option + "\": " + error.what(),
			    error.detail(), error.hint().empty() ? example : error.hint());
		}
	});
}

void CheckRegion(const char *value)
{
	CheckBy("region", value, "A region is a name like us-east-1.", [](const char *region) {
		if (!aws::IsRegionName(region))
			throw Error(Fault::kInvalid, "it is not the name of a region");
	});
}

void CheckEndpoint(const char *value)
{
	CheckBy("endpoint", value, "An endpoint looks like https://sqs.us-east-1.amazonaws.com.",
	    [](const char *url) { aws::ParseEndpoint(url); });
}

void RefuseFifo(const aws::QueueRef &queue)
{
	if (queue.fifo)
		throw Error(
		    Fault::kUnsupported, "FIFO queues are not supported yet", "", "Use a standard queue.");
}

void CheckQueue(const char *value)
{
	CheckBy("queue", value, "", [](const char *name) { RefuseFifo(aws::QueueFromName(name)); });
}

void CheckQueueUrl(const char *value)
{
	CheckBy("queue_url", value,
	    "A queue's URL looks like https://sqs.us-east-1.amazonaws.com/123456789012/name.",
	    [](const char *url) { RefuseFifo(aws::QueueFromUrl(url)); });
}

void CheckQueueArn(const char *value)
{
	CheckBy("queue_arn", value, "", [](const char *arn) { RefuseFifo(aws::QueueFromArn(arn)); });
}

void CheckPointer(const char *value)
{
	CheckBy("pointer", value,
	    "A JSON Pointer is empty or begins with a slash, like /device/ip (RFC 6901).",
	    [](const char *pointer) {
		    if (!aws::IsJsonPointer(pointer))
			    throw Error(Fault::kInvalid, "it is not a JSON Pointer");
	    });
}

void CheckAttribute(const char *value)
{
	AttributeByName(value);
}

void CheckMessageAttribute(const char *value)
{
	CheckBy("message_attribute", value,
	    "A name has 1 to 256 letters, digits, underscores, hyphens and periods, with no period "
	    "first, last or after another.",
	    [](const char *name) {
		    if (!aws::IsMessageAttributeName(name))
			    throw Error(Fault::kInvalid, "SQS has no message attributes of this name");
	    });
}

void CheckMask(const char *value)
{
	if (value[0] == '\0')
		ereport(ERROR,
		    (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid value for option \"mask\""),
		        errhint("It is ip for IP addresses, or the name of a domain, as the "
		                "second argument of sqs.mask.")));
}

void CheckKeyOption(const char *value)
{
	if (value[0] == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                   errmsg("an option that holds credentials must not be empty"),
		                   errhint("Leave the option away, or drop it.")));
}

constexpr Oid kServer = ForeignServerRelationId;
constexpr Oid kMapping = UserMappingRelationId;
constexpr Oid kTable = ForeignTableRelationId;
constexpr Oid kColumn = AttributeRelationId;

// The one table. Its order is the order of hints and of the reference.
constexpr Option kOptions[] = {
    {"region", kServer, Kind::kChecked, 0, 0, nullptr, CheckRegion, "none",
        "AWS region; required unless the queue's URL or ARN names it"},
    {"endpoint", kServer, Kind::kChecked, 0, 0, nullptr, CheckEndpoint, "AWS's for the region",
        "URL that requests go to"},
    {"use_fips", kServer, Kind::kBool, 0, 0, nullptr, nullptr, "false", "use the FIPS endpoint"},
    {"use_dualstack", kServer, Kind::kBool, 0, 0, nullptr, nullptr, "false",
        "use the dual-stack endpoint (IPv4 and IPv6)"},
    {"max_connections", kServer, Kind::kNumber, 1, 256, nullptr, nullptr, "16",
        "parallel requests of one scan"},
    {"connect_timeout", kServer, Kind::kNumber, 1, 300, nullptr, nullptr, "5",
        "seconds that connecting may take"},
    {"request_timeout", kServer, Kind::kNumber, 1, 3600, nullptr, nullptr, "10",
        "seconds that a request may take, beyond the long poll"},
    {"max_attempts", kServer, Kind::kNumber, 1, 20, nullptr, nullptr, "3",
        "how often a request is tried"},

    {"access_key_id", kMapping, Kind::kChecked, 0, 0, nullptr, CheckKeyOption, "none",
        "AWS access key id"},
    {"secret_access_key", kMapping, Kind::kChecked, 0, 0, nullptr, CheckKeyOption, "none",
        "AWS secret access key"},
    {"session_token", kMapping, Kind::kChecked, 0, 0, nullptr, CheckKeyOption, "none",
        "session token of temporary keys"},

    {"queue", kTable, Kind::kChecked, 0, 0, nullptr, CheckQueue, "none",
        "name of the queue; give exactly one of queue, queue_url and queue_arn"},
    {"queue_url", kTable, Kind::kChecked, 0, 0, nullptr, CheckQueueUrl, "none",
        "URL of the queue; requests go to the server's endpoint all the same"},
    {"queue_arn", kTable, Kind::kChecked, 0, 0, nullptr, CheckQueueArn, "none", "ARN of the queue"},
    {"sns_envelope", kTable, Kind::kBool, 0, 0, nullptr, nullptr, "false",
        "bodies are SNS notifications: read the message inside"},
    {"consume", kTable, Kind::kChoice, 0, 0, "on_write, always, never", nullptr, "on_write",
        "which statements take messages: those that write, all, or none"},
    {"wait_time_seconds", kTable, Kind::kNumber, 0, 20, nullptr, nullptr, "1",
        "long poll: seconds to wait for a first message"},
    {"visibility_timeout", kTable, Kind::kNumber, 0, 43200, nullptr, nullptr, "the queue's own",
        "seconds that received messages stay invisible"},
    {"max_messages", kTable, Kind::kNumber, 1, 110000, nullptr, nullptr, "100000",
        "most messages that one scan takes"},
    {"look_limit", kTable, Kind::kNumber, 1, 110000, nullptr, nullptr, "100",
        "most messages that a look receives"},
    {"on_error", kTable, Kind::kChoice, 0, 0, "leave, store, abort", nullptr, "leave",
        "what to do with a message that the table's definition refuses"},
    {"reject_limit", kTable, Kind::kNumber, 0, 110000, nullptr, nullptr, "0",
        "most messages that one scan may reject before it fails; 0: no limit"},
    {"exactly_once", kTable, Kind::kBool, 0, 0, nullptr, nullptr, "true",
        "keep the ids of taken messages in sqs.ledger, so that none is taken twice"},

    {"key", kColumn, Kind::kText, 0, 0, nullptr, nullptr, "the column's name",
        "key of the body's JSON object"},
    {"pointer", kColumn, Kind::kChecked, 0, 0, nullptr, CheckPointer, "none",
        "RFC 6901 JSON Pointer into the body"},
    {"attribute", kColumn, Kind::kChecked, 0, 0, nullptr, CheckAttribute, "none",
        "attribute of the message instead of a part of its body"},
    {"message_attribute", kColumn, Kind::kChecked, 0, 0, nullptr, CheckMessageAttribute, "none",
        "name of a message attribute, which the sender has set"},
    {"mask", kColumn, Kind::kChecked, 0, 0, nullptr, CheckMask, "none",
        "ip, or a domain: the value is masked as it is read"},
};

// What a catalog's rows are called in messages.
const char *PlaceName(Oid where)
{
	switch (where) {
		case kServer:
			return "server";
		case kMapping:
			return "user mapping";
		case kTable:
			return "foreign table";
		case kColumn:
			return "column";
		default:
			return "foreign-data wrapper";
	}
}

const char *ValidOptions(Oid where)
{
	StringInfoData list;
	initStringInfo(&list);
	for (const Option &option : kOptions) {
		if (option.where == where)
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", option.name);
	}
	return list.data;
}

[[noreturn]] void RaiseUnknownOption(const char *name, Oid where)
{
	const char *elsewhere = nullptr;
	for (const Option &option : kOptions) {
		if (strcmp(option.name, name) == 0)
			elsewhere = PlaceName(option.where);
	}
	const char *valid = ValidOptions(where);
	ereport(ERROR,
	    (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
	        errmsg("invalid option \"%s\" for a %s", name, PlaceName(where)),
	        elsewhere != nullptr ? errdetail("\"%s\" is an option of a %s.", name, elsewhere) : 0,
	        valid[0] != '\0' ? errhint("Valid options of a %s are: %s.", PlaceName(where), valid)
	                         : errhint("A %s has no options.", PlaceName(where))));
	pg_unreachable();
}

void CheckNumber(const Option &option, const char *value)
{
	char *end = nullptr;
	errno = 0;
	const long number = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || number < option.min || number > option.max)
		ereport(
		    ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		               errmsg("invalid value for option \"%s\"", option.name),
		               errhint("It is a whole number from %ld to %ld.", option.min, option.max)));
}

// Whether `value` is one of the comma-separated choices.
bool IsChoice(const char *choices, const char *value)
{
	const size_t length = strlen(value);
	for (const char *at = choices; length > 0 && (at = strstr(at, value)) != nullptr; ++at) {
		const bool begins = at == choices || at[-1] == ' ';
		const bool ends = at[length] == '\0' || at[length] == ',';
		if (begins && ends)
			return true;
	}
	return false;
}

void CheckValue(const Option &option, DefElem *definition)
{
	const char *value = defGetString(definition);
	bool parsed = false;
	switch (option.kind) {
		case Kind::kText:
			break;
		case Kind::kBool:
			if (!parse_bool(value, &parsed))
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				                   errmsg("invalid value for option \"%s\"", option.name),
				                   errhint("It is true or false.")));
			break;
		case Kind::kNumber:
			CheckNumber(option, value);
			break;
		case Kind::kChoice:
			if (!IsChoice(option.choices, value))
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				                   errmsg("invalid value for option \"%s\"", option.name),
				                   errhint("Valid values are: %s.", option.choices)));
			break;
		case Kind::kChecked:
			option.check(value);
			break;
	}
}

const Option *FindOption(const char *name, Oid where)
{
	for (const Option &option : kOptions) {
		if (option.where == where && strcmp(option.name, name) == 0)
			return &option;
	}
	return nullptr;
}

const char *FindText(List *options, const char *name)
{
	ListCell *cell;
	foreach (cell, options) {
		auto *definition = static_cast<DefElem *>(lfirst(cell));
		if (strcmp(definition->defname, name) == 0)
			return defGetString(definition);
	}
	return nullptr;
}

int FindNumber(List *options, const char *name, int otherwise)
{
	const char *text = FindText(options, name);
	return text == nullptr ? otherwise : static_cast<int>(strtol(text, nullptr, 10));
}

bool FindBool(List *options, const char *name, bool otherwise = false)
{
	const char *text = FindText(options, name);
	bool value = otherwise;
	return text != nullptr && parse_bool(text, &value) ? value : otherwise;
}

int CountGiven(List *options, const char *const names[], int count)
{
	int given = 0;
	for (int i = 0; i < count; ++i)
		given += FindText(options, names[i]) != nullptr ? 1 : 0;
	return given;
}

// The rules that concern more than one option of the same object.
void CheckTogether(List *options, Oid where)
{
	static constexpr const char *kQueueNames[] = {"queue", "queue_url", "queue_arn"};
	static constexpr const char *kSourceNames[] = {
	    "key", "pointer", "attribute", "message_attribute"};
	static constexpr const char *kKeyNames[] = {"access_key_id", "secret_access_key"};

	if (where == kTable && CountGiven(options, kQueueNames, 3) != 1)
		ereport(
		    ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
		               errmsg("a foreign table of sqs_fdw names exactly one queue"),
		               errhint("Give exactly one of the options queue, queue_url and queue_arn.")));
	if (where == kColumn && CountGiven(options, kSourceNames, 4) > 1)
		ereport(ERROR,
		    (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("a column has only one source"),
		        errhint("Give at most one of the options key, pointer, attribute and "
		                "message_attribute.")));
	if (where == kMapping && CountGiven(options, kKeyNames, 2) == 1)
		ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
		                   errmsg("access_key_id and secret_access_key belong together"),
		                   errhint("Give both options of the user mapping, or neither.")));
	if (where == kServer && FindText(options, "endpoint") != nullptr &&
	    (FindBool(options, "use_fips") || FindBool(options, "use_dualstack")))
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
		                   errmsg("use_fips and use_dualstack choose among AWS's own endpoints"),
		                   errhint("Remove them, or remove the option endpoint.")));
}

}  // namespace

Attribute AttributeByName(const char *name)
{
	const AttributeName *found = FindAttribute(name);
	if (found != nullptr)
		return found->attribute;
	StringInfoData list;
	initStringInfo(&list);
	for (const AttributeName &attribute : kAttributes)
		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", attribute.name);
	ereport(ERROR,
	    (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid value for option \"attribute\""),
	        errhint("Valid values are: %s.", list.data)));
	pg_unreachable();
}

const char *SystemAttributeName(Attribute attribute)
{
	for (const AttributeName &candidate : kAttributes) {
		if (candidate.attribute == attribute)
			return candidate.sqs_name;
	}
	return nullptr;
}

ServerOptions ReadServerOptions(List *options)
{
	ServerOptions read;
	read.region = FindText(options, "region");
	read.endpoint = FindText(options, "endpoint");
	read.use_fips = FindBool(options, "use_fips");
	read.use_dualstack = FindBool(options, "use_dualstack");
	read.max_connections = FindNumber(options, "max_connections", read.max_connections);
	read.connect_timeout_s = FindNumber(options, "connect_timeout", read.connect_timeout_s);
	read.request_timeout_s = FindNumber(options, "request_timeout", read.request_timeout_s);
	read.max_attempts = FindNumber(options, "max_attempts", read.max_attempts);
	return read;
}

UserMappingOptions ReadUserMappingOptions(List *options)
{
	UserMappingOptions read;
	read.access_key_id = FindText(options, "access_key_id");
	read.secret_access_key = FindText(options, "secret_access_key");
	read.session_token = FindText(options, "session_token");
	return read;
}

TableOptions ReadTableOptions(List *options)
{
	TableOptions read;
	read.queue = FindText(options, "queue");
	read.queue_url = FindText(options, "queue_url");
	read.queue_arn = FindText(options, "queue_arn");
	read.sns_envelope = FindBool(options, "sns_envelope");
	read.wait_time_s = FindNumber(options, "wait_time_seconds", read.wait_time_s);
	read.visibility_timeout_s =
	    FindNumber(options, "visibility_timeout", read.visibility_timeout_s);
	read.max_messages = FindNumber(options, "max_messages", read.max_messages);
	read.look_limit = FindNumber(options, "look_limit", read.look_limit);

	const char *consume = FindText(options, "consume");
	if (consume != nullptr && strcmp(consume, "always") == 0)
		read.consume = Consume::kAlways;
	else if (consume != nullptr && strcmp(consume, "never") == 0)
		read.consume = Consume::kNever;

	const char *on_error = FindText(options, "on_error");
	if (on_error != nullptr && strcmp(on_error, "abort") == 0)
		read.on_error = OnError::kAbort;
	else if (on_error != nullptr && strcmp(on_error, "store") == 0)
		read.on_error = OnError::kStore;
	read.reject_limit = FindNumber(options, "reject_limit", read.reject_limit);
	read.exactly_once = FindBool(options, "exactly_once", read.exactly_once);
	return read;
}

ColumnOptions ReadColumnOptions(List *options)
{
	ColumnOptions read;
	read.key = FindText(options, "key");
	read.pointer = FindText(options, "pointer");
	read.attribute = FindText(options, "attribute");
	read.mask = FindText(options, "mask");
	read.message_attribute = FindText(options, "message_attribute");
	return read;
}

const char *QueueAsNamed(const TableOptions &options)
{
	if (options.queue != nullptr)
		return options.queue;
	return options.queue_url != nullptr ? options.queue_url : options.queue_arn;
}

// Checks the options of one server, user mapping, foreign table or column.
SQS_FDW_FUNCTION(sqs_fdw_validator)
{
	List *options = untransformRelOptions(PG_GETARG_DATUM(0));
	const Oid where = PG_GETARG_OID(1);
	ListCell *cell;
	foreach (cell, options) {
		auto *definition = static_cast<DefElem *>(lfirst(cell));
		const Option *option = FindOption(definition->defname, where);
		if (option == nullptr)
			RaiseUnknownOption(definition->defname, where);
		CheckValue(*option, definition);
	}
	CheckTogether(options, where);
	PG_RETURN_VOID();
}

// sqs.options(): the reference, one row an option.
SQS_FDW_FUNCTION(sqs_options)
{
	InitMaterializedSRF(fcinfo, 0);
	auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	for (const Option &option : kOptions) {
		Datum values[4] = {CStringGetTextDatum(PlaceName(option.where)),
		    CStringGetTextDatum(option.name), CStringGetTextDatum(option.default_text),
		    CStringGetTextDatum(option.description)};
		bool nulls[4] = {false, false, false, false};
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	PG_RETURN_VOID();
}

}  // namespace sqs_fdw::pg
