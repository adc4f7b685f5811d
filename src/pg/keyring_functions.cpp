// The SQL functions that tell of the keyring.
#include <unistd.h>

#include <chrono>
#include <utility>
#include <vector>

#include "masking/keyring.h"
#include "masking/keyring_file.h"
#include "pg/guard.h"
#include "pg/keyring.h"
#include "pg/keyring_run.h"
#include "pg/keyring_settings.h"

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

// What is wrong with the keyring as it is configured, whatever ring this session has. A warning
// keeps nobody from masking; a problem does, at least in a new session.
struct Findings {
	std::vector<Error> problems;
	std::vector<Error> warnings;
};

// C++ phases; RunKeyringCommand is between them. The first returns false where there is nothing to
// look at.
bool CheckSettings(const KeyringOrigin &origin, Findings *findings)
{
	if (origin.ignored_file != nullptr)
		findings->warnings.emplace_back(Fault::kKeyring,
		    std::string("the environment variable ") + kKeyringVariable + " is ignored",
		    "A setting says where the keyring is.", "Remove one of them.");
	try {
		CheckKeyringOrigin(origin);
		return true;
	} catch (const Error &error) {
		findings->problems.push_back(error);
		return false;
	}
}

void CheckFile(const char *path, const char *data_directory, Findings *findings)
{
	findings->problems = masking::ProblemsOfFile(path, {geteuid(), data_directory});
	for (Error &warning : masking::WarningsOfFile(path))
		findings->warnings.push_back(std::move(warning));
}

void CheckRun(KeyringRun *run, Findings *findings)
{
	if (run->failure)
		findings->problems.push_back(*run->failure);
	else
		findings->problems = masking::Keyring::ProblemsOf(run->command->output());
	*run = KeyringRun();
}

// Findings that live as long as the current memory context.
const Findings *CheckKeyring()
{
	const KeyringOrigin origin = FindKeyringOrigin();
	Findings *findings =
	    DeleteWithContext(CurrentMemoryContext, Guard([] { return new Findings; }));
	if (!Guard([&] { return CheckSettings(origin, findings); }))
		return findings;
	if (origin.command != nullptr) {
		KeyringRun *run = RunKeyringCommand(origin.command);
		Guard([&] { CheckRun(run, findings); });
	} else {
		Guard([&] { CheckFile(origin.file, DataDir, findings); });
	}
	return findings;
}

Datum FindingRow(TupleDesc columns, const char *severity, const Error &finding)
{
	const char *texts[] = {
	    severity, finding.what(), finding.detail().c_str(), finding.hint().c_str()};
	Datum values[lengthof(texts)] = {};
	bool nulls[lengthof(texts)] = {};
	for (size_t i = 0; i < lengthof(texts); ++i) {
		nulls[i] = texts[i][0] == '\0';
		if (!nulls[i])
			values[i] = CStringGetTextDatum(texts[i]);
	}
	return HeapTupleGetDatum(heap_form_tuple(columns, values, nulls));
}

// The first call of a function that returns rows.
FuncCallContext *BeginRows(FunctionCallInfo fcinfo)
{
	FuncCallContext *call = init_MultiFuncCall(fcinfo);
	const MemoryContext old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
	if (get_call_result_type(fcinfo, nullptr, &call->tuple_desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	BlessTupleDesc(call->tuple_desc);
	MemoryContextSwitchTo(old);
	return call;
}

}  // namespace

}  // namespace sqs_fdw::pg

using namespace sqs_fdw;
using namespace sqs_fdw::pg;

// mask_keys() returns table (key_id text, state text, fingerprint text, loaded_at timestamptz)
SQS_FDW_FUNCTION(sqs_mask_keys)
{
	if (SRF_IS_FIRSTCALL()) {
		FuncCallContext *first = BeginRows(fcinfo);
		const MemoryContext old = MemoryContextSwitchTo(first->multi_call_memory_ctx);
		first->user_fctx = KeyRows(&first->max_calls);
		MemoryContextSwitchTo(old);
	}
	FuncCallContext *call = SRF_PERCALL_SETUP();
	if (call->call_cntr >= call->max_calls)
		SRF_RETURN_DONE(call);
	const KeyRow &row = static_cast<KeyRow *>(call->user_fctx)[call->call_cntr];
	Datum values[] = {CStringGetTextDatum(row.id), CStringGetTextDatum(row.state),
	    CStringGetTextDatum(row.fingerprint), TimestampTzGetDatum(row.loaded_at)};
	bool nulls[] = {false, false, false, false};
	SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(call->tuple_desc, values, nulls)));
}

// check_keyring() returns table (severity text, problem text, detail text, hint text)
SQS_FDW_FUNCTION(sqs_check_keyring)
{
	if (SRF_IS_FIRSTCALL()) {
		FuncCallContext *first = BeginRows(fcinfo);
		const MemoryContext old = MemoryContextSwitchTo(first->multi_call_memory_ctx);
		first->user_fctx = const_cast<Findings *>(CheckKeyring());
		MemoryContextSwitchTo(old);
	}
	FuncCallContext *call = SRF_PERCALL_SETUP();
	const auto *findings = static_cast<const Findings *>(call->user_fctx);
	const auto &problems = findings->problems;
	const auto &warnings = findings->warnings;
	const size_t row = call->call_cntr;
	if (row < problems.size())
		SRF_RETURN_NEXT(call, FindingRow(call->tuple_desc, "error", problems[row]));
	if (row - problems.size() < warnings.size())
		SRF_RETURN_NEXT(
		    call, FindingRow(call->tuple_desc, "warning", warnings[row - problems.size()]));
	SRF_RETURN_DONE(call);
}
