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

// The ledger's table and index, open for a statement.
struct Ledger;

// Opens it as the executor opens what a plan reads, in a memory context that lives as long: with
// `enters` for entering, otherwise for looking up alone. Where the statement fails, nothing is left
// to close. Server phase, like all the rest.
Ledger *BeginLedger(struct ::MemoryContextData *context, bool enters);
void EndLedger(Ledger *ledger);

// What the ledger has of the message.
LedgerState LookUpInLedger(Ledger *ledger, const LedgerKey &key);

// The same; where it is kNew, it has been entered now. Where it is kDuplicate, the transaction's
// commit is flushed, and confirmed by synchronous standbys, before the message is deleted from the
// queue.
//
// A message that SQS has delivered before is looked up first. One that it has not is entered at
// once, since it is almost never there, and the index tells as it takes the entry: that saves half
// of the searches, and where it is there after all, leaves a dead row.
LedgerState EnterInLedger(Ledger *ledger, const LedgerKey &key);

}  // namespace sqs_fdw::pg
