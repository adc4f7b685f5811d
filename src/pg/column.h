// One column of a foreign table: where its value comes from and how it becomes a Datum.
//
// What a JSON value becomes: a string, number or boolean goes to the type's input function as text,
// and so do an object and an array, except that
//  - json and jsonb keep the JSON, a string's quotes too;
//  - an array becomes an array, and an object a composite, member by member;
//  - a number in a date, timestamp or timestamptz column is Unix time: seconds below 10^11 in
//    absolute value, milliseconds from there to below 10^14, beyond that an error (22008). date and
//    timestamp are what a cast from timestamptz makes of it in the session's time zone.
// Domains behave as the type below them, and check. With the option `mask` it is the mask of that
// text that goes to the input function: the plain value never becomes a Datum.
#pragma once

#include "aws/message_reader.h"
#include "aws/sqs.h"
#include "pg/attribute.h"
#include "pg/option.h"
#include "pg/types.h"

namespace sqs_fdw::pg {

// Where a column's value comes from.
enum class Source { kBody, kAttribute, kMessageAttribute, kGenerated };

struct Column {
	int attnum;
	const char *name;
	bool not_null;
	bool in_conditions;
	Source source;
	Attribute attribute;  // of kAttribute
	const char *path;     // of kBody, in UTF-8; of kMessageAttribute the attribute's name
	bool is_pointer;      // of kBody: the path is a JSON Pointer
	const char *mask;     // the domain, in UTF-8, that the value is masked with; null: it is not
	int index;            // of kBody and kMessageAttribute: among those of the MessageReader
	Oid type;
	Oid base_type;      // of a domain the type below
	bool is_core_type;  // the server's own: its input function runs nobody else's code
	int typmod;
	bool is_json;           // json or jsonb: the value's JSON, not its text
	bool is_time;           // date, timestamp or timestamptz
	aws::JsonKind members;  // what is converted member by member: kArray, kObject, or kMissing
	Oid input_function;
	Oid input_parameter;
};

// Describes attribute `attnum` of the relation; its index is the caller's to give. Server phase.
Column DescribeColumn(struct ::RelationData *relation, int attnum);

// Raises unless the column may be masked: it is of a string type, the table's owner may execute
// sqs.mask (else the column would tell who may not what a mask hides), and there is a key. Server
// phase.
void RequireMask(struct ::RelationData *relation, const Column &column);

// The functions that convert a column's values, looked up, with what they remember from call to
// call. An error may leave it half-way: then make another. Palloc'd; server phase.
struct Converter;
Converter *MakeConverter(const Column &column);

// The value of a body's member, of an attribute of the message, or of a message attribute, as a
// Datum; false for NULL. The result is allocated in the current memory context. Server phase; raise
// what the input function raises, 22P05 for text with \u0000, and 22P03 for a binary message
// attribute where the column is not bytea.
bool BodyValue(
    const Column &column, Converter *converter, const aws::FieldValue &value, Datum *result);
bool AttributeValue(
    const Column &column, Converter *converter, const aws::Message &message, Datum *result);
bool MessageAttributeValue(
    const Column &column, Converter *converter, const aws::NamedAttribute &value, Datum *result);

// Shows NULL to an input function that wants to see it: a domain may refuse it. Server phase.
void CheckNull(const Column &column, Converter *converter);

}  // namespace sqs_fdw::pg
