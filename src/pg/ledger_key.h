// What a message is known by in the ledger. Plain C++, so that the registry can use it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sqs_fdw::pg {

// SQS keeps a message's id and the time it was sent over redeliveries.
struct LedgerKey {
	int64_t sent_ms;  // milliseconds since 1970; 0 where SQS did not tell
	std::array<uint8_t, 16> id;
	int32_t queue;  // QueueNumber: whose retention decides when the entry may go
	// SQS has delivered it before, as far as it can tell: the ledger may well have it.
	bool redelivered;
};

// The bytes of a message id that is a UUID, as SQS's are; of any other id, 128 bits of FNV-1a.
std::array<uint8_t, 16> MessageIdBytes(std::string_view message_id) noexcept;

// A number for the queue of that URL in a region, whatever host the URL names: an account may have
// queues of one name in several regions, and one queue has several hosts.
int32_t QueueNumber(std::string_view region, std::string_view url) noexcept;

}  // namespace sqs_fdw::pg
