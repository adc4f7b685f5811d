// The rejected messages of one scan, counted by reason.
#pragma once

#include <cstdint>

#include "pg/row.h"

namespace sqs_fdw::pg {

// Plain data; all zero at first. Further reasons are counted in the total only.
struct RejectionTally {
	static constexpr int kReasons = 8;

	struct Reason {
		Rejection rejection;
		int64_t count;
	};

	Reason reasons[kReasons];
	int reason_count;
	int64_t total;
};

void CountRejection(RejectionTally *tally, const Rejection &rejection);

// One WARNING that says how many and why, if there were any; `stored`: they are in sqs.rejected.
// Server phase.
void WarnOfRejections(const RejectionTally &tally, const char *queue, bool stored);

// Raises once there are more than `limit`; 0 is no limit. Server phase.
void EnforceRejectLimit(const RejectionTally &tally, const char *queue, int64_t limit);

}  // namespace sqs_fdw::pg
