// The scripted HTTP server: sockets, a little HTTP/1.1, and a certificate of its own making.
#include "fake_server.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sqs_fdw::test {

namespace {

constexpr std::chrono::milliseconds kTick{5};

std::string Lower(std::string text)
{
	std::transform(text.begin(), text.end(), text.begin(),
	    [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
	return text;
}

// A server context with a fresh self-signed certificate for "localhost".
SSL_CTX *NewTlsContext()
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	X509_NAME *name = X509_get_subject_name(certificate);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char *>("localhost"), -1, -1, 0);
	X509_set_issuer_name(certificate, name);
	X509_sign(certificate, key, EVP_sha256());

	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	if (SSL_CTX_use_certificate(context, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey(context, key) != 1)
		throw std::runtime_error("could not make a certificate");
	X509_free(certificate);
	EVP_PKEY_free(key);
	return context;
}

}  // namespace

// A connection, plain or TLS.
class FakeServer::Stream {
public:
	Stream(int fd, SSL_CTX *context) : fd_(fd)
	{
		if (context == nullptr)
			return;
		ssl_ = SSL_new(context);
		SSL_set_fd(ssl_, fd);
	}
	~Stream() { SSL_free(ssl_); }
	Stream(const Stream &) = delete;
	Stream &operator=(const Stream &) = delete;

	bool Handshake() { return ssl_ == nullptr || SSL_accept(ssl_) == 1; }

	ssize_t Read(char *bytes, size_t size)
	{
		return ssl_ != nullptr ? SSL_read(ssl_, bytes, static_cast<int>(size))
		                       : recv(fd_, bytes, size, 0);
	}

	bool Write(const std::string &text)
	{
		for (size_t done = 0; done < text.size();) {
			const size_t left = text.size() - done;
			const ssize_t n = ssl_ != nullptr
			                      ? SSL_write(ssl_, text.data() + done, static_cast<int>(left))
			                      : send(fd_, text.data() + done, left, MSG_NOSIGNAL);
			if (n <= 0)
				return false;
			done += static_cast<size_t>(n);
		}
		return true;
	}

	int fd() const noexcept { return fd_; }

private:
	int fd_;
	SSL *ssl_ = nullptr;
};

FakeServer::FakeServer(Handler handler, bool tls) : handler_(std::move(handler))
{
	signal(SIGPIPE, SIG_IGN);  // SSL_write has no flag for it
	if (tls)
		tls_context_ = NewTlsContext();
	listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sockaddr_in address{};
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	socklen_t size = sizeof address;
	auto *generic = reinterpret_cast<sockaddr *>(&address);
	if (bind(listener_, generic, size) != 0 || listen(listener_, 128) != 0 ||
	    getsockname(listener_, generic, &size) != 0)
		throw std::runtime_error("could not listen on loopback");
	port_ = ntohs(address.sin_port);
	acceptor_ = std::thread([this] { Accept(); });
}

FakeServer::~FakeServer()
{
	{
		const std::lock_guard lock(mutex_);
		stopping_ = true;
		for (const int fd : open_)
			shutdown(fd, SHUT_RDWR);
	}
	shutdown(listener_, SHUT_RDWR);
	acceptor_.join();
	for (std::thread &thread : threads_)
		thread.join();
	close(listener_);
	SSL_CTX_free(static_cast<SSL_CTX *>(tls_context_));
}

void FakeServer::WriteCertificate(const std::string &file) const
{
	FILE *out = fopen(file.c_str(), "w");
	if (out == nullptr ||
	    PEM_write_X509(out, SSL_CTX_get0_certificate(static_cast<SSL_CTX *>(tls_context_))) != 1)
		throw std::runtime_error("could not write the certificate");
	fclose(out);
}

std::string FakeServer::Url(const std::string &path) const
{
	return (tls_context_ != nullptr ? "https" : "http") + std::string("://127.0.0.1:") +
	       std::to_string(port_) + path;
}

int FakeServer::connections() const
{
	const std::lock_guard lock(mutex_);
	return connections_;
}

int FakeServer::request_count() const
{
	const std::lock_guard lock(mutex_);
	return static_cast<int>(requests_.size());
}

std::vector<FakeRequest> FakeServer::requests() const
{
	const std::lock_guard lock(mutex_);
	return requests_;
}

void FakeServer::Accept()
{
	for (;;) {
		const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
		const std::lock_guard lock(mutex_);
		if (stopping_ || fd < 0) {
			if (fd >= 0)
				close(fd);
			if (stopping_ || errno != ECONNABORTED)
				return;
			continue;
		}
		open_.insert(fd);
		threads_.emplace_back([this, fd, number = connections_++] { Serve(fd, number); });
	}
}

void FakeServer::Serve(int fd, int connection)
{
	{
		Stream stream(fd, static_cast<SSL_CTX *>(tls_context_));
		std::string buffer;
		bool going = stream.Handshake();
		while (going) {
			FakeRequest request;
			request.connection = connection;
			if (!ReadRequest(&stream, &buffer, &request))
				break;
			{
				const std::lock_guard lock(mutex_);
				request.index = static_cast<int>(requests_.size());
				requests_.push_back(request);
			}
			FakeReply reply;
			{
				const std::lock_guard lock(handler_mutex_);
				reply = handler_(request);
			}
			going = Answer(&stream, reply);
		}
	}
	const std::lock_guard lock(mutex_);
	open_.erase(fd);
	close(fd);
}

bool FakeServer::ReadRequest(Stream *stream, std::string *buffer, FakeRequest *request)
{
	size_t end = std::string::npos;
	size_t length = 0;
	for (;;) {
		if (end == std::string::npos && (end = buffer->find("\r\n\r\n")) != std::string::npos) {
			const std::string head = buffer->substr(0, end + 2);
			const size_t space = head.find(' ');
			request->method = head.substr(0, space);
			request->target = head.substr(space + 1, head.find(' ', space + 1) - space - 1);
			for (size_t at = head.find("\r\n") + 2; at < head.size();) {
				const size_t stop = head.find("\r\n", at);
				const size_t colon = head.find(':', at);
				const size_t value = head.find_first_not_of(' ', colon + 1);
				request->headers[Lower(head.substr(at, colon - at))] =
				    head.substr(value, stop - value);
				at = stop + 2;
			}
			const auto found = request->headers.find("content-length");
			length = found == request->headers.end() ? 0 : std::stoul(found->second);
		}
		if (end != std::string::npos && buffer->size() >= end + 4 + length)
			break;
		char bytes[16384];
		const ssize_t n = stream->Read(bytes, sizeof bytes);
		if (n <= 0)
			return false;
		buffer->append(bytes, static_cast<size_t>(n));
	}
	request->body = buffer->substr(end + 4, length);
	buffer->erase(0, end + 4 + length);
	const std::string &target = request->headers["x-amz-target"];
	request->action = target.substr(target.find('.') + 1);
	return true;
}

bool FakeServer::Answer(Stream *stream, const FakeReply &reply)
{
	using Then = FakeReply::Then;
	if (reply.then == Then::kHang)
		return Pause(stream->fd(), std::chrono::hours(1)), false;
	if (reply.delay.count() > 0 && !Pause(stream->fd(), reply.delay))
		return false;
	if (reply.then == Then::kReset) {
		const linger now{1, 0};
		setsockopt(stream->fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
		return false;
	}
	if (reply.then == Then::kRaw)
		return stream->Write(reply.body), false;

	std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " Scripted\r\n";
	for (const std::string &line : reply.headers)
		head += line + "\r\n";
	head += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n";
	if (reply.then == Then::kTruncate)
		return stream->Write(head + reply.body.substr(0, reply.body.size() / 2)), false;
	return stream->Write(head + reply.body) && reply.then == Then::kKeep;
}

// Returns whether the connection and the server are still there after a while.
bool FakeServer::Pause(int fd, std::chrono::milliseconds most)
{
	const auto until = std::chrono::steady_clock::now() + most;
	while (std::chrono::steady_clock::now() < until) {
		pollfd waited{fd, POLLRDHUP, 0};
		if (poll(&waited, 1, static_cast<int>(kTick.count())) != 0)
			return false;
		const std::lock_guard lock(mutex_);
		if (stopping_)
			return false;
	}
	return true;
}

}  // namespace sqs_fdw::test
