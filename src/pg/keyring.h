// The process's keyring: which file, when to look at it again, and what to say if it is bad.
#pragma once

namespace sqs_fdw::masking {
class Key;
class Keyring;
}  // namespace sqs_fdw::masking

namespace sqs_fdw::pg {

// Defines sqs_fdw.keyring_file. Called once, from DefineSettings.
void DefineKeyringSettings();

// The ring in force. Server phase; the first call of a statement looks whether the file changed,
// and warns if it cannot be used while an older ring can. Raises if there is no ring. Valid until
// the next statement.
const masking::Keyring *CurrentKeyring();

// The key that masks: CurrentKeyring's active one. Server phase; errors and validity are the same.
const masking::Key *ActiveKey();

}  // namespace sqs_fdw::pg
