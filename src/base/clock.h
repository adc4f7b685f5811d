// The two clocks: one for how long, one for what time it is.
#pragma once

#include <chrono>
#include <functional>

namespace sqs_fdw {

// Deadlines and intervals: never set back.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

// Signing and expiry: seconds since 1970, UTC.
using WallClock = std::chrono::system_clock;
using WallTime = WallClock::time_point;

// Asked at least every kStopInterval while something waits. Returning true makes the wait return;
// it does not end what is being waited for. Must not throw.
using StopPredicate = std::function<bool()>;
constexpr std::chrono::milliseconds kStopInterval{50};

}  // namespace sqs_fdw
