// What the planner hands to the executor: copyable data only, since plans are cached and run again.
#pragma once

#include "pg/types.h"

namespace sqs_fdw::pg {

// The contents of ForeignScan.fdw_private; the conditions are in fdw_exprs.
struct PlanData {
	struct ::List *needed;      // attribute numbers that the query refers to
	struct ::List *conditions;  // the part of them that the conditions refer to
	double limit;               // LIMIT right on the scan; 0 where there is none
};

struct ::List *PackPlanData(const PlanData &data);
PlanData UnpackPlanData(struct ::List *packed);

}  // namespace sqs_fdw::pg
