// Version numbers as integers that sort as versions do.
#include <string_view>

#include "pg/text.h"

#include "pg/server.h"

namespace sqs_fdw::pg {

namespace {

constexpr int kParts = 3;
constexpr int32 kMaxMajor = 32767;
constexpr int32 kMaxMinor = 255;  // and patch

// Missing parts are zero.
struct Version {
	int32 parts[kParts];  // major, minor, patch
};

// Reads decimal digits up to a dot or the end and takes them off `rest`; false if there are none,
// something else is among them, or the number is no int32.
bool ParsePart(std::string_view *rest, int32 *part)
{
	int64 value = 0;
	size_t size = 0;
	for (; size < rest->size() && (*rest)[size] != '.'; ++size) {
		const char c = (*rest)[size];
		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
		if (value > PG_INT32_MAX)
			return false;
	}
	*part = static_cast<int32>(value);
	rest->remove_prefix(size);
	return size > 0;
}

// One to three numbers with dots between; false for anything else.
bool ParseVersion(std::string_view text, Version *version)
{
	*version = {};
	for (int32 &part : version->parts) {
		if (!ParsePart(&text, &part))
			return false;
		if (text.empty())
			return true;
		text.remove_prefix(1);  // the dot
	}
	return false;
}

bool FitsInteger(const Version &version)
{
	return version.parts[0] <= kMaxMajor && version.parts[1] <= kMaxMinor &&
	       version.parts[2] <= kMaxMinor;
}

Version ParseOrRaise(const text *value)
{
	Version version;
	if (!ParseVersion(ViewOf(value), &version))
		ereport(ERROR,
		    (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the value is not a version number"),
		        errhint("A version is one to three numbers with dots between, such as "
		                "2.3.0. sqs.is_version tells whether a text is one.")));
	return version;
}

}  // namespace

}  // namespace sqs_fdw::pg

using namespace sqs_fdw::pg;

// version_to_int(text) returns integer
SQS_FDW_FUNCTION(sqs_version_to_int)
{
	const Version version = ParseOrRaise(PG_GETARG_TEXT_PP(0));
	if (!FitsInteger(version))
		ereport(ERROR,
		    (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the version number is out of range"),
		        errdetail("The first number may be at most %d, the others at most %d.", kMaxMajor,
		            kMaxMinor),
		        errhint("sqs.version_parts reads versions of any range.")));
	PG_RETURN_INT32(version.parts[0] << 16 | version.parts[1] << 8 | version.parts[2]);
}

// is_version(text) returns boolean: whether version_to_int accepts it
SQS_FDW_FUNCTION(sqs_is_version)
{
	Version version;
	PG_RETURN_BOOL(ParseVersion(ViewOf(PG_GETARG_TEXT_PP(0)), &version) && FitsInteger(version));
}

// version_parts(text, OUT major int, OUT minor int, OUT patch int)
SQS_FDW_FUNCTION(sqs_version_parts)
{
	const Version version = ParseOrRaise(PG_GETARG_TEXT_PP(0));
	TupleDesc row;
	if (get_call_result_type(fcinfo, nullptr, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	BlessTupleDesc(row);
	Datum values[kParts];
	bool nulls[kParts] = {};
	for (int i = 0; i < kParts; ++i)
		values[i] = Int32GetDatum(version.parts[i]);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(row, values, nulls)));
}

// int_to_version(integer) returns text: the reverse of version_to_int, always with three numbers
SQS_FDW_FUNCTION(sqs_int_to_version)
{
	const int32 number = PG_GETARG_INT32(0);
	if (number < 0)
		ereport(ERROR,
		    (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a version cannot be negative")));
	PG_RETURN_TEXT_P(
	    cstring_to_text(psprintf("%d.%d.%d", number >> 16, number >> 8 & 0xff, number & 0xff)));
}
