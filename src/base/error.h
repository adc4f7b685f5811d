// The one exception that the layers below PostgreSQL throw.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace sqs_fdw {

// What went wrong, in the words of whoever has to react. src/pg/guard.cpp maps each to one
// SQLSTATE; nothing else may.
enum class Fault {
	kCancelled,    // the caller asked to stop
	kUnreachable,  // no connection, or a time-out
	kUntrusted,    // TLS: the peer's certificate was not accepted
	kForbidden,    // the network fence refuses the address
	kDenied,       // credentials or permissions
	kThrottled,    // asked to slow down, and retries are used up
	kInvalid,      // a value that the caller gave
	kUnsupported,  // right, but not something this version does
	kNoSuchQueue,  // the queue does not exist
	kBadReply,     // an answer that is not what the protocol says
	kTooLarge,     // an answer over the cap
	kKeyring,      // the keyring is missing, unreadable or not valid
	kBadMask,      // a mask that does not open: altered, cut short, wrong key or domain
	kCrypto,       // the crypto library failed
	kOutOfMemory,  // std::bad_alloc
	kInternal,     // a bug
};

// Carries what a person will read: one lower-case sentence without a full stop, and optionally a
// detail (a whole sentence) and a hint (what to do). Never holds a message body, a plain value, a
// receipt handle, a key or a token.
class Error : public std::runtime_error {
public:
	Error(Fault fault, const std::string &message, std::string detail = "", std::string hint = "")
	    : std::runtime_error(message),
	      fault_(fault),
	      detail_(std::move(detail)),
	      hint_(std::move(hint))
	{
	}

	Fault fault() const noexcept { return fault_; }
	const std::string &detail() const noexcept { return detail_; }
	const std::string &hint() const noexcept { return hint_; }

private:
	Fault fault_;
	std::string detail_;
	std::string hint_;
};

}  // namespace sqs_fdw
