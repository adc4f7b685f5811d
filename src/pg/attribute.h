// Attributes of a message, by the names that columns have for them and by those that SQS has.
#pragma once

namespace sqs_fdw::pg {

// Names of the system attributes that a column can show ("sent_timestamp").
enum class Attribute {
	kMessageId,
	kReceiptHandle,
	kBody,
	kSentTimestamp,
	kFirstReceiveTimestamp,
	kReceiveCount,
	kSenderId,
	kMessageGroupId,
	kMessageDeduplicationId,
	kSequenceNumber,
	kTraceHeader,
	kDeadLetterSourceArn,
	kMessageAttributes,
};

// Server phase: raises for a name that the validator would refuse.
Attribute AttributeByName(const char *name);

// The name that ReceiveMessage uses to ask for it ("SentTimestamp"); null where it always comes.
const char *SystemAttributeName(Attribute attribute);

}  // namespace sqs_fdw::pg
