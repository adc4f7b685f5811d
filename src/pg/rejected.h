// The table sqs.rejected: messages that the table's definition refused, kept with their bodies
// sealed.
#pragma once

#include "aws/sqs.h"
#include "pg/row.h"
#include "pg/types.h"

namespace sqs_fdw::pg {

// Raises unless there is a key to seal with: before anything is received, so that nothing is lost.
void RequireSealingKey();

// Writes one message to sqs.rejected, with the rights of the extension's owner, as part of the
// current transaction. Server phase; allocates in the current memory context.
void StoreRejected(
    Oid foreign_table, const char *queue, const aws::Message &message, const Rejection &rejection);

}  // namespace sqs_fdw::pg
