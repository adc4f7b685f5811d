// The transport floor: receives and deletes as many messages as asked, with libcurl and our signer
// and nothing else: no parser, no retries, no database. What the whole job costs is compared to it.
//
// usage: floor URL MESSAGES CONNECTIONS
//
// Prints one JSON object: messages, requests, cpu_us (user and system) and wall_us.

#include "aws/credentials.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/secret.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

using namespace sqs_fdw;

constexpr size_t kBatch = 10;
constexpr std::string_view kHandleKey = "\"ReceiptHandle\":\"";

// Lines that stop libcurl from adding headers of its own.
char no_expect[] = "Expect:";
char no_accept[] = "Accept:";

struct Job {
	std::string url;
	std::string host;
	std::string queue_url;
	int64_t messages = 0;
	int connections = 0;
};

// What has been asked for and done, by all lanes together.
struct Progress {
	int64_t asked = 0;
	int64_t deleted = 0;
	int64_t requests = 0;
};

[[noreturn]] void Fail(const char *what)
{
	throw std::runtime_error(what);
}

// One connection's worth of work: receives a batch, deletes it, and starts over.
class Lane {
public:
	Lane(const Job &job, CURLM *multi, aws::Signer *signer, const aws::Credentials *credentials);
	~Lane() { curl_easy_cleanup(easy_); }
	Lane(const Lane &) = delete;
	Lane &operator=(const Lane &) = delete;

	// Whether there was something left to ask for.
	bool Receive(Progress *progress);
	// The transfer has ended: starts the next one, unless all is done.
	void Continue(CURLcode code, Progress *progress);

private:
	void Delete();
	void Start(std::string_view action);
	static size_t OnBody(char *bytes, size_t, size_t size, void *self);

	const Job &job_;
	CURLM *multi_;
	aws::Signer *signer_;
	const aws::Credentials *credentials_;
	CURL *easy_;
	bool deleting_ = false;
	size_t batch_ = 0;  // messages of the batch in hand
	std::string request_;
	std::string reply_;
	std::vector<std::string> lines_;
	std::vector<curl_slist> headers_;  // nodes that point into lines_
};

Lane::Lane(const Job &job, CURLM *multi, aws::Signer *signer, const aws::Credentials *credentials)
    : job_(job), multi_(multi), signer_(signer), credentials_(credentials), easy_(curl_easy_init())
{
	if (easy_ == nullptr)
		Fail("libcurl did not start");
	curl_easy_setopt(easy_, CURLOPT_URL, job.url.c_str());
	curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
	curl_easy_setopt(easy_, CURLOPT_PROXY, "");
	curl_easy_setopt(easy_, CURLOPT_POST, 1L);
	curl_easy_setopt(easy_, CURLOPT_PRIVATE, this);
	curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &Lane::OnBody);
	curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
}

bool Lane::Receive(Progress *progress)
{
	if (progress->asked >= job_.messages)
		return false;
	progress->asked += kBatch;
	deleting_ = false;
	request_ = "{\"QueueUrl\":\"" + job_.queue_url +
	           "\",\"MaxNumberOfMessages\":10,\"WaitTimeSeconds\":1,"
	           "\"MessageSystemAttributeNames\":[\"ApproximateReceiveCount\",\"SentTimestamp\"]}";
	Start("AmazonSQS.ReceiveMessage");
	return true;
}

// Handles are of a base64 alphabet: they go from the reply into the request as they are.
void Lane::Delete()
{
	deleting_ = true;
	batch_ = 0;
	request_ = "{\"QueueUrl\":\"" + job_.queue_url + "\",\"Entries\":[";
	const std::string_view reply = reply_;
	for (size_t at = reply.find(kHandleKey); at != std::string_view::npos;
	     at = reply.find(kHandleKey, at)) {
		at += kHandleKey.size();
		const size_t end = reply.find('"', at);
		if (end == std::string_view::npos)
			Fail("the reply is cut short");
		request_.append(batch_ == 0 ? "" : ",").append("{\"Id\":\"");
		request_ += static_cast<char>('0' + batch_++);
		request_.append("\",\"ReceiptHandle\":\"").append(reply, at, end - at).append("\"}");
		at = end;
	}
	if (batch_ != kBatch)
		Fail("a reply did not hold ten messages");
	request_ += "]}";
	Start("AmazonSQS.DeleteMessageBatch");
}

void Lane::Start(std::string_view action)
{
	aws::SigningInput input;
	input.method = "POST";
	input.body = request_;
	input.headers = {{"Host", job_.host}, {"Content-Type", "application/x-amz-json-1.0"},
	    {"X-Amz-Target", std::string(action)}};
	lines_ = signer_->Sign(input, *credentials_, WallClock::now());
	headers_.clear();
	for (std::string &line : lines_)
		headers_.push_back({line.data(), nullptr});
	headers_.push_back({no_expect, nullptr});
	headers_.push_back({no_accept, nullptr});
	for (size_t i = 0; i + 1 < headers_.size(); ++i)
		headers_[i].next = &headers_[i + 1];

	reply_.clear();
	curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_.data());
	curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, request_.data());
	curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE, static_cast<long>(request_.size()));
	if (curl_multi_add_handle(multi_, easy_) != CURLM_OK)
		Fail("a transfer did not start");
}

void Lane::Continue(CURLcode code, Progress *progress)
{
	long status = 0;
	curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK || status != 200)
		Fail("a request failed");
	++progress->requests;
	if (!deleting_) {
		Delete();
		return;
	}
	if (reply_.find("\"Failed\":[{") != std::string::npos)
		Fail("a delete failed");
	progress->deleted += static_cast<int64_t>(batch_);
	Receive(progress);
}

size_t Lane::OnBody(char *bytes, size_t, size_t size, void *self)
{
	static_cast<Lane *>(self)->reply_.append(bytes, size);
	return size;
}

// libcurl's sockets in an epoll set, and its timer.
class Loop {
public:
	explicit Loop(CURLM *multi) : multi_(multi), epoll_(epoll_create1(EPOLL_CLOEXEC))
	{
		if (epoll_ < 0)
			Fail("epoll is not available");
		curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &Loop::OnSocket);
		curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
		curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &Loop::OnTimer);
		curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
	}
	~Loop() { close(epoll_); }
	Loop(const Loop &) = delete;
	Loop &operator=(const Loop &) = delete;

	void Turn()
	{
		std::array<epoll_event, 64> events;
		const int timeout = timer_due_ ? 0 : 1000;
		const int count =
		    epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout);
		int running = 0;
		for (int i = 0; i < count; ++i) {
			const epoll_event &event = events[static_cast<size_t>(i)];
			const int ready = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
			                  ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0);
			curl_multi_socket_action(multi_, event.data.fd, ready, &running);
		}
		if (timer_due_ || count == 0) {
			timer_due_ = false;
			curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
		}
	}

private:
	// A kept connection stays in the set between its requests: nothing arrives on it meanwhile, and
	// two system calls a request are saved. The kernel drops it when it is closed.
	static int OnSocket(CURL *, curl_socket_t fd, int what, void *self, void *)
	{
		if (what == CURL_POLL_REMOVE)
			return 0;
		auto *loop = static_cast<Loop *>(self);
		const auto index = static_cast<size_t>(fd);
		if (index >= loop->watched_.size())
			loop->watched_.resize(index + 1);
		epoll_event event{};
		event.events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) |
		               ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
		event.data.fd = fd;
		if (loop->watched_[index] == event.events)
			return 0;
		const int operation = loop->watched_[index] == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
		loop->watched_[index] = event.events;
		return epoll_ctl(loop->epoll_, operation, fd, &event);
	}

	// A timer other than "at once" guards against a server that does not answer; the loop's own
	// second does as well.
	static int OnTimer(CURLM *, long milliseconds, void *self)
	{
		static_cast<Loop *>(self)->timer_due_ = milliseconds == 0;
		return 0;
	}

	CURLM *multi_;
	int epoll_;
	bool timer_due_ = false;
	std::vector<uint32_t> watched_;  // by descriptor
};

void Collect(CURLM *multi, Progress *progress)
{
	int left = 0;
	while (const CURLMsg *message = curl_multi_info_read(multi, &left)) {
		if (message->msg != CURLMSG_DONE)
			continue;
		CURL *const easy = message->easy_handle;
		const CURLcode code = message->data.result;
		Lane *lane = nullptr;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &lane);
		curl_multi_remove_handle(multi, easy);
		lane->Continue(code, progress);
	}
}

int64_t CpuMicroseconds()
{
	rusage usage{};
	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
	       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

Progress Run(const Job &job)
{
	const std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi(
	    curl_multi_init(), &curl_multi_cleanup);
	curl_multi_setopt(multi.get(), CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
	curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(job.connections));
	Loop loop(multi.get());

	aws::Signer signer("us-east-1", "sqs");
	const aws::Credentials credentials{
	    "AKIDEXAMPLEAKIDEXAMP", Secret(std::string(40, 's')), Secret(), {}};
	Progress progress;
	std::vector<std::unique_ptr<Lane>> lanes;
	for (int i = 0; i < job.connections; ++i) {
		lanes.push_back(std::make_unique<Lane>(job, multi.get(), &signer, &credentials));
		lanes.back()->Receive(&progress);
	}
	while (progress.deleted < progress.asked) {
		loop.Turn();
		Collect(multi.get(), &progress);
	}
	lanes.clear();  // before the multi handle, which keeps the connections
	return progress;
}

int ParseCount(std::string_view text)
{
	int count = 0;
	const char *end = text.data() + text.size();
	const auto parsed = std::from_chars(text.data(), end, count);
	if (parsed.ec != std::errc() || parsed.ptr != end || count < 1)
		Fail("a count must be a positive number");
	return count;
}

Job ParseArguments(char **argv)
{
	Job job;
	job.url = argv[1];
	const size_t host = job.url.find("://") + 3;
	job.host = job.url.substr(host, job.url.find('/', host) - host);
	job.queue_url = "http://" + job.host + "/000000000000/login-queue";
	job.messages = ParseCount(argv[2]);
	job.connections = ParseCount(argv[3]);
	return job;
}

}  // namespace

int main(int argc, char **argv)
{
	if (argc != 4) {
		std::fprintf(stderr, "usage: %s URL MESSAGES CONNECTIONS\n", argv[0]);
		return 2;
	}
	try {
		curl_global_init(CURL_GLOBAL_DEFAULT);
		const Job job = ParseArguments(argv);
		const auto started = Clock::now();
		const int64_t cpu_before = CpuMicroseconds();
		const Progress progress = Run(job);
		const int64_t cpu = CpuMicroseconds() - cpu_before;
		const int64_t wall =
		    std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - started).count();
		std::printf(
		    "{\"messages\": %lld, \"requests\": %lld, \"cpu_us\": %lld, \"wall_us\": %lld}\n",
		    static_cast<long long>(progress.deleted), static_cast<long long>(progress.requests),
		    static_cast<long long>(cpu), static_cast<long long>(wall));
		return 0;
	} catch (const std::exception &error) {
		std::fprintf(stderr, "floor: %s\n", error.what());
		return 1;
	}
}
