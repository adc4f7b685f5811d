// Tables whose rows a crash or the end of the session takes away.
#pragma once

#include "pg/types.h"

namespace sqs_fdw::pg {

// Warns, once a statement, where one that takes messages of `queue` puts their rows into an
// unlogged or temporary table: the new table of CREATE TABLE AS or SELECT INTO, or a target of
// `writers`, a list of ModifyTable. What a DELETE removes is no loss. Server phase.
void WarnOfVolatileTarget(const char *queue, const struct ::List *writers, struct ::EState *estate);

}  // namespace sqs_fdw::pg
