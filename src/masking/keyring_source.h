// Where a keyring comes from: a file that only the server may read, looked at again when it
// changes.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "masking/keyring.h"

namespace sqs_fdw::masking {

// Who runs the server and what its backups hold: the facts that a keyring file is judged by.
struct KeyringFileRules {
	uid_t server_user;
	std::string data_directory;
};

// The longest keyring file that is read, in bytes: some 500 keys.
constexpr off_t kMaxKeyringSize = off_t{64} * 1024;

// Judges what fstat said of a keyring file, as the server judges ssl_key_file: a regular file, of
// the server's user with mode 0600 or less, or of root with mode 0640 or less. Throws
// Error(kKeyring).
void CheckKeyringFile(const struct stat &file, const KeyringFileRules &rules);

// A keyring file and the ring last read from it. A change is taken over whole or not at all.
class KeyringSource {
public:
	KeyringSource(std::string path, KeyringFileRules rules)
	    : path_(std::move(path)), rules_(std::move(rules))
	{
	}

	// Looks whether the file is another one than last time and reads it if so; one stat() if not.
	// Returns why the file cannot be used, and then keeps the ring it has. A refused file is looked
	// at again every time. Messages name neither the path nor anything in the file. Throws
	// std::bad_alloc only.
	[[nodiscard]] std::optional<Error> Refresh();

	// The ring in force; null until a Refresh() succeeded.
	const std::shared_ptr<const Keyring> &ring() const noexcept { return ring_; }

	// Starts with a ring of another source, to fall back on until this one's file is good.
	void Inherit(std::shared_ptr<const Keyring> ring) noexcept { ring_ = std::move(ring); }

	const std::string &path() const noexcept { return path_; }

private:
	// What tells one state of a file from the next.
	struct Stamp {
		dev_t device;
		ino_t inode;
		int64_t seconds;  // of the last modification
		int64_t nanoseconds;
		off_t size;

		explicit Stamp(const struct stat &file) noexcept;
		bool operator==(const Stamp &other) const noexcept;
	};

	bool IsUnchanged() const noexcept;
	void Load();

	std::string path_;
	KeyringFileRules rules_;
	std::optional<Stamp> stamp_;  // of the file that ring_ was read from
	std::shared_ptr<const Keyring> ring_;
};

}  // namespace sqs_fdw::masking
