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

void WarnOfRejections(const RejectionTally &tally, const char *queue)
{
	if (tally.total == 0)
		return;
	StringInfoData reasons;
	initStringInfo(&reasons);
	for (int i = 0; i < tally.reason_count; ++i)
		appendStringInfo(&reasons, "%s" INT64_FORMAT " x %s", i > 0 ? "; " : "",
		    tally.reasons[i].count, DescribeRejection(tally.reasons[i].rejection));
	ereport(WARNING,
	    (errcode(tally.reasons[0].rejection.sqlstate),
	        errmsg_plural(INT64_FORMAT
	            " message of queue \"%s\" was rejected and left in the queue",
	            INT64_FORMAT " messages of queue \"%s\" were rejected and left in the queue",
	            static_cast<unsigned long>(tally.total), tally.total, queue),
	        errdetail("%s.", reasons.data),
	        errhint("The queue's redrive policy moves such messages to a dead-letter queue.")));
}

}  // namespace sqs_fdw::pg
