// One message as one row: the columns' values, generated columns, NOT NULL, CHECK. Used by row.cpp
// alone.
#pragma once

#include "aws/message_reader.h"
#include "pg/column.h"
#include "pg/row.h"
#include "pg/types.h"

namespace sqs_fdw::pg {

// The columns, the checks, and what converts them. Plain data but for the reader, which is deleted
// with the query context.
class RowMaker {
public:
	struct ::RelationData *relation;
	struct ::EState *estate;
	OnError on_error;

	// Generated columns come last: they are computed from the others.
	int column_count;
	Column *columns;
	struct ::Node **generation;  // by column; null where it is not generated

	aws::MessageReader *reader;  // null where no column needs it
	bool sns_envelope;

	int check_count;
	struct ::Node **check_expressions;
	const char **check_names;

	// What expressions of the table's definition read.
	struct ::ExprContext *row_context;
	struct ::TupleTableSlot *row_slot;

	// What an error in mid-conversion may leave half-way: made anew after each.
	struct ::MemoryContextData *machinery;
	Converter **converters;          // by column
	struct ::ExprState **generated;  // by column
	struct ::ExprState **checks;

	Rejection in_progress;  // what is being converted, for the rejection if it fails
	const Column *input;    // the column whose input function runs; null in expressions
};

// What a row needs, once a scan. Server phase, in the executor's query context.
void DescribeRow(RowMaker *maker, const RowMakerOptions &options);

// Looks up the input functions and prepares the expressions, afresh.
void BuildMachinery(RowMaker *maker);

// Converts one message, unless it is rejected already. What does not fit is a rejection, or an
// error, and then `in_progress` tells where.
void ConvertRow(RowMaker *maker, const aws::Message &message, Stage stage, Row *row);

}  // namespace sqs_fdw::pg
