// Counts the uses of a statement, and writes them down when it ends.
#include "pg/audit.h"

#include <cstring>

#include "masking/envelope.h"
#include "pg/hook.h"

#include "pg/server.h"

extern "C" {
#include "commands/dbcommands.h"
#include "lib/stringinfo.h"
#include "storage/ipc.h"
#include "tcop/utility.h"
#include "utils/json.h"
}

namespace sqs_fdw::pg {

namespace {

enum AuditMode { kAuditOff, kAuditStatement, kAuditCall };

const struct config_enum_entry kAuditModes[] = {
    {"off", kAuditOff, false},
    {"statement", kAuditStatement, false},
    {"call", kAuditCall, false},
    {nullptr, 0, false},
};

int audit_unmask = kAuditStatement;

// What a statement opened, as one role, with one function and one key.
struct Use {
	const char *function;
	char key_id[masking::kMaxKeyIdSize + 1];
	Oid role;
	const char *role_name;  // quoted
	int64 calls;
};

// The statement that is being counted: plain data, since it must be written down after an error,
// when no catalog may be asked. Its strings and uses are in `context`, which is reset with it.
struct Statement {
	TimestampTz start;
	const char *who;  // session role, database, application
	Use *uses;
	int count;
	int capacity;
};

MemoryContext context = nullptr;
Statement current = {};

// How many executor runs and utility commands are inside each other.
int depth = 0;

// The statement that loaded the library: we did not see it begin.
TimestampTz first_statement = 0;

ExecutorRun_hook_type previous_run = nullptr;
ExecutorFinish_hook_type previous_finish = nullptr;
ProcessUtility_hook_type previous_utility = nullptr;

const char *Quote(const char *name)
{
	StringInfoData quoted;
	initStringInfo(&quoted);
	escape_json(&quoted, name == nullptr ? "" : name);
	return quoted.data;
}

const char *QuoteRole(Oid role)
{
	return Quote(GetUserNameFromId(role, true));
}

const char *DescribeSession()
{
	return psprintf("session_role=%s database=%s application=%s", QuoteRole(GetSessionUserId()),
	    Quote(get_database_name(MyDatabaseId)), Quote(application_name));
}

// Without the statement and the context of the server's own, which may hold values.
void Log(const char *text)
{
	ereport(LOG_SERVER_ONLY,
	    (errmsg("sqs_fdw audit: %s", text), errhidestmt(true), errhidecontext(true)));
}

void AppendUse(StringInfo line, const Use &use)
{
	appendStringInfo(line, "function=%s key=%s role=%s", use.function, use.key_id, use.role_name);
}

Use MakeUse(const char *function, std::string_view key_id)
{
	Use use = {function, {}, GetUserId(), QuoteRole(GetUserId()), 0};
	memcpy(use.key_id, key_id.data(), Min(key_id.size(), masking::kMaxKeyIdSize));
	return use;
}

void LogOne(const char *what, const Use &use, const char *who)
{
	StringInfoData line;
	initStringInfo(&line);
	appendStringInfo(&line, "%s: ", what);
	AppendUse(&line, use);
	appendStringInfo(&line, " %s", who);
	Log(line.data);
}

void Forget()
{
	current = Statement();
	MemoryContextReset(context);
}

// Writes the numbers of what is being counted, if anything is.
void EndStatement(bool failed)
{
	if (current.count == 0)
		return;
	const MemoryContext old = MemoryContextSwitchTo(context);
	StringInfoData line;
	initStringInfo(&line);
	int64 calls = 0;
	for (int i = 0; i < current.count; ++i)
		calls += current.uses[i].calls;
	appendStringInfo(
	    &line, "end of statement: outcome=%s calls=" INT64_FORMAT, failed ? "error" : "ok", calls);
	for (int i = 0; i < current.count; ++i) {
		appendStringInfoString(&line, " (");
		AppendUse(&line, current.uses[i]);
		appendStringInfo(&line, " calls=" INT64_FORMAT ")", current.uses[i].calls);
	}
	appendStringInfo(&line, " %s", current.who);
	Log(line.data);
	MemoryContextSwitchTo(old);
	Forget();
}

// The use of the statement that is being counted; a new one is logged first. Most calls repeat the
// last one.
Use *FindUse(const char *function, std::string_view key_id)
{
	const Oid role = GetUserId();
	for (int i = current.count - 1; i >= 0; --i) {
		Use *use = &current.uses[i];
		if (use->function == function && use->role == role && key_id == use->key_id)
			return use;
	}
	const MemoryContext old = MemoryContextSwitchTo(context);
	if (current.count == 0) {
		current.start = GetCurrentStatementStartTimestamp();
		current.who = DescribeSession();
	}
	if (current.count == current.capacity) {
		const int capacity = current.capacity == 0 ? 4 : 2 * current.capacity;
		const Size size = capacity * sizeof(Use);
		current.uses = static_cast<Use *>(
		    current.uses == nullptr ? palloc(size) : repalloc(current.uses, size));
		current.capacity = capacity;
	}
	const Use use = MakeUse(function, key_id);
	LogOne("first use", use, current.who);
	current.uses[current.count] = use;
	MemoryContextSwitchTo(old);
	return &current.uses[current.count++];
}

// What is left of a statement whose end we did not see, such as one that a fast-path call was.
void EndEarlierStatement()
{
	if (current.count > 0 && current.start != GetCurrentStatementStartTimestamp())
		EndStatement(false);
}

// Runs what a hook is there for, and ends the statement where it is the outermost.
template <class Next>
void Watch(Next next)
{
	if (depth == 0)
		EndEarlierStatement();
	const int outer = depth;
	++depth;
	PG_TRY();
	{
		next();
	}
	PG_CATCH();
	{
		depth = outer;
		if (outer == 0)
			EndStatement(true);
		PG_RE_THROW();
	}
	PG_END_TRY();
	depth = outer;
	if (outer == 0 && current.start != first_statement)
		EndStatement(false);
}

void RunHook(EXECUTOR_RUN_PARAMETERS)
{
	Watch([&] { NextOf(previous_run, standard_ExecutorRun)(EXECUTOR_RUN_ARGUMENTS); });
}

void FinishHook(QueryDesc *query)
{
	Watch([&] { NextOf(previous_finish, standard_ExecutorFinish)(query); });
}

void UtilityHook(PlannedStmt *statement, const char *source, bool read_only_tree,
    ProcessUtilityContext utility_context, ParamListInfo parameters, QueryEnvironment *environment,
    DestReceiver *destination, QueryCompletion *completion)
{
	Watch([&] {
		NextOf(previous_utility, standard_ProcessUtility)(statement, source, read_only_tree,
		    utility_context, parameters, environment, destination, completion);
	});
}

// The end of what no hook saw, and of a session that is terminated inside a statement.
void OnXactEvent(XactEvent event, void *)
{
	if (depth > 0 && !proc_exit_inprogress)
		return;
	switch (event) {
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
		case XACT_EVENT_PARALLEL_PRE_COMMIT:  // a worker: a function may be marked as safe
			EndStatement(false);
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
			EndStatement(true);
			break;
		default:
			break;
	}
}

}  // namespace

void DefineAuditSettings()
{
	DefineCustomEnumVariable("sqs_fdw.audit_unmask",
	    "What the server's log says of those who open masks and rejected messages.",
	    "\"statement\" writes a line at the first use and one with the number of calls, \"call\" a "
	    "line for each call, \"off\" none.",
	    &audit_unmask, kAuditStatement, kAuditModes, PGC_SUSET, 0, nullptr, nullptr, nullptr);
}

void InstallAuditHooks()
{
	context = AllocSetContextCreate(TopMemoryContext, "sqs_fdw audit", ALLOCSET_SMALL_SIZES);
	first_statement = GetCurrentStatementStartTimestamp();
	previous_run = InstallHook(&ExecutorRun_hook, RunHook);
	previous_finish = InstallHook(&ExecutorFinish_hook, FinishHook);
	previous_utility = InstallHook(&ProcessUtility_hook, UtilityHook);
	RegisterXactCallback(OnXactEvent, nullptr);
}

void AuditUnmask(const char *function, std::string_view key_id)
{
	if (audit_unmask == kAuditStatement) {
		EndEarlierStatement();
		++FindUse(function, key_id)->calls;
	} else if (audit_unmask == kAuditCall) {
		LogOne("call", MakeUse(function, key_id), DescribeSession());
	}
}

}  // namespace sqs_fdw::pg
