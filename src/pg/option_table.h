// The one table of options: the validator, its hints and the reference come from it.
#pragma once

#include "pg/types.h"

namespace sqs_fdw::pg {

// How an option's value is checked.
enum class OptionKind { kText, kBool, kNumber, kChoice, kChecked };

struct Option {
	const char *name;
	Oid where;  // the catalog whose rows have it
	OptionKind kind;
	long min;
	long max;
	const char *choices;          // kChoice: "a, b, c"
	void (*check)(const char *);  // kChecked: raises
	const char *default_text;
	const char *description;
};

// All of them, in the order of hints and of the reference.
struct OptionTable {
	const Option *first;
	const Option *last;

	const Option *begin() const noexcept { return first; }
	const Option *end() const noexcept { return last; }
};
OptionTable Options();

// What a catalog's rows are called in messages.
const char *PlaceName(Oid where);

}  // namespace sqs_fdw::pg
