// Removing entries of sqs.ledger whose messages SQS can no longer deliver.
#pragma once

#include "aws/settlement.h"
#include "pg/types.h"

namespace sqs_fdw::pg {

// Defines sqs_fdw.ledger_retention. Called once, from DefineSettings.
void DefineLedgerSettings();

// A short step of pruning by a statement that has taken `taken` messages of the queue: more than it
// has added, so that the ledger does not grow without end. Asks SQS for the queue's retention, at
// most once an hour, if there is anything old enough at all. Server phase; waits for nobody's
// locks, and for SQS at most two seconds.
void PruneAsWeGo(const aws::QueuePtr *queue, int64_t taken);

}  // namespace sqs_fdw::pg
