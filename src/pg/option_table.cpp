// The table of options, and the checks of values that it names.
#include "pg/option_table.h"

#include <iterator>
#include <string>

#include "aws/body.h"
#include "aws/endpoint.h"
#include "aws/message_reader.h"
#include "pg/attribute.h"
#include "pg/guard.h"

#include "pg/server.h"

extern "C" {
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
}

namespace sqs_fdw::pg {

namespace {

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

constexpr Option kOptions[] = {
    {"region", kServer, OptionKind::kChecked, 0, 0, nullptr, CheckRegion, "none",
        "AWS region; required unless the queue's URL or ARN names it"},
    {"endpoint", kServer, OptionKind::kChecked, 0, 0, nullptr, CheckEndpoint,
        "AWS's for the region", "URL that requests go to"},
    {"use_fips", kServer, OptionKind::kBool, 0, 0, nullptr, nullptr, "false",
        "use the FIPS endpoint"},
    {"use_dualstack", kServer, OptionKind::kBool, 0, 0, nullptr, nullptr, "false",
        "use the dual-stack endpoint (IPv4 and IPv6)"},
    {"max_connections", kServer, OptionKind::kNumber, 1, 256, nullptr, nullptr, "16",
        "parallel requests of one scan"},
    {"connect_timeout", kServer, OptionKind::kNumber, 1, 300, nullptr, nullptr, "5",
        "seconds that connecting may take"},
    {"request_timeout", kServer, OptionKind::kNumber, 1, 3600, nullptr, nullptr, "10",
        "seconds that a request may take, beyond the long poll"},
    {"max_attempts", kServer, OptionKind::kNumber, 1, 20, nullptr, nullptr, "3",
        "how often a request is tried"},

    {"access_key_id", kMapping, OptionKind::kChecked, 0, 0, nullptr, CheckKeyOption, "none",
        "AWS access key id"},
    {"secret_access_key", kMapping, OptionKind::kChecked, 0, 0, nullptr, CheckKeyOption, "none",
        "AWS secret access key"},
    {"session_token", kMapping, OptionKind::kChecked, 0, 0, nullptr, CheckKeyOption, "none",
        "session token of temporary keys"},

    {"queue", kTable, OptionKind::kChecked, 0, 0, nullptr, CheckQueue, "none",
        "name of the queue; give exactly one of queue, queue_url and queue_arn"},
    {"queue_url", kTable, OptionKind::kChecked, 0, 0, nullptr, CheckQueueUrl, "none",
        "URL of the queue; requests go to the server's endpoint all the same"},
    {"queue_arn", kTable, OptionKind::kChecked, 0, 0, nullptr, CheckQueueArn, "none",
        "ARN of the queue"},
    {"sns_envelope", kTable, OptionKind::kBool, 0, 0, nullptr, nullptr, "false",
        "bodies are SNS notifications: read the message inside"},
    {"consume", kTable, OptionKind::kChoice, 0, 0, "on_write, always, never", nullptr, "on_write",
        "which statements take messages: those that write, all, or none"},
    {"wait_time_seconds", kTable, OptionKind::kNumber, 0, 20, nullptr, nullptr, "1",
        "long poll: seconds to wait for a first message"},
    {"visibility_timeout", kTable, OptionKind::kNumber, 0, 43200, nullptr, nullptr,
        "the queue's own", "seconds that received messages stay invisible"},
    {"max_messages", kTable, OptionKind::kNumber, 1, 110000, nullptr, nullptr, "100000",
        "most messages that one scan takes"},
    {"look_limit", kTable, OptionKind::kNumber, 1, 110000, nullptr, nullptr, "100",
        "most messages that a look receives"},
    {"on_error", kTable, OptionKind::kChoice, 0, 0, "leave, store, abort", nullptr, "leave",
        "what to do with a message that the table's definition refuses"},
    {"reject_limit", kTable, OptionKind::kNumber, 0, 110000, nullptr, nullptr, "0",
        "most messages that one scan may reject before it fails; 0: no limit"},
    {"exactly_once", kTable, OptionKind::kBool, 0, 0, nullptr, nullptr, "true",
        "keep the ids of taken messages in sqs.ledger, so that none is taken twice"},

    {"key", kColumn, OptionKind::kText, 0, 0, nullptr, nullptr, "the column's name",
        "key of the body's JSON object"},
    {"pointer", kColumn, OptionKind::kChecked, 0, 0, nullptr, CheckPointer, "none",
        "RFC 6901 JSON Pointer into the body"},
    {"attribute", kColumn, OptionKind::kChecked, 0, 0, nullptr, CheckAttribute, "none",
        "attribute of the message instead of a part of its body"},
    {"message_attribute", kColumn, OptionKind::kChecked, 0, 0, nullptr, CheckMessageAttribute,
        "none", "name of a message attribute, which the sender has set"},
    {"mask", kColumn, OptionKind::kChecked, 0, 0, nullptr, CheckMask, "none",
        "ip, or a domain: the value is masked as it is read"},
};

}  // namespace

OptionTable Options()
{
	return {std::begin(kOptions), std::end(kOptions)};
}

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

// sqs.options(): the reference, one row an option.
SQS_FDW_FUNCTION(sqs_options)
{
	InitMaterializedSRF(fcinfo, 0);
	auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	for (const Option &option : Options()) {
		Datum values[4] = {CStringGetTextDatum(PlaceName(option.where)),
		    CStringGetTextDatum(option.name), CStringGetTextDatum(option.default_text),
		    CStringGetTextDatum(option.description)};
		bool nulls[4] = {false, false, false, false};
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	PG_RETURN_VOID();
}

}  // namespace sqs_fdw::pg
