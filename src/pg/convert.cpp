// Converts one message by the foreign table's definition.
#include "pg/convert.h"

#include <memory>

#include "pg/guard.h"

#include "pg/server.h"

extern "C" {
#include "access/sysattr.h"
#include "access/tupdesc.h"
#include "nodes/bitmapset.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/datum.h"
}

namespace sqs_fdw::pg {

namespace {

// Which columns a row needs.

// Adds the columns that an expression reads; a reference to the whole row is all of them.
Bitmapset *AddColumnsOf(Node *expression, TupleDesc descriptor, Bitmapset *columns)
{
	constexpr int kOffset = FirstLowInvalidHeapAttributeNumber;
	Bitmapset *attributes = nullptr;
	pull_varattnos(expression, 1, &attributes);
	const bool whole_row = bms_is_member(InvalidAttrNumber - kOffset, attributes);
	for (int attnum = 1; attnum <= descriptor->natts; ++attnum) {
		if (whole_row || bms_is_member(attnum - kOffset, attributes))
			columns = bms_add_member(columns, attnum);
	}
	return columns;
}

bool IsGenerated(TupleDesc descriptor, int attnum)
{
	return TupleDescAttr(descriptor, attnum - 1)->attgenerated != '\0';
}

// Adds the columns that generated ones are computed from, which are never generated themselves.
Bitmapset *AddSources(Relation relation, Bitmapset *columns)
{
	const TupleDesc descriptor = RelationGetDescr(relation);
	Bitmapset *all = bms_copy(columns);
	int attnum = -1;
	while ((attnum = bms_next_member(columns, attnum)) >= 0) {
		if (IsGenerated(descriptor, attnum))
			all = AddColumnsOf(build_column_default(relation, attnum), descriptor, all);
	}
	return all;
}

Bitmapset *AddList(const List *list, Bitmapset *columns)
{
	ListCell *cell;
	foreach (cell, list)
		columns = bms_add_member(columns, lfirst_int(cell));
	return columns;
}

// The query's, those with NOT NULL, those in a CHECK, and those that others are computed from.
Bitmapset *NeededColumns(const RowMakerOptions &options)
{
	const TupleDesc descriptor = RelationGetDescr(options.relation);
	const TupleConstr *constraints = descriptor->constr;
	Bitmapset *needed = AddList(options.needed, nullptr);
	for (int i = 0; constraints != nullptr && i < constraints->num_check; ++i) {
		if (!IsEnforced(constraints->check[i]))
			continue;
		auto *check = static_cast<Node *>(stringToNode(constraints->check[i].ccbin));
		needed = AddColumnsOf(check, descriptor, needed);
	}
	for (int attnum = 1; attnum <= descriptor->natts; ++attnum) {
		const Form_pg_attribute attribute = TupleDescAttr(descriptor, attnum - 1);
		if (attribute->attnotnull)
			needed = bms_add_member(needed, attnum);
		if (attribute->attisdropped)
			needed = bms_del_member(needed, attnum);
	}
	return AddSources(options.relation, needed);
}

// Describing a row.

void AddColumns(RowMaker *maker, const RowMakerOptions &options, bool generated)
{
	Bitmapset *in_conditions = AddSources(options.relation, AddList(options.conditions, nullptr));
	Bitmapset *needed = NeededColumns(options);
	int attnum = -1;
	while ((attnum = bms_next_member(needed, attnum)) >= 0) {
		if (IsGenerated(RelationGetDescr(options.relation), attnum) != generated)
			continue;
		Column column = DescribeColumn(options.relation, attnum);
		column.in_conditions = bms_is_member(attnum, in_conditions);
		if (generated) {
			auto *expression =
			    reinterpret_cast<Expr *>(build_column_default(options.relation, attnum));
			maker->generation[maker->column_count] =
			    reinterpret_cast<Node *>(expression_planner(expression));
		}
		maker->columns[maker->column_count++] = column;
	}
}

// Makes the reader of what is in bodies and message attributes, and gives columns their places.
void MakeReader(RowMaker *maker)
{
	int fields = 0;
	int attributes = 0;
	for (int i = 0; i < maker->column_count; ++i) {
		Column &column = maker->columns[i];
		if (column.source == Source::kBody)
			column.index = fields++;
		if (column.source == Source::kMessageAttribute)
			column.index = attributes++;
	}
	if (fields + attributes == 0)
		return;
	aws::MessageReader *reader = Guard([&] {
		aws::MessageReaderOptions options;
		options.sns_envelope = maker->sns_envelope;
		for (int i = 0; i < maker->column_count; ++i) {
			const Column &column = maker->columns[i];
			if (column.source == Source::kBody)
				options.fields.push_back({column.path, column.is_pointer});
			if (column.source == Source::kMessageAttribute)
				options.attributes.emplace_back(column.path);
		}
		return new aws::MessageReader(options);
	});
	maker->reader = DeleteWithContext(CurrentMemoryContext, reader);
}

void DescribeChecks(RowMaker *maker)
{
	const TupleConstr *constraints = RelationGetDescr(maker->relation)->constr;
	const int count = constraints == nullptr ? 0 : constraints->num_check;
	maker->check_expressions = static_cast<Node **>(palloc(sizeof(Node *) * (count + 1)));
	maker->check_names = static_cast<const char **>(palloc(sizeof(const char *) * (count + 1)));
	for (int i = 0; i < count; ++i) {
		const ConstrCheck &check = constraints->check[i];
		if (!IsEnforced(check))
			continue;
		auto *expression = static_cast<Expr *>(stringToNode(check.ccbin));
		maker->check_expressions[maker->check_count] =
		    reinterpret_cast<Node *>(expression_planner(expression));
		maker->check_names[maker->check_count++] = pstrdup(check.ccname);
	}
}

// Converting.

bool BelongsTo(const Column &column, Stage stage)
{
	return stage == Stage::kAll || column.in_conditions == (stage == Stage::kConditions);
}

Rejection::Kind Verdict(aws::ReadStatus status, bool sns_envelope)
{
	switch (status) {
		case aws::ReadStatus::kNotObject:
			return sns_envelope ? Rejection::Kind::kMessage : Rejection::Kind::kBody;
		case aws::ReadStatus::kNotNotification:
			return Rejection::Kind::kNotification;
		case aws::ReadStatus::kBadAttributes:
			return Rejection::Kind::kAttributes;
		case aws::ReadStatus::kOk:
			break;
	}
	return Rejection::Kind::kNone;
}

// Reads what the stage's columns are taken from; false if that rejects the message.
bool ReadSources(RowMaker *maker, const aws::Message &message, Stage stage, Row *row)
{
	bool fields = false;
	bool attributes = false;
	for (int i = 0; i < maker->column_count; ++i) {
		const Column &column = maker->columns[i];
		const bool wanted = BelongsTo(column, stage);
		fields = fields || (wanted && column.source == Source::kBody);
		attributes = attributes || (wanted && column.source == Source::kMessageAttribute);
	}
	if (!fields && !attributes)
		return true;
	const auto status = Guard([&] { return maker->reader->Read(message, fields, attributes); });
	if (status == aws::ReadStatus::kOk)
		return true;
	row->rejection = {Verdict(status, maker->sns_envelope), ERRCODE_INVALID_JSON_TEXT, nullptr};
	return false;
}

// Shows the row to expressions of the table's definition.
void ShowRow(RowMaker *maker, const Row &row)
{
	TupleTableSlot *slot = maker->row_slot;
	const int natts = slot->tts_tupleDescriptor->natts;
	ExecClearTuple(slot);
	memcpy(slot->tts_values, row.values, sizeof(Datum) * natts);
	memcpy(slot->tts_isnull, row.nulls, sizeof(bool) * natts);
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(maker->relation);
	maker->row_context->ecxt_scantuple = slot;
}

bool GeneratedValue(RowMaker *maker, int index, const Row &row, Datum *result)
{
	const Form_pg_attribute attribute =
	    TupleDescAttr(maker->row_slot->tts_tupleDescriptor, maker->columns[index].attnum - 1);
	ShowRow(maker, row);
	bool null = false;
	const Datum value =
	    ExecEvalExprSwitchContext(maker->generated[index], maker->row_context, &null);
	// It may be the expression's own, or another column's.
	if (!null)
		*result = datumCopy(value, attribute->attbyval, attribute->attlen);
	ResetExprContext(maker->row_context);
	return !null;
}

bool SourceValue(RowMaker *maker, int index, const aws::Message &message, Datum *result)
{
	const Column &column = maker->columns[index];
	Converter *converter = maker->converters[index];
	bool present = false;
	if (column.source == Source::kBody)
		present = BodyValue(column, converter, maker->reader->field(column.index), result);
	else if (column.source == Source::kMessageAttribute)
		present = MessageAttributeValue(
		    column, converter, maker->reader->attribute(column.index), result);
	else
		present = AttributeValue(column, converter, message, result);
	if (!present)
		CheckNull(column, converter);
	return present;
}

void ConvertColumn(RowMaker *maker, int index, const aws::Message &message, Row *row)
{
	const Column &column = maker->columns[index];
	const bool generated = column.source == Source::kGenerated;
	Datum *value = &row->values[column.attnum - 1];
	maker->in_progress = {
	    generated ? Rejection::Kind::kGenerated : Rejection::Kind::kValue, 0, column.name};
	maker->input = generated ? nullptr : &column;
	const bool present = generated ? GeneratedValue(maker, index, *row, value)
	                               : SourceValue(maker, index, message, value);
	row->nulls[column.attnum - 1] = !present;
	if (!present && column.not_null)
		row->rejection = {Rejection::Kind::kNotNull, ERRCODE_NOT_NULL_VIOLATION, column.name};
}

void CheckRow(RowMaker *maker, Row *row)
{
	ShowRow(maker, *row);
	maker->input = nullptr;
	for (int i = 0; i < maker->check_count; ++i) {
		maker->in_progress = {
		    Rejection::Kind::kCheck, ERRCODE_CHECK_VIOLATION, maker->check_names[i]};
		if (!ExecCheck(maker->checks[i], maker->row_context)) {
			row->rejection = maker->in_progress;
			break;
		}
	}
	ResetExprContext(maker->row_context);
}

}  // namespace

void DescribeRow(RowMaker *maker, const RowMakerOptions &options)
{
	const int natts = RelationGetDescr(maker->relation)->natts;
	maker->columns = static_cast<Column *>(palloc0(sizeof(Column) * (natts + 1)));
	maker->generation = static_cast<Node **>(palloc0(sizeof(Node *) * (natts + 1)));
	maker->sns_envelope =
	    ReadTableOptions(GetForeignTable(RelationGetRelid(maker->relation))->options).sns_envelope;
	AddColumns(maker, options, false);
	AddColumns(maker, options, true);
	MakeReader(maker);
	DescribeChecks(maker);
	maker->row_context = CreateExprContext(maker->estate);
	// The copy has no generated columns: PostgreSQL 18 does not let expressions read virtual ones.
	maker->row_slot = MakeSingleTupleTableSlot(
	    CreateTupleDescCopy(RelationGetDescr(maker->relation)), &TTSOpsVirtual);
}

void BuildMachinery(RowMaker *maker)
{
	MemoryContextReset(maker->machinery);
	const MemoryContext caller = MemoryContextSwitchTo(maker->machinery);
	const int columns = maker->column_count + 1;
	maker->converters = static_cast<Converter **>(palloc0(sizeof(void *) * columns));
	maker->generated = static_cast<ExprState **>(palloc0(sizeof(ExprState *) * columns));
	for (int i = 0; i < maker->column_count; ++i) {
		if (maker->columns[i].source == Source::kGenerated)
			maker->generated[i] =
			    ExecInitExpr(reinterpret_cast<Expr *>(maker->generation[i]), nullptr);
		else
			maker->converters[i] = MakeConverter(maker->columns[i]);
	}
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
	if (!ReadSources(maker, message, stage, row))
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
