// Transaction callbacks: when received messages are deleted, released or handed on.
#include "pg/xact.h"

#include <unistd.h>

#include <chrono>

#include "pg/guard.h"
#include "pg/guc.h"
#include "pg/standby.h"

#include "pg/server.h"

extern "C" {
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "storage/procsignal.h"
#include "utils/wait_event.h"
}

namespace sqs_fdw::pg {

namespace {

Registry *registry = nullptr;

bool PostmasterIsGone() noexcept
{
	return IsUnderPostmaster && getppid() != PostmasterPid;
}

// In a transaction callback interrupts are held, so the reasons to stop are asked one by one.
bool ShouldStopSettling() noexcept
{
	return QueryCancelPending || ProcDiePending || ProcSignalBarrierPending || PostmasterIsGone();
}

aws::SettlementDeadlines Deadlines(int deletes_ms, int releases_ms)
{
	const TimePoint now = Clock::now();
	return {
	    now + std::chrono::milliseconds(deletes_ms), now + std::chrono::milliseconds(releases_ms)};
}

// What this backend still has to say to SQS, and when it may do so.
bool deletes_added = false;   // by the transaction that has just committed
bool releases_added = false;  // by the subtransaction that is being aborted

// What a person must know after messages were not deleted. Plain data.
struct SettlementReport {
	int64 deletes_left;
	int64 given_up;
	char reason[512];
};

void Report(const SettlementReport &report)
{
	if (proc_exit_inprogress)
		return;
	if (deletes_added && report.deletes_left + report.given_up > 0)
		ereport(WARNING,
		    (errcode(ERRCODE_CONNECTION_FAILURE),
		        errmsg("the transaction is committed, but " INT64_FORMAT
		               " of its messages could not be deleted from SQS",
		            report.deletes_left + report.given_up),
		        report.reason[0] != '\0' ? errdetail("The first failure: %s", report.reason) : 0,
		        errhint("They may be received again once their visibility timeout has ended. "
		                "The session's next statements try again to delete them.")));
	else if (report.given_up > 0)
		ereport(WARNING,
		    (errcode(ERRCODE_CONNECTION_FAILURE),
		        errmsg(INT64_FORMAT
		            " messages of earlier transactions could not be deleted from SQS",
		            report.given_up),
		        report.reason[0] != '\0' ? errdetail("The first failure: %s", report.reason) : 0,
		        errhint("They may be received again.")));
}

// One run of the settlement, and what it has to say. For C++ phases.
SettlementReport RunSettlement(
    const StopPredicate &stop, const aws::SettlementDeadlines &deadlines, bool *done)
{
	aws::Settlement &settlement = registry->settlement();
	SettlementReport report = {};
	*done = settlement.Run(stop, deadlines);
	report.deletes_left = settlement.deletes_left();
	settlement.failure().copy(report.reason, sizeof report.reason - 1);
	report.given_up = settlement.TakeCounts().given_up_deletes;
	return report;
}

// Another backend waits for all to absorb a barrier, such as DROP DATABASE: this one, too. Returns
// false if that failed.
bool AbsorbBarrier()
{
	const uint32 interrupts = InterruptHoldoffCount;
	const uint32 cancels = QueryCancelHoldoffCount;
	volatile bool absorbed = true;
	PG_TRY();
	{
		ProcessProcSignalBarrier();
	}
	PG_CATCH();
	{
		FlushErrorState();
		absorbed = false;
	}
	PG_END_TRY();
	InterruptHoldoffCount = interrupts;
	QueryCancelHoldoffCount = cancels;
	return absorbed;
}

// Runs the settlement inside a callback, where nothing may raise.
void SettleInCallback(int deletes_ms, int releases_ms)
{
	const aws::SettlementDeadlines deadlines = Deadlines(deletes_ms, releases_ms);
	SettlementReport report = {};
	Failure failure;
	bool again = true;
	while (again) {
		pgstat_report_wait_start(PG_WAIT_EXTENSION);
		const bool ran = GuardNoRaise(&failure, [&] {
			bool done = false;
			const int64 given_up = report.given_up;
			report = RunSettlement(ShouldStopSettling, deadlines, &done);
			report.given_up += given_up;
			again = !done && ProcSignalBarrierPending;
		});
		pgstat_report_wait_end();
		if (!ran) {
			ReportFailure(WARNING, "could not settle messages with SQS", failure);
			return;
		}
		again = again && AbsorbBarrier();
	}
	Report(report);
}

// A loop over a SELECT looks as if it moved messages, and does not.
void WarnIfLookedAndWrote()
{
	if (!registry->has_looked() || !TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return;
	ereport(WARNING,
	    (errcode(ERRCODE_WARNING),
	        errmsg("the transaction looked at messages of a queue and also wrote"),
	        errdetail("The messages that it looked at are still in the queue."),
	        errhint("Use FOR r IN DELETE FROM queue RETURNING * LOOP, or set the foreign table's "
	                "option consume to 'always'.")));
}

// The wait for a synchronous standby was cancelled. A failover may still lose the commit, so the
// messages stay in the queue, and come again when their visibility timeout ends.
void WarnOfUnconfirmed()
{
	ereport(WARNING,
	    (errcode(ERRCODE_WARNING),
	        errmsg("the messages of the transaction were not deleted from SQS"),
	        errdetail(
	            "The wait for a synchronous standby was cancelled, so a failover may lose the "
	            "transaction."),
	        errhint("They come again when their visibility timeout ends. With exactly_once the "
	                "ledger then recognises them, and they are deleted.")));
}

void OnXactEvent(XactEvent event, void *)
{
	Failure failure;
	TransactionEnd end = TransactionEnd::kAborted;
	switch (event) {
		case XACT_EVENT_PRE_COMMIT:
			WarnIfLookedAndWrote();
			if (registry->has_taken())
				ForceSyncCommit();
			break;
		case XACT_EVENT_PRE_PREPARE:
			if (!registry->idle())
				ereport(ERROR,
				    (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				        errmsg("cannot prepare a transaction that has received SQS messages"),
				        errhint("Commit the transaction in one phase.")));
			break;
		case XACT_EVENT_COMMIT:
			end = TransactionEnd::kCommitted;
			if (registry->has_taken() && !CommitIsConfirmed()) {
				end = TransactionEnd::kUnconfirmed;
				WarnOfUnconfirmed();
			}
			[[fallthrough]];
		case XACT_EVENT_ABORT:
			if (!GuardNoRaise(&failure, [&] {
				    const int64 before = registry->settlement().deletes_left();
				    registry->EndTransaction(end);
				    deletes_added = registry->settlement().deletes_left() > before;
			    }))
				ReportFailure(WARNING, "could not sort the messages of a queue", failure);
			break;
		default:
			break;
	}
}

void OnSubXactEvent(
    SubXactEvent event, SubTransactionId subtransaction, SubTransactionId parent, void *)
{
	if (!registry->Concerns(subtransaction))
		return;
	Failure failure;
	const bool done = GuardNoRaise(&failure, [&] {
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			registry->Commit(subtransaction, parent);
		else if (event == SUBXACT_EVENT_ABORT_SUB)
			releases_added = registry->Abort(subtransaction);
	});
	if (!done) {
		registry->Distrust();
		ReportFailure(WARNING, "could not sort the messages of a queue", failure);
	}
}

// Deletes and releases, once the locks are gone. The server calls this for each resource owner.
void OnResourceRelease(ResourceReleasePhase phase, bool is_commit, bool is_top_level, void *)
{
	if (phase != RESOURCE_RELEASE_AFTER_LOCKS || registry->settlement().empty())
		return;
	if (is_top_level && CurrentResourceOwner == TopTransactionResourceOwner) {
		const int deletes_ms = deletes_added ? delete_timeout_ms : release_timeout_ms;
		SettleInCallback(proc_exit_inprogress ? 0 : deletes_ms, release_timeout_ms);
		deletes_added = false;
	} else if (!is_top_level && !is_commit && releases_added) {
		releases_added = false;
		SettleInCallback(0, release_timeout_ms);
	}
}

}  // namespace

Registry &Messages()
{
	return *registry;
}

bool ShouldStop() noexcept
{
	return InterruptPending || PostmasterIsGone();
}

void HandleInterrupts()
{
	CHECK_FOR_INTERRUPTS();
	if (PostmasterIsGone())
		ereport(FATAL, (errcode(ERRCODE_ADMIN_SHUTDOWN),
		                   errmsg("terminating connection due to unexpected postmaster exit")));
}

void SettleNow()
{
	struct Step {
		bool interrupted;
		SettlementReport report;
	};
	const aws::SettlementDeadlines deadlines = Deadlines(release_timeout_ms, release_timeout_ms);
	for (;;) {
		pgstat_report_wait_start(PG_WAIT_EXTENSION);
		const Step step = Guard([&] {
			Step result = {};
			bool done = false;
			result.report = RunSettlement(ShouldStop, deadlines, &done);
			result.interrupted = !done && ShouldStop();
			return result;
		});
		pgstat_report_wait_end();
		if (!step.interrupted) {
			Report(step.report);
			return;
		}
		HandleInterrupts();
	}
}

void RegisterTransactionCallbacks()
{
	registry = Guard([] { return new Registry; });
	RegisterXactCallback(OnXactEvent, nullptr);
	RegisterSubXactCallback(OnSubXactEvent, nullptr);
	RegisterResourceReleaseCallback(OnResourceRelease, nullptr);
}

}  // namespace sqs_fdw::pg
