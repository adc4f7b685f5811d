// The settings of a libcurl easy handle, its callbacks, and the meaning of its result codes.
#include "aws/transfer.h"

#include "aws/link_local.h"
#include "aws/socket_loop.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <new>
#include <string_view>

#include <strings.h>

namespace sqs_fdw::aws {

namespace {

constexpr size_t kMaxHeaderBytes = 256u << 10;

// A reply that has begun has to go on: the most time without a single byte.
constexpr std::chrono::seconds kStallLimit{10};

// Room behind a reply that lets the parser read in whole vectors without a copy.
constexpr size_t kParserPadding = 64;

// The most that is set aside because a peer announced it.
constexpr size_t kMaxReserve = 1u << 20;

// Lines that stop libcurl from adding headers of its own.
char no_expect[] = "Expect:";
char no_accept[] = "Accept:";

template <class Value>
void Set(CURL *easy, CURLoption option, Value value)
{
	const CURLcode code = curl_easy_setopt(easy, option, value);
	if (code == CURLE_OUT_OF_MEMORY)
		throw Error(Fault::kOutOfMemory, "out of memory");
	if (code != CURLE_OK)
		throw Error(Fault::kInternal, "could not set up an HTTP transfer",
		    std::string("libcurl: ") + curl_easy_strerror(code) + ".");
}

bool EqualNoCase(std::string_view a, std::string_view b) noexcept
{
	return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view Trim(std::string_view text) noexcept
{
	const size_t begin = text.find_first_not_of(" \t\r\n");
	if (begin == std::string_view::npos)
		return {};
	return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// libcurl's words may quote the peer (a certificate's name): only what is printable passes.
std::string Printable(const char *text)
{
	std::string out(text);
	std::replace_if(
	    out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
	return out;
}

Fault FaultOf(CURLcode code) noexcept
{
	switch (code) {
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_CRL_BADFILE:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_SSL_INVALIDCERTSTATUS:
		case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
			return Fault::kUntrusted;
		case CURLE_FILESIZE_EXCEEDED:
			return Fault::kTooLarge;
		case CURLE_OUT_OF_MEMORY:
			return Fault::kOutOfMemory;
		case CURLE_WEIRD_SERVER_REPLY:
		case CURLE_UNSUPPORTED_PROTOCOL:  // an answer that is not HTTP/1; see Classify
		case CURLE_BAD_CONTENT_ENCODING:
			return Fault::kBadReply;
		case CURLE_URL_MALFORMAT:
		case CURLE_FAILED_INIT:
		case CURLE_NOT_BUILT_IN:
		case CURLE_UNKNOWN_OPTION:
		case CURLE_BAD_FUNCTION_ARGUMENT:
		case CURLE_ABORTED_BY_CALLBACK:
		case CURLE_WRITE_ERROR:
			return Fault::kInternal;
		default:
			return Fault::kUnreachable;
	}
}

}  // namespace

Transfer::Transfer(const HttpOptions &options, SocketLoop *loop)
    : easy_(curl_easy_init()),
      loop_(loop),
      max_reply_bytes_(options.max_reply_bytes),
      connect_timeout_(options.connect_timeout),
      allow_link_local_(options.allow_link_local)
{
	if (easy_ == nullptr)
		throw Error(Fault::kOutOfMemory, "out of memory");
	try {
		SetOnce(options, loop);
	} catch (...) {
		curl_easy_cleanup(easy_);
		throw;
	}
}

Transfer::~Transfer()
{
	curl_easy_cleanup(easy_);
}

void Transfer::SetOnce(const HttpOptions &options, SocketLoop *loop)
{
	Set(easy_, CURLOPT_NOSIGNAL, 1L);
	// Without it the destructor waits for the resolver thread, for seconds if DNS is dead.
	Set(easy_, CURLOPT_QUICK_EXIT, 1L);
	Set(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
	Set(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
	Set(easy_, CURLOPT_FOLLOWLOCATION, 0L);  // a 307 would resend the session token
	Set(easy_, CURLOPT_PROXY, "");           // not even from the environment
	Set(easy_, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
	Set(easy_, CURLOPT_SSL_VERIFYPEER, 1L);
	Set(easy_, CURLOPT_SSL_VERIFYHOST, 2L);
	if (!options.authorities_file.empty())
		Set(easy_, CURLOPT_CAINFO, options.authorities_file.c_str());
	Set(easy_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
	Set(easy_, CURLOPT_TCP_NODELAY, 1L);
	Set(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
	Set(easy_, CURLOPT_TCP_KEEPIDLE, 15L);
	Set(easy_, CURLOPT_TCP_KEEPINTVL, 5L);
	Set(easy_, CURLOPT_USERAGENT, "sqs_fdw");
	Set(easy_, CURLOPT_POST, 1L);
	Set(easy_, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(options.max_reply_bytes));
	Set(easy_, CURLOPT_ERRORBUFFER, error_);
	Set(easy_, CURLOPT_PRIVATE, this);
	Set(easy_, CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
	Set(easy_, CURLOPT_HEADERDATA, this);
	Set(easy_, CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
	Set(easy_, CURLOPT_WRITEDATA, this);
	Set(easy_, CURLOPT_OPENSOCKETFUNCTION, &Transfer::OnOpen);
	Set(easy_, CURLOPT_OPENSOCKETDATA, this);
	// A connection outlives the transfer that opened it, so its end is told to the loop.
	Set(easy_, CURLOPT_CLOSESOCKETFUNCTION, &SocketLoop::OnClose);
	Set(easy_, CURLOPT_CLOSESOCKETDATA, loop);
}

void Transfer::Begin(HttpRequest request, Http::Done done)
{
	request_ = std::move(request);
	done_ = std::move(done);
	reply_ = HttpReply{};
	received_ = received_at_check_ = 0;
	abort_ = Abort::kNone;
	forbidden_ = false;
	error_[0] = '\0';
	begun_ = Clock::now();
	deadline_ = begun_ + request_.timeout;
	LinkHeaders();

	Set(easy_, CURLOPT_URL, request_.url.c_str());
	Set(easy_, CURLOPT_HTTPHEADER, header_list_.data());
	Set(easy_, CURLOPT_POSTFIELDS, request_.body.data());
	Set(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
	Set(easy_, CURLOPT_FRESH_CONNECT, request_.fresh_connection ? 1L : 0L);
	Set(easy_, CURLOPT_CONNECTTIMEOUT_MS,
	    static_cast<long>(std::min(connect_timeout_, request_.timeout).count()));
}

// curl_slist is a plain public struct that libcurl only reads: nodes that point into the request
// save one allocation and one copy a header.
void Transfer::LinkHeaders()
{
	header_list_.clear();
	header_list_.reserve(request_.headers.size() + 2);
	for (std::string &line : request_.headers)
		header_list_.push_back({line.data(), nullptr});
	header_list_.push_back({no_expect, nullptr});
	header_list_.push_back({no_accept, nullptr});
	for (size_t i = 0; i + 1 < header_list_.size(); ++i)
		header_list_[i].next = &header_list_[i + 1];
}

bool Transfer::Sent() const noexcept
{
	long bytes = 0;
	curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &bytes);
	return bytes > 0;
}

HttpOutcome Transfer::End(CURLcode code)
{
	HttpOutcome outcome;
	outcome.sent = Sent();
	if (code == CURLE_OK) {
		outcome.ok = true;
		curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &reply_.status);
		outcome.reply = std::move(reply_);
		return outcome;
	}
	Classify(code, &outcome);
	return outcome;
}

HttpOutcome Transfer::EndTimedOut()
{
	HttpOutcome outcome;
	outcome.sent = Sent();
	outcome.fault = Fault::kUnreachable;
	outcome.what = received_ == 0
	                   ? "No reply within " + std::to_string(request_.timeout.count()) + " ms"
	                   : "The reply stopped after " + std::to_string(received_) + " bytes";
	return outcome;
}

void Transfer::Classify(CURLcode code, HttpOutcome *outcome) const
{
	if (abort_ == Abort::kOutOfMemory) {
		outcome->fault = Fault::kOutOfMemory;
		outcome->what = "Out of memory";
		return;
	}
	if (abort_ == Abort::kTooLarge || code == CURLE_FILESIZE_EXCEEDED) {
		outcome->fault = Fault::kTooLarge;
		outcome->what = "The reply is longer than " + std::to_string(max_reply_bytes_) + " bytes";
		return;
	}
	if (forbidden_) {
		outcome->fault = Fault::kForbidden;
		outcome->what = "The host has a link-local address, which is not allowed";
		return;
	}
	outcome->fault = FaultOf(code);
	// libcurl has one code for a URL's scheme that it does not take and for HTTP/0.9.
	if (code == CURLE_UNSUPPORTED_PROTOCOL && !outcome->sent)
		outcome->fault = Fault::kInternal;
	outcome->what = Printable(error_[0] != '\0' ? error_ : curl_easy_strerror(code));
}

bool Transfer::Expired(TimePoint now) noexcept
{
	if (now >= deadline_)
		return true;
	if (received_ == 0)
		return false;
	if (received_ != received_at_check_) {
		received_at_check_ = received_;
		moving_since_ = now;
	}
	return now - moving_since_ >= kStallLimit;
}

void Transfer::Postpone(TimePoint from, TimePoint to) noexcept
{
	const Clock::duration gap = to - std::max(from, begun_);
	deadline_ += gap;
	moving_since_ += gap;
}

void Transfer::Forget() noexcept
{
	done_ = nullptr;
	request_ = HttpRequest{};
	reply_ = HttpReply{};
}

size_t Transfer::OnHeader(char *line, size_t, size_t size, void *self) noexcept
{
	auto *transfer = static_cast<Transfer *>(self);
	transfer->received_ += size;
	if (transfer->reply_.body.empty() && transfer->received_ > kMaxHeaderBytes) {
		transfer->abort_ = Abort::kTooLarge;
		return 0;
	}
	try {
		transfer->ReadHeader({line, size});
	} catch (...) {
		transfer->abort_ = Abort::kOutOfMemory;
		return 0;
	}
	return size;
}

void Transfer::ReadHeader(std::string_view line)
{
	if (line.substr(0, 5) == "HTTP/") {  // a 100 Continue may come before the reply
		reply_ = HttpReply{};
		return;
	}
	const size_t colon = line.find(':');
	if (colon == std::string_view::npos)
		return;
	const std::string_view name = line.substr(0, colon);
	const auto value = [&] { return Trim(line.substr(colon + 1)); };
	switch (name.size()) {
		case 4:
			if (EqualNoCase(name, "Date"))
				reply_.date = value();
			break;
		case 14:
			if (EqualNoCase(name, "Content-Length")) {
				size_t length = 0;
				const std::string_view digits = value();
				std::from_chars(digits.data(), digits.data() + digits.size(), length);
				reply_.body.reserve(std::min(length, kMaxReserve) + kParserPadding);
			}
			break;
		case 16:
			if (EqualNoCase(name, "x-amzn-RequestId"))
				reply_.request_id = value();
			break;
		case 17:
			if (EqualNoCase(name, "x-amz-retry-after"))
				reply_.retry_after = value();
			break;
		case 18:
			if (EqualNoCase(name, "x-amzn-query-error"))
				reply_.query_error = value();
			break;
		default:
			break;
	}
}

size_t Transfer::OnBody(char *bytes, size_t, size_t size, void *self) noexcept
{
	auto *transfer = static_cast<Transfer *>(self);
	std::string &body = transfer->reply_.body;
	transfer->received_ += size;
	if (size > transfer->max_reply_bytes_ - body.size()) {
		transfer->abort_ = Abort::kTooLarge;
		return 0;
	}
	try {
		body.append(bytes, size);
	} catch (...) {
		transfer->abort_ = Abort::kOutOfMemory;
		return 0;
	}
	return size;
}

// Called with the address that the name was resolved to, which is what the fence is about: a
// public name may well point to the metadata service.
curl_socket_t Transfer::OnOpen(void *self, curlsocktype, curl_sockaddr *address) noexcept
{
	auto *transfer = static_cast<Transfer *>(self);
	if (!transfer->allow_link_local_ && IsLinkLocal(&address->addr)) {
		transfer->forbidden_ = true;
		return CURL_SOCKET_BAD;
	}
	return transfer->loop_->Open(address);
}

}  // namespace sqs_fdw::aws
