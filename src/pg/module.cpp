// What happens when a backend loads the library.
#include "pg/audit.h"
#include "pg/connection.h"
#include "pg/guc.h"
#include "pg/statement.h"
#include "pg/xact.h"

#include "pg/server.h"

extern "C" {
SQS_FDW_EXPORT const Pg_magic_struct *PG_MAGIC_FUNCTION_NAME();
SQS_FDW_EXPORT void _PG_init();
}

PG_MODULE_MAGIC;

void _PG_init()
{
	using namespace sqs_fdw::pg;
	DefineSettings();
	RegisterTransactionCallbacks();
	RegisterConnectionCallbacks();
	InstallExecutorHooks();
	InstallAuditHooks();
}
