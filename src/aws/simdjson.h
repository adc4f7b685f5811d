// simdjson as every file of this folder has to include it.
#pragma once

// Its assumptions are assertions unless NDEBUG is set: they cost a third of the time of a small
// body, and a failed one would end the server process.
#ifdef NDEBUG
#include <simdjson.h>
#else
#define NDEBUG
#include <simdjson.h>
#undef NDEBUG
#endif
