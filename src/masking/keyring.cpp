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

[[noreturn]] void Refuse(size_t line, const char *what, const char *hint)
{
	throw Error(Fault::kKeyring, "keyring line " + std::to_string(line) + " " + what, "", hint);
}

constexpr char kLineHint[] =
    "A line is a key id, active, decrypt or disabled, and the base64 of 64 random bytes on one "
    "line: printf 'k1 active %s\\n' \"$(openssl rand -base64 64 | tr -d '\\n')\".";

Secret DecodeKey(std::string_view text, size_t line)
{
	auto bytes = Base64Decode(text);
	if (!bytes)
		Refuse(line, "has a key that is not base64", kLineHint);
	Secret key(*bytes);
	Cleanse(bytes->data(), bytes->size());
	if (key.size() != kKeySize)
		Refuse(line, "has a key that is not 64 bytes long", kLineHint);
	return key;
}

Secret Derive(const Secret &key, std::string_view info, size_t size)
{
	std::array<uint8_t, kKeySize> derived;
	HkdfSha256(key.Reveal(), kDerivationSalt, info, derived.data(), size);
	Secret secret({reinterpret_cast<const char *>(derived.data()), size});
	Cleanse(derived.data(), size);
	return secret;
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
    : id_(id),
      state_(state),
      bytes_(std::move(bytes)),
      fingerprint_(Fingerprint(bytes_.Reveal())),
      cipher_(bytes_.Reveal())
{
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
	    type, std::string(domain), cipher_.Absorb(cipher_.Begin(), AssociatedData(type, domain))};
	if (prefixes_.size() < kMaxPrefixes)
		return prefixes_.emplace_back(std::move(entry)).prefix;
	next_victim_ = (next_victim_ + 1) % kMaxPrefixes;
	return (prefixes_[next_victim_] = std::move(entry)).prefix;
}

bool Key::HasBytesOf(const Key &other) const noexcept
{
	return ConstantTimeEqual(bytes_.Reveal().data(), other.bytes_.Reveal().data(), kKeySize);
}

Keyring::Keyring(std::string_view text, WallTime loaded_at) : loaded_at_(loaded_at)
{
	for (size_t number = 1; !text.empty(); ++number) {
		const size_t size = std::min(text.find('\n'), text.size());
		AddLine(text.substr(0, size), number);
		text.remove_prefix(std::min(size + 1, text.size()));
	}
	if (active_ == nullptr)
		throw Error(Fault::kKeyring, "the keyring has no active key", "",
		    "Mark exactly one key as active.");
}

void Keyring::AddLine(std::string_view line, size_t number)
{
	line = line.substr(0, line.find('#'));
	const std::string_view id = NextWord(&line);
	if (id.empty())
		return;
	const auto state = ParseState(NextWord(&line));
	const std::string_view encoded = NextWord(&line);
	if (!IsKeyId(id))
		Refuse(number, "does not begin with a key id",
		    "A key id is 1 to 16 characters of a-z and 0-9.");
	if (!state || encoded.empty() || !NextWord(&line).empty())
		Refuse(number, "is not a key id, a state and a key", kLineHint);

	auto key = std::make_unique<const Key>(id, *state, DecodeKey(encoded, number));
	for (size_t i = 0; i < keys_.size(); ++i) {
		const std::string other = "of line " + std::to_string(lines_[i]);
		if (keys_[i]->id() == id)
			Refuse(number, ("repeats the key id " + other).c_str(), "Give each key its own id.");
		if (keys_[i]->HasBytesOf(*key))
			Refuse(number, ("repeats the key " + other + " under another id").c_str(),
			    "Generate a new key for each id.");
	}
	if (*state == KeyState::kActive) {
		if (active_ != nullptr)
			Refuse(number, "is a second active key", "Mark exactly one key as active.");
		active_ = key.get();
	}
	keys_.push_back(std::move(key));
	lines_.push_back(number);
}

const Key *Keyring::Find(std::string_view id) const noexcept
{
	for (const auto &key : keys_) {
		if (key->id() == id)
			return key.get();
	}
	return nullptr;
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
