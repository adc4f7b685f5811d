// Turns C++ exceptions into PostgreSQL errors: the table of SQLSTATEs, and the order of steps.
#include "pg/guard.h"

#include <cstring>
#include <new>

#include "pg/server.h"

namespace sqs_fdw::pg {

namespace {

// The one place where a fault becomes an SQLSTATE.
int SqlState(Fault fault)
{
	switch (fault) {
		case Fault::kCancelled:
			return ERRCODE_QUERY_CANCELED;
		case Fault::kUnreachable:
			return ERRCODE_CONNECTION_FAILURE;
		case Fault::kUntrusted:
			return ERRCODE_SQLSERVER_REJECTED_ESTABLISHMENT_OF_SQLCONNECTION;
		case Fault::kForbidden:
			return ERRCODE_INSUFFICIENT_PRIVILEGE;
		case Fault::kDenied:
			return ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION;
		case Fault::kThrottled:
			return ERRCODE_INSUFFICIENT_RESOURCES;
		case Fault::kInvalid:
			return ERRCODE_INVALID_PARAMETER_VALUE;
		case Fault::kUnsupported:
			return ERRCODE_FEATURE_NOT_SUPPORTED;
		case Fault::kNoSuchQueue:
			return ERRCODE_FDW_TABLE_NOT_FOUND;
		case Fault::kBadReply:
			return ERRCODE_PROTOCOL_VIOLATION;
		case Fault::kTooLarge:
			return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		case Fault::kKeyring:
			return ERRCODE_CONFIG_FILE_ERROR;
		case Fault::kBadMask:
		case Fault::kCrypto:
			return ERRCODE_DATA_EXCEPTION;
		case Fault::kOutOfMemory:
			return ERRCODE_OUT_OF_MEMORY;
		case Fault::kInternal:
			break;
	}
	return ERRCODE_INTERNAL_ERROR;
}

void CopyText(char *to, size_t size, const char *from) noexcept
{
	const size_t length = strnlen(from, size - 1);
	memcpy(to, from, length);
	to[length] = '\0';
}

void Fill(Failure *failure, Fault fault, const char *message, const char *detail,
    const char *hint) noexcept
{
	failure->fault = fault;
	CopyText(failure->message, sizeof failure->message, message);
	CopyText(failure->detail, sizeof failure->detail, detail);
	CopyText(failure->hint, sizeof failure->hint, hint);
}

}  // namespace

namespace internal {

bool RunCatching(Thunk thunk, void *body, Failure *failure) noexcept
{
	try {
		thunk(body);
		return true;
	} catch (const Error &error) {
		Fill(failure, error.fault(), error.what(), error.detail().c_str(), error.hint().c_str());
	} catch (const std::bad_alloc &) {
		Fill(failure, Fault::kOutOfMemory, "out of memory", "", "");
	} catch (const std::exception &error) {
		Fill(failure, Fault::kInternal, "unexpected C++ exception", error.what(), "");
	} catch (...) {
		Fill(failure, Fault::kInternal, "unexpected C++ exception", "", "");
	}
	return false;
}

void Raise(const Failure &failure)
{
	if (failure.fault == Fault::kCancelled)
		CHECK_FOR_INTERRUPTS();
	ereport(ERROR, (errcode(SqlState(failure.fault)), errmsg("%s", failure.message),
	                   failure.detail[0] != '\0' ? errdetail("%s", failure.detail) : 0,
	                   failure.hint[0] != '\0' ? errhint("%s", failure.hint) : 0));
	pg_unreachable();
}

}  // namespace internal

void ReportFailure(int elevel, const char *what, const Failure &failure) noexcept
{
	Assert(elevel < ERROR);
	ereport(elevel, (errcode(SqlState(failure.fault)), errmsg("%s: %s", what, failure.message),
	                    failure.detail[0] != '\0' ? errdetail("%s", failure.detail) : 0,
	                    failure.hint[0] != '\0' ? errhint("%s", failure.hint) : 0));
}

namespace {

struct Owned {
	MemoryContextCallback callback;
	void *object;
	void (*deleter)(void *) noexcept;
};

void DeleteOwned(void *arg)
{
	auto *owned = static_cast<Owned *>(arg);
	owned->deleter(owned->object);
}

}  // namespace

void DeleteWithContextUntyped(MemoryContext context, void *object, void (*deleter)(void *) noexcept)
{
	auto *owned =
	    static_cast<Owned *>(MemoryContextAllocExtended(context, sizeof(Owned), MCXT_ALLOC_NO_OOM));
	if (owned == nullptr) {
		deleter(object);
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	}
	owned->object = object;
	owned->deleter = deleter;
	owned->callback.func = DeleteOwned;
	owned->callback.arg = owned;
	MemoryContextRegisterResetCallback(context, &owned->callback);
}

}  // namespace sqs_fdw::pg
