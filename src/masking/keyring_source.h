// The ring of a keyring file, read again when the file changes.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "masking/keyring.h"
#include "masking/keyring_file.h"

namespace sqs_fdw::masking {

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

	const std::string &path() const noexcept { return path_; }

private:
	bool IsUnchanged() const noexcept;

	std::string path_;
	KeyringFileRules rules_;
	std::optional<FileStamp> stamp_;  // of the file that ring_ was read from
	std::shared_ptr<const Keyring> ring_;
};

}  // namespace sqs_fdw::masking
