// Reading a keyring text, and the keys in it.
#include "masking/keyring.h"

#include "base/bytes.h"
#include "base/error.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sqs_fdw::masking {

namespace {

constexpr std::string_view kFingerprintMessage = "sqs_fdw key fingerprint v1";
constexpr size_t kFingerprintBytes = 4;
constexpr std::string_view kBlank = " \t\r";

// RFC 5869: the ring's key is never used itself for what is not a mask.
constexpr std::string_view kDerivationSalt = "sqs_fdw";
constexpr std::string_view kSealInfo = "seal v1";
constexpr std::string_view kPseudonymInfo = "mask_hmac v1";

constexpr std::pair<std::string_view, KeyState> kStates[] = {
    {"active", KeyState::kActive},
    {"decrypt", KeyState::kDecrypt},
    {"disabled", KeyState::kDisabled},
};

std::optional<KeyState> ParseState(std::string_view name) noexcept
{
	for (const auto &[known, state] : kStates) {
		if (name == known)
			return state;
	}
	return std::nullopt;
}

// Takes the next word off `line`; empty if there is none.
std::string_view NextWord(std::string_view *line) noexcept
{
	const size_t begin = std::min(line->find_first_not_of(kBlank), line->size());
	const size_t end = std::min(line->find_first_of(kBlank, begin), line->size());
	const std::string_view word = line->substr(begin, end - begin);
	line->remove_prefix(end);
	return word;
}

[[noreturn]] void Refuse(size_t line, const std::string &what, const char *hint)
{
	throw Error(Fault::kKeyring, "keyring line " + std::to_string(line) + " " + what, "", hint);
}

constexpr char kLineHint[] =
    "A line is a key id, active, decrypt or disabled, and the base64 of 64 random bytes on one "
    "line: printf 'k1 active %s\\n' \"$(openssl rand -base64 64 | tr -d '\\n')\".";

Secret DecodeKey(std::string_view text, size_t line)
{
	Secret bytes = Secret::Zeroed(text.size() / 4 * 3);
	const auto size = Base64Decode(text, reinterpret_cast<uint8_t *>(bytes.Writable()));
	if (!size)
		Refuse(line, "has a key that is not base64", kLineHint);
	if (*size != kKeySize)
		Refuse(line, "has a key that is not 64 bytes long", kLineHint);
	return Secret(bytes.Reveal().substr(0, kKeySize));
}

Secret Derive(const Secret &key, std::string_view info, size_t size)
{
	Secret derived = Secret::Zeroed(size);
	HkdfSha256(
	    key.Reveal(), kDerivationSalt, info, reinterpret_cast<uint8_t *>(derived.Writable()), size);
	return derived;
}

std::string Fingerprint(std::string_view key)
{
	const Hash hash = HmacSha256(key, kFingerprintMessage);
	return HexEncode({reinterpret_cast<const char *>(hash.data()), kFingerprintBytes});
}

}  // namespace

std::string_view KeyStateName(KeyState state) noexcept
{
	for (const auto &[name, known] : kStates) {
		if (state == known)
			return name;
	}
	return {};
}

Key::Key(std::string_view id, KeyState state, Secret bytes)
    : id_(id), state_(state), bytes_(std::move(bytes)), fingerprint_(Fingerprint(bytes_.Reveal()))
{
}

const AesSiv &Key::MakeCipher() const
{
	cipher_ = std::make_unique<const AesSiv>(bytes_.Reveal());
	return *cipher_;
}

const AesSiv &Key::seal_cipher() const
{
	if (seal_cipher_ == nullptr)
		seal_cipher_ = std::make_unique<const AesSiv>(Derive(bytes_, kSealInfo, kKeySize).Reveal());
	return *seal_cipher_;
}

const Secret &Key::pseudonym_key() const
{
	if (pseudonym_key_.empty())
		pseudonym_key_ = Derive(bytes_, kPseudonymInfo, kHashSize);
	return pseudonym_key_;
}

const AesSiv::Prefix &Key::PrefixFor(MaskType type, std::string_view domain) const
{
	for (const DomainPrefix &known : prefixes_) {
		if (known.type == type && known.domain == domain)
			return known.prefix;
	}
	DomainPrefix entry{
	    type, std::string(domain), cipher().Absorb(cipher().Begin(), AssociatedData(type, domain))};
	if (prefixes_.size() < kMaxPrefixes)
		return prefixes_.emplace_back(std::move(entry)).prefix;
	next_victim_ = (next_victim_ + 1) % kMaxPrefixes;
	return (prefixes_[next_victim_] = std::move(entry)).prefix;
}

bool Key::HasBytesOf(const Key &other) const noexcept
{
	return ConstantTimeEqual(bytes_.Reveal().data(), other.bytes_.Reveal().data(), kKeySize);
}

// Reads a keyring text into a ring. Throws Error(kKeyring) at what is wrong; goes on with the next
// line where it is called again.
class KeyringReader {
public:
	KeyringReader(std::string_view text, Keyring *ring) : rest_(text), ring_(*ring)
	{
		for (const std::string_view mark : {"\xef\xbb\xbf", "\xfe\xff", "\xff\xfe"}) {
			if (text.substr(0, mark.size()) == mark)
				throw Error(Fault::kKeyring, "the keyring begins with a byte order mark", "",
				    "Save it as plain ASCII, without a mark.");
		}
	}

	// Reads one line; false if there is none left.
	bool ReadLine();

	// What is wrong with lines that are all right by themselves.
	void CheckWhole() const;

private:
	void Add(std::string_view id, KeyState state, Secret bytes);

	std::string_view rest_;
	size_t number_ = 0;
	Keyring &ring_;
	std::unordered_map<const Key *, size_t> lines_;  // where each key was, for messages
	std::unordered_multimap<std::string_view, const Key *> by_fingerprint_;
};

bool KeyringReader::ReadLine()
{
	if (rest_.empty())
		return false;
	++number_;
	std::string_view line = rest_.substr(0, rest_.find('\n'));
	rest_.remove_prefix(std::min(line.size() + 1, rest_.size()));
	line = line.substr(0, line.find('#'));
	const std::string_view id = NextWord(&line);
	if (id.empty())
		return true;
	const auto state = ParseState(NextWord(&line));
	const std::string_view encoded = NextWord(&line);
	if (!IsKeyId(id))
		Refuse(number_, "does not begin with a key id",
		    "A key id is 1 to 16 characters of a-z and 0-9.");
	if (!state || encoded.empty() || !NextWord(&line).empty())
		Refuse(number_, "is not a key id, a state and a key", kLineHint);
	Add(id, *state, DecodeKey(encoded, number_));
	return true;
}

void KeyringReader::Add(std::string_view id, KeyState state, Secret bytes)
{
	auto key = std::make_unique<const Key>(id, state, std::move(bytes));
	const auto of_line = [&](const Key *other) {
		return "of line " + std::to_string(lines_.at(other));
	};
	if (const auto other = ring_.by_id_.find(id); other != ring_.by_id_.end())
		Refuse(
		    number_, "repeats the key id " + of_line(other->second), "Give each key its own id.");
	// Equal keys have equal fingerprints: no need to compare each with each.
	const auto [begin, end] = by_fingerprint_.equal_range(key->fingerprint());
	for (auto other = begin; other != end; ++other) {
		if (other->second->HasBytesOf(*key))
			Refuse(number_, "repeats the key " + of_line(other->second) + " under another id",
			    "Generate a new key for each id.");
	}
	if (state == KeyState::kActive) {
		if (ring_.active_ != nullptr)
			Refuse(number_, "is a second active key", "Mark exactly one key as active.");
		ring_.active_ = key.get();
	}
	lines_.emplace(key.get(), number_);
	ring_.by_id_.emplace(key->id(), key.get());
	by_fingerprint_.emplace(key->fingerprint(), key.get());
	ring_.keys_.push_back(std::move(key));
}

void KeyringReader::CheckWhole() const
{
	if (ring_.keys_.empty())
		throw Error(Fault::kKeyring, "the keyring is empty", "", kLineHint);
	if (ring_.active_ == nullptr)
		throw Error(Fault::kKeyring, "the keyring has no active key", "",
		    "Mark exactly one key as active.");
	ring_.active_->cipher();  // OpenSSL must be able to use it
}

Keyring::Keyring(std::string_view text, WallTime loaded_at) : loaded_at_(loaded_at)
{
	KeyringReader reader(text, this);
	while (reader.ReadLine())
		continue;
	reader.CheckWhole();
}

std::vector<Error> Keyring::ProblemsOf(std::string_view text)
{
	std::vector<Error> problems;
	// Returns false where `step` is at the end, or threw.
	const auto try_step = [&](const auto &step) {
		try {
			return step();
		} catch (const Error &error) {
			problems.push_back(error);
			return true;
		}
	};
	Keyring ring;
	std::optional<KeyringReader> reader;
	try_step([&] { return reader.emplace(text, &ring), true; });
	if (!reader)
		return problems;
	while (problems.size() < kMaxProblems && try_step([&] { return reader->ReadLine(); }))
		continue;
	// A key that is missing may be one of those that could not be read.
	if (problems.empty())
		try_step([&] { return reader->CheckWhole(), true; });
	return problems;
}

const Key *Keyring::Find(std::string_view id) const noexcept
{
	const auto found = by_id_.find(id);
	return found == by_id_.end() ? nullptr : found->second;
}

const Key &Keyring::KeyToOpen(std::string_view id) const
{
	const Key *key = Find(id);
	if (key == nullptr)
		throw Error(Fault::kBadMask,
		    "the keyring does not have key \"" + std::string(id) + "\", which opens the value", "",
		    "Add the key to the keyring in the state decrypt.");
	if (key->state() == KeyState::kDisabled)
		throw Error(Fault::kBadMask,
		    "key \"" + std::string(id) + "\", which opens the value, is disabled", "",
		    "Give the key the state decrypt in the keyring.");
	return *key;
}

const Key &Keyring::KeyToMask(std::string_view id) const
{
	const Key *key = Find(id);
	if (key == nullptr)
		throw Error(Fault::kInvalid, "the keyring does not have the key that was asked for", "",
		    "SELECT * FROM sqs.mask_keys() shows the keys that it has.");
	if (key->state() == KeyState::kDisabled)
		throw Error(Fault::kInvalid, "key \"" + std::string(id) + "\" is disabled", "",
		    "Name another key, or give this one the state decrypt in the keyring.");
	return *key;
}

}  // namespace sqs_fdw::masking
