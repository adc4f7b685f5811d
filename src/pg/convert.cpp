// Converts one message by the foreign table's definition.
#include "pg/convert.h"

#include <memory>
#include <vector>

#include "pg/guard.h"

#include "pg/server.h"

extern "C" {
#include "access/tupdesc.h"
#include "nodes/bitmapset.h"
#include "optimizer/optimizer.h"
}

namespace sqs_fdw::pg {

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

}  // namespace

void DescribeRow(RowMaker *maker, const RowMakerOptions &options)
{
	DescribeColumns(maker, options);
	DescribeChecks(maker);
}

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

}  // namespace sqs_fdw::pg
