// Waits for libcurl's sockets and timer with epoll, and lets libcurl act on what is ready.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/clock.h"

#include <curl/curl.h>

namespace sqs_fdw::aws {

// Against curl_multi_perform and curl_multi_poll, which touch every transfer on every turn, the
// work of a turn is proportional to what is ready. Must outlive the multi handle.
class SocketLoop {
public:
	SocketLoop();  // throws Error(kInternal)
	~SocketLoop();
	SocketLoop(const SocketLoop &) = delete;
	SocketLoop &operator=(const SocketLoop &) = delete;

	// Makes `multi` tell this loop about its sockets and its timer.
	void Attach(CURLM *multi);

	// Runs the timer if it is due. Returns whether it was.
	bool RunTimer(CURLM *multi);

	// Waits for a ready socket, the timer, a signal, or `most`; then lets libcurl act. Returns the
	// number of sockets that were ready. Throws Error(kInternal, kOutOfMemory).
	int Wait(CURLM *multi, std::chrono::milliseconds most);

	// Opens a socket for a connection; libcurl closes it through OnClose.
	curl_socket_t Open(const curl_sockaddr *address) noexcept;
	static int OnClose(void *self, curl_socket_t fd) noexcept;

private:
	// What is known of one descriptor. libcurl stops watching a kept connection between requests;
	// the kernel goes on (`in_kernel`), which saves two system calls a request. That is safe only
	// for sockets whose closing we see.
	struct Watch {
		uint32_t wanted = 0;
		uint32_t in_kernel = 0;
		bool ours = false;
	};

	Watch &At(curl_socket_t fd);
	void Update(curl_socket_t fd, uint32_t wanted);
	void SetInKernel(curl_socket_t fd, Watch *watch, uint32_t events) const;

	static int OnSocket(CURL *, curl_socket_t fd, int what, void *self, void *) noexcept;
	static int OnTimer(CURLM *, long milliseconds, void *self) noexcept;

	int epoll_ = -1;
	std::vector<Watch> watches_;  // by descriptor
	std::optional<TimePoint> timer_;
};

}  // namespace sqs_fdw::aws
