// A keyring that a command prints: from a KMS, a vault, systemd's credentials.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/secret.h"

namespace sqs_fdw::masking {

constexpr std::chrono::seconds kKeyringCommandTimeout{10};

// One run of a shell command. It runs as this process's user, in a process group of its own, with
// nothing on its standard input and its error output thrown away; no file or socket of this process
// is open in it. Nothing that it prints, and no part of the command, gets into an error.
//
// What it cannot prevent: when this process is killed, the command goes on until it ends or writes.
class KeyringCommand {
public:
	// Starts it. Throws Error(kKeyring).
	explicit KeyringCommand(
	    const std::string &command, Clock::duration timeout = kKeyringCommandTimeout);

	// Kills its process group and reaps it, if it still runs.
	~KeyringCommand();
	KeyringCommand(const KeyringCommand &) = delete;
	KeyringCommand &operator=(const KeyringCommand &) = delete;

	// Waits until it has ended well, then returns true. False if `stop` said so: it goes on, and
	// Wait may be called again. Throws Error(kKeyring) if it does not end in time, ends with
	// another status than 0, or prints nothing or too much; it is killed then.
	[[nodiscard]] bool Wait(const StopPredicate &stop);

	// What it printed. For after a Wait() that returned true.
	std::string_view output() const noexcept { return buffer_.Reveal().substr(0, size_); }

private:
	bool ReadOutput();
	bool Reap();
	void CheckStatus() const;
	void Kill() noexcept;

	pid_t pid_ = 0;  // 0 once it is reaped
	int status_ = 0;
	int pipe_ = -1;  // -1 once its output has ended
	Secret buffer_;
	size_t size_ = 0;
	Clock::duration timeout_;
	TimePoint deadline_;
};

}  // namespace sqs_fdw::masking
