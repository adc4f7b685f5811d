// Makes rows of messages, in subtransactions where an error must not end the statement.
#include "pg/row.h"

#include <memory>
#include <vector>

#include "aws/body.h"
#include "pg/column.h"
#include "pg/guard.h"

#include "pg/server.h"

extern "C" {
#include "access/tupdesc.h"
#include "nodes/bitmapset.h"
#include "optimizer/optimizer.h"
}

namespace sqs_fdw::pg {

// The columns, the checks, and what converts them. Plain data but for the reader, which is deleted
// with the query context.
class RowMaker {
public:
	Relation relation;
	EState *estate;
	OnError on_error;

	int column_count;
	Column *columns;

	aws::BodyReader *reader;  // null where no column comes from the body
	aws::FieldValue *values;

	// What an error in mid-conversion may leave half-way: made anew after each.
	MemoryContext machinery;
	FmgrInfo *inputs;
	ExprState **checks;

	int check_count;
	Node **check_expressions;
	const char **check_names;
	ExprContext *check_context;
	TupleTableSlot *check_slot;

	Rejection in_progress;  // what is being converted, for the rejection if it fails
};

namespace {

// Attribute numbers that a check constraint reads.
Bitmapset *CheckAttributes(const TupleConstr *constraints)
{
	Bitmapset *attributes = nullptr;
	for (int i = 0; constraints != nullptr && i < constraints->num_check; ++i) {
		auto *expression = static_cast<Node *>(stringToNode(constraints->check[i].ccbin));
		pull_varattnos(expression, 1, &attributes);
	}
	return attributes;
}

bool IsGenerated(TupleDesc descriptor, int attnum)
{
	return TupleDescAttr(descriptor, attnum - 1)->attgenerated != '\0';
}

// Which attributes have to be converted: the query's, those with NOT NULL, those in a CHECK.
Bitmapset *NeededAttributes(const RowMakerOptions &options)
{
	const TupleDesc descriptor = RelationGetDescr(options.relation);
	Bitmapset *checked = CheckAttributes(descriptor->constr);
	const int offset = FirstLowInvalidHeapAttributeNumber;
	const bool whole_row = bms_is_member(InvalidAttrNumber - offset, checked);
	Bitmapset *needed = nullptr;
	for (int attnum = 1; attnum <= descriptor->natts; ++attnum) {
		const Form_pg_attribute attribute = TupleDescAttr(descriptor, attnum - 1);
		if (attribute->attisdropped || IsGenerated(descriptor, attnum))
			continue;
		if (attribute->attnotnull || whole_row || list_member_int(options.needed, attnum) ||
		    bms_is_member(attnum - offset, checked))
			needed = bms_add_member(needed, attnum);
	}
	return needed;
}

void DescribeColumns(RowMaker *maker, const RowMakerOptions &options)
{
	Bitmapset *needed = NeededAttributes(options);
	maker->columns = static_cast<Column *>(palloc0(sizeof(Column) * (bms_num_members(needed) + 1)));
	int fields = 0;
	int attnum = -1;
	while ((attnum = bms_next_member(needed, attnum)) >= 0) {
		Column column = DescribeColumn(options.relation, attnum, fields);
		column.in_conditions = list_member_int(options.conditions, attnum);
		fields += column.from_body ? 1 : 0;
		maker->columns[maker->column_count++] = column;
	}
	if (fields == 0)
		return;

	auto *paths = static_cast<ColumnPath *>(palloc0(sizeof(ColumnPath) * fields));
	for (int i = 0; i < maker->column_count; ++i) {
		if (maker->columns[i].from_body)
			paths[maker->columns[i].field] = PathOf(options.relation, maker->columns[i]);
	}
	maker->values = Guard([&] { return new aws::FieldValue[fields]; });
	DeleteWithContextUntyped(CurrentMemoryContext, maker->values,
	    [](void *values) noexcept { delete[] static_cast<aws::FieldValue *>(values); });
	aws::BodyReader *reader = Guard([&] {
		std::vector<aws::FieldPath> wanted;
		wanted.reserve(static_cast<size_t>(fields));
		for (int i = 0; i < fields; ++i)
			wanted.push_back({paths[i].path, paths[i].is_pointer});
		return new aws::BodyReader(std::move(wanted));
	});
	maker->reader = DeleteWithContext(CurrentMemoryContext, reader);
}

void DescribeChecks(RowMaker *maker)
{
	const TupleConstr *constraints = RelationGetDescr(maker->relation)->constr;
	maker->check_count = constraints == nullptr ? 0 : constraints->num_check;
	if (maker->check_count == 0)
		return;
	maker->check_expressions = static_cast<Node **>(palloc(sizeof(Node *) * maker->check_count));
	maker->check_names =
	    static_cast<const char **>(palloc(sizeof(const char *) * maker->check_count));
	for (int i = 0; i < maker->check_count; ++i) {
		auto *expression = static_cast<Expr *>(stringToNode(constraints->check[i].ccbin));
		maker->check_expressions[i] = reinterpret_cast<Node *>(expression_planner(expression));
		maker->check_names[i] = pstrdup(constraints->check[i].ccname);
	}
	maker->check_context = CreateExprContext(maker->estate);
	maker->check_slot = MakeSingleTupleTableSlot(
	    CreateTupleDescCopy(RelationGetDescr(maker->relation)), &TTSOpsVirtual);
}

// Looks up the input functions and prepares the checks, afresh.
void BuildMachinery(RowMaker *maker)
{
	MemoryContextReset(maker->machinery);
	const MemoryContext caller = MemoryContextSwitchTo(maker->machinery);
	maker->inputs = static_cast<FmgrInfo *>(palloc0(sizeof(FmgrInfo) * (maker->column_count + 1)));
	for (int i = 0; i < maker->column_count; ++i)
		fmgr_info(maker->columns[i].input_function, &maker->inputs[i]);
	maker->checks =
	    static_cast<ExprState **>(palloc0(sizeof(ExprState *) * (maker->check_count + 1)));
	for (int i = 0; i < maker->check_count; ++i)
		maker->checks[i] =
		    ExecInitExpr(reinterpret_cast<Expr *>(maker->check_expressions[i]), nullptr);
	MemoryContextSwitchTo(caller);
}

bool BelongsTo(const Column &column, Stage stage)
{
	return stage == Stage::kAll || column.in_conditions == (stage == Stage::kConditions);
}

bool NeedsBody(const RowMaker &maker, Stage stage)
{
	for (int i = 0; i < maker.column_count; ++i) {
		if (maker.columns[i].from_body && BelongsTo(maker.columns[i], stage))
			return true;
	}
	return false;
}

bool ReadBody(RowMaker *maker, const aws::Message &message, Row *row)
{
	const auto status = Guard([&] { return maker->reader->Read(message.body, maker->values); });
	if (status == aws::BodyStatus::kOk)
		return true;
	row->rejection = {Rejection::Kind::kBody, ERRCODE_INVALID_JSON_TEXT, nullptr};
	return false;
}

void CheckRow(RowMaker *maker, Row *row)
{
	TupleTableSlot *slot = maker->check_slot;
	ExecClearTuple(slot);
	const int natts = slot->tts_tupleDescriptor->natts;
	memcpy(slot->tts_values, row->values, sizeof(Datum) * natts);
	memcpy(slot->tts_isnull, row->nulls, sizeof(bool) * natts);
	ExecStoreVirtualTuple(slot);
	maker->check_context->ecxt_scantuple = slot;
	for (int i = 0; i < maker->check_count; ++i) {
		maker->in_progress = {
		    Rejection::Kind::kCheck, ERRCODE_CHECK_VIOLATION, maker->check_names[i]};
		if (!ExecCheck(maker->checks[i], maker->check_context)) {
			row->rejection = maker->in_progress;
			break;
		}
	}
	ResetExprContext(maker->check_context);
}

void ConvertColumn(RowMaker *maker, int index, const aws::Message &message, Row *row)
{
	const Column &column = maker->columns[index];
	const int at = column.attnum - 1;
	maker->in_progress = {Rejection::Kind::kValue, 0, column.name};
	const bool present =
	    column.from_body ? BodyValue(column, &maker->inputs[index], maker->values[column.field],
	                           &row->values[at])
	                     : AttributeValue(column, &maker->inputs[index], message, &row->values[at]);
	row->nulls[at] = !present;
	// An input function that is not strict wants to see NULL, too: a domain may refuse it.
	if (!present && !maker->inputs[index].fn_strict)
		InputFunctionCall(&maker->inputs[index], nullptr, column.input_parameter, column.typmod);
	if (!present && column.not_null)
		row->rejection = {Rejection::Kind::kNotNull, ERRCODE_NOT_NULL_VIOLATION, column.name};
}

// Converts one message, and raises where a value does not fit.
void ConvertRow(RowMaker *maker, const aws::Message &message, Stage stage, Row *row)
{
	if (row->skip || row->rejection.kind != Rejection::Kind::kNone)
		return;
	if (NeedsBody(*maker, stage) && !ReadBody(maker, message, row))
		return;
	for (int i = 0; i < maker->column_count; ++i) {
		if (!BelongsTo(maker->columns[i], stage))
			continue;
		ConvertColumn(maker, i, message, row);
		if (row->rejection.kind != Rejection::Kind::kNone)
			return;
	}
	if (stage != Stage::kConditions && maker->check_count > 0)
		CheckRow(maker, row);
}

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

// The error being caught, out of the error state's own memory.
ErrorData *TakeError(MemoryContext caller)
{
	MemoryContextSwitchTo(caller);
	ErrorData *error = CopyErrorData();
	FlushErrorState();
	return error;
}

// Cancels, conflicts, a lack of resources, failures of the system: nothing that a value could
// cause.
bool IsServersOwn(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate)) {
		case ERRCODE_TO_CATEGORY(ERRCODE_TRANSACTION_ROLLBACK):
		case ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES):
		case ERRCODE_TO_CATEGORY(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE):
		case ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION):
		case ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR):
		case ERRCODE_TO_CATEGORY(ERRCODE_INTERNAL_ERROR):
			return true;
		default:
			return false;
	}
}

// The SQLSTATE of an error that is the message's fault. Any other ends the statement: the server's
// own go on unchanged; what a type or a check raised may quote the value, and is made anew.
int JudgeError(const Task &task, ErrorData *error)
{
	const int sqlstate = error->sqlerrcode;
	if (IsServersOwn(sqlstate))
		ReThrowError(error);
	FreeErrorData(error);
	if (IsMessagesFault(sqlstate))
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
	DescribeColumns(maker, options);
	DescribeChecks(maker);
	BuildMachinery(maker);
	return maker;
}

void AskFor(const RowMaker &maker, bool everything, aws::ReceiveRequest *request)
{
	if (everything) {
		request->system_attributes = {"All"};
		request->message_attributes = {"All"};
		return;
	}
	request->system_attributes = {"ApproximateReceiveCount"};
	for (int i = 0; i < maker.column_count; ++i) {
		const Column &column = maker.columns[i];
		if (column.from_body)
			continue;
		if (column.attribute == Attribute::kMessageAttributes)
			request->message_attributes = {"All"};
		const char *name = SystemAttributeName(column.attribute);
		if (name != nullptr && column.attribute != Attribute::kReceiveCount)
			request->system_attributes.emplace_back(name);
	}
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
