// Keyring commands: what they print is read, and nothing else of them can be seen or stays behind.
#include "masking/keyring_command.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "base/error.h"
#include "masking/keyring_file.h"
#include "temporary_folder.h"

namespace sqs_fdw::masking {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

const StopPredicate kNever = [] { return false; };

std::string Output(const std::string &command)
{
	KeyringCommand run(command);
	EXPECT_TRUE(run.Wait(kNever));
	return std::string(run.output());
}

// The command must be refused with these parts in message and detail, and not be shown.
void ExpectRefused(const std::string &command, const std::string &message,
    const std::string &detail = "", Clock::duration timeout = kKeyringCommandTimeout)
{
	try {
		KeyringCommand run(command, timeout);
		EXPECT_TRUE(run.Wait(kNever));
		ADD_FAILURE() << command << " was accepted";
	} catch (const Error &error) {
		EXPECT_EQ(error.fault(), Fault::kKeyring);
		EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
		EXPECT_NE(error.detail().find(detail), std::string::npos) << error.detail();
		EXPECT_NE(error.hint(), "");
		const std::string all = error.what() + error.detail() + error.hint();
		EXPECT_EQ(all.find("sesame"), std::string::npos) << all;
	}
}

bool IsAlive(pid_t pid)
{
	return kill(pid, 0) == 0;
}

// A folder for what commands leave behind.
class Command : public InTemporaryFolder {
protected:
	// Waits for a process id that the command writes.
	pid_t PidIn(const std::string &name)
	{
		const TimePoint deadline = Clock::now() + seconds(20);
		while (Clock::now() < deadline) {
			pid_t pid = 0;
			if (std::ifstream(folder_ / name) >> pid && pid != 0)
				return pid;
			std::this_thread::sleep_for(milliseconds(2));
		}
		ADD_FAILURE() << "no process id";
		return 0;
	}

	// A killed grandchild is reaped by whoever adopts it, in its own time.
	static void ExpectGone(pid_t pid)
	{
		const TimePoint deadline = Clock::now() + seconds(20);
		const auto is_gone = [&] {
			std::string state;
			std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
			return !std::getline(stat, state) || state.find(") Z ") != std::string::npos;
		};
		while (!is_gone() && Clock::now() < deadline)
			std::this_thread::sleep_for(milliseconds(2));
		EXPECT_TRUE(is_gone()) << pid;
	}

	// A shell that starts a child, says who they are, and waits.
	std::string Hanging() const
	{
		return "cd " + folder_.string() +
		       "; sleep 1000 & echo $! > child.new; mv child.new child; echo $$ > shell.new; "
		       "mv shell.new shell; wait";
	}
};

TEST_F(Command, is_run_by_a_shell_and_its_output_read)
{
	EXPECT_EQ(Output("printf 'k1 %s\\n' active; echo more"), "k1 active\nmore\n");
	EXPECT_EQ(Output("head -c 1000000 /dev/zero | tr '\\0' x"), std::string(1000000, 'x'));
}

TEST_F(Command, must_print_something_but_not_too_much)
{
	ExpectRefused("true", "printed nothing");
	ExpectRefused("echo sesame >&2", "printed nothing");
	const std::string most = std::to_string(kMaxKeyringSize);
	EXPECT_EQ(
	    Output("head -c " + most + " /dev/zero").size(), static_cast<size_t>(kMaxKeyringSize));
	ExpectRefused("head -c $((" + most + " + 1)) /dev/zero", "more than 1.2 MB");
	ExpectRefused("yes sesame", "more than 1.2 MB");
}

TEST_F(Command, must_end_well)
{
	ExpectRefused("echo sesame; exit 3", "failed", "status is 3");
	ExpectRefused("echo sesame; kill -9 $$", "failed", "signal 9");
	ExpectRefused("sesame_is_no_program", "failed", "status is 127");
	ExpectRefused("if sesame", "failed", "status is 2");
}

TEST_F(Command, must_end_in_time_and_is_killed_with_its_children_if_not)
{
	ExpectRefused(Hanging(), "did not end within 1 s", "", milliseconds(1000));
	ExpectGone(PidIn("child"));
	EXPECT_FALSE(IsAlive(PidIn("shell")));
}

TEST_F(Command, must_end_and_not_only_close_its_output)
{
	ExpectRefused("echo sesame; exec >&-; sleep 1000", "did not end", "", milliseconds(200));
	ExpectRefused("sleep 1000 & echo sesame", "did not end", "", milliseconds(200));
}

TEST_F(Command, that_leaves_its_group_is_killed_all_the_same)
{
	ExpectRefused("exec perl -e 'setpgrp(0, getpgrp(getppid())); print 1; sleep 1000'",
	    "did not end", "", milliseconds(500));
}

TEST_F(Command, goes_on_while_the_wait_is_interrupted)
{
	KeyringCommand run("cd " + folder_.string() +
	                   "; echo $$ > shell.new; mv shell.new shell; cat /proc/self/stat >/dev/null; "
	                   "while ! test -e go; do sleep 0.01; done; echo done");
	for (int i = 0; i < 3; ++i) {
		int asked = 0;
		EXPECT_FALSE(run.Wait([&] { return ++asked == 2; }));
	}
	EXPECT_TRUE(IsAlive(PidIn("shell")));
	std::ofstream(folder_ / "go") << "go";
	EXPECT_TRUE(run.Wait(kNever));
	EXPECT_EQ(run.output(), "done\n");
}

TEST_F(Command, asks_at_least_every_interval_whether_to_stop)
{
	KeyringCommand run("sleep 1000");
	TimePoint last = Clock::now();
	Clock::duration longest{};
	int asked = 0;
	EXPECT_FALSE(run.Wait([&] {
		longest = std::max(longest, Clock::now() - last);
		last = Clock::now();
		return ++asked == 10;
	}));
	EXPECT_LT(longest, 8 * kStopInterval);
}

TEST_F(Command, is_killed_with_its_children_and_reaped_when_it_is_given_up)
{
	pid_t shell;
	{
		KeyringCommand run(Hanging());
		shell = PidIn("shell");
		EXPECT_TRUE(IsAlive(shell));
	}
	EXPECT_FALSE(IsAlive(shell));
	EXPECT_EQ(waitpid(shell, nullptr, WNOHANG), -1) << "not reaped";
	ExpectGone(PidIn("child"));
}

// What a server's process has open: files without close-on-exec, a client.
TEST_F(Command, has_no_file_of_ours)
{
	const int open_file = open("/dev/null", O_RDONLY);
	ASSERT_GE(open_file, 3);
	// 3 is the folder that ls reads.
	EXPECT_EQ(Output("exec ls /proc/self/fd"), "0\n1\n2\n3\n");
	EXPECT_EQ(Output("readlink /proc/$$/fd/0 /proc/$$/fd/2"), "/dev/null\n/dev/null\n");
	close(open_file);
}

// A server's process ignores SIGPIPE and may have signals blocked.
TEST_F(Command, has_the_signals_of_a_new_process)
{
	const auto old = signal(SIGPIPE, SIG_IGN);
	sigset_t some;
	sigset_t before;
	sigemptyset(&some);
	sigaddset(&some, SIGTERM);
	sigprocmask(SIG_BLOCK, &some, &before);
	// Signals 32 and 33 are the C library's own.
	for (const std::string which : {"SigBlk", "SigIgn"}) {
		const std::string set = Output("exec sed -n 's/^" + which + ":.//p' /proc/self/status");
		EXPECT_EQ(std::stoull(set, nullptr, 16) & 0x7fffffff, 0U) << which << " " << set;
	}
	sigprocmask(SIG_SETMASK, &before, nullptr);
	signal(SIGPIPE, old);
}

TEST_F(Command, has_a_process_group_of_its_own)
{
	EXPECT_EQ(Output("test $(ps -o pgid= -p $$) = $$ && echo own"), "own\n");
}

}  // namespace
}  // namespace sqs_fdw::masking
