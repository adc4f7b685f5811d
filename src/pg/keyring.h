// The process's keyring: when it is read again, and what is said if it is bad.
//
// | it comes from                       | it is read                                              |
// |-------------------------------------|---------------------------------------------------------|
// | the file of sqs_fdw.keyring_file    | at the first use in a statement, if stat() says that it |
// | or, if neither setting is made, of  | changed                                                 |
// | SQS_FDW_KEYRING_FILE                |                                                         |
// | the command sqs_fdw.keyring_command | at the first use in the process, and at the first use   |
// |                                     | after each reload of the configuration                  |
//
// Where it cannot be used, the ring that the process has stays in force, with one warning; without
// one it is an error. It is also an error that the settings name both or neither.
#pragma once

namespace sqs_fdw::masking {
class Key;
class Keyring;
}  // namespace sqs_fdw::masking

namespace sqs_fdw::pg {

// The ring in force. Server phase; the first call of a statement looks whether it changed. May wait
// for the command, and then notices interrupts. Valid until the next statement.
const masking::Keyring *CurrentKeyring();

// The key that masks: CurrentKeyring's active one. Server phase; errors and validity are the same.
const masking::Key *ActiveKey();

}  // namespace sqs_fdw::pg
