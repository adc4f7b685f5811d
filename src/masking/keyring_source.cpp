// Decides when a keyring file is read again.
#include "masking/keyring_source.h"

#include <utility>

namespace sqs_fdw::masking {

bool KeyringSource::IsUnchanged() const noexcept
{
	struct stat file;
	return stamp_ && stat(path_.c_str(), &file) == 0 && FileStamp(file) == *stamp_;
}

std::optional<Error> KeyringSource::Refresh()
{
	if (IsUnchanged())
		return std::nullopt;
	stamp_.reset();
	try {
		const KeyringText file = ReadKeyringFile(path_, rules_);
		ring_ = std::make_shared<const Keyring>(file.text.Reveal(), WallClock::now());
		stamp_ = file.stamp;
		return std::nullopt;
	} catch (const Error &error) {
		return error;
	}
}

}  // namespace sqs_fdw::masking
