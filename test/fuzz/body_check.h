// Reads a body with the project's reader and compares each value with what the reference says.
#pragma once

#include <string_view>

namespace sqs_fdw::fuzz {

// Ends the run unless the reader keeps its contract on this body: it accepts what is JSON and
// nothing else, picks what the paths mean, and its values stand by themselves.
void CheckBody(std::string_view body);

}  // namespace sqs_fdw::fuzz
