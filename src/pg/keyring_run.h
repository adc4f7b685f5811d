// Runs the keyring command inside a statement.
#pragma once

#include <memory>
#include <optional>

#include "base/error.h"
#include "masking/keyring_command.h"

namespace sqs_fdw::pg {

// A run that has ended: one that ended well has its output, another has a failure.
struct KeyringRun {
	std::unique_ptr<masking::KeyringCommand> command;
	std::optional<Error> failure;
};

// Runs the command to its end. Server phase: notices interrupts while it waits, and kills the
// command where one of them ends the statement or the session. The result is for the C++ phase that
// follows, which should reset it: its output is keys. Valid until the next run.
KeyringRun *RunKeyringCommand(const char *command);

}  // namespace sqs_fdw::pg
