// Defines and reads the settings of the keyring.
#include "pg/keyring_settings.h"

#include <cstdlib>

#include "base/error.h"

#include "pg/server.h"

namespace sqs_fdw::pg {

namespace {

constexpr char kNoKeyringHint[] =
    "Generate a key with printf 'k1 active %s\\n' \"$(openssl rand -base64 64 | tr -d '\\n')\" "
    "into a file outside the data directory that only the server's user can read, and set "
    "sqs_fdw.keyring_file to its path.";

char *keyring_file = nullptr;
char *keyring_command = nullptr;

const char *UnlessEmpty(const char *setting)
{
	return setting == nullptr || setting[0] == '\0' ? nullptr : setting;
}

}  // namespace

void DefineKeyringSettings()
{
	DefineCustomStringVariable("sqs_fdw.keyring_file", "The file with the masking keys.",
	    "One key a line: its id, its state (active, decrypt or disabled), and the base64 of 64 "
	    "bytes. When neither it nor sqs_fdw.keyring_command is set, the environment variable "
	    "SQS_FDW_KEYRING_FILE of the server names it.",
	    &keyring_file, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, nullptr, nullptr, nullptr);
	DefineCustomStringVariable("sqs_fdw.keyring_command",
	    "The shell command that prints the masking keys.",
	    "It prints what sqs_fdw.keyring_file would hold. Each process runs it at its first use of "
	    "a key, and again after each reload of the configuration.",
	    &keyring_command, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, nullptr, nullptr, nullptr);
}

KeyringOrigin FindKeyringOrigin()
{
	KeyringOrigin origin = {UnlessEmpty(keyring_file), UnlessEmpty(keyring_command), nullptr};
	const char *environment = UnlessEmpty(getenv(kKeyringVariable));
	if (origin.file == nullptr && origin.command == nullptr)
		origin.file = environment;
	else
		origin.ignored_file = environment;
	return origin;
}

void CheckKeyringOrigin(const KeyringOrigin &origin)
{
	if (origin.file != nullptr && origin.command != nullptr)
		throw Error(Fault::kKeyring,
		    "sqs_fdw.keyring_file and sqs_fdw.keyring_command are both set", "",
		    "Set one of them to '', and reload the configuration.");
	if (origin.file == nullptr && origin.command == nullptr)
		throw Error(Fault::kKeyring, "no keyring is configured", "", kNoKeyringHint);
}

}  // namespace sqs_fdw::pg
