// Counts rejected messages, and tells of them without their values.
#include "pg/rejections.h"

#include "pg/server.h"

namespace sqs_fdw::pg {

namespace {

// Names are compared as pointers: they are the row maker's own.
bool SameReason(const Rejection &a, const Rejection &b)
{
	return a.kind == b.kind && a.sqlstate == b.sqlstate && a.where == b.where;
}

const char *ListReasons(const RejectionTally &tally)
{
	StringInfoData reasons;
	initStringInfo(&reasons);
	for (int i = 0; i < tally.reason_count; ++i)
		appendStringInfo(&reasons, "%s" INT64_FORMAT " x %s", i > 0 ? "; " : "",
		    tally.reasons[i].count, DescribeRejection(tally.reasons[i].rejection));
	return reasons.data;
}

}  // namespace

void CountRejection(RejectionTally *tally, const Rejection &rejection)
{
	++tally->total;
	for (int i = 0; i < tally->reason_count; ++i) {
		if (SameReason(tally->reasons[i].rejection, rejection)) {
			++tally->reasons[i].count;
			return;
		}
	}
	if (tally->reason_count < RejectionTally::kReasons)
		tally->reasons[tally->reason_count++] = {rejection, 1};
}

void WarnOfRejections(const RejectionTally &tally, const char *queue, bool stored)
{
	if (tally.total == 0)
		return;
	const auto plural = static_cast<unsigned long>(tally.total);
	if (stored)
		ereport(WARNING,
		    (errcode(tally.reasons[0].rejection.sqlstate),
		        errmsg_plural(INT64_FORMAT
		            " message of queue \"%s\" was rejected and stored in sqs.rejected",
		            INT64_FORMAT
		            " messages of queue \"%s\" were rejected and stored in sqs.rejected",
		            plural, tally.total, queue),
		        errdetail("%s.", ListReasons(tally)),
		        errhint("sqs.rejected_reasons counts them; sqs.rejected_body(id) opens one.")));
	else
		ereport(WARNING,
		    (errcode(tally.reasons[0].rejection.sqlstate),
		        errmsg_plural(INT64_FORMAT
		            " message of queue \"%s\" was rejected and left in the queue",
		            INT64_FORMAT " messages of queue \"%s\" were rejected and left in the queue",
		            plural, tally.total, queue),
		        errdetail("%s.", ListReasons(tally)),
		        errhint("The queue's redrive policy moves such messages to a dead-letter queue.")));
}

void EnforceRejectLimit(const RejectionTally &tally, const char *queue, int64_t limit)
{
	if (limit == 0 || tally.total <= limit)
		return;
	ereport(
	    ERROR, (errcode(tally.reasons[0].rejection.sqlstate),
	               errmsg_plural("more than " INT64_FORMAT " message of queue \"%s\" was rejected",
	                   "more than " INT64_FORMAT " messages of queue \"%s\" were rejected",
	                   static_cast<unsigned long>(limit), limit, queue),
	               errdetail("%s.", ListReasons(tally)),
	               errhint("The table's option reject_limit sets this limit.")));
}

}  // namespace sqs_fdw::pg
