// One column of a foreign table: where its value comes from and how it becomes a Datum.
#pragma once

#include "aws/body.h"
#include "aws/sqs.h"
#include "pg/option.h"
#include "pg/types.h"

namespace sqs_fdw::pg {

struct Column {
	int attnum;
	const char *name;
	bool not_null;
	bool in_conditions;
	bool from_body;
	bool is_json;         // json or jsonb: the value's JSON, not its text
	Attribute attribute;  // where it is not from the body
	int field;            // where it is: index into the values of the BodyReader
	Oid type;
	Oid base_type;
	Oid input_function;
	Oid input_parameter;
	int typmod;
};

// Describes attribute `attnum` of the relation; `field` is its index if it comes from the body.
// Server phase.
Column DescribeColumn(struct ::RelationData *relation, int attnum, int field);

// Where in the body the column is; palloc'd. Only with from_body.
struct ColumnPath {
	const char *path;
	bool is_pointer;
};
ColumnPath PathOf(struct ::RelationData *relation, const Column &column);

// The value of a body's member, or of an attribute of the message, as a Datum; false for NULL. The
// result is allocated in the current memory context. `input` is the FmgrInfo of input_function.
// Server phase; raises what the input function raises, and 22P05 for text with \u0000.
bool BodyValue(const Column &column, void *input, const aws::FieldValue &value, Datum *result);
bool AttributeValue(const Column &column, void *input, const aws::Message &message, Datum *result);

}  // namespace sqs_fdw::pg
