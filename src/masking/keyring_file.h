// A keyring file, read with the suspicion that a private key deserves.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/secret.h"

namespace sqs_fdw::masking {

// Who runs the server and what its backups hold: the facts that a keyring file is judged by.
struct KeyringFileRules {
	uid_t server_user;
	std::string data_directory;
};

// The longest keyring that is read, in bytes: some 10 000 keys with the longest of ids.
constexpr off_t kMaxKeyringSize = 1200000;

// What tells one state of a file from the next.
struct FileStamp {
	dev_t device;
	ino_t inode;
	int64_t seconds;  // of the last modification
	int64_t nanoseconds;
	off_t size;

	explicit FileStamp(const struct stat &file) noexcept;
	bool operator==(const FileStamp &other) const noexcept;
};

struct KeyringText {
	Secret text;
	FileStamp stamp;
};

// What is wrong with what fstat said of a keyring file, which is judged as the server judges
// ssl_key_file: a regular file, of the server's user with mode 0600 or less, or of root with mode
// 0640 or less.
std::vector<Error> ProblemsOfStatus(const struct stat &file, const KeyringFileRules &rules);

// Reads the file. Throws Error(kKeyring), which names neither the path nor anything in the file, if
// the path is not absolute or the file is missing, breaks the rules, or lies in the data directory,
// its WAL or one of its tablespaces, whatever links lead there.
KeyringText ReadKeyringFile(const std::string &path, const KeyringFileRules &rules);

// All that is wrong with the file and its text, instead of the first thing only.
std::vector<Error> ProblemsOfFile(const std::string &path, const KeyringFileRules &rules);

// What is not wrong, but could be better.
std::vector<Error> WarningsOfFile(const std::string &path);

}  // namespace sqs_fdw::masking
