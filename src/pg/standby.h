// Synchronous standbys: making a commit wait for them, and whether they have what was committed.
#pragma once

namespace sqs_fdw::pg {

// Gives the running transaction a commit that is flushed, and waited for until standbys confirm it,
// although it may write nothing: what it has seen of others' commits is then where its own is. The
// server waits for standbys only where a transaction with an id has written WAL before its commit
// record (RecordTransactionCommit), so one that has not writes a record without meaning.
void RequireConfirmedCommit();

// Whether the transaction that this backend has just committed is where synchronous_commit and
// synchronous_standby_names want it. It is not where the wait for a standby was cancelled: then it
// is committed here, and may yet be lost in a failover. Raises nothing; for commit callbacks.
bool CommitIsConfirmed() noexcept;

}  // namespace sqs_fdw::pg
