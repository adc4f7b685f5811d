// Synchronous standbys: whether they have what this backend committed.
#pragma once

namespace sqs_fdw::pg {

// Whether the transaction that this backend has just committed is where synchronous_commit and
// synchronous_standby_names want it. It is not where the wait for a standby was cancelled: then it
// is committed here, and may yet be lost in a failover. Raises nothing; for commit callbacks.
bool CommitIsConfirmed() noexcept;

}  // namespace sqs_fdw::pg
