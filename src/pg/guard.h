// The border between C++ exceptions and PostgreSQL errors.
//
// A function that the server calls has phases. In a server phase any server function may be called
// and no object with a destructor is alive, since the server's errors are longjmps. In a C++ phase,
// Guard([&] { … }), anything C++ is allowed and no server function is called. Guard catches every
// exception, leaves the catch block, and only then raises the PostgreSQL error.
//
//     int64 rows = Guard([&] { return state->receiver->messages(); });
//
// Only plain data leaves a C++ phase.
#pragma once

#include <cstddef>
#include <type_traits>

#include "base/error.h"
#include "pg/types.h"

namespace sqs_fdw::pg {

// An exception as plain data: what is left of it once the catch block is behind us.
struct Failure {
	Fault fault;
	char message[512];
	char detail[1024];
	char hint[512];
};

namespace internal {

using Thunk = void (*)(void *body);

// Runs `thunk(body)`; false with *failure filled if it threw.
bool RunCatching(Thunk thunk, void *body, Failure *failure) noexcept;

// Raises *failure as a PostgreSQL error. The SQLSTATE comes from the one table in guard.cpp.
[[noreturn]] void Raise(const Failure &failure);

template <class Body>
void Invoke(void *body)
{
	(*static_cast<Body *>(body))();
}

template <class Body>
bool Catching(Body &body, Failure *failure) noexcept
{
	return RunCatching(&Invoke<Body>, &body, failure);
}

}  // namespace internal

// Runs a C++ phase and returns its plain result; an exception becomes a PostgreSQL error.
template <class Body>
auto Guard(Body &&body) -> decltype(body())
{
	using Result = decltype(body());
	Failure failure;
	if constexpr (std::is_void_v<Result>) {
		if (!internal::Catching(body, &failure))
			internal::Raise(failure);
	} else {
		static_assert(std::is_trivially_copyable_v<Result>, "only plain data crosses the border");
		Result result{};
		auto assign = [&] { result = body(); };
		if (!internal::Catching(assign, &failure))
			internal::Raise(failure);
		return result;
	}
}

// The twin for callbacks that must not raise: returns whether the body ended, and fills *failure if
// it did not.
template <class Body>
[[nodiscard]] bool GuardNoRaise(Failure *failure, Body &&body) noexcept
{
	return internal::Catching(body, failure);
}

// Raises a failure that GuardNoRaise kept, at WARNING (elevel as the server numbers it) or LOG,
// never as an error.
void ReportFailure(int elevel, const char *what, const Failure &failure) noexcept;

// Deletes `object` when `context` is reset or deleted: for C++ state that a memory context owns.
// Server phase. `object` may be null. On failure to register, the object is deleted and the
// server's error goes on.
void DeleteWithContextUntyped(
    struct ::MemoryContextData *context, void *object, void (*deleter)(void *) noexcept);

template <class T>
T *DeleteWithContext(struct ::MemoryContextData *context, T *object)
{
	DeleteWithContextUntyped(context, object, [](void *p) noexcept { delete static_cast<T *>(p); });
	return object;
}

}  // namespace sqs_fdw::pg
