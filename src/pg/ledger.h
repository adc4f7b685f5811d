// The table sqs.ledger: the messages whose rows this database has, so that none gets in twice.
//
// An entry is written when its message is returned to a statement that takes, by the same
// subtransaction as the statement's rows: both commit, or neither does. Message ids that a running
// transaction holds are passed over; nobody waits for anybody, whatever the isolation level, since
// entries are looked up with a dirty snapshot.
#pragma once

#include "pg/ledger_key.h"
#include "pg/registry.h"
#include "pg/types.h"

namespace sqs_fdw::pg {

enum class LedgerState {
	kNew,        // nobody has it
	kDuplicate,  // its row is in the database
	kContended,  // a running transaction has it: this one or another
};

// What becomes of a message that is not new.
inline Fate FateInLedger(LedgerState state)
{
	return state == LedgerState::kDuplicate ? Fate::kDuplicate : Fate::kContended;
}

// What the ledger has of the message. Server phase.
LedgerState LookUpInLedger(const LedgerKey &key);

// The same; where it is kNew, it has been entered now. Server phase. Where it is kDuplicate, the
// transaction's commit is flushed, and confirmed by synchronous standbys, before the message is
// deleted from the queue.
LedgerState EnterInLedger(const LedgerKey &key);

}  // namespace sqs_fdw::pg
