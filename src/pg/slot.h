// Rows for the extension's own tables.
#pragma once

#include "pg/types.h"

namespace sqs_fdw::pg {

// Stores a row of which the first `columns` columns are known, none of them null, in a virtual slot
// of its table. The others are null: a newer version of the extension, or somebody, may have added
// some.
void StoreRow(struct ::TupleTableSlot *slot, const Datum *values, int columns);

}  // namespace sqs_fdw::pg
