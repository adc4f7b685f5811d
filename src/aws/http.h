// HTTP requests over libcurl's multi interface: many at once, on one thread, none of them blocking.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace sqs_fdw::aws {

// What all requests of one Http share.
struct HttpOptions {
	std::chrono::milliseconds connect_timeout{5000};
	size_t max_reply_bytes = 64u << 20;  // a longer reply fails with Fault::kTooLarge
	int max_connections = 32;            // kept open between requests
	std::string authorities_file;        // PEM of who may sign certificates; empty: the system's
	// Link-local addresses (169.254/16, fe80::/10, AWS's fd00:ec2::/32) are refused after name
	// resolution unless set; only credential providers set it.
	bool allow_link_local = false;
};

// A POST. The headers are whole lines ("Name: value"), as SigV4 signed them.
struct HttpRequest {
	std::string url;
	std::vector<std::string> headers;
	std::string body;
	// For the whole transfer, from its start. Time in which nobody calls Run does not count, so
	// that a reply that waits in the socket is not thrown away for its reader's slowness.
	std::chrono::milliseconds timeout{10000};
	bool fresh_connection = false;  // libcurl silently re-sends a POST on a dead kept connection
};

// The status, the body and the headers that the SQS client reads; an absent header is empty.
struct HttpReply {
	long status = 0;
	std::string body;
	std::string date;         // Date
	std::string request_id;   // x-amzn-RequestId
	std::string query_error;  // x-amzn-query-error
	std::string retry_after;  // x-amz-retry-after, milliseconds
};

// Either a reply (any status), or why there is none: kUnreachable, kUntrusted, kForbidden,
// kBadReply (no HTTP), kTooLarge, kOutOfMemory or kInternal, with libcurl's words, which hold no
// secret.
struct HttpOutcome {
	bool ok = false;
	bool sent = false;  // bytes of the request left, so the peer may have acted on it
	HttpReply reply;
	Fault fault = Fault::kInternal;
	std::string what;
};

// Why Run returned.
enum class Ran {
	kProgress,     // at least one transfer ended and its callback ran
	kInterrupted,  // the stop predicate said so; transfers go on at the next Run
	kDeadline,     // the deadline passed
	kIdle,         // no transfer is under way
};

using TransferId = uint64_t;

// One libcurl multi handle and its connections. Not thread-safe. Holds no server resource, so it
// may outlive transactions; its destructor closes connections at once and never waits.
class Http {
public:
	using Done = std::function<void(HttpOutcome)>;

	explicit Http(const HttpOptions &options);  // throws Error(kInternal, kOutOfMemory)
	~Http();
	Http(const Http &) = delete;
	Http &operator=(const Http &) = delete;

	// Begins a transfer; `done` is called once, from Run, when it ended. `done` may start others.
	TransferId Start(HttpRequest request, Done done);

	// Forgets a transfer without calling `done`; its connection is closed. Unknown ids are ignored.
	void Cancel(TransferId id) noexcept;

	// Drives the transfers until one ends, `stop` returns true, or `deadline` passes. `stop` is
	// asked at least every kStopInterval, and at once when a signal interrupts the wait.
	Ran Run(const StopPredicate &stop, TimePoint deadline);

	size_t active() const noexcept;

private:
	struct Impl;
	std::unique_ptr<Impl> impl_;
};

}  // namespace sqs_fdw::aws
