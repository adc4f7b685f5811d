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

// One WARNING that says how many and why, if there were any. Server phase.
void WarnOfRejections(const RejectionTally &tally, const char *queue);

}  // namespace sqs_fdw::pg
