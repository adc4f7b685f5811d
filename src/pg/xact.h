// Ties the registry of received messages to the server's transactions.
//
// | event                        | what happens                                                  |
// |------------------------------|---------------------------------------------------------------|
// | a subtransaction commits     | its messages become its parent's                              |
// | a subtransaction aborts      | its messages are released                                     |
// | PREPARE TRANSACTION          | refused, where a message was taken                            |
// | before the commit            | a synchronous commit is forced, where a message was taken     |
// | after commit, locks released | what was taken is deleted; what was looked at is released     |
// | after abort, locks released  | everything is released                                        |
#pragma once

#include "pg/registry.h"

namespace sqs_fdw::pg {

// Registers the transaction callbacks. Called once per backend, from _PG_init.
void RegisterTransactionCallbacks();

// The backend's registry. For C++ phases.
Registry &Messages();

// Asks SQS to release what ended scans gave back, for at most sqs_fdw.release_timeout. Server
// phase, not for callbacks: it raises when the statement is cancelled.
void SettleNow();

// Whether a wait should end: an interrupt is pending, or the postmaster is gone. For C++ phases.
bool ShouldStop() noexcept;

// What to do after a wait that ShouldStop ended: raises, or returns if nothing needs it. Server
// phase.
void HandleInterrupts();

}  // namespace sqs_fdw::pg
