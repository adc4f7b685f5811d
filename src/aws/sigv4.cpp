// AWS Signature Version 4: canonical request, string to sign, signing key, signature, and the
// signer that puts them together.
#include "aws/sigv4.h"

#include "base/bytes.h"
#include "base/error.h"

#include <algorithm>
#include <ctime>
#include <memory>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

namespace sqs_fdw::aws {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";
constexpr size_t kDateSize = 8;                        // YYYYMMDD
constexpr size_t kHexSize = 2 * sizeof(Sha256Digest);  // a digest in hexadecimal

[[noreturn]] void ThrowCrypto(const char *what)
{
	throw Error(Fault::kCrypto, std::string("could not ") + what,
	    "The crypto library offers no working SHA-256, or is out of memory.");
}

// Overwrites a buffer when its scope ends, however it ends.
template <class Buffer>
class CleanseAtExit {
public:
	explicit CleanseAtExit(Buffer &buffer) noexcept : buffer_(buffer) {}
	~CleanseAtExit() { Cleanse(buffer_.data(), buffer_.size()); }
	CleanseAtExit(const CleanseAtExit &) = delete;
	CleanseAtExit &operator=(const CleanseAtExit &) = delete;

private:
	Buffer &buffer_;
};

std::string_view View(const Sha256Digest &digest) noexcept
{
	return {reinterpret_cast<const char *>(digest.data()), digest.size()};
}

// OpenSSL 3 looks an algorithm up by name at every call unless it is fetched; that costs more than
// hashing a request. So: fetched once per process, one context per thread.
const EVP_MD *Sha256Algorithm()
{
	static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> algorithm(
	    EVP_MD_fetch(nullptr, "SHA256", nullptr), &EVP_MD_free);
	if (algorithm == nullptr)
		ThrowCrypto("find SHA-256");
	return algorithm.get();
}

EVP_MD_CTX *Sha256Context()
{
	thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(
	    EVP_MD_CTX_new(), &EVP_MD_CTX_free);
	if (context == nullptr)
		ThrowCrypto("prepare SHA-256");
	return context.get();
}

EVP_MAC_CTX *NewHmacContext()
{
	const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> hmac(
	    EVP_MAC_fetch(nullptr, "HMAC", nullptr), &EVP_MAC_free);
	std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(
	    hmac == nullptr ? nullptr : EVP_MAC_CTX_new(hmac.get()), &EVP_MAC_CTX_free);
	char digest[] = "SHA256";
	const OSSL_PARAM parameters[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
	    OSSL_PARAM_construct_end(),
	};
	if (context == nullptr || EVP_MAC_CTX_set_params(context.get(), parameters) != 1)
		ThrowCrypto("prepare HMAC-SHA-256");
	return context.release();
}

EVP_MAC_CTX *HmacContext()
{
	thread_local const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(
	    NewHmacContext(), &EVP_MAC_CTX_free);
	return context.get();
}

// Header names are ASCII, and lower-cased without regard to the locale.
constexpr char Lower(char c) noexcept
{
	return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

struct HeaderView {
	std::string_view name;
	std::string_view value;
};

// Below 0, 0 or above 0, as the lower-case forms compare.
int CompareNames(std::string_view a, std::string_view b) noexcept
{
	const size_t size = std::min(a.size(), b.size());
	for (size_t i = 0; i < size; ++i)
		if (const int difference = Lower(a[i]) - Lower(b[i]); difference != 0)
			return difference;
	return a.size() < b.size() ? -1 : static_cast<int>(a.size() > b.size());
}

// Insertion sort: a request has about six headers, and the order of equal names must stay.
void SortByName(std::vector<HeaderView> &headers)
{
	for (size_t i = 1; i < headers.size(); ++i) {
		const HeaderView header = headers[i];
		size_t at = i;
		for (; at > 0 && CompareNames(header.name, headers[at - 1].name) < 0; --at)
			headers[at] = headers[at - 1];
		headers[at] = header;
	}
}

// Builds a string of at most `capacity` characters without a check or a call per character. The
// capacity is the caller's promise.
class Writer {
public:
	explicit Writer(size_t capacity) : text_(capacity, '\0'), end_(text_.data()) {}

	void Put(char c) noexcept { *end_++ = c; }
	void Put(std::string_view text) noexcept { end_ = std::copy(text.begin(), text.end(), end_); }
	void PutLower(std::string_view text) noexcept
	{
		end_ = std::transform(text.begin(), text.end(), end_, Lower);
	}
	void PutHex(const Sha256Digest &digest) noexcept
	{
		HexEncode(digest.data(), digest.size(), end_);
		end_ += kHexSize;
	}
	// Decimal, with leading zeros.
	void PutNumber(int value, int digits) noexcept
	{
		for (int i = digits - 1; i >= 0; --i, value /= 10)
			end_[i] = static_cast<char>('0' + value % 10);
		end_ += digits;
	}
	void TakeBack() noexcept { --end_; }

	std::string Finish()
	{
		text_.resize(static_cast<size_t>(end_ - text_.data()));
		return std::move(text_);
	}

private:
	std::string text_;
	char *end_;
};

// Without blanks at its ends, and with one space for a run of them inside.
void PutValue(Writer &out, std::string_view value) noexcept
{
	const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
	const char *at = value.data();
	const char *const end = at + value.size();
	for (bool first = true;; first = false) {
		at = std::find_if_not(at, end, is_blank);
		if (at == end)
			return;
		const char *const word = at;
		at = std::find_if(at, end, is_blank);
		if (!first)
			out.Put(' ');
		out.Put(std::string_view(word, static_cast<size_t>(at - word)));
	}
}

size_t ScopeSize(const SigningScope &scope) noexcept
{
	return scope.date.size() + scope.region.size() + scope.service.size() + kTerminator.size() + 3;
}

void PutScope(Writer &out, const SigningScope &scope) noexcept
{
	for (const std::string_view part : {std::string_view(scope.date),
	         std::string_view(scope.region), std::string_view(scope.service)}) {
		out.Put(part);
		out.Put('/');
	}
	out.Put(kTerminator);
}

// The lines of the headers, which are sorted by name.
void PutHeaders(Writer &out, const std::vector<HeaderView> &headers) noexcept
{
	std::string_view previous;
	for (const HeaderView &header : headers) {
		if (!previous.empty() && CompareNames(previous, header.name) == 0) {
			out.TakeBack();
			out.Put(',');
		} else {
			out.PutLower(header.name);
			out.Put(':');
		}
		PutValue(out, header.value);
		out.Put('\n');
		previous = header.name;
	}
}

// Their names for SignedHeaders, each once.
std::string SignedHeaders(const std::vector<HeaderView> &headers, size_t capacity)
{
	Writer out(capacity);
	std::string_view previous;
	for (const HeaderView &header : headers) {
		if (CompareNames(previous, header.name) == 0)
			continue;
		if (!previous.empty())
			out.Put(';');
		out.PutLower(header.name);
		previous = header.name;
	}
	return out.Finish();
}

std::string BuildCanonicalRequest(
    const SigningInput &input, std::vector<HeaderView> headers, std::string &signed_headers)
{
	size_t names = 0;
	size_t values = 0;
	for (const HeaderView &header : headers) {
		names += header.name.size() + 1;
		values += header.value.size() + 1;
	}
	SortByName(headers);
	signed_headers = SignedHeaders(headers, names);
	Writer out(input.method.size() + input.path.size() + input.query.size() + names + values +
	           signed_headers.size() + kHexSize + 5);
	for (const std::string_view line : {input.method, input.path, input.query}) {
		out.Put(line);
		out.Put('\n');
	}
	PutHeaders(out, headers);
	out.Put('\n');
	out.Put(signed_headers);
	out.Put('\n');
	out.PutHex(Sha256(input.body));
	return out.Finish();
}

std::vector<HeaderView> ViewsOf(const std::vector<Header> &headers, size_t extra)
{
	std::vector<HeaderView> views;
	views.reserve(headers.size() + extra);
	for (const auto &[name, value] : headers)
		views.push_back({name, value});
	return views;
}

// A line break would start another header, and libcurl ends a line at a zero byte.
void CheckStaysInLine(std::string_view value)
{
	for (const char c : {'\n', '\r', '\0'})
		if (value.find(c) != std::string_view::npos)
			throw Error(Fault::kInvalid, "a request header holds a line break or a zero byte",
			    "Neither keys, session tokens nor host names may.");
}

std::string Line(std::string_view name, std::string_view value)
{
	std::string line;
	line.reserve(name.size() + 2 + value.size());
	return line.append(name).append(": ").append(value);
}

std::string AuthorizationLine(std::string_view access_key_id, const SigningScope &scope,
    std::string_view signed_headers, std::string_view signature)
{
	constexpr std::string_view kCredential = "Authorization: AWS4-HMAC-SHA256 Credential=";
	constexpr std::string_view kSignedHeaders = ", SignedHeaders=";
	constexpr std::string_view kSignature = ", Signature=";
	Writer out(kCredential.size() + access_key_id.size() + 1 + ScopeSize(scope) +
	           kSignedHeaders.size() + signed_headers.size() + kSignature.size() +
	           signature.size());
	out.Put(kCredential);
	out.Put(access_key_id);
	out.Put('/');
	PutScope(out, scope);
	out.Put(kSignedHeaders);
	out.Put(signed_headers);
	out.Put(kSignature);
	out.Put(signature);
	return out.Finish();
}

}  // namespace

Sha256Digest Sha256(std::string_view data)
{
	Sha256Digest digest;
	EVP_MD_CTX *const context = Sha256Context();
	if (EVP_DigestInit_ex2(context, Sha256Algorithm(), nullptr) != 1 ||
	    EVP_DigestUpdate(context, data.data(), data.size()) != 1 ||
	    EVP_DigestFinal_ex(context, digest.data(), nullptr) != 1)
		ThrowCrypto("compute SHA-256");
	return digest;
}

Sha256Digest HmacSha256(std::string_view key, std::string_view data)
{
	// To OpenSSL a null key means the previous one.
	const char *const key_data = key.empty() ? "" : key.data();
	Sha256Digest digest;
	size_t size = 0;
	EVP_MAC_CTX *const context = HmacContext();
	if (EVP_MAC_init(
	        context, reinterpret_cast<const unsigned char *>(key_data), key.size(), nullptr) != 1 ||
	    EVP_MAC_update(
	        context, reinterpret_cast<const unsigned char *>(data.data()), data.size()) != 1 ||
	    EVP_MAC_final(context, digest.data(), &size, digest.size()) != 1)
		ThrowCrypto("compute HMAC-SHA-256");
	return digest;
}

std::string AmzDate(WallTime time)
{
	const auto since_epoch = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
	const std::time_t seconds = since_epoch.count();
	std::tm utc{};
	if (gmtime_r(&seconds, &utc) == nullptr || utc.tm_year + 1900 > 9999)
		throw Error(Fault::kInternal, "the signing time is out of range");
	Writer out(sizeof("YYYYMMDDTHHMMSSZ") - 1);
	out.PutNumber(utc.tm_year + 1900, 4);
	out.PutNumber(utc.tm_mon + 1, 2);
	out.PutNumber(utc.tm_mday, 2);
	out.Put('T');
	out.PutNumber(utc.tm_hour, 2);
	out.PutNumber(utc.tm_min, 2);
	out.PutNumber(utc.tm_sec, 2);
	out.Put('Z');
	return out.Finish();
}

std::string CanonicalRequest(const SigningInput &input, std::string *signed_headers)
{
	return BuildCanonicalRequest(input, ViewsOf(input.headers, 0), *signed_headers);
}

std::string StringToSign(
    std::string_view amz_date, const SigningScope &scope, std::string_view canonical_request)
{
	Writer out(kAlgorithm.size() + amz_date.size() + ScopeSize(scope) + kHexSize + 3);
	out.Put(kAlgorithm);
	out.Put('\n');
	out.Put(amz_date);
	out.Put('\n');
	PutScope(out, scope);
	out.Put('\n');
	out.PutHex(Sha256(canonical_request));
	return out.Finish();
}

Sha256Digest SigningKey(std::string_view secret_access_key, const SigningScope &scope)
{
	std::string seed;
	seed.reserve(4 + secret_access_key.size());
	const CleanseAtExit cleanse_seed(seed);
	seed.append("AWS4").append(secret_access_key);
	Sha256Digest key = HmacSha256(seed, scope.date);
	const CleanseAtExit cleanse_key(key);
	key = HmacSha256(View(key), scope.region);
	key = HmacSha256(View(key), scope.service);
	return HmacSha256(View(key), kTerminator);
}

std::string Signature(const Sha256Digest &signing_key, std::string_view string_to_sign)
{
	return HexEncode(View(HmacSha256(View(signing_key), string_to_sign)));
}

Signer::Signer(std::string region, std::string service)
    : scope_{"", std::move(region), std::move(service)}
{
}

Signer::~Signer()
{
	Cleanse(key_.data(), key_.size());
}

// Makes key_ that of this day and secret. Should it throw, there is no key.
void Signer::PrepareKey(std::string_view date, const Secret &secret_access_key)
{
	const std::string_view secret = secret_access_key.Reveal();
	const std::string_view known = key_secret_.Reveal();
	if (scope_.date == date && known.size() == secret.size() &&
	    ConstantTimeEqual(known.data(), secret.data(), secret.size()))
		return;
	scope_.date.clear();
	key_secret_ = secret_access_key.Clone();
	key_ = SigningKey(secret, {std::string(date), scope_.region, scope_.service});
	scope_.date = date;
}

std::vector<std::string> Signer::Sign(
    const SigningInput &input, const Credentials &credentials, WallTime now)
{
	const std::string amz_date = AmzDate(now + clock_shift_);
	const std::string_view token = credentials.session_token.Reveal();
	PrepareKey(std::string_view(amz_date).substr(0, kDateSize), credentials.secret_access_key);

	std::vector<HeaderView> headers = ViewsOf(input.headers, 2);
	headers.push_back({"X-Amz-Date", amz_date});
	if (!token.empty())
		headers.push_back({"X-Amz-Security-Token", token});

	std::vector<std::string> lines;
	lines.reserve(headers.size() + 1);
	CheckStaysInLine(credentials.access_key_id);
	for (const HeaderView &header : headers) {
		CheckStaysInLine(header.value);
		lines.push_back(Line(header.name, header.value));
	}

	std::string signed_headers;
	const std::string canonical = BuildCanonicalRequest(input, std::move(headers), signed_headers);
	const std::string signature = Signature(key_, StringToSign(amz_date, scope_, canonical));
	lines.push_back(
	    AuthorizationLine(credentials.access_key_id, scope_, signed_headers, signature));
	return lines;
}

}  // namespace sqs_fdw::aws
