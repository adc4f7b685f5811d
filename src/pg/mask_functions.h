// Masking for the rest of the extension: what the column option `mask` needs.
#pragma once

#include <string_view>

#include "pg/types.h"

struct varlena;

namespace sqs_fdw::pg {

// The mask of a value: a palloc'd text, equal to that of sqs.mask(value, domain), or where the
// domain is `ip` to that of sqs.mask_ip(value). Both are UTF-8, so that a value need not exist in
// the database's encoding. Server phase; raises where there is no keyring, and what it raises does
// not show the value.
struct ::varlena *MaskValue(std::string_view value, std::string_view domain);

// Whether a role may execute sqs.mask(text, text): who may define a masked column, which says what
// a value's mask is. Server phase.
bool MayMask(Oid role);

}  // namespace sqs_fdw::pg
