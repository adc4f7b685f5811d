// Opens, judges and reads a keyring file.
#include "masking/keyring_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "masking/keyring.h"

namespace sqs_fdw::masking {

namespace {

namespace fs = std::filesystem;

constexpr uid_t kRoot = 0;
constexpr mode_t kPermissions = 07777;
constexpr mode_t kMostForServer = 0600;
constexpr mode_t kMostForRoot = 0640;

constexpr char kHint[] =
    "Check the file that sqs_fdw.keyring_file, or SQS_FDW_KEYRING_FILE in the server's "
    "environment, names.";
constexpr char kMoveHint[] =
    "Backups of the database would carry the keys: move the file elsewhere.";

// Takes what is wrong: it throws it, or notes it down.
using Report = std::function<void(const Error &)>;

Error Problem(const std::string &message, const char *hint = kHint)
{
	return Error(Fault::kKeyring, message, "", hint);
}

Error Problem(const char *message, int error)
{
	return Problem(std::string(message) + ": " + std::strerror(error));
}

class File {
public:
	explicit File(int descriptor) : descriptor_(descriptor) {}
	~File()
	{
		if (descriptor_ >= 0)
			close(descriptor_);
	}
	File(const File &) = delete;
	File &operator=(const File &) = delete;

	int descriptor() const noexcept { return descriptor_; }

private:
	int descriptor_;
};

// Without links and dots; nullopt, with errno, where there is no such file.
std::optional<std::string> RealPath(const std::string &path)
{
	const std::unique_ptr<char, decltype(&std::free)> real(
	    realpath(path.c_str(), nullptr), std::free);
	return real ? std::optional<std::string>(real.get()) : std::nullopt;
}

bool IsInside(const std::string &path, const std::string &directory)
{
	const std::optional<std::string> real = RealPath(directory);
	return real && path.compare(0, real->size(), *real) == 0 &&
	       (path.size() == real->size() || path[real->size()] == '/' || real->back() == '/');
}

bool IsInTablespace(const std::string &path, const std::string &data_directory)
{
	std::error_code error;  // a folder that cannot be read holds no tablespaces of this server
	for (const fs::directory_entry &link :
	    fs::directory_iterator(data_directory + "/pg_tblspc", error)) {
		if (IsInside(path, link.path()))
			return true;
	}
	return false;
}

void CheckPlace(const std::string &path, const std::string &data_directory, const Report &report)
{
	if (IsInside(path, data_directory) || IsInside(path, data_directory + "/pg_wal"))
		report(Problem("the keyring file is inside the data directory", kMoveHint));
	else if (IsInTablespace(path, data_directory))
		report(Problem("the keyring file is inside a tablespace", kMoveHint));
}

// As many bytes as the file has, up to `size`; nullopt, with errno, where that fails.
std::optional<size_t> Read(const File &file, char *to, size_t size)
{
	size_t done = 0;
	while (done < size) {
		const ssize_t got = read(file.descriptor(), to + done, size - done);
		if (got == 0)
			break;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return std::nullopt;
		done += static_cast<size_t>(got);
	}
	return done;
}

// The text of an open file. One byte more than it has is asked for, to see that it did not grow.
std::optional<KeyringText> ReadText(
    const File &file, const struct stat &before, const Report &report)
{
	const auto size = static_cast<size_t>(before.st_size);
	Secret buffer = Secret::Zeroed(size + 1);
	const std::optional<size_t> got = Read(file, buffer.Writable(), size + 1);
	struct stat after;
	if (!got || fstat(file.descriptor(), &after) != 0) {
		report(Problem("could not read the keyring file", errno));
		return std::nullopt;
	}
	const FileStamp stamp(before);
	if (*got != size || !(FileStamp(after) == stamp)) {
		report(Problem("the keyring file changed while it was read",
		    "Write a new file beside it and rename it into place."));
		return std::nullopt;
	}
	return KeyringText{Secret(buffer.Reveal().substr(0, size)), stamp};
}

// Looks at the file from all sides. Nullopt if it cannot be read at all, and `report` went on.
std::optional<KeyringText> Inspect(
    const std::string &named, const KeyringFileRules &rules, const Report &report)
{
	if (named.empty() || named[0] != '/') {
		report(Problem("the keyring file is not an absolute path"));
		return std::nullopt;
	}
	const std::optional<std::string> path = RealPath(named);
	if (!path) {
		report(Problem("could not open the keyring file", errno));
		return std::nullopt;
	}
	CheckPlace(*path, rules.data_directory, report);

	// O_NONBLOCK: opening a FIFO must not wait for a writer.
	const File file(open(path->c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
	struct stat status;
	if (file.descriptor() < 0 || fstat(file.descriptor(), &status) != 0) {
		report(Problem("could not open the keyring file", errno));
		return std::nullopt;
	}
	for (const Error &problem : ProblemsOfStatus(status, rules))
		report(problem);
	if (!S_ISREG(status.st_mode) || status.st_size > kMaxKeyringSize)
		return std::nullopt;
	return ReadText(file, status, report);
}

}  // namespace

FileStamp::FileStamp(const struct stat &file) noexcept
    : device(file.st_dev),
      inode(file.st_ino),
      seconds(file.st_mtim.tv_sec),
      nanoseconds(file.st_mtim.tv_nsec),
      size(file.st_size)
{
}

bool FileStamp::operator==(const FileStamp &other) const noexcept
{
	return device == other.device && inode == other.inode && seconds == other.seconds &&
	       nanoseconds == other.nanoseconds && size == other.size;
}

std::vector<Error> ProblemsOfStatus(const struct stat &file, const KeyringFileRules &rules)
{
	if (!S_ISREG(file.st_mode))
		return {Problem("the keyring file is not a regular file")};
	std::vector<Error> problems;
	if (file.st_uid != rules.server_user && file.st_uid != kRoot)
		problems.push_back(
		    Problem("the keyring file belongs neither to the server's user nor to root",
		        "Make the operating system account that runs the server its owner."));
	const mode_t most = file.st_uid == kRoot ? kMostForRoot : kMostForServer;
	if ((file.st_mode & kPermissions & ~most) != 0)
		problems.push_back(Problem("the keyring file has group or world access",
		    "It may have mode 0600 or less if the server's user owns it, 0640 or less if root "
		    "does."));
	if (file.st_size > kMaxKeyringSize)
		problems.push_back(Problem("the keyring file is larger than 1.2 MB",
		    "Remove the keys that no mask and no rejected message needs."));
	return problems;
}

KeyringText ReadKeyringFile(const std::string &path, const KeyringFileRules &rules)
{
	auto text = Inspect(path, rules, [](const Error &problem) { throw problem; });
	return std::move(*text);
}

std::vector<Error> ProblemsOfFile(const std::string &path, const KeyringFileRules &rules)
{
	std::vector<Error> problems;
	const auto text =
	    Inspect(path, rules, [&](const Error &problem) { problems.push_back(problem); });
	if (text) {
		for (Error &problem : Keyring::ProblemsOf(text->text.Reveal()))
			problems.push_back(std::move(problem));
	}
	return problems;
}

std::vector<Error> WarningsOfFile(const std::string &path)
{
	const std::optional<std::string> real = RealPath(path);
	struct stat folder;
	if (real && stat(fs::path(*real).parent_path().c_str(), &folder) == 0 &&
	    (folder.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return {Problem("others than its owner can write to the folder of the keyring file",
		    "They can take the file away: chmod 0700 the folder.")};
	return {};
}

}  // namespace sqs_fdw::masking
