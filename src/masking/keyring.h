// The keys of a keyring text: one active, the others for reading or switched off.
//
// Key bytes are in secret memory (base/secret_memory) only, and so are the keys that are derived
// from them.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "masking/cipher.h"
#include "masking/envelope.h"

namespace sqs_fdw::masking {

enum class KeyState {
	kActive,    // masks and unmasks
	kDecrypt,   // unmasks, and masks where it is asked for: on its way in or out of a rotation
	kDisabled,  // neither; kept so that its masks are named in errors
};

std::string_view KeyStateName(KeyState state) noexcept;  // as written in a keyring

// One key, ready to use. Not for two threads at once (see AesSiv); the rest is immutable.
class Key {
public:
	// `bytes` has kKeySize bytes, `id` is a key id. Throws Error(kCrypto).
	Key(std::string_view id, KeyState state, Secret bytes);
	Key(const Key &) = delete;
	Key &operator=(const Key &) = delete;

	const std::string &id() const noexcept { return id_; }
	KeyState state() const noexcept { return state_; }

	// Eight hexadecimal digits that tell keys apart and say nothing about them.
	const std::string &fingerprint() const noexcept { return fingerprint_; }

	// Made at its first use, since most keys of a large ring never have one. Throws Error(kCrypto).
	const AesSiv &cipher() const { return cipher_ != nullptr ? *cipher_ : MakeCipher(); }

	// Under the key derived for sealing messages; made at its first use.
	const AesSiv &seal_cipher() const;

	// The key of one-way masks, derived at its first use. Throws Error(kCrypto).
	const Secret &pseudonym_key() const;

	// What AesSiv needs to know of type and domain. Kept for the domains used last, so that masking
	// a column costs two or three blocks of AES a value. Valid until the next call.
	const AesSiv::Prefix &PrefixFor(MaskType type, std::string_view domain) const;

	bool HasBytesOf(const Key &other) const noexcept;

private:
	const AesSiv &MakeCipher() const;

	struct DomainPrefix {
		MaskType type;
		std::string domain;
		AesSiv::Prefix prefix;
	};
	// Far more domains than a statement has; more only cost time.
	static constexpr size_t kMaxPrefixes = 16;

	std::string id_;
	KeyState state_;
	Secret bytes_;
	std::string fingerprint_;
	mutable std::unique_ptr<const AesSiv> cipher_;
	mutable std::unique_ptr<const AesSiv> seal_cipher_;
	mutable Secret pseudonym_key_;
	mutable std::vector<DomainPrefix> prefixes_;
	mutable size_t next_victim_ = 0;
};

// All keys of one keyring text; never changed after it was made.
class Keyring {
public:
	// One key a line: `k2 active <base64 of 64 bytes>`; states active, decrypt and disabled; `#`
	// starts a comment. Throws Error(kKeyring), which names line numbers and no contents, unless
	// every line is right, exactly one key is active, and no two keys have the same id or bytes.
	Keyring(std::string_view text, WallTime loaded_at);

	// All that is wrong with a text, in the order of its lines, instead of the first thing only;
	// empty if the constructor would take it. At most kMaxProblems.
	static std::vector<Error> ProblemsOf(std::string_view text);
	static constexpr size_t kMaxProblems = 100;

	const Key &active() const noexcept { return *active_; }
	const Key *Find(std::string_view id) const noexcept;  // null if there is none

	// The key that opens what names it. Throws Error(kBadMask) if the ring has none of that id, or
	// it is disabled.
	const Key &KeyToOpen(std::string_view id) const;

	// The key that a caller wants to mask with. Throws Error(kInvalid) in the same cases.
	const Key &KeyToMask(std::string_view id) const;

	const std::vector<std::unique_ptr<const Key>> &keys() const noexcept { return keys_; }
	WallTime loaded_at() const noexcept { return loaded_at_; }

private:
	friend class KeyringReader;

	Keyring() = default;

	std::vector<std::unique_ptr<const Key>> keys_;
	std::unordered_map<std::string_view, const Key *> by_id_;
	const Key *active_ = nullptr;
	WallTime loaded_at_;
};

}  // namespace sqs_fdw::masking
