// Defines the extension's settings.
#include "pg/guc.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string_view>

#include "aws/endpoint.h"
#include "pg/audit.h"
#include "pg/guard.h"
#include "pg/keyring_settings.h"
#include "pg/ledger_prune.h"

#include "pg/server.h"

extern "C" {
#include "access/parallel.h"
}

namespace sqs_fdw::pg {

int delete_timeout_ms = 60000;
int release_timeout_ms = 1000;
char *allowed_endpoints = nullptr;

namespace {

// Refuses a list of endpoint patterns that would fail at every use.
bool CheckAllowedEndpoints(char **value, void **, GucSource)
{
	Failure failure;
	const char *text = *value;
	if (GuardNoRaise(&failure, [&] { aws::Fence fence{std::string_view(text)}; }))
		return true;
	GUC_check_errmsg("%s", failure.message);
	GUC_check_errdetail("%s", failure.detail);
	return false;
}

// Those that a client may choose when it connects.
constexpr const char *kOfUsers[] = {"sqs_fdw.delete_timeout", "sqs_fdw.release_timeout"};

bool IsOfUsers(const char *name)
{
	return std::any_of(std::begin(kOfUsers), std::end(kOfUsers),
	    [&](const char *of_users) { return pg_strcasecmp(name, of_users) == 0; });
}

// Before the library is loaded anybody may give its settings any value when they connect. The
// server then does not take the value over, but has forgotten what postgresql.conf says, and goes
// on with the default: a fence or an audit that is less strict.
void RefuseSettingsOfClient()
{
	constexpr char kPrefix[] = "sqs_fdw.";
	int count = 0;
	config_generic **settings = AllSettings(&count);
	for (int i = 0; i < count; ++i) {
		const config_generic &setting = *settings[i];
		if ((setting.flags & GUC_CUSTOM_PLACEHOLDER) != 0 &&
		    pg_strncasecmp(setting.name, kPrefix, strlen(kPrefix)) == 0 &&
		    setting.reset_source == PGC_S_CLIENT && setting.reset_scontext != PGC_SU_BACKEND &&
		    !IsOfUsers(setting.name))
			ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			                   errmsg("permission denied to set parameter \"%s\"", setting.name),
			                   errdetail("It was given when the session began."),
			                   errhint("Connect without it.")));
	}
}

// Nor would the server take over what postgresql.conf says while a parallel query runs.
void RefuseParallelQuery()
{
	if (IsInParallelMode() && !InitializingParallelWorker)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_STATE),
		                   errmsg("cannot load sqs_fdw during a parallel operation"),
		                   errhint("Load it before that: add it to session_preload_libraries, or "
		                           "mark the function that uses it as PARALLEL RESTRICTED.")));
}

}  // namespace

void DefineSettings()
{
	constexpr int kMostTimeoutMs = 3600 * 1000;

	RefuseSettingsOfClient();
	RefuseParallelQuery();

	DefineCustomIntVariable("sqs_fdw.delete_timeout",
	    "How long the deletes after a commit may take.",
	    "What could not be deleted in time is tried again by the session's next statements.",
	    &delete_timeout_ms, delete_timeout_ms, 0, kMostTimeoutMs, PGC_USERSET, GUC_UNIT_MS, nullptr,
	    nullptr, nullptr);
	DefineCustomIntVariable("sqs_fdw.release_timeout",
	    "How long making messages visible again may take.",
	    "What could not be released in time comes back when its visibility timeout ends.",
	    &release_timeout_ms, release_timeout_ms, 0, kMostTimeoutMs, PGC_USERSET, GUC_UNIT_MS,
	    nullptr, nullptr, nullptr);
	DefineCustomStringVariable("sqs_fdw.allowed_endpoints", "The hosts that requests may go to.",
	    "A comma-separated list of host names, in which * stands for characters other than the "
	    "dot; \"aws\" means SQS and STS in all AWS partitions.",
	    &allowed_endpoints, aws::Fence::DefaultPatterns(), PGC_SIGHUP, GUC_SUPERUSER_ONLY,
	    CheckAllowedEndpoints, nullptr, nullptr);

	DefineKeyringSettings();
	DefineLedgerSettings();
	DefineAuditSettings();
	ReserveSettingPrefix("sqs_fdw");
}

}  // namespace sqs_fdw::pg
