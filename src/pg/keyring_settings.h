// The settings that say where the keyring comes from.
#pragma once

namespace sqs_fdw::pg {

// Where the settings say that the keyring comes from; members are null where they do not say.
struct KeyringOrigin {
	const char *file;
	const char *command;
	const char *ignored_file;  // of the environment, where a setting goes first
};

constexpr char kKeyringVariable[] = "SQS_FDW_KEYRING_FILE";  // of the server's environment

// Defines sqs_fdw.keyring_file and sqs_fdw.keyring_command. Called once, from DefineSettings.
void DefineKeyringSettings();

// Server phase; valid until the next reload of the configuration.
KeyringOrigin FindKeyringOrigin();

// Throws Error(kKeyring) unless there is exactly one origin.
void CheckKeyringOrigin(const KeyringOrigin &origin);

}  // namespace sqs_fdw::pg
