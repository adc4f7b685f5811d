// Seals rejected messages into sqs.rejected, and opens them again.
#include "pg/rejected.h"

#include <string_view>

#include "masking/seal.h"
#include "pg/audit.h"
#include "pg/guard.h"
#include "pg/keyring.h"
#include "pg/slot.h"
#include "pg/text.h"

#include "pg/server.h"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "executor/spi.h"
#include "rewrite/rewriteHandler.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/snapmgr.h"
}

namespace sqs_fdw::pg {

namespace {

using masking::SealedPart;

// The columns of sqs.rejected, in the order of the extension's script.
enum Column {
	kId,
	kSource,
	kQueue,
	kMessageId,
	kRejectedAt,
	kReceiveCount,
	kSqlState,
	kReason,
	kKeyId,
	kSealedBody,
	kSealedAttributes,
	kColumns,
};

Relation OpenTable(LOCKMODE lock)
{
	const Oid schema = get_namespace_oid("sqs", false);
	const Oid relation = get_relname_relid("rejected", schema);
	if (!OidIsValid(relation))
		ereport(ERROR,
		    (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("the table sqs.rejected does not exist"),
		        errhint("Use ALTER EXTENSION sqs_fdw UPDATE.")));
	return table_open(relation, lock);
}

// What SQS told of the message beside its body, as a JSON object. Bytes are the message's: UTF-8.
std::string_view AttributesOf(const aws::Message &message)
{
	static constexpr struct {
		const char *name;
		std::string_view aws::Message::*member;
	} kTexts[] = {
	    {"SenderId", &aws::Message::sender_id},
	    {"MessageGroupId", &aws::Message::group_id},
	    {"MessageDeduplicationId", &aws::Message::deduplication_id},
	    {"SequenceNumber", &aws::Message::sequence_number},
	    {"AWSTraceHeader", &aws::Message::trace_header},
	    {"DeadLetterQueueSourceArn", &aws::Message::dead_letter_source_arn},
	};
	StringInfoData json;
	initStringInfo(&json);
	appendStringInfo(&json, "{\"SentTimestamp\":" INT64_FORMAT, message.sent_ms);
	appendStringInfo(
	    &json, ",\"ApproximateFirstReceiveTimestamp\":" INT64_FORMAT, message.first_receive_ms);
	appendStringInfo(&json, ",\"ApproximateReceiveCount\":%d", message.receive_count);
	for (const auto &text : kTexts) {
		const std::string_view value = message.*text.member;
		if (value.empty())
			continue;
		appendStringInfo(&json, ",\"%s\":", text.name);
		escape_json(&json, pnstrdup(value.data(), value.size()));
	}
	if (!message.message_attributes.empty()) {
		appendStringInfoString(&json, ",\"MessageAttributes\":");
		appendBinaryStringInfo(&json, message.message_attributes.data(),
		    static_cast<int>(message.message_attributes.size()));
	}
	appendStringInfoChar(&json, '}');
	return {json.data, static_cast<size_t>(json.len)};
}

bytea *Sealed(SealedPart part, std::string_view message_id, std::string_view plain)
{
	const masking::Key *key = ActiveKey();
	const size_t size = masking::SealedSize(plain.size());
	auto *result = static_cast<bytea *>(palloc(VARHDRSZ + size));
	SET_VARSIZE(result, VARHDRSZ + size);
	auto *const buffer = reinterpret_cast<uint8_t *>(VARDATA(result));
	memcpy(buffer + masking::kSivSize, plain.data(), plain.size());
	Guard([&] { masking::Seal(*key, part, message_id, buffer, plain.size()); });
	return result;
}

// The next id: what the identity column would be given by an INSERT.
Datum NextId(Relation table, EState *estate)
{
	auto *expression = reinterpret_cast<Expr *>(build_column_default(table, kId + 1));
	ExprState *state = ExecPrepareExpr(expression, estate);
	bool is_null = false;
	return ExecEvalExpr(state, GetPerTupleExprContext(estate), &is_null);
}

Datum TextDatum(std::string_view text)
{
	return PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size())));
}

void InsertRow(Relation table, Datum *values)
{
	EState *estate = CreateExecutorState();
	ResultRelInfo *target = makeNode(ResultRelInfo);
	InitResultRelInfo(target, table, 0, nullptr, 0);
	ExecOpenIndices(target, false);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsVirtual);
	values[kId] = NextId(table, estate);
	StoreRow(slot, values, kColumns);
	ExecSimpleRelationInsert(target, estate, slot);
	ExecCloseIndices(target);
	ExecDropSingleTupleTableSlot(slot);
	FreeExecutorState(estate);
}

// The bytes that one column of the row held before they were sealed; palloc'd, empty where there
// is no such row. `function` is what the audit names.
struct Opened {
	bool found;
	std::string_view bytes;
};

Opened Open(const char *function, int64 id, Column column, SealedPart part)
{
	const Relation table = OpenTable(AccessShareLock);
	ScanKeyData key;
	ScanKeyInit(&key, kId + 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(id));
	SysScanDesc scan =
	    systable_beginscan(table, PrimaryKeyOf(table), true, GetActiveSnapshot(), 1, &key);
	const HeapTuple tuple = systable_getnext(scan);
	Opened opened = {HeapTupleIsValid(tuple), {}};
	if (opened.found) {
		Datum values[kColumns];
		bool nulls[kColumns];
		heap_deform_tuple(tuple, RelationGetDescr(table), values, nulls);
		const std::string_view message_id = ViewOf(DatumGetTextPP(values[kMessageId]));
		const std::string_view key_id = ViewOf(DatumGetTextPP(values[kKeyId]));
		bytea *sealed = DatumGetByteaPCopy(values[column]);
		const size_t sealed_size = VARSIZE_ANY_EXHDR(sealed);
		auto *const buffer = reinterpret_cast<uint8_t *>(VARDATA_ANY(sealed));
		const masking::Keyring *ring = CurrentKeyring();
		const size_t size = Guard(
		    [&] { return masking::Unseal(*ring, key_id, part, message_id, buffer, sealed_size); });
		opened.bytes = {reinterpret_cast<char *>(buffer) + masking::kSivSize, size};
		AuditUnmask(function, key_id);
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return opened;
}

// The same bytes under the active key.
Datum Resealed(Datum sealed, SealedPart part, std::string_view message_id, std::string_view key_id)
{
	bytea *bytes = DatumGetByteaPCopy(sealed);
	auto *const buffer = reinterpret_cast<uint8_t *>(VARDATA_ANY(bytes));
	const size_t size = VARSIZE_ANY_EXHDR(bytes);
	const masking::Keyring *ring = CurrentKeyring();
	Guard([&] {
		const size_t plain = masking::Unseal(*ring, key_id, part, message_id, buffer, size);
		masking::Seal(ring->active(), part, message_id, buffer, plain);
	});
	return PointerGetDatum(bytes);
}

// Reseals one row that a query has found: id, message_id, key_id, body, attributes.
void ResealRow(HeapTuple row, TupleDesc descriptor, SPIPlanPtr update)
{
	bool is_null = false;
	const auto column = [&](int number) {
		return SPI_getbinval(row, descriptor, number, &is_null);
	};
	const std::string_view message_id = ViewOf(DatumGetTextPP(column(2)));
	const std::string_view key_id = ViewOf(DatumGetTextPP(column(3)));
	Datum values[] = {column(1), CStringGetTextDatum(ActiveKey()->id().c_str()),
	    Resealed(column(4), SealedPart::kBody, message_id, key_id),
	    Resealed(column(5), SealedPart::kAttributes, message_id, key_id)};
	SPI_execute_plan(update, values, nullptr, false, 0);
}

// Reseals a few rows; how many.
uint64 ResealSome()
{
	constexpr int kAtOnce = 100;
	Oid of_select[] = {TEXTOID};
	Datum active[] = {CStringGetTextDatum(ActiveKey()->id().c_str())};
	SPI_execute_with_args(
	    "SELECT id, message_id, key_id, sealed_body, sealed_attributes "
	    "FROM sqs.rejected WHERE key_id <> $1 LIMIT 100 FOR UPDATE",
	    1, of_select, active, nullptr, false, kAtOnce);
	Oid of_update[] = {INT8OID, TEXTOID, BYTEAOID, BYTEAOID};
	SPIPlanPtr update = SPI_prepare(
	    "UPDATE sqs.rejected SET key_id = $2, sealed_body = $3, "
	    "sealed_attributes = $4 WHERE id = $1",
	    4, of_update);
	SPITupleTable *rows = SPI_tuptable;
	const uint64 count = SPI_processed;
	for (uint64 i = 0; i < count; ++i)
		ResealRow(rows->vals[i], rows->tupdesc, update);
	SPI_freetuptable(rows);
	return count;
}

}  // namespace

void RequireSealingKey()
{
	ActiveKey();
}

void StoreRejected(
    Oid foreign_table, const char *queue, const aws::Message &message, const Rejection &rejection)
{
	const Relation table = OpenTable(RowExclusiveLock);
	const char *const key_id = ActiveKey()->id().c_str();
	Datum values[kColumns];
	values[kSource] = ObjectIdGetDatum(foreign_table);
	values[kQueue] = CStringGetTextDatum(queue);
	values[kMessageId] = TextDatum(message.id);
	values[kRejectedAt] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	values[kReceiveCount] = Int32GetDatum(message.receive_count);
	values[kSqlState] = CStringGetTextDatum(unpack_sql_state(rejection.sqlstate));
	values[kReason] = CStringGetTextDatum(ReasonOf(rejection));
	values[kKeyId] = CStringGetTextDatum(key_id);
	values[kSealedBody] = PointerGetDatum(Sealed(SealedPart::kBody, message.id, message.body));
	values[kSealedAttributes] =
	    PointerGetDatum(Sealed(SealedPart::kAttributes, message.id, AttributesOf(message)));
	InsertRow(table, values);
	table_close(table, NoLock);
}

}  // namespace sqs_fdw::pg

using namespace sqs_fdw;
using namespace sqs_fdw::pg;

// rejected_body(id bigint) returns text
SQS_FDW_FUNCTION(sqs_rejected_body)
{
	const Opened body =
	    Open("sqs.rejected_body", PG_GETARG_INT64(0), kSealedBody, SealedPart::kBody);
	if (!body.found)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(TextDatum(FromUtf8(body.bytes)));
}

// rejected_body_bytes(id bigint) returns bytea
SQS_FDW_FUNCTION(sqs_rejected_body_bytes)
{
	const Opened body =
	    Open("sqs.rejected_body_bytes", PG_GETARG_INT64(0), kSealedBody, SealedPart::kBody);
	if (!body.found)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(TextDatum(body.bytes));
}

// rejected_attributes(id bigint) returns jsonb
SQS_FDW_FUNCTION(sqs_rejected_attributes)
{
	const Opened attributes = Open(
	    "sqs.rejected_attributes", PG_GETARG_INT64(0), kSealedAttributes, SealedPart::kAttributes);
	if (!attributes.found)
		PG_RETURN_NULL();
	const std::string_view json = FromUtf8(attributes.bytes);
	PG_RETURN_DATUM(
	    DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(json.data(), json.size()))));
}

// reseal_rejected() returns bigint: runs with the rights of the extension's owner
SQS_FDW_FUNCTION(sqs_reseal_rejected)
{
	int64 count = 0;
	uint64 some = 0;
	do {
		CHECK_FOR_INTERRUPTS();
		SPI_connect();
		some = ResealSome();
		SPI_finish();
		count += static_cast<int64>(some);
	} while (some > 0);
	PG_RETURN_INT64(count);
}
