// What lies above a scan in its plan, and what that means for messages.
#pragma once

#include "pg/types.h"

struct Plan;

namespace sqs_fdw::pg {

struct Ancestry {
	// The scan may be run again, so that what it received must be kept: it is on the inner side of
	// a nested loop, in a recursive union or in a subplan.
	bool runs_again = false;
	// A join, an aggregate, DISTINCT, a filter, an OFFSET or a set-returning function may drop rows
	// that the scan has returned.
	bool drops_rows = false;
	// A node above the scan, such as a sort or a join, keeps rows to return them later.
	bool keeps_rows = false;
	// A LIMIT is above a node that reads more rows than the LIMIT lets through.
	bool cut_by_limit = false;
	// The expressions of each OFFSET above the scan, without those that are constants and skip
	// nothing.
	struct ::List *offsets = nullptr;
	// The ModifyTable nodes that get rows of the scan; all of the statement's where the scan is in
	// a subplan of an expression.
	struct ::List *writers = nullptr;
};

// Looks at the plan and its subplans for `scan`.
Ancestry FindAncestry(struct ::PlannedStmt *statement, const struct ::Plan *scan);

}  // namespace sqs_fdw::pg
