// Keyring files: which are read, which are refused, and when one is read again.
#include "masking/keyring_source.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "temporary_folder.h"
#include "vectors_masking.h"

namespace sqs_fdw::masking {
namespace {

namespace fs = std::filesystem;

const std::string kTwoKeys =
    KeyLine("k2", "active", SameBytes('2')) + KeyLine("k1", "decrypt", CountingBytes());

class KeyringFile : public InTemporaryFolder {
protected:
	void SetUp() override
	{
		ASSERT_NO_FATAL_FAILURE(InTemporaryFolder::SetUp());
		fs::create_directory(folder_ / "data");
		path_ = folder_ / "keyring";
	}

	static void Write(const fs::path &path, const std::string &text, mode_t mode = 0600)
	{
		std::ofstream(path, std::ios::trunc) << text;
		ASSERT_EQ(chmod(path.c_str(), mode), 0);
	}

	// As an operator should: a file is never seen half written.
	void Replace(const std::string &text)
	{
		Write(folder_ / "new", text);
		fs::rename(folder_ / "new", path_);
	}

	KeyringSource Source(const fs::path &path) const
	{
		return KeyringSource(path, {geteuid(), folder_ / "data"});
	}

	KeyringSource Source() const { return Source(path_); }

	// A message that names neither the file nor what is in it.
	void ExpectRefused(KeyringSource source, const std::string &part)
	{
		const auto problem = source.Refresh();
		ASSERT_TRUE(problem) << "accepted, expected: " << part;
		EXPECT_EQ(problem->fault(), Fault::kKeyring);
		EXPECT_NE(std::string(problem->what()).find(part), std::string::npos) << problem->what();
		EXPECT_NE(problem->hint(), "");
		const std::string all = problem->what() + problem->detail() + problem->hint();
		EXPECT_EQ(all.find(folder_.filename()), std::string::npos) << all;
		EXPECT_EQ(source.ring(), nullptr);
	}

	fs::path path_;
};

TEST_F(KeyringFile, is_read)
{
	Write(path_, CountingLine());
	KeyringSource source = Source();
	EXPECT_EQ(source.ring(), nullptr);
	ASSERT_FALSE(source.Refresh());
	EXPECT_EQ(source.ring()->active().id(), "k1");
}

TEST_F(KeyringFile, that_did_not_change_is_not_read_again)
{
	Write(path_, CountingLine());
	KeyringSource source = Source();
	ASSERT_FALSE(source.Refresh());
	const auto ring = source.ring();
	ASSERT_FALSE(source.Refresh());
	EXPECT_EQ(source.ring(), ring);
}

TEST_F(KeyringFile, that_was_replaced_is_read_again_and_the_old_ring_stays_valid_for_its_holder)
{
	Write(path_, CountingLine());
	KeyringSource source = Source();
	ASSERT_FALSE(source.Refresh());
	const auto old = source.ring();
	Replace(kTwoKeys);
	ASSERT_FALSE(source.Refresh());
	EXPECT_EQ(source.ring()->active().id(), "k2");
	EXPECT_EQ(old->active().id(), "k1");
}

TEST_F(KeyringFile, of_equal_size_and_time_but_another_inode_is_read_again)
{
	Write(path_, KeyLine("k1", "active", SameBytes('1')));
	KeyringSource source = Source();
	ASSERT_FALSE(source.Refresh());
	struct stat before;
	ASSERT_EQ(stat(path_.c_str(), &before), 0);
	Write(folder_ / "new", KeyLine("k1", "active", SameBytes('2')));
	const timespec times[2] = {before.st_atim, before.st_mtim};
	ASSERT_EQ(utimensat(AT_FDCWD, (folder_ / "new").c_str(), times, 0), 0);
	fs::rename(folder_ / "new", path_);
	const std::string fingerprint = source.ring()->active().fingerprint();
	ASSERT_FALSE(source.Refresh());
	EXPECT_NE(source.ring()->active().fingerprint(), fingerprint);
}

TEST_F(KeyringFile, that_turned_bad_leaves_the_old_ring_in_force_until_it_is_good_again)
{
	Write(path_, CountingLine());
	KeyringSource source = Source();
	ASSERT_FALSE(source.Refresh());
	const auto old = source.ring();
	for (const std::string &bad : {std::string(), std::string("k2 active c2VzYW1l\n"),
	         CountingLine() + KeyLine("k2", "active", SameBytes('2'))}) {
		Replace(bad);
		for (int i = 0; i < 2; ++i) {
			const auto problem = source.Refresh();
			ASSERT_TRUE(problem);
			EXPECT_EQ(problem->fault(), Fault::kKeyring);
			EXPECT_EQ(source.ring(), old);
		}
	}
	fs::remove(path_);
	EXPECT_TRUE(source.Refresh());
	EXPECT_EQ(source.ring(), old);
	Write(path_, kTwoKeys, 0644);
	EXPECT_TRUE(source.Refresh());
	EXPECT_EQ(source.ring(), old);
	ASSERT_EQ(chmod(path_.c_str(), 0600), 0);
	EXPECT_FALSE(source.Refresh());
	EXPECT_EQ(source.ring()->active().id(), "k2");
}

TEST_F(KeyringFile, may_be_reached_through_links_that_move)
{
	Write(folder_ / "a", CountingLine());
	Write(folder_ / "b", kTwoKeys);
	fs::create_symlink("a", path_);
	KeyringSource source = Source();
	ASSERT_FALSE(source.Refresh());
	fs::remove(path_);
	fs::create_symlink("b", path_);
	ASSERT_FALSE(source.Refresh());
	EXPECT_EQ(source.ring()->active().id(), "k2");
}

TEST_F(KeyringFile, inside_the_data_directory_is_refused_however_it_is_reached)
{
	const fs::path inside = folder_ / "data" / "keyring";
	Write(inside, CountingLine());
	fs::create_symlink(inside, folder_ / "link");
	fs::create_directory_symlink(folder_ / "data", folder_ / "alias");
	ExpectRefused(Source(inside), "inside the data directory");
	ExpectRefused(Source(folder_ / "link"), "inside the data directory");
	ExpectRefused(Source(folder_ / "alias" / "keyring"), "inside the data directory");
	ExpectRefused(
	    Source(folder_ / "data" / ".." / "data" / "keyring"), "inside the data directory");
}

// A backup of the data directory carries them, too.
TEST_F(KeyringFile, inside_a_tablespace_or_the_wal_is_refused)
{
	fs::create_directories(folder_ / "space" / "PG_15");
	fs::create_directory(folder_ / "wal");
	fs::create_directory(folder_ / "data" / "pg_tblspc");
	fs::create_directory_symlink(folder_ / "space", folder_ / "data" / "pg_tblspc" / "16384");
	fs::create_directory_symlink(folder_ / "wal", folder_ / "data" / "pg_wal");
	fs::create_directory_symlink(folder_ / "space", folder_ / "alias");
	Write(folder_ / "space" / "keyring", CountingLine());
	Write(folder_ / "wal" / "keyring", CountingLine());
	ExpectRefused(Source(folder_ / "space" / "keyring"), "inside a tablespace");
	ExpectRefused(Source(folder_ / "alias" / "keyring"), "inside a tablespace");
	ExpectRefused(Source(folder_ / "wal" / "keyring"), "inside the data directory");
	Write(path_, CountingLine());
	EXPECT_FALSE(Source().Refresh());
}

TEST_F(KeyringFile, with_several_faults_tells_them_all)
{
	const fs::path inside = folder_ / "data" / "keyring";
	Write(inside, "k1 aktive x\nK2 active y\n", 0644);
	const auto problems = ProblemsOfFile(inside, {geteuid(), folder_ / "data"});
	ASSERT_EQ(problems.size(), 4U);
	EXPECT_STREQ(problems[0].what(), "the keyring file is inside the data directory");
	EXPECT_STREQ(problems[1].what(), "the keyring file has group or world access");
	EXPECT_STREQ(problems[2].what(), "keyring line 1 is not a key id, a state and a key");
	EXPECT_STREQ(problems[3].what(), "keyring line 2 does not begin with a key id");
	EXPECT_EQ(ProblemsOfFile(folder_ / "none", {geteuid(), folder_ / "data"}).size(), 1U);
	EXPECT_EQ(ProblemsOfFile("keyring", {geteuid(), folder_ / "data"}).size(), 1U);
	EXPECT_EQ(ProblemsOfFile("/dev/zero", {geteuid(), folder_ / "data"}).size(), 1U);
	Write(path_, CountingLine());
	EXPECT_TRUE(ProblemsOfFile(path_, {geteuid(), folder_ / "data"}).empty());
}

TEST_F(KeyringFile, in_a_folder_that_others_write_to_is_warned_of)
{
	Write(path_, CountingLine());
	EXPECT_TRUE(WarningsOfFile(path_).empty());
	ASSERT_EQ(chmod(folder_.c_str(), 0777), 0);
	EXPECT_EQ(WarningsOfFile(path_).size(), 1U);
	ASSERT_EQ(chmod(folder_.c_str(), 0700), 0);
	EXPECT_TRUE(WarningsOfFile(folder_ / "none").empty());
}

TEST_F(KeyringFile, beside_a_data_directory_of_a_shorter_name_is_read)
{
	fs::create_directory(folder_ / "data2");
	Write(folder_ / "data2" / "keyring", CountingLine());
	EXPECT_FALSE(Source(folder_ / "data2" / "keyring").Refresh());
}

TEST_F(KeyringFile, must_exist_and_have_an_absolute_path)
{
	ExpectRefused(Source(), "could not open");
	ExpectRefused(Source(folder_ / "none" / "keyring"), "could not open");
	ExpectRefused(Source("keyring"), "absolute");
	ExpectRefused(Source(""), "absolute");
}

// Opening a FIFO without a writer would wait for ever.
TEST_F(KeyringFile, must_be_a_regular_file)
{
	ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
	ExpectRefused(Source(), "regular");
	fs::create_directory(folder_ / "folder");
	ExpectRefused(Source(folder_ / "folder"), "regular");
	ExpectRefused(Source("/dev/zero"), "regular");
}

TEST_F(KeyringFile, must_not_be_too_large)
{
	const std::string comments(kMaxKeyringSize - CountingLine().size(), '#');
	Write(path_, CountingLine() + comments);
	EXPECT_FALSE(Source().Refresh());
	Write(path_, CountingLine() + comments + "#");
	ExpectRefused(Source(), "larger");
}

struct OwnerAndMode {
	uid_t owner;
	mode_t mode;
	bool good;
};

TEST(KeyringFileRules, are_those_of_ssl_key_file)
{
	constexpr uid_t kServer = 70;
	constexpr OwnerAndMode kCases[] = {
	    {kServer, 0600, true},
	    {kServer, 0400, true},
	    {kServer, 0640, false},
	    {kServer, 0604, false},
	    {kServer, 0601, false},
	    {kServer, 0620, false},
	    {kServer, 0700, false},
	    {kServer, 04600, false},
	    {0, 0600, true},
	    {0, 0640, true},
	    {0, 0440, true},
	    {0, 0400, true},
	    {0, 0644, false},
	    {0, 0660, false},
	    {0, 0650, false},
	    {71, 0600, false},
	    {71, 0400, false},
	};
	for (const OwnerAndMode &test : kCases) {
		struct stat file = {};
		file.st_uid = test.owner;
		file.st_mode = S_IFREG | test.mode;
		file.st_size = 100;
		SCOPED_TRACE("owner " + std::to_string(test.owner) + " mode " + std::to_string(test.mode));
		if (test.good)
			EXPECT_TRUE(ProblemsOfStatus(file, {kServer, "/"}).empty());
		else
			EXPECT_EQ(ProblemsOfStatus(file, {kServer, "/"}).size(), 1U);
	}
}

}  // namespace
}  // namespace sqs_fdw::masking
