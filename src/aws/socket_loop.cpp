// An epoll loop below libcurl's multi_socket interface.
#include "aws/socket_loop.h"

#include "base/error.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sqs_fdw::aws {

namespace {

constexpr int kEventsPerWait = 64;

[[noreturn]] void ThrowSystem(const char *what)
{
	throw Error(Fault::kInternal, what, std::string("The system says: ") + strerror(errno) + ".");
}

// libcurl's resolver thread inherits the signal mask of its creator, and a signal that it took
// would be lost for the thread that waits for it. Faults stay deliverable.
class SignalsBlocked {
public:
	SignalsBlocked() noexcept
	{
		sigset_t all;
		sigfillset(&all);
		for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS})
			sigdelset(&all, fault);
		pthread_sigmask(SIG_SETMASK, &all, &before_);
	}
	~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
	SignalsBlocked(const SignalsBlocked &) = delete;
	SignalsBlocked &operator=(const SignalsBlocked &) = delete;

private:
	sigset_t before_;
};

void Check(CURLMcode code)
{
	if (code == CURLM_OK)
		return;
	if (code == CURLM_OUT_OF_MEMORY)
		throw Error(Fault::kOutOfMemory, "out of memory");
	throw Error(Fault::kInternal, "could not drive HTTP transfers",
	    std::string("libcurl: ") + curl_multi_strerror(code) + ".");
}

void Act(CURLM *multi, curl_socket_t fd, int ready)
{
	int running = 0;
	Check(curl_multi_socket_action(multi, fd, ready, &running));
}

uint32_t EpollEvents(int what) noexcept
{
	switch (what) {
		case CURL_POLL_IN:
			return EPOLLIN;
		case CURL_POLL_OUT:
			return EPOLLOUT;
		case CURL_POLL_INOUT:
			return EPOLLIN | EPOLLOUT;
		default:  // CURL_POLL_REMOVE
			return 0;
	}
}

// An error or a hang-up is told as readiness, so that libcurl reads what is left and finds out.
int ReadyMask(uint32_t events, uint32_t wanted) noexcept
{
	if ((events & (EPOLLERR | EPOLLHUP)) != 0)
		events |= wanted;
	return ((events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
	       ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0);
}

}  // namespace

SocketLoop::SocketLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC))
{
	if (epoll_ < 0)
		ThrowSystem("could not create an epoll descriptor");
}

SocketLoop::~SocketLoop()
{
	close(epoll_);
}

void SocketLoop::Attach(CURLM *multi)
{
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &SocketLoop::OnSocket);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &SocketLoop::OnTimer);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
}

bool SocketLoop::RunTimer(CURLM *multi)
{
	if (!timer_ || Clock::now() < *timer_)
		return false;
	timer_.reset();
	const SignalsBlocked blocked;
	Act(multi, CURL_SOCKET_TIMEOUT, 0);
	return true;
}

int SocketLoop::Wait(CURLM *multi, std::chrono::milliseconds most)
{
	if (timer_) {
		const auto left = std::chrono::ceil<std::chrono::milliseconds>(*timer_ - Clock::now());
		most = std::clamp(left, std::chrono::milliseconds{0}, most);
	}
	epoll_event events[kEventsPerWait];
	const int count = epoll_wait(epoll_, events, kEventsPerWait, static_cast<int>(most.count()));
	if (count < 0 && errno != EINTR)
		ThrowSystem("could not wait for sockets");
	if (count <= 0)
		return 0;

	const SignalsBlocked blocked;
	for (int i = 0; i < count; ++i) {
		const curl_socket_t fd = events[i].data.fd;
		Watch &watch = At(fd);
		if (watch.wanted == 0)  // a kept connection that the peer closed
			SetInKernel(fd, &watch, 0);
		else
			Act(multi, fd, ReadyMask(events[i].events, watch.wanted));
	}
	return count;
}

SocketLoop::Watch &SocketLoop::At(curl_socket_t fd)
{
	const auto index = static_cast<size_t>(fd);
	if (index >= watches_.size())
		watches_.resize(index + 1);
	return watches_[index];
}

void SocketLoop::Update(curl_socket_t fd, uint32_t wanted)
{
	Watch &watch = At(fd);
	watch.wanted = wanted;
	if (wanted == 0 && watch.ours)
		return;  // see Watch
	SetInKernel(fd, &watch, wanted);
}

void SocketLoop::SetInKernel(curl_socket_t fd, Watch *watch, uint32_t events) const
{
	if (watch->in_kernel == events)
		return;
	epoll_event event{};
	event.events = events;
	event.data.fd = fd;
	const int operation = events == 0             ? EPOLL_CTL_DEL
	                      : watch->in_kernel == 0 ? EPOLL_CTL_ADD
	                                              : EPOLL_CTL_MOD;
	// libcurl closes some descriptors before it says that it no longer watches them.
	if (epoll_ctl(epoll_, operation, fd, &event) != 0 && events != 0)
		ThrowSystem("could not watch a socket");
	watch->in_kernel = events;
}

curl_socket_t SocketLoop::Open(const curl_sockaddr *address) noexcept
{
	const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	try {
		At(fd) = Watch{0, 0, true};
	} catch (...) {
		close(fd);
		return CURL_SOCKET_BAD;
	}
	return fd;
}

int SocketLoop::OnClose(void *self, curl_socket_t fd) noexcept
{
	auto *loop = static_cast<SocketLoop *>(self);
	const auto index = static_cast<size_t>(fd);
	if (index < loop->watches_.size()) {
		// A forked child may still hold the descriptor, so closing alone would not end the watch.
		if (loop->watches_[index].in_kernel != 0)
			epoll_ctl(loop->epoll_, EPOLL_CTL_DEL, fd, nullptr);
		loop->watches_[index] = Watch{};
	}
	return close(fd);
}

int SocketLoop::OnSocket(CURL *, curl_socket_t fd, int what, void *self, void *) noexcept
{
	try {
		static_cast<SocketLoop *>(self)->Update(fd, EpollEvents(what));
		return 0;
	} catch (...) {
		return -1;
	}
}

int SocketLoop::OnTimer(CURLM *, long milliseconds, void *self) noexcept
{
	auto &timer = static_cast<SocketLoop *>(self)->timer_;
	if (milliseconds < 0)
		timer.reset();
	else
		timer = Clock::now() + std::chrono::milliseconds(milliseconds);
	return 0;
}

}  // namespace sqs_fdw::aws
