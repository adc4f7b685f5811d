// Compares the last commit with what synchronous standbys have acknowledged.
#include "pg/standby.h"

#include "pg/server.h"

extern "C" {
#include "access/rmgr.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "catalog/pg_control.h"
#include "replication/syncrep.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "storage/lwlock.h"
}

namespace sqs_fdw::pg {

namespace {

// The acknowledgement that synchronous_commit asks for.
int WaitMode()
{
	switch (synchronous_commit) {
		case SYNCHRONOUS_COMMIT_REMOTE_WRITE:
			return SYNC_REP_WAIT_WRITE;
		case SYNCHRONOUS_COMMIT_REMOTE_APPLY:
			return SYNC_REP_WAIT_APPLY;
		default:
			return SYNC_REP_WAIT_FLUSH;
	}
}

}  // namespace

void RequireConfirmedCommit()
{
	GetCurrentTransactionId();
	if (XactLastRecEnd != 0)
		return;
	char nothing = 0;
	XLogBeginInsert();
	XLogRegisterData(&nothing, sizeof nothing);
	XLogInsert(RM_XLOG_ID, XLOG_NOOP);
}

bool CommitIsConfirmed() noexcept
{
	const bool has_standbys = SyncRepStandbyNames != nullptr && SyncRepStandbyNames[0] != '\0';
	if (!SyncRepRequested() || !has_standbys)
		return true;
	LWLockAcquire(SyncRepLock, LW_SHARED);
	const XLogRecPtr acknowledged = WalSndCtl->lsn[WaitMode()];
	LWLockRelease(SyncRepLock);
	return acknowledged >= XactLastCommitEnd;
}

}  // namespace sqs_fdw::pg
