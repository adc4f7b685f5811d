// Makes rows of messages, in subtransactions where an error must not end the statement.
#include "pg/row.h"

#include "pg/convert.h"

#include <algorithm>

#include "pg/server.h"

namespace sqs_fdw::pg {

namespace {

// A stretch of a batch that is converted in one go.
struct Task {
	RowMaker *maker;
	const aws::Message *messages;  // the batch's, from index 0
	int first;
	int count;
	Stage stage;
	MemoryContext context;
	Row *rows;
};

void ConvertRows(const Task &task)
{
	const MemoryContext caller = MemoryContextSwitchTo(task.context);
	for (int i = task.first; i < task.first + task.count; ++i)
		ConvertRow(task.maker, task.messages[i], task.stage, &task.rows[i]);
	MemoryContextSwitchTo(caller);
}

// Data exceptions, integrity violations and too deeply nested values are the message's fault.
bool IsMessagesFault(int sqlstate)
{
	const int category = ERRCODE_TO_CATEGORY(sqlstate);
	return category == ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION) ||
	       category == ERRCODE_TO_CATEGORY(ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION) ||
	       sqlstate == ERRCODE_STATEMENT_TOO_COMPLEX;
}

// So are syntax errors and exceeded limits, where a type of the server's own says so of its input:
// tsquery, jsonpath, arrays of seven dimensions. Of anybody else's code they tell that it is
// broken.
bool IsInputsFault(const RowMaker &maker, int sqlstate)
{
	const bool in_core = maker.input != nullptr && maker.input->is_core_type;
	return in_core &&
	       (sqlstate == ERRCODE_SYNTAX_ERROR || sqlstate == ERRCODE_PROGRAM_LIMIT_EXCEEDED);
}

// The error being caught, out of the error state's own memory.
ErrorData *TakeError(MemoryContext caller)
{
	MemoryContextSwitchTo(caller);
	ErrorData *error = CopyErrorData();
	FlushErrorState();
	return error;
}

// Cancels, conflicts, a lack of resources, failures of the system, raised by the server itself and
// not in these classes' name by a function of somebody's: nothing that quotes a value. An internal
// error (XX000) is what any C function raises that does not say more, so it is not among them.
bool IsServersOwn(const ErrorData &error)
{
	if (error.domain == nullptr || strcmp(error.domain, PG_TEXTDOMAIN("postgres")) != 0)
		return false;
	switch (ERRCODE_TO_CATEGORY(error.sqlerrcode)) {
		case ERRCODE_TO_CATEGORY(ERRCODE_TRANSACTION_ROLLBACK):
		case ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES):
		case ERRCODE_TO_CATEGORY(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE):
		case ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION):
		case ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR):
			return true;
		default:
			return error.sqlerrcode == ERRCODE_DATA_CORRUPTED ||
			       error.sqlerrcode == ERRCODE_INDEX_CORRUPTED;
	}
}

// The SQLSTATE of an error that is the message's fault. Any other ends the statement: the server's
// own go on, but for the statements in their context, which a type may have made of the value; what
// a type or a check raised may quote the value, and is made anew.
int JudgeError(const Task &task, ErrorData *error)
{
	const int sqlstate = error->sqlerrcode;
	if (IsServersOwn(*error)) {
		error->context = psprintf("conversion of a message for foreign table \"%s\"",
		    RelationGetRelationName(task.maker->relation));
		ReThrowError(error);
	}
	FreeErrorData(error);
	if (IsMessagesFault(sqlstate) || IsInputsFault(*task.maker, sqlstate))
		return sqlstate;
	Rejection rejection = task.maker->in_progress;
	rejection.sqlstate = sqlstate;
	ereport(ERROR,
	    (errcode(sqlstate), errmsg("could not convert a message"),
	        errdetail("By the foreign table, %s.", DescribeRejection(rejection)),
	        errhint("The type's input function or the constraint raised an error that is not one "
	                "of data, so the message is not rejected. Declare the column as text.")));
	pg_unreachable();
}

// Converts inside a subtransaction; 0, or the SQLSTATE of the error that undid it.
int TryConvertRows(const Task &task)
{
	const MemoryContext caller = CurrentMemoryContext;
	const ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = nullptr;

	BeginInternalSubTransaction(nullptr);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		ConvertRows(task);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		error = TakeError(caller);
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	return error == nullptr ? 0 : JudgeError(task, error);
}

// Converts without one, where the statement ends anyway if there is an error.
int ConvertRowsCatching(const Task &task)
{
	const MemoryContext caller = CurrentMemoryContext;
	ErrorData *volatile error = nullptr;
	PG_TRY();
	{
		ConvertRows(task);
	}
	PG_CATCH();
	{
		error = TakeError(caller);
	}
	PG_END_TRY();
	return error == nullptr ? 0 : JudgeError(task, error);
}

// After a failed attempt: the message's own attempt, and a rejection if it fails again.
void ConvertAlone(Task task, int index)
{
	task.first = index;
	task.count = 1;
	Row &row = task.rows[index];
	if (row.rejection.kind != Rejection::Kind::kNone)
		return;
	const int sqlstate = TryConvertRows(task);
	if (sqlstate == 0)
		return;
	row.rejection = task.maker->in_progress;
	row.rejection.sqlstate = sqlstate;
	BuildMachinery(task.maker);
}

void AddOnce(std::vector<std::string> *names, const char *name)
{
	if (std::find(names->begin(), names->end(), name) == names->end())
		names->emplace_back(name);
}

[[noreturn]] void RaiseRejection(const Rejection &rejection, const aws::Message &message)
{
	ereport(ERROR, (errcode(rejection.sqlstate), errmsg("a message does not fit the foreign table"),
	                   errdetail("Message %.*s: %s.", static_cast<int>(message.id.size()),
	                       message.id.data(), DescribeRejection(rejection)),
	                   errhint("With on_error 'leave' such messages are left in the queue, with "
	                           "'store' they go to sqs.rejected.")));
	pg_unreachable();
}

// on_error 'abort': the error is made anew, for the server's own would show the value.
void ConvertOrRaise(const Task &task)
{
	for (int i = task.first; i < task.first + task.count; ++i) {
		Task one = task;
		one.first = i;
		one.count = 1;
		Rejection &rejection = task.rows[i].rejection;
		const int sqlstate = ConvertRowsCatching(one);
		if (sqlstate != 0) {
			rejection = task.maker->in_progress;
			rejection.sqlstate = sqlstate;
		}
		if (rejection.kind != Rejection::Kind::kNone)
			RaiseRejection(rejection, task.messages[i]);
	}
}

}  // namespace

RowMaker *MakeRowMaker(const RowMakerOptions &options)
{
	auto *maker = static_cast<RowMaker *>(palloc0(sizeof(RowMaker)));
	maker->relation = options.relation;
	maker->estate = options.estate;
	maker->on_error = options.on_error;
	maker->machinery =
	    AllocSetContextCreate(CurrentMemoryContext, "sqs_fdw conversion", ALLOCSET_SMALL_SIZES);
	DescribeRow(maker, options);
	BuildMachinery(maker);
	return maker;
}

void RequireMasks(const RowMaker &maker)
{
	for (int i = 0; i < maker.column_count; ++i) {
		if (maker.columns[i].mask != nullptr)
			RequireMask(maker.relation, maker.columns[i]);
	}
}

List *ColumnNames(const RowMaker &maker)
{
	List *names = NIL;
	for (int i = 0; i < maker.column_count; ++i)
		names = lappend(names, const_cast<char *>(maker.columns[i].name));
	return names;
}

void AskFor(const RowMaker &maker, const AlsoNeeded &also, aws::ReceiveRequest *request)
{
	if (also.everything) {
		request->system_attributes = {"All"};
		request->message_attributes = {"All"};
		return;
	}
	request->system_attributes = {SystemAttributeName(Attribute::kReceiveCount)};
	if (also.sent_time)
		AddOnce(&request->system_attributes, SystemAttributeName(Attribute::kSentTimestamp));
	bool all = false;
	for (int i = 0; i < maker.column_count; ++i) {
		const Column &column = maker.columns[i];
		if (column.source == Source::kMessageAttribute && !maker.sns_envelope)
			AddOnce(&request->message_attributes, column.path);
		if (column.source != Source::kAttribute)
			continue;
		all = all || column.attribute == Attribute::kMessageAttributes;
		const char *name = SystemAttributeName(column.attribute);
		if (name != nullptr)
			AddOnce(&request->system_attributes, name);
	}
	if (all)
		request->message_attributes = {"All"};
}

void MakeRows(RowMaker *maker, const aws::ReceivedBatch *batch, int first, int count, Stage stage,
    MemoryContext context, Row *rows)
{
	const Task task = {maker, batch->messages.data(), first, count, stage, context, rows};
	if (maker->on_error == OnError::kAbort) {
		ConvertOrRaise(task);
		return;
	}
	if (TryConvertRows(task) == 0)
		return;
	BuildMachinery(maker);
	for (int i = first; i < first + count; ++i)
		ConvertAlone(task, i);
}

const char *ReasonOf(const Rejection &rejection)
{
	switch (rejection.kind) {
		case Rejection::Kind::kBody:
			return "the body is not a JSON object";
		case Rejection::Kind::kNotification:
			return "the body is not an SNS notification";
		case Rejection::Kind::kMessage:
			return "the message in the SNS notification is not a JSON object";
		case Rejection::Kind::kAttributes:
			return "the message attributes are not what SQS sends";
		case Rejection::Kind::kGenerated:
			return psprintf("the expression of generated column \"%s\" fails", rejection.where);
		case Rejection::Kind::kNotNull:
			return psprintf("column \"%s\" is NOT NULL and has no value", rejection.where);
		case Rejection::Kind::kCheck:
			return psprintf("check constraint \"%s\" fails", rejection.where);
		case Rejection::Kind::kValue:
			return psprintf("the value of column \"%s\" does not convert", rejection.where);
		case Rejection::Kind::kNone:
			break;
	}
	return "accepted";
}

const char *DescribeRejection(const Rejection &rejection)
{
	return psprintf("%s (SQLSTATE %s)", ReasonOf(rejection), unpack_sql_state(rejection.sqlstate));
}

}  // namespace sqs_fdw::pg
