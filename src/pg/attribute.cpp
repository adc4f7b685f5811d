// The table of a message's attributes.
#include "pg/attribute.h"

#include <cstring>

#include "pg/server.h"

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

}  // namespace sqs_fdw::pg
