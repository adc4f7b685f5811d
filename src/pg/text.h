// The server's texts as views, and their conversion to and from UTF-8.
#pragma once

#include <string_view>

#include "pg/types.h"

struct varlena;

namespace sqs_fdw::pg {

// The bytes of a detoasted text (its header may be short); valid as long as the text is.
std::string_view ViewOf(const struct ::varlena *text);

// Between the database's encoding and UTF-8. Server phase; the result is `value` itself where no
// conversion is needed, else it is palloc'd. Unlike the server's own conversions they raise errors
// that do not show the character: 22021 where `value` is not valid UTF-8, 22P05 where the other
// encoding has no such character.
std::string_view ToUtf8(std::string_view value);
std::string_view FromUtf8(std::string_view value);

// Raises 22021 unless `value` is UTF-8 that a text can hold: without a zero byte. Server phase.
void CheckUtf8(std::string_view value);

// A new text of `size` bytes, which the caller fills. Server phase.
struct ::varlena *AllocateText(size_t size);

}  // namespace sqs_fdw::pg
