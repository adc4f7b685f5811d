// Loads the keyring that the settings name, at most once per statement.
#include "pg/keyring.h"

#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "masking/keyring_source.h"
#include "pg/guard.h"

#include "pg/server.h"

namespace sqs_fdw::pg {

namespace {

constexpr char kEnvironmentVariable[] = "SQS_FDW_KEYRING_FILE";

constexpr char kNoKeyringHint[] =
    "Generate a key with printf 'k1 active %s\\n' \"$(openssl rand -base64 64 | tr -d '\\n')\" "
    "into a file outside the data directory that only the server's user can read, and set "
    "sqs_fdw.keyring_file to its path.";

char *keyring_file = nullptr;

// Backend-lifetime state, made at the first use.
struct State {
	std::optional<masking::KeyringSource> source;
	std::optional<Error> problem;  // why the file could not be used; unset once it could
};
State *state = nullptr;

// When the file was looked at last: the start of that statement. A statement looks once.
TimestampTz looked_at = 0;

// The setting, else the server's environment; null if neither names a file. Server phase.
const char *KeyringPath()
{
	const char *path = keyring_file;
	if (path == nullptr || path[0] == '\0')
		path = getenv(kEnvironmentVariable);
	return path == nullptr || path[0] == '\0' ? nullptr : path;
}

const masking::Keyring *Ring() noexcept
{
	return state == nullptr || !state->source ? nullptr : state->source->ring().get();
}

// A file of another name starts with the ring of the last one, in case it turns out to be bad.
void UsePath(const char *path, const char *data_directory)
{
	if (state->source && state->source->path() == path)
		return;
	masking::KeyringSource next(path, {geteuid(), data_directory});
	if (state->source)
		next.Inherit(state->source->ring());
	state->source = std::move(next);
}

// C++ phase. Throws if there is no ring at all. Returns whether there is news to warn of: a
// problem that was not there, or was another one, the last time.
bool Refresh(const char *path, const char *data_directory)
{
	if (state == nullptr)
		state = new State;
	if (path == nullptr) {
		state->source.reset();
		state->problem.reset();
		throw Error(Fault::kKeyring, "no keyring is configured", "", kNoKeyringHint);
	}
	UsePath(path, data_directory);
	std::optional<Error> problem = state->source->Refresh();
	if (problem && Ring() == nullptr)
		throw *problem;
	const bool is_news =
	    problem && (!state->problem || std::string_view(problem->what()) != state->problem->what());
	state->problem = std::move(problem);
	return is_news;
}

void WarnOfProblem()
{
	Failure failure;
	if (!GuardNoRaise(&failure, [] { throw *state->problem; }))
		ReportFailure(WARNING, "the old keyring stays in force", failure);
}

}  // namespace

void DefineKeyringSettings()
{
	DefineCustomStringVariable("sqs_fdw.keyring_file", "The file with the masking keys.",
	    "One key a line: its id, its state (active, decrypt or disabled), and the base64 of 64 "
	    "bytes. When unset, the environment variable SQS_FDW_KEYRING_FILE of the server names it.",
	    &keyring_file, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, nullptr, nullptr, nullptr);
}

const masking::Keyring *CurrentKeyring()
{
	const TimestampTz statement = GetCurrentStatementStartTimestamp();
	const masking::Keyring *ring = Ring();
	if (ring != nullptr && looked_at == statement)
		return ring;
	const char *path = KeyringPath();
	if (Guard([&] { return Refresh(path, DataDir); }))
		WarnOfProblem();
	looked_at = statement;
	return Ring();
}

const masking::Key *ActiveKey()
{
	return &CurrentKeyring()->active();
}

}  // namespace sqs_fdw::pg
