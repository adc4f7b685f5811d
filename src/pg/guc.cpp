// Defines the extension's settings.
#include "pg/guc.h"

#include <string_view>

#include "aws/endpoint.h"
#include "pg/audit.h"
#include "pg/guard.h"
#include "pg/keyring_settings.h"
#include "pg/ledger_prune.h"

#include "pg/server.h"

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

}  // namespace

void DefineSettings()
{
	constexpr int kMostTimeoutMs = 3600 * 1000;

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
