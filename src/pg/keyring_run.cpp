// Waits for the keyring command, in turn with the server's interrupts.
#include "pg/keyring_run.h"

#include "pg/guard.h"
#include "pg/xact.h"

#include "pg/server.h"

extern "C" {
#include "pgstat.h"
#include "storage/ipc.h"
#include "utils/wait_event.h"
}

namespace sqs_fdw::pg {

namespace {

// Of the process, made at the first run.
KeyringRun *run = nullptr;

// While interrupts are held there is no point in stopping for them.
bool ShouldStopWaiting() noexcept
{
	return ShouldStop() && InterruptHoldoffCount == 0 && CritSectionCount == 0;
}

void Kill() noexcept
{
	if (run != nullptr)
		run->command.reset();
}

void KillAtExit(int, Datum)
{
	Kill();
}

// C++ phase: starts the command, or goes on waiting for it. False if interrupted.
bool Wait(const char *command)
{
	try {
		if (run->command == nullptr)
			run->command = std::make_unique<masking::KeyringCommand>(command);
		return run->command->Wait(ShouldStopWaiting);
	} catch (const Error &error) {
		run->command.reset();
		run->failure = error;
		return true;
	}
}

void Prepare()
{
	if (run == nullptr) {
		run = Guard([] { return new KeyringRun; });
		on_proc_exit(KillAtExit, 0);  // it must not outlive a terminated session
	}
	Guard([] { *run = KeyringRun(); });
}

}  // namespace

KeyringRun *RunKeyringCommand(const char *command)
{
	Prepare();
	for (;;) {
		pgstat_report_wait_start(PG_WAIT_EXTENSION);
		const bool ended = Guard([&] { return Wait(command); });
		pgstat_report_wait_end();
		if (ended)
			return run;
		PG_TRY();
		{
			HandleInterrupts();
		}
		PG_CATCH();
		{
			Kill();
			PG_RE_THROW();
		}
		PG_END_TRY();
	}
}

}  // namespace sqs_fdw::pg
