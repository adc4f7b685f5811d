// The SQL functions that tell of the keyring.
#include <chrono>

#include "masking/keyring.h"
#include "pg/keyring.h"

#include "pg/server.h"

extern "C" {
#include "utils/timestamp.h"
}

namespace sqs_fdw::pg {

namespace {

// A row of mask_keys(), copied from the ring so that it outlives it.
struct KeyRow {
	char id[masking::kMaxKeyIdSize + 1];
	char state[16];
	char fingerprint[16];
	TimestampTz loaded_at;
};

TimestampTz ToTimestamp(WallTime time)
{
	constexpr int64 kEpoch =
	    static_cast<int64>(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
	return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count() -
	       kEpoch;
}

KeyRow *KeyRows(uint64 *count)
{
	const masking::Keyring *ring = CurrentKeyring();
	*count = ring->keys().size();
	auto *rows = static_cast<KeyRow *>(palloc0(*count * sizeof(KeyRow)));
	for (uint64 i = 0; i < *count; ++i) {
		const masking::Key &key = *ring->keys()[i];
		strlcpy(rows[i].id, key.id().c_str(), sizeof rows[i].id);
		strlcpy(rows[i].state, masking::KeyStateName(key.state()).data(), sizeof rows[i].state);
		strlcpy(rows[i].fingerprint, key.fingerprint().c_str(), sizeof rows[i].fingerprint);
		rows[i].loaded_at = ToTimestamp(ring->loaded_at());
	}
	return rows;
}

}  // namespace

}  // namespace sqs_fdw::pg

using namespace sqs_fdw;
using namespace sqs_fdw::pg;

// mask_keys() returns table (key_id text, state text, fingerprint text, loaded_at timestamptz)
SQS_FDW_FUNCTION(sqs_mask_keys)
{
	FuncCallContext *call;
	if (SRF_IS_FIRSTCALL()) {
		call = SRF_FIRSTCALL_INIT();
		const MemoryContext old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, nullptr, &call->tuple_desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		BlessTupleDesc(call->tuple_desc);
		call->user_fctx = KeyRows(&call->max_calls);
		MemoryContextSwitchTo(old);
	}
	call = SRF_PERCALL_SETUP();
	if (call->call_cntr >= call->max_calls)
		SRF_RETURN_DONE(call);
	const KeyRow &row = static_cast<KeyRow *>(call->user_fctx)[call->call_cntr];
	Datum values[] = {CStringGetTextDatum(row.id), CStringGetTextDatum(row.state),
	    CStringGetTextDatum(row.fingerprint), TimestampTzGetDatum(row.loaded_at)};
	bool nulls[] = {false, false, false, false};
	SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(call->tuple_desc, values, nulls)));
}
