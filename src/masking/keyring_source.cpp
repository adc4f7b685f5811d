// Opening a keyring file with the suspicion that a private key deserves.
#include "masking/keyring_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace sqs_fdw::masking {

namespace {

constexpr uid_t kRoot = 0;
constexpr mode_t kPermissions = 07777;
constexpr mode_t kMostForServer = 0600;
constexpr mode_t kMostForRoot = 0640;

constexpr char kHint[] =
    "Check the file that sqs_fdw.keyring_file, or SQS_FDW_KEYRING_FILE in the server's "
    "environment, names.";

[[noreturn]] void Refuse(const std::string &message, const char *hint = kHint)
{
	throw Error(Fault::kKeyring, message, "", hint);
}

[[noreturn]] void RefuseErrno(const char *message, int error)
{
	Refuse(std::string(message) + ": " + std::strerror(error));
}

class File {
public:
	explicit File(int descriptor) : descriptor_(descriptor) {}
	~File() { close(descriptor_); }
	File(const File &) = delete;
	File &operator=(const File &) = delete;

	int descriptor() const noexcept { return descriptor_; }

private:
	int descriptor_;
};

// The file's text; overwritten when it is left.
class Buffer {
public:
	explicit Buffer(size_t size) : size_(size), bytes_(new char[size]) {}
	~Buffer() { Cleanse(bytes_.get(), size_); }
	Buffer(const Buffer &) = delete;
	Buffer &operator=(const Buffer &) = delete;

	char *data() noexcept { return bytes_.get(); }
	size_t size() const noexcept { return size_; }

private:
	size_t size_;
	std::unique_ptr<char[]> bytes_;
};

std::string RealPath(const std::string &path)
{
	const std::unique_ptr<char, decltype(&std::free)> real(
	    realpath(path.c_str(), nullptr), std::free);
	if (!real)
		RefuseErrno("could not open the keyring file", errno);
	return real.get();
}

bool IsInside(const std::string &path, const std::string &directory) noexcept
{
	return path.compare(0, directory.size(), directory) == 0 &&
	       (path.size() == directory.size() || path[directory.size()] == '/' ||
	           directory.back() == '/');
}

struct stat Status(const File &file)
{
	struct stat status;
	if (fstat(file.descriptor(), &status) != 0)
		RefuseErrno("could not look at the keyring file", errno);
	return status;
}

// As many bytes as the file has, up to the size of the buffer.
size_t Read(const File &file, Buffer *buffer)
{
	size_t size = 0;
	while (size < buffer->size()) {
		const ssize_t got = read(file.descriptor(), buffer->data() + size, buffer->size() - size);
		if (got == 0)
			break;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			RefuseErrno("could not read the keyring file", errno);
		size += static_cast<size_t>(got);
	}
	return size;
}

}  // namespace

void CheckKeyringFile(const struct stat &file, const KeyringFileRules &rules)
{
	if (!S_ISREG(file.st_mode))
		Refuse("the keyring file is not a regular file");
	if (file.st_uid != rules.server_user && file.st_uid != kRoot)
		Refuse("the keyring file belongs neither to the server's user nor to root",
		    "Make the operating system account that runs the server its owner.");
	const mode_t most = file.st_uid == kRoot ? kMostForRoot : kMostForServer;
	if ((file.st_mode & kPermissions & ~most) != 0)
		Refuse("the keyring file has group or world access",
		    "It may have mode 0600 or less if the server's user owns it, 0640 or less if root "
		    "does.");
	if (file.st_size > kMaxKeyringSize)
		Refuse("the keyring file is larger than 64 kB");
}

KeyringSource::Stamp::Stamp(const struct stat &file) noexcept
    : device(file.st_dev),
      inode(file.st_ino),
      seconds(file.st_mtim.tv_sec),
      nanoseconds(file.st_mtim.tv_nsec),
      size(file.st_size)
{
}

bool KeyringSource::Stamp::operator==(const Stamp &other) const noexcept
{
	return device == other.device && inode == other.inode && seconds == other.seconds &&
	       nanoseconds == other.nanoseconds && size == other.size;
}

bool KeyringSource::IsUnchanged() const noexcept
{
	struct stat file;
	return stamp_ && stat(path_.c_str(), &file) == 0 && Stamp(file) == *stamp_;
}

std::optional<Error> KeyringSource::Refresh()
{
	if (IsUnchanged())
		return std::nullopt;
	stamp_.reset();
	try {
		Load();
		return std::nullopt;
	} catch (const Error &error) {
		return error;
	}
}

void KeyringSource::Load()
{
	if (path_.empty() || path_[0] != '/')
		Refuse("the keyring file is not an absolute path");
	const std::string path = RealPath(path_);
	if (IsInside(path, RealPath(rules_.data_directory)))
		Refuse("the keyring file is inside the data directory",
		    "Base backups would carry the keys: move the file elsewhere.");

	// O_NONBLOCK: opening a FIFO must not wait for a writer.
	const int descriptor = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (descriptor < 0)
		RefuseErrno("could not open the keyring file", errno);
	const File file(descriptor);
	const struct stat before = Status(file);
	CheckKeyringFile(before, rules_);

	Buffer buffer(static_cast<size_t>(kMaxKeyringSize) + 1);
	const size_t size = Read(file, &buffer);
	const Stamp stamp(before);
	if (size != static_cast<size_t>(before.st_size) || !(Stamp(Status(file)) == stamp))
		Refuse("the keyring file changed while it was read",
		    "Write a new file beside it and rename it into place.");
	ring_ =
	    std::make_shared<const Keyring>(std::string_view(buffer.data(), size), WallClock::now());
	stamp_ = stamp;
}

}  // namespace sqs_fdw::masking
