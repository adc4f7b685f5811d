// Loads the keyring that the settings name, and looks for changes at most once per statement.
#include "pg/keyring.h"

#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "masking/keyring_source.h"
#include "pg/guard.h"
#include "pg/keyring_run.h"
#include "pg/keyring_settings.h"

#include "pg/server.h"

extern "C" {
#include "utils/timestamp.h"
}

namespace sqs_fdw::pg {

namespace {

// Backend-lifetime state, made at the first use.
struct State {
	std::shared_ptr<const masking::Keyring> ring;  // in force
	std::optional<masking::KeyringSource> file;
	std::string command;             // that was run last,
	TimestampTz command_reload = 0;  // and the reload that it followed
	std::optional<Error> problem;    // why file or command could not be used; unset once it could
};
State *state = nullptr;

// When we looked for changes last: the start of that statement. A statement looks once.
TimestampTz looked_at = 0;

const masking::Keyring *Ring() noexcept
{
	return state == nullptr ? nullptr : state->ring.get();
}

// C++ phase: makes sure that there is a state and an origin.
void Prepare(const KeyringOrigin &origin)
{
	if (state == nullptr)
		state = new State;
	if (origin.file == nullptr && origin.command == nullptr)
		*state = State();  // keys that are configured no longer are not kept
	CheckKeyringOrigin(origin);
}

// Takes note of how the last attempt went. Throws if there is no ring at all. Returns whether there
// is news to warn of: a problem that was not there, or was another one, the last time.
bool NoteOutcome(std::optional<Error> problem)
{
	if (problem && state->ring == nullptr)
		throw *problem;
	const bool is_news =
	    problem && (!state->problem || std::string_view(problem->what()) != state->problem->what());
	state->problem = std::move(problem);
	return is_news;
}

// C++ phase; returns as NoteOutcome.
bool RefreshFile(const char *path, const char *data_directory)
{
	if (!state->file || state->file->path() != path)
		state->file.emplace(path, masking::KeyringFileRules{geteuid(), data_directory});
	std::optional<Error> problem = state->file->Refresh();
	if (!problem) {
		state->ring = state->file->ring();
		state->command.clear();
	}
	return NoteOutcome(std::move(problem));
}

// C++ phase: takes over what the command printed; returns as NoteOutcome. While there is a ring to
// fall back on, a command that failed is not run again before the next reload.
bool UseRun(KeyringRun *run, const char *command)
{
	std::optional<Error> problem = std::exchange(run->failure, std::nullopt);
	state->problem.reset();  // whoever reloads the configuration wants to know
	if (const auto ended = std::move(run->command)) {
		try {
			state->ring =
			    std::make_shared<const masking::Keyring>(ended->output(), WallClock::now());
			state->file.reset();
		} catch (const Error &error) {
			problem = error;
		}
	}
	if (state->ring != nullptr) {
		state->command = command;
		state->command_reload = PgReloadTime;
	}
	return NoteOutcome(std::move(problem));
}

// Server phase; returns as NoteOutcome.
bool RefreshCommand(const char *command)
{
	if (state->command_reload == PgReloadTime && Guard([&] { return state->command == command; }))
		return false;
	KeyringRun *run = RunKeyringCommand(command);
	return Guard([&] { return UseRun(run, command); });
}

void WarnOfProblem()
{
	Failure failure;
	if (!GuardNoRaise(&failure, [] { throw *state->problem; }))
		ReportFailure(WARNING, "the old keyring stays in force", failure);
}

}  // namespace

const masking::Keyring *CurrentKeyring()
{
	const TimestampTz statement = GetCurrentStatementStartTimestamp();
	if (Ring() != nullptr && looked_at == statement)
		return Ring();
	const KeyringOrigin origin = FindKeyringOrigin();
	Guard([&] { Prepare(origin); });
	const bool is_news = origin.command != nullptr
	                         ? RefreshCommand(origin.command)
	                         : Guard([&] { return RefreshFile(origin.file, DataDir); });
	if (is_news)
		WarnOfProblem();
	looked_at = statement;
	return Ring();
}

const masking::Key *ActiveKey()
{
	return &CurrentKeyring()->active();
}

}  // namespace sqs_fdw::pg
