// Conversion between encodings, without showing what could not be converted.
#include "pg/text.h"

#include "pg/server.h"

extern "C" {
#include "catalog/namespace.h"
}

namespace sqs_fdw::pg {

namespace {

// The server's own conversion, but with an error that does not show the character.
std::string_view Convert(std::string_view value, int from, int to)
{
	const Oid conversion = FindDefaultConversionProc(from, to);
	if (!OidIsValid(conversion))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
		                   errmsg("there is no default conversion from %s to %s",
		                       pg_encoding_to_char(from), pg_encoding_to_char(to))));
	const auto size = static_cast<int>(value.size());
	const Size capacity = static_cast<Size>(size) * MAX_CONVERSION_GROWTH + 1;
	if (capacity > MaxAllocSize)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
		                   errmsg("the value is too long to be converted to another encoding")));
	auto *source = reinterpret_cast<unsigned char *>(const_cast<char *>(value.data()));
	auto *target = static_cast<unsigned char *>(palloc(capacity));
	const int converted = pg_do_encoding_conversion_buf(
	    conversion, from, to, source, size, target, static_cast<int>(capacity), true);
	if (converted != size)
		ereport(ERROR, (errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
		                   errmsg("the value has a character that %s cannot represent",
		                       pg_encoding_to_char(to))));
	return reinterpret_cast<const char *>(target);
}

}  // namespace

void CheckUtf8(std::string_view value)
{
	if (!pg_verify_mbstr(PG_UTF8, value.data(), static_cast<int>(value.size()), true))
		ereport(ERROR, (errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
		                   errmsg("the value is not valid UTF-8 text")));
}

std::string_view ViewOf(const struct varlena *text)
{
	return {VARDATA_ANY(text), static_cast<size_t>(VARSIZE_ANY_EXHDR(text))};
}

std::string_view ToUtf8(std::string_view value)
{
	const int encoding = GetDatabaseEncoding();
	if (encoding == PG_UTF8)
		return value;
	if (encoding != PG_SQL_ASCII)
		return Convert(value, encoding, PG_UTF8);
	CheckUtf8(value);
	return value;
}

std::string_view FromUtf8(std::string_view value)
{
	CheckUtf8(value);
	const int encoding = GetDatabaseEncoding();
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return value;
	return Convert(value, PG_UTF8, encoding);
}

text *AllocateText(size_t size)
{
	if (size > MaxAllocSize - VARHDRSZ)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
		                   errmsg("the result would be too long for a text")));
	auto *result = static_cast<text *>(palloc(VARHDRSZ + size));
	SET_VARSIZE(result, VARHDRSZ + size);
	return result;
}

}  // namespace sqs_fdw::pg
