// A scripted HTTP server on loopback, one thread a connection, for tests of what is above sockets.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace sqs_fdw::test {

struct FakeRequest {
	std::string method;
	std::string target;
	std::map<std::string, std::string> headers;  // names in lower case
	std::string body;
	std::string action;  // what follows the dot in X-Amz-Target
	int connection = 0;  // counted from 0
	int index = 0;       // among all requests, counted from 0
};

struct FakeReply {
	enum class Then {
		kKeep,      // keep the connection for the next request
		kClose,     // close it after the reply
		kReset,     // reset it instead of a reply
		kHang,      // no reply at all until the server or the client goes
		kTruncate,  // promise the body, send half of it, close
		kRaw,       // send `body` as it is, without a header, and close
	};

	int status = 200;
	std::string body = "{}";
	std::vector<std::string> headers;  // whole lines
	std::chrono::milliseconds delay{0};
	Then then = Then::kKeep;
};

class FakeServer {
public:
	using Handler = std::function<FakeReply(const FakeRequest &)>;

	// The handler runs on connection threads, one at a time.
	explicit FakeServer(Handler handler, bool tls = false);
	~FakeServer();
	FakeServer(const FakeServer &) = delete;
	FakeServer &operator=(const FakeServer &) = delete;

	int port() const noexcept { return port_; }
	std::string Url(const std::string &path = "/") const;

	// Writes the certificate, which is for "localhost", as PEM. Only with tls.
	void WriteCertificate(const std::string &file) const;

	int connections() const;
	int request_count() const;
	std::vector<FakeRequest> requests() const;

private:
	class Stream;

	void Accept();
	void Serve(int fd, int connection);
	static bool ReadRequest(Stream *stream, std::string *buffer, FakeRequest *request);
	bool Answer(Stream *stream, const FakeReply &reply);
	bool Pause(int fd, std::chrono::milliseconds most);

	Handler handler_;
	void *tls_context_ = nullptr;  // an SSL_CTX
	int listener_ = -1;
	int port_ = 0;
	mutable std::mutex mutex_;
	std::mutex handler_mutex_;
	bool stopping_ = false;
	std::set<int> open_;
	int connections_ = 0;
	std::vector<FakeRequest> requests_;
	std::vector<std::thread> threads_;
	std::thread acceptor_;
};

}  // namespace sqs_fdw::test
