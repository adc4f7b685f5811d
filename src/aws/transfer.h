// One libcurl easy handle: what is set on it, what it collects, and what its end means.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/http.h"
#include "base/clock.h"

#include <curl/curl.h>

namespace sqs_fdw::aws {

class SocketLoop;

// Reused for many requests, one after the other; everything that does not change between them is
// set once. Must be out of its multi handle when it is destroyed.
class Transfer {
public:
	// `loop` outlives the transfer. Throws Error(kInternal, kOutOfMemory).
	Transfer(const HttpOptions &options, SocketLoop *loop);
	~Transfer();
	Transfer(const Transfer &) = delete;
	Transfer &operator=(const Transfer &) = delete;

	// Takes the request and sets the handle up for it; the caller adds it to the multi handle.
	void Begin(HttpRequest request, Http::Done done);

	// What came of it, once it is out of the multi handle: ended by libcurl, or by us.
	HttpOutcome End(CURLcode code);
	HttpOutcome EndTimedOut();

	// Whether the transfer has to end at `now`: its time is over, or its reply stopped coming.
	bool Expired(TimePoint now) noexcept;

	// Moves the time limits by the while between two moments in which nobody drove the transfer, as
	// far as it had begun.
	void Postpone(TimePoint from, TimePoint to) noexcept;

	// Lets go of the request and the callback.
	void Forget() noexcept;

	CURL *easy() const noexcept { return easy_; }
	Http::Done TakeDone() noexcept { return std::move(done_); }

private:
	// Why one of our callbacks made libcurl give up.
	enum class Abort { kNone, kTooLarge, kOutOfMemory };

	void SetOnce(const HttpOptions &options, SocketLoop *loop);
	void LinkHeaders();
	bool Sent() const noexcept;
	void ReadHeader(std::string_view line);
	void Classify(CURLcode code, HttpOutcome *outcome) const;

	static size_t OnHeader(char *line, size_t one, size_t size, void *self) noexcept;
	static size_t OnBody(char *bytes, size_t one, size_t size, void *self) noexcept;
	static curl_socket_t OnOpen(void *self, curlsocktype, curl_sockaddr *address) noexcept;

	CURL *easy_ = nullptr;
	SocketLoop *loop_;
	const size_t max_reply_bytes_;
	const std::chrono::milliseconds connect_timeout_;
	const bool allow_link_local_;

	HttpRequest request_;
	Http::Done done_;
	HttpReply reply_;
	std::vector<curl_slist> header_list_;  // its nodes point into request_.headers
	size_t received_ = 0;                  // bytes of headers and body
	size_t received_at_check_ = 0;
	TimePoint begun_;
	TimePoint deadline_;
	TimePoint moving_since_;  // when received_ was last seen to change
	Abort abort_ = Abort::kNone;
	bool forbidden_ = false;
	char error_[CURL_ERROR_SIZE];
};

}  // namespace sqs_fdw::aws
