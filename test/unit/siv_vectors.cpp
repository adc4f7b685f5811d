// Runs published test vectors for AES-SIV, in Wycheproof's format, against the AES-SIV of masking.
//
// usage: siv_vectors FILE...
//
// Prints a line for each failed test, and at the end `N passed, N failed`. The exit status is 1 if
// one failed, and 2 if a file could not be read or has no tests.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "aws/simdjson.h"
#include "base/error.h"
#include "masking/cipher.h"

namespace sqs_fdw::masking {
namespace {

using simdjson::dom::element;

enum class Verdict { kValid, kInvalid, kAcceptable };

struct Test {
	std::string name;  // tcId and comment
	std::string key;
	std::vector<std::string> components;  // associated data, and the nonce where there is one
	std::string plain;
	std::string sealed;
	Verdict verdict;
};

// Why a file cannot be used, for people.
class Unusable : public std::runtime_error {
public:
	using std::runtime_error::runtime_error;
};

// ---------------------------------------------------------------------------------- reading

std::string ReadFile(const char *path)
{
	std::ifstream file(path, std::ios::binary);
	std::ostringstream text;
	text << file.rdbuf();
	if (!file.is_open() || file.bad() || text.str().empty())
		throw Unusable("cannot be read, or is empty");
	return text.str();
}

std::optional<std::string> FromHex(std::string_view hex)
{
	constexpr std::string_view kDigits = "0123456789abcdef0123456789ABCDEF";
	if (hex.size() % 2 != 0 || hex.find_first_not_of(kDigits) != std::string_view::npos)
		return std::nullopt;
	std::string bytes;
	for (size_t i = 0; i < hex.size(); i += 2) {
		const size_t value = kDigits.find(hex[i]) % 16 * 16 + kDigits.find(hex[i + 1]) % 16;
		bytes.push_back(static_cast<char>(value));
	}
	return bytes;
}

// A text of an object; nullopt if there is none of that name.
std::optional<std::string_view> TextIn(const element &object, const char *name)
{
	std::string_view text;
	if (object[name].get(text) != simdjson::SUCCESS)
		return std::nullopt;
	return text;
}

std::string BytesIn(const element &object, const char *field, const std::string &test)
{
	const auto hex = TextIn(object, field);
	const auto bytes = hex ? FromHex(*hex) : std::nullopt;
	if (!bytes)
		throw Unusable(test + ": \"" + field + "\" is missing or not hexadecimal");
	return *bytes;
}

Verdict VerdictIn(const element &object, const std::string &test)
{
	const auto result = TextIn(object, "result");
	if (result == "valid")
		return Verdict::kValid;
	if (result == "invalid")
		return Verdict::kInvalid;
	if (result == "acceptable")
		return Verdict::kAcceptable;
	throw Unusable(test + ": \"result\" is none of valid, invalid and acceptable");
}

// With an `iv`, the nonce is the last component. With a `tag`, that is the SIV; else `ct` begins
// with the SIV. An empty `aad` is one component, an empty one.
Test ReadTest(const element &object)
{
	Test test;
	int64_t id = 0;
	if (object["tcId"].get(id) != simdjson::SUCCESS)
		throw Unusable("a test has no tcId");
	test.name = "tcId " + std::to_string(id);
	test.key = BytesIn(object, "key", test.name);
	test.components.push_back(BytesIn(object, "aad", test.name));
	if (object["iv"].error() == simdjson::SUCCESS)
		test.components.push_back(BytesIn(object, "iv", test.name));
	test.plain = BytesIn(object, "msg", test.name);
	test.sealed = BytesIn(object, "ct", test.name);
	if (object["tag"].error() == simdjson::SUCCESS) {
		const std::string tag = BytesIn(object, "tag", test.name);
		// One of another size must not become a right one by what follows it.
		test.sealed = tag.size() == kSivSize ? tag + test.sealed : "";
	}
	test.verdict = VerdictIn(object, test.name);
	if (const auto comment = TextIn(object, "comment"); comment && !comment->empty())
		test.name += " (" + std::string(*comment) + ")";
	return test;
}

std::vector<Test> ReadTests(const char *path)
{
	simdjson::dom::parser parser;
	element file;
	if (const auto error = parser.parse(ReadFile(path)).get(file))
		throw Unusable(std::string("is not JSON: ") + simdjson::error_message(error));
	// Other algorithms have vectors of the same form.
	const auto algorithm = TextIn(file, "algorithm");
	if (algorithm && algorithm->find("AES-SIV") == std::string_view::npos)
		throw Unusable("is not of AES-SIV, but of " + std::string(*algorithm));
	simdjson::dom::array groups;
	if (file["testGroups"].get(groups) != simdjson::SUCCESS)
		throw Unusable("has no testGroups");
	std::vector<Test> tests;
	for (const element group : groups) {
		simdjson::dom::array group_tests;
		if (group["tests"].get(group_tests) != simdjson::SUCCESS)
			throw Unusable("has a group without tests");
		for (const element test : group_tests)
			tests.push_back(ReadTest(test));
	}
	if (tests.empty())
		throw Unusable("has no tests");
	return tests;
}

// ---------------------------------------------------------------------------------- running

uint8_t *Bytes(std::string *text)
{
	return reinterpret_cast<uint8_t *>(text->data());
}

std::string FirstDifference(const std::string &sealed, const std::string &expected)
{
	if (sealed.size() != expected.size())
		return "sealing gives " + std::to_string(sealed.size()) + " bytes, not " +
		       std::to_string(expected.size());
	const auto [at, ignored] = std::mismatch(sealed.begin(), sealed.end(), expected.begin());
	return "sealing gives another byte " + std::to_string(at - sealed.begin()) + " of SIV and ct";
}

// What is wrong; empty if nothing is.
std::string Run(const Test &test)
{
	const size_t bits = test.key.size() * 8;
	if (bits != 256 && bits != 384 && bits != 512)
		return test.verdict == Verdict::kValid
		           ? "there is no key of " + std::to_string(bits) + " bits"
		           : "";
	const AesSiv siv(test.key);
	AesSiv::Prefix prefix = siv.Begin();
	for (const std::string &component : test.components)
		prefix = siv.Absorb(prefix, component);

	std::string sealed = std::string(kSivSize, '\0') + test.plain;
	siv.Seal(prefix, Bytes(&sealed), test.plain.size());
	if (test.verdict == Verdict::kValid && sealed != test.sealed)
		return FirstDifference(sealed, test.sealed);

	// As for each caller of the primitive: less than a SIV is nothing to open.
	std::string opened = test.sealed;
	const bool opens =
	    opened.size() >= kSivSize && siv.Open(prefix, Bytes(&opened), opened.size() - kSivSize);
	opened.erase(0, kSivSize);
	if (opens && test.verdict == Verdict::kInvalid)
		return "opening accepts it";
	if (opens)
		return opened == test.plain ? "" : "opening gives another msg";
	if (test.verdict == Verdict::kValid)
		return "opening refuses it";
	const bool clean = test.sealed.size() < kSivSize || opened == std::string(opened.size(), '\0');
	return clean ? "" : "opening refuses it and leaves something behind";
}

std::string Judge(const Test &test)
{
	try {
		return Run(test);
	} catch (const Error &error) {
		return error.what();
	}
}

struct Counts {
	size_t passed = 0;
	size_t failed = 0;
	size_t unusable = 0;  // files
};

void RunFile(const char *path, Counts *counts)
{
	try {
		for (const Test &test : ReadTests(path)) {
			const std::string wrong = Judge(test);
			++(wrong.empty() ? counts->passed : counts->failed);
			if (!wrong.empty())
				std::printf("%s: %s: %s\n", path, test.name.c_str(), wrong.c_str());
		}
	} catch (const Unusable &error) {
		++counts->unusable;
		std::fprintf(stderr, "%s: %s\n", path, error.what());
	}
}

}  // namespace
}  // namespace sqs_fdw::masking

int main(int argc, char **argv)
{
	if (argc < 2) {
		std::fprintf(stderr, "usage: %s FILE...\n", argv[0]);
		return 2;
	}
	sqs_fdw::masking::Counts counts;
	for (int i = 1; i < argc; ++i)
		sqs_fdw::masking::RunFile(argv[i], &counts);
	std::printf("%zu passed, %zu failed\n", counts.passed, counts.failed);
	if (counts.unusable > 0)
		return 2;
	return counts.failed > 0 ? 1 : 0;
}
