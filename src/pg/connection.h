// The SQS clients of this backend, kept from statement to statement.
#pragma once

#include "aws/settlement.h"
#include "pg/option.h"
#include "pg/types.h"

namespace sqs_fdw::pg {

// Finds the queue of a foreign table for the role that a scan runs as, and puts it into *queue:
// makes a client where there is none yet (or where server, mapping or allowed endpoints have
// changed), and asks SQS for the queue's URL the first time. Server phase; can be interrupted.
// Raises: no user mapping, no keys, no region, an endpoint that the fence refuses, and what SQS
// answers.
void FindQueue(Oid server_oid, Oid user_oid, const TableOptions &table, aws::QueuePtr *queue);

// Drops cached clients when catalogs change. Called once per backend, from _PG_init.
void RegisterConnectionCallbacks();

}  // namespace sqs_fdw::pg
