// The input is the text of a key ring.
//
// Under test: masking/keyring base/bytes base/secret
#include "fuzz.h"

#include "base/bytes.h"
#include "base/error.h"
#include "masking/keyring.h"
#include "masking/mask.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sqs_fdw::fuzz {

namespace {

using masking::Key;
using masking::Keyring;
using masking::KeyState;

// The longest word of the messages' own text is shorter.
constexpr size_t kLongWord = 40;

struct Entry {
	std::string id;
	KeyState state;
	std::string bytes;
};

std::vector<std::string_view> Words(std::string_view line)
{
	std::vector<std::string_view> words;
	size_t begin = 0;
	for (size_t i = 0; i <= line.size(); ++i) {
		if (i < line.size() && line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			continue;
		if (i > begin)
			words.push_back(line.substr(begin, i - begin));
		begin = i + 1;
	}
	return words;
}

// RFC 4648 section 4, one character at a time; unset for anything that is not its canonical form.
std::optional<std::string> FromBase64(std::string_view text)
{
	static const std::string alphabet =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	if (text.size() % 4 != 0)
		return std::nullopt;
	std::string bytes;
	for (size_t i = 0; i < text.size(); i += 4) {
		uint32_t word = 0;
		size_t padding = 0;
		for (size_t k = 0; k < 4; ++k) {
			const char c = text[i + k];
			if (c == '=' && i + 4 == text.size() && k >= 2)
				++padding;
			const size_t digit = alphabet.find(c);
			if (c != '=' && (digit == std::string::npos || padding > 0))
				return std::nullopt;
			if (c == '=' && padding == 0)
				return std::nullopt;
			word = word << 6 | static_cast<uint32_t>(c == '=' ? 0 : digit);
		}
		for (size_t k = 0; k + padding < 3; ++k)
			bytes.push_back(static_cast<char>(word >> (16 - 8 * k)));
		if ((word & ((1U << 8 * padding) - 1)) != 0)
			return std::nullopt;
	}
	return bytes;
}

std::optional<Entry> ParseLine(const std::vector<std::string_view> &words)
{
	if (words.size() != 3 || words[0].size() > 16 ||
	    words[0].find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") != std::string::npos)
		return std::nullopt;
	KeyState state{};
	if (words[1] == "active")
		state = KeyState::kActive;
	else if (words[1] == "decrypt")
		state = KeyState::kDecrypt;
	else if (words[1] == "disabled")
		state = KeyState::kDisabled;
	else
		return std::nullopt;
	const auto bytes = FromBase64(words[2]);
	if (!bytes || bytes->size() != 64)
		return std::nullopt;
	return Entry{std::string(words[0]), state, *bytes};
}

// The ring that a text means; unset where it means none.
std::optional<std::vector<Entry>> Expected(std::string_view text)
{
	std::vector<Entry> ring;
	for (const std::string_view line : Split(text, '\n')) {
		const auto words = Words(line.substr(0, line.find('#')));
		if (words.empty())
			continue;
		const auto entry = ParseLine(words);
		if (!entry)
			return std::nullopt;
		for (const Entry &other : ring) {
			if (other.id == entry->id || other.bytes == entry->bytes)
				return std::nullopt;
		}
		ring.push_back(*entry);
	}
	const auto active = std::count_if(ring.begin(), ring.end(),
	    [](const Entry &entry) { return entry.state == KeyState::kActive; });
	if (active != 1)
		return std::nullopt;
	return ring;
}

std::string MaskOf(const Key &key)
{
	std::string mask(masking::MaskedTextSize(key, 5), '\0');
	masking::MaskText(key, "d", "value", mask.data());
	return mask;
}

void CheckKey(const Key &key, const Entry &expected)
{
	REQUIRE(key.id() == expected.id);
	REQUIRE(key.state() == expected.state);
	const Key same(expected.id, expected.state, Secret(expected.bytes));
	REQUIRE(key.HasBytesOf(same));
	REQUIRE(MaskOf(key) == MaskOf(same));
	REQUIRE(key.fingerprint() == same.fingerprint());
	REQUIRE(key.fingerprint().size() == 8);
	REQUIRE(key.fingerprint().find_first_not_of("0123456789abcdef") == std::string::npos);
}

void CheckRing(const Keyring &ring, const std::vector<Entry> &expected)
{
	REQUIRE(ring.keys().size() == expected.size());
	for (size_t i = 0; i < expected.size(); ++i) {
		CheckKey(*ring.keys()[i], expected[i]);
		REQUIRE(ring.Find(expected[i].id) == ring.keys()[i].get());
	}
	REQUIRE(ring.active().state() == KeyState::kActive);
	REQUIRE(ring.Find("") == nullptr);
}

// A message names lines, and nothing of what is in them.
void CheckError(const Error &error, std::string_view text)
{
	REQUIRE(error.fault() == Fault::kKeyring);
	const std::string shown = std::string(error.what()) + error.detail() + error.hint();
	for (const std::string_view line : Split(text, '\n')) {
		for (const std::string_view word : Words(line))
			REQUIRE(word.size() < kLongWord || shown.find(word) == std::string::npos);
	}
}

}  // namespace

}  // namespace sqs_fdw::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	using namespace sqs_fdw;
	const std::string_view text(reinterpret_cast<const char *>(data), size);
	const auto expected = fuzz::Expected(text);
	try {
		const masking::Keyring ring(text, WallTime{});
		REQUIRE(expected.has_value());
		fuzz::CheckRing(ring, *expected);
	} catch (const Error &error) {
		REQUIRE(!expected.has_value());
		fuzz::CheckError(error, text);
	}
	return 0;
}
