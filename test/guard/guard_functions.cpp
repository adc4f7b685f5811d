// SQL functions that misbehave inside Guard, for the tests of the border.
#include <cstdint>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.h"
#include "pg/guard.h"

#include "pg/server.h"

extern "C" {
SQS_FDW_EXPORT const Pg_magic_struct *PG_MAGIC_FUNCTION_NAME();
}

PG_MODULE_MAGIC;

namespace {

using sqs_fdw::Error;
using sqs_fdw::Fault;
using sqs_fdw::pg::Failure;
using sqs_fdw::pg::Guard;
using sqs_fdw::pg::GuardNoRaise;

int alive = 0;

// Counts itself, so that a test sees whether destructors ran.
struct Counted {
	Counted() { ++alive; }
	~Counted() { --alive; }
	Counted(const Counted &) = delete;
	Counted &operator=(const Counted &) = delete;
};

}  // namespace

// guard_throw_fault(fault int): an Error with this fault, a detail and a hint.
SQS_FDW_FUNCTION(guard_throw_fault)
{
	const auto fault = static_cast<Fault>(PG_GETARG_INT32(0));
	Guard([&] {
		Counted counted;
		throw Error(fault, "it failed", "A detail.", "A hint.");
	});
	PG_RETURN_VOID();
}

// guard_throw_foreign(kind text): what is no Error.
SQS_FDW_FUNCTION(guard_throw_foreign)
{
	const char *kind = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Guard([&] {
		Counted counted;
		if (kind[0] == 's')
			throw std::runtime_error("standard");
		if (kind[0] == 'i')
			throw 42;
	});
	PG_RETURN_VOID();
}

// guard_exhaust_memory(): a real allocation that fails.
SQS_FDW_FUNCTION(guard_exhaust_memory)
{
	Guard([] {
		Counted counted;
		std::vector<std::string> kept(1000, "something to destroy");
		volatile size_t size = SIZE_MAX / 4;
		char *never = static_cast<char *>(::operator new(size));
		never[0] = 'x';
		::operator delete(never);
	});
	PG_RETURN_VOID();
}

// guard_wait(): a C++ phase that waits until it is interrupted, and then says so.
SQS_FDW_FUNCTION(guard_wait)
{
	Guard([] {
		Counted counted;
		while (!InterruptPending) {
			struct timespec moment = {0, 1000000};
			nanosleep(&moment, nullptr);
		}
		throw Error(Fault::kCancelled, "the wait was interrupted");
	});
	PG_RETURN_VOID();
}

// guard_long_message(): a message longer than the buffer.
SQS_FDW_FUNCTION(guard_long_message)
{
	Guard([] { throw Error(Fault::kInvalid, std::string(5000, 'm')); });
	PG_RETURN_VOID();
}

// guard_no_raise(): the twin keeps the failure as data.
SQS_FDW_FUNCTION(guard_no_raise)
{
	Failure failure;
	const bool done = GuardNoRaise(&failure, [] { throw Error(Fault::kDenied, "kept"); });
	PG_RETURN_TEXT_P(cstring_to_text(done ? "not thrown" : failure.message));
}

// guard_leftovers(): living objects, and whether the runtime still handles an exception.
SQS_FDW_FUNCTION(guard_leftovers)
{
	const bool handling = std::current_exception() != nullptr || std::uncaught_exceptions() > 0;
	PG_RETURN_INT32(alive + (handling ? 1000 : 0));
}
