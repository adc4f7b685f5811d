// From messages to rows: conversion by the columns' input functions, NOT NULL and CHECK.
//
// The table's definition is the validator. A message that does not fit is rejected, which is an
// outcome here and no error: PostgreSQL 15 has no soft errors, so the conversion of a reply runs in
// one subtransaction, and only if something in it fails is it done again message by message.
#pragma once

#include "aws/sqs.h"
#include "pg/option.h"
#include "pg/types.h"

namespace sqs_fdw::pg {

// Why a message is rejected. Names the place, never the value.
struct Rejection {
	enum class Kind {
		kNone,
		kBody,
		kNotification,  // with sns_envelope
		kMessage,       // in the notification
		kAttributes,
		kValue,
		kGenerated,
		kNotNull,
		kCheck,
	} kind = Kind::kNone;
	int sqlstate = 0;
	const char *where = nullptr;  // the column or the constraint
};

// One message's row. The arrays have an entry for each attribute of the table.
struct Row {
	Datum *values;
	bool *nulls;
	Rejection rejection;
	bool skip;  // not to be converted, nor returned
};

// Which columns to convert. With conditions, their columns come first, and the others only for
// messages that passed: one that is meant for another consumer is not rejected.
enum class Stage { kAll, kConditions, kRest };

class RowMaker;

struct RowMakerOptions {
	struct ::RelationData *relation;
	struct ::EState *estate;
	struct ::List *needed;      // attribute numbers that the query refers to
	struct ::List *conditions;  // those of the conditions
	OnError on_error;
};

// Server phase. Lives in the executor's query context.
RowMaker *MakeRowMaker(const RowMakerOptions &options);

// Raises where a masked column may not be, or cannot be. Server phase.
void RequireMasks(const RowMaker &maker);

// The columns that are read for the query, a NOT NULL or a CHECK: a List of names. Server phase.
struct ::List *ColumnNames(const RowMaker &maker);

// What a scan needs to know of messages beside what its columns show.
struct AlsoNeeded {
	bool everything;  // for messages that may be kept as they are
	bool sent_time;   // for the ledger
};

// What to ask SQS for: attributes by ReceiveMessage's names. For C++ phases.
void AskFor(const RowMaker &maker, const AlsoNeeded &also, aws::ReceiveRequest *request);

// Converts messages first … first + count - 1 of `batch` into rows[first …], in the memory context
// `context`. Rejected ones get a rejection. Server phase. Raises for errors that are not the
// message's fault, and with on_error 'abort' for those that are, without any value.
void MakeRows(RowMaker *maker, const aws::ReceivedBatch *batch, int first, int count, Stage stage,
    struct ::MemoryContextData *context, Row *rows);

// "the value of column "age" does not convert". Palloc'd.
const char *ReasonOf(const Rejection &rejection);

// The same with its SQLSTATE, for messages. Palloc'd.
const char *DescribeRejection(const Rejection &rejection);

}  // namespace sqs_fdw::pg
