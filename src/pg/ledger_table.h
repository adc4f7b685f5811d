// Opening sqs.ledger, for those who read and write it.
#pragma once

#include "pg/types.h"

namespace sqs_fdw::pg {

// Its columns, in the order of the extension's script; the first two are its key.
enum LedgerColumn { kLedgerSentAt, kLedgerMessageId, kLedgerQueue, kLedgerColumns };

struct LedgerTable {
	struct ::RelationData *heap;
	struct ::RelationData *index;
};

// Opens table and primary key. The lock is kept until the transaction ends. Server phase.
LedgerTable OpenLedger(int lock);
void CloseLedger(const LedgerTable &table);

// Milliseconds since 1970 as a timestamptz.
int64_t TimestampOfMilliseconds(int64_t milliseconds);

}  // namespace sqs_fdw::pg
