// The vectors tool: what it counts, what it tells of a failed test, and what it refuses to read.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "temporary_folder.h"

namespace {

namespace fs = std::filesystem;

// RFC 5297 A.1.
constexpr char kKey[] = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
constexpr char kAad[] = "101112131415161718191a1b1c1d1e1f2021222324252627";
constexpr char kMsg[] = "112233445566778899aabbccddee";
constexpr char kSiv[] = "85632d07c6e8f37f950acd320a2ecc93";
constexpr char kCiphertext[] = "40c02b9690c4dc04daef7f6afe5c";

struct Outcome {
	int status = -1;
	std::string text;
};

// A test as JSON: that of the RFC, but for the fields given here.
std::string Vector(const std::vector<std::pair<std::string, std::string>> &changes = {})
{
	std::vector<std::pair<std::string, std::string>> fields = {{"comment", "a name"}, {"key", kKey},
	    {"aad", kAad}, {"msg", kMsg}, {"ct", std::string(kSiv) + kCiphertext}, {"result", "valid"}};
	for (const auto &[name, value] : changes) {
		const std::string &wanted = name;
		const auto found = std::find_if(
		    fields.begin(), fields.end(), [&](const auto &field) { return field.first == wanted; });
		if (found != fields.end())
			found->second = value;
		else
			fields.emplace_back(name, value);
	}
	std::string json = R"({"tcId": 7, "flags": [])";
	for (const auto &[name, value] : fields)
		json += ", \"" + name + "\": \"" + value + "\"";
	return json + "}";
}

std::string File(const std::string &tests, const std::string &algorithm = "AES-SIV-CMAC")
{
	return R"({"algorithm": ")" + algorithm +
	       R"(", "numberOfTests": 1, "header": [], "notes": {}, "testGroups": [)" +
	       R"({"type": "DaeadTest", "keySize": 256, "source": {"name": "x"}, "tests": [)" + tests +
	       "]}]}\n";
}

// The program lies beside this one.
class SivVectors : public sqs_fdw::InTemporaryFolder {
protected:
	std::string Write(const std::string &name, const std::string &text)
	{
		std::ofstream(folder_ / name) << text;
		return folder_ / name;
	}

	Outcome Run(std::vector<std::string> arguments)
	{
		const std::string output = folder_ / "output";
		arguments.insert(
		    arguments.begin(), fs::read_symlink("/proc/self/exe").parent_path() / "siv_vectors");
		std::vector<char *> words;
		for (std::string &argument : arguments)
			words.push_back(argument.data());
		words.push_back(nullptr);
		posix_spawn_file_actions_t actions;
		posix_spawn_file_actions_init(&actions);
		posix_spawn_file_actions_addopen(
		    &actions, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
		posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
		pid_t pid = 0;
		const int error = posix_spawn(&pid, words[0], &actions, nullptr, words.data(), environ);
		posix_spawn_file_actions_destroy(&actions);
		int status = 0;
		if (error != 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
			return {};
		std::ostringstream text;
		text << std::ifstream(output).rdbuf();
		return {WEXITSTATUS(status), text.str()};
	}

	Outcome RunOn(const std::string &text) { return Run({Write("vectors.json", text)}); }

	// One test, which fails with these words.
	void ExpectFailure(const std::string &test, const std::string &words)
	{
		const Outcome outcome = RunOn(File(test));
		EXPECT_EQ(outcome.status, 1);
		EXPECT_EQ(outcome.text, (folder_ / "vectors.json").string() +
		                            ": tcId 7 (a name): " + words + "\n0 passed, 1 failed\n");
	}

	void ExpectUnusable(const std::string &text, const std::string &words)
	{
		const Outcome outcome = RunOn(text);
		EXPECT_EQ(outcome.status, 2) << words;
		EXPECT_EQ(outcome.text.find((folder_ / "vectors.json").string() + ": " + words), 0U)
		    << outcome.text;
		EXPECT_NE(outcome.text.find("\n0 passed, 0 failed\n"), std::string::npos) << outcome.text;
	}
};

TEST_F(SivVectors, counts_the_tests_of_all_files)
{
	const std::string one = Write("one.json", File(Vector()));
	const std::string two =
	    Write("two.json", File(Vector() + "," + Vector({{"result", "acceptable"}})));
	const Outcome outcome = Run({one, two});
	EXPECT_EQ(outcome.text, "3 passed, 0 failed\n");
	EXPECT_EQ(outcome.status, 0);
}

TEST_F(SivVectors, takes_a_nonce_as_the_last_component_and_the_siv_apart)
{
	const auto split = [](const std::string &tag) {
		return Vector({{"ct", kCiphertext}, {"tag", tag}});
	};
	EXPECT_EQ(RunOn(File(split(kSiv))).text, "1 passed, 0 failed\n");
	ExpectFailure(split(std::string(kSiv) + "00"), "sealing gives 30 bytes, not 0");
	// An empty nonce is a component, too.
	ExpectFailure(Vector({{"iv", ""}}), "sealing gives another byte 0 of SIV and ct");
}

TEST_F(SivVectors, fails_where_sealing_gives_something_else)
{
	const std::string ct = std::string(kSiv) + kCiphertext;
	std::string wrong = ct;
	wrong.back() = '0';
	ExpectFailure(Vector({{"ct", wrong}}), "sealing gives another byte 29 of SIV and ct");
	ExpectFailure(Vector({{"ct", ct + "00"}}), "sealing gives 30 bytes, not 31");
	ExpectFailure(Vector({{"aad", ""}}), "sealing gives another byte 0 of SIV and ct");
	ExpectFailure(Vector({{"key", "00"}}), "there is no key of 8 bits");
}

TEST_F(SivVectors, fails_where_opening_goes_wrong)
{
	ExpectFailure(Vector({{"result", "invalid"}}), "opening accepts it");
	ExpectFailure(Vector({{"result", "acceptable"}, {"msg", "00"}}), "opening gives another msg");
}

TEST_F(SivVectors, passes_what_is_invalid_and_refused)
{
	for (const std::string ct : {"", "00", "85632d07c6e8f37f950acd320a2ecc",
	         "85632d07c6e8f37f950acd320a2ecc93", "85632d07c6e8f37f950acd320a2ecc9340c02b"}) {
		const Outcome outcome = RunOn(File(Vector({{"ct", ct}, {"result", "invalid"}})));
		EXPECT_EQ(outcome.text, "1 passed, 0 failed\n") << ct;
		EXPECT_EQ(outcome.status, 0);
	}
}

TEST_F(SivVectors, never_prints_a_key)
{
	const Outcome outcome = RunOn(File(Vector({{"aad", "00"}})));
	EXPECT_EQ(outcome.status, 1);
	EXPECT_EQ(outcome.text.find(std::string(kKey).substr(0, 8)), std::string::npos) << outcome.text;
}

TEST_F(SivVectors, refuses_what_holds_no_vectors)
{
	ExpectUnusable("", "cannot be read, or is empty");
	ExpectUnusable("PK\x03\x04", "is not JSON: ");
	ExpectUnusable(File(Vector()).substr(0, 200), "is not JSON: ");
	ExpectUnusable("[]", "has no testGroups");
	ExpectUnusable(R"({"testGroups": 5})", "has no testGroups");
	ExpectUnusable(R"({"testGroups": []})", "has no tests");
	ExpectUnusable(R"({"testGroups": [{"keySize": 256}]})", "has a group without tests");
	ExpectUnusable(File(""), "has no tests");
	ExpectUnusable(File(Vector(), "AES-GCM-SIV"), "is not of AES-SIV, but of AES-GCM-SIV");
	ExpectUnusable(File("{}"), "a test has no tcId");
	ExpectUnusable(File(Vector({{"msg", "012"}})), "tcId 7: \"msg\" is missing or not hexadecimal");
	ExpectUnusable(File(Vector({{"iv", "xy"}})), "tcId 7: \"iv\" is missing or not hexadecimal");
	ExpectUnusable(
	    File(R"({"tcId": 7, "key": "00"})"), "tcId 7: \"aad\" is missing or not hexadecimal");
	ExpectUnusable(File(Vector({{"result", "maybe"}})), "tcId 7: \"result\" is none of ");
}

TEST_F(SivVectors, tells_of_a_file_that_cannot_be_read_and_goes_on)
{
	const std::string good = Write("good.json", File(Vector()));
	for (const fs::path &bad : {folder_, folder_ / "missing.json"}) {
		const Outcome outcome = Run({bad.string(), good});
		EXPECT_EQ(outcome.status, 2);
		EXPECT_EQ(
		    outcome.text, bad.string() + ": cannot be read, or is empty\n1 passed, 0 failed\n");
	}
	EXPECT_EQ(Run({}).status, 2);
}

}  // namespace
