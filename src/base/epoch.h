// Numbers as points in time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sqs_fdw {

// Microseconds since 1970 of a Unix time written as a JSON number (RFC 8259 section 6). Below 10^11
// in absolute value it counts seconds, from there to below 10^14 milliseconds; anything beyond is
// nullopt. Exact, and rounded half away from zero where there are digits behind the microsecond.
// `number` must be a JSON number.
std::optional<int64_t> EpochMicroseconds(std::string_view number) noexcept;

}  // namespace sqs_fdw
