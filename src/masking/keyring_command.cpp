// Runs the keyring command with posix_spawn, and reads what it prints.
#include "masking/keyring_command.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/error.h"
#include "masking/keyring_file.h"

namespace sqs_fdw::masking {

namespace {

constexpr char kHint[] =
    "Run the command of sqs_fdw.keyring_command as the server's operating system account to see "
    "what it says.";
constexpr int kFirstInherited = STDERR_FILENO + 1;

// Between looks whether a process that has closed its output has ended, too.
constexpr std::chrono::milliseconds kReapInterval{5};

[[noreturn]] void Refuse(const std::string &message, const std::string &detail = "")
{
	throw Error(Fault::kKeyring, message, detail, kHint);
}

void Check(int error)
{
	if (error != 0)
		Refuse(std::string("could not start the keyring command: ") + std::strerror(error));
}

// How the child differs from us: signals as in a new process, since we ignore some and block
// others, and a group of its own, so that what it starts can be ended, too.
class Attributes {
public:
	Attributes()
	{
		Check(posix_spawnattr_init(&attributes_));
		sigset_t all;
		sigset_t none;
		sigfillset(&all);
		sigemptyset(&none);
		posix_spawnattr_setsigdefault(&attributes_, &all);
		posix_spawnattr_setsigmask(&attributes_, &none);
		posix_spawnattr_setpgroup(&attributes_, 0);
		posix_spawnattr_setflags(
		    &attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	}
	~Attributes() { posix_spawnattr_destroy(&attributes_); }
	Attributes(const Attributes &) = delete;
	Attributes &operator=(const Attributes &) = delete;

	const posix_spawnattr_t *get() const noexcept { return &attributes_; }

private:
	posix_spawnattr_t attributes_;
};

// Its files: /dev/null, our pipe, /dev/null, and no other.
class Files {
public:
	explicit Files(int output)
	{
		Check(posix_spawn_file_actions_init(&actions_));
		try {
			Check(posix_spawn_file_actions_addopen(
			    &actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0));
			Check(posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO));
			Check(posix_spawn_file_actions_addopen(
			    &actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0));
			Check(posix_spawn_file_actions_addclosefrom_np(&actions_, kFirstInherited));
		} catch (...) {
			posix_spawn_file_actions_destroy(&actions_);
			throw;
		}
	}
	~Files() { posix_spawn_file_actions_destroy(&actions_); }
	Files(const Files &) = delete;
	Files &operator=(const Files &) = delete;

	const posix_spawn_file_actions_t *get() const noexcept { return &actions_; }

private:
	posix_spawn_file_actions_t actions_;
};

pid_t Spawn(const std::string &command, int output)
{
	const Attributes attributes;
	const Files files(output);
	char shell[] = "sh";
	char option[] = "-c";
	std::string text(command);
	char *const arguments[] = {shell, option, text.data(), nullptr};
	pid_t pid;
	Check(posix_spawn(&pid, "/bin/sh", files.get(), attributes.get(), arguments, environ));
	return pid;
}

}  // namespace

KeyringCommand::KeyringCommand(const std::string &command, Clock::duration timeout)
    : buffer_(Secret::Zeroed(static_cast<size_t>(kMaxKeyringSize) + 1)),
      timeout_(timeout),
      deadline_(Clock::now() + timeout)
{
	int ends[2];
	Check(pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno);
	pipe_ = ends[0];
	try {
		Check(fcntl(pipe_, F_SETFL, O_NONBLOCK) == 0 ? 0 : errno);
		pid_ = Spawn(command, ends[1]);
	} catch (...) {
		close(ends[0]);
		close(ends[1]);
		throw;
	}
	close(ends[1]);
}

KeyringCommand::~KeyringCommand()
{
	Kill();
}

void KeyringCommand::Kill() noexcept
{
	if (pipe_ >= 0)
		close(pipe_);
	pipe_ = -1;
	if (pid_ == 0)
		return;
	// Until it is reaped, its id cannot be another's. It may have left its own group.
	kill(-pid_, SIGKILL);
	kill(pid_, SIGKILL);
	while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR)
		continue;
	pid_ = 0;
}

// Takes what there is. Returns whether there is more to come.
bool KeyringCommand::ReadOutput()
{
	for (;;) {
		if (size_ == buffer_.size())
			Refuse("the keyring command printed more than 1.2 MB");
		const ssize_t got = read(pipe_, buffer_.Writable() + size_, buffer_.size() - size_);
		if (got == 0)
			return false;
		if (got > 0)
			size_ += static_cast<size_t>(got);
		else if (errno == EAGAIN)
			return true;
		else if (errno != EINTR)
			Refuse(std::string("could not read from the keyring command: ") + std::strerror(errno));
	}
}

bool KeyringCommand::Reap()
{
	const pid_t ended = waitpid(pid_, &status_, WNOHANG);
	if (ended == 0 || (ended < 0 && errno == EINTR))
		return false;
	pid_ = 0;
	if (ended < 0)
		Refuse(std::string("could not wait for the keyring command: ") + std::strerror(errno));
	return true;
}

void KeyringCommand::CheckStatus() const
{
	constexpr char kFailed[] = "the keyring command failed";
	if (WIFSIGNALED(status_))
		Refuse(kFailed, "It was ended by signal " + std::to_string(WTERMSIG(status_)) + ".");
	if (WEXITSTATUS(status_) != 0)
		Refuse(kFailed, "Its exit status is " + std::to_string(WEXITSTATUS(status_)) + ".");
	if (size_ == 0)
		Refuse("the keyring command printed nothing");
}

bool KeyringCommand::Wait(const StopPredicate &stop)
{
	using std::chrono::milliseconds;
	try {
		while (pipe_ >= 0 || !Reap()) {
			if (stop())
				return false;
			const auto left = std::chrono::ceil<milliseconds>(deadline_ - Clock::now());
			if (left.count() <= 0)
				Refuse("the keyring command did not end within " +
				       std::to_string(
				           std::chrono::duration_cast<std::chrono::seconds>(timeout_).count()) +
				       " s");
			const milliseconds pause = std::min(left, pipe_ >= 0 ? kStopInterval : kReapInterval);
			pollfd output = {pipe_, POLLIN, 0};  // poll ignores a descriptor of -1
			poll(&output, 1, static_cast<int>(pause.count()));
			if (output.revents != 0 && !ReadOutput()) {
				close(pipe_);
				pipe_ = -1;
			}
		}
		CheckStatus();
		return true;
	} catch (...) {
		Kill();
		throw;
	}
}

}  // namespace sqs_fdw::masking
