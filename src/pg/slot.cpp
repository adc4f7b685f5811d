// Stores rows for the extension's own tables.
#include "pg/slot.h"

#include <cstring>

#include "pg/server.h"

namespace sqs_fdw::pg {

void StoreRow(TupleTableSlot *slot, const Datum *values, int columns)
{
	ExecClearTuple(slot);
	memcpy(slot->tts_values, values, sizeof(Datum) * columns);
	memset(slot->tts_isnull, true, sizeof(bool) * slot->tts_tupleDescriptor->natts);
	memset(slot->tts_isnull, false, sizeof(bool) * columns);
	ExecStoreVirtualTuple(slot);
}

}  // namespace sqs_fdw::pg
