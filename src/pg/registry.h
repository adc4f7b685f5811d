// Every message that this backend has received and not yet answered for, by subtransaction.
//
// Plain C++: pg/xact.h ties it to the server's transactions. It lives as long as the backend, since
// the executor's memory is gone before a transaction's end is announced.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "aws/receiver.h"
#include "aws/settlement.h"
#include "pg/held.h"
#include "pg/ledger_key.h"
#include "pg/types.h"

namespace sqs_fdw::pg {

// What the scan decided about a message.
enum class Fate : uint8_t {
	kHeld,       // not looked at yet, or its row is on its way: visible again at the scan's end
	kLooked,     // returned by a look: visible again when the transaction ends
	kTaken,      // returned by a statement that writes: deleted after the commit
	kFiltered,   // a condition of the query refused it: visible again at the scan's end
	kRejected,   // the table's definition refused it: visible again, later each time
	kDuplicate,  // its row is in the database already: not returned, deleted after the commit
	kContended,  // a running transaction has it: not returned, visible again later each time
	kRepeated,   // the transaction has it already: its visibility ran out, and it came again
	kGone,       // a rollback to a savepoint has released it
};

// How long a message stays invisible once it is given back, by its receive count: at once the first
// time, then 1 s, 2 s, 4 s … up to 15 minutes, so that a poison message does not spin.
std::chrono::seconds ReleaseDelay(int32_t receive_count) noexcept;

// What the ledger calls a queue.
int32_t NumberOf(const aws::Queue &queue) noexcept;

// Where a message is: its batch's serial number, which no other batch of the backend has for as
// long as it matters, and its position in the batch. Fits a tuple identifier.
struct MessageId {
	uint32_t serial;
	uint16_t index;

	bool operator<(const MessageId &other) const noexcept
	{
		return serial != other.serial ? serial < other.serial : index < other.index;
	}
};

// A message that the scan is done with: all that is needed to delete or release it.
struct Parcel {
	Held *message;
	int32_t receive_count;
	Fate fate;
};

struct InboxOptions {
	// Where the statement began: its scan dies with this subtransaction.
	SubTransactionId subtransaction = 0;
	aws::ReceiverOptions receiver;
	bool look = false;    // everything is held until the transaction ends
	bool replay = false;  // the scan may be run again: batches are kept
	// What runs the scan; whether it may return a message's row after the scan has.
	const void *statement = nullptr;
	bool keeps_rows = false;
};

struct InboxCounts {
	int64_t received = 0;
	int64_t taken = 0;
	int64_t filtered = 0;
	int64_t rejected = 0;
	int64_t repeated = 0;
};

// What one scan has received. The scan holds a plain pointer, valid until it closes the inbox or
// the transaction ends, and must ask anew for the current batch whenever control has been
// elsewhere: a savepoint rollback may have taken it away, which changes serial().
class Inbox {
public:
	// `last_serial` counts the batches of all inboxes; `held` is what the transaction has of the
	// queue.
	Inbox(aws::QueuePtr queue, const InboxOptions &options, uint32_t *last_serial,
	    HeldMessages *held);

	aws::Receiver &receiver() noexcept { return *receiver_; }
	const aws::QueuePtr &queue() const noexcept { return queue_; }
	const InboxCounts &counts() const noexcept { return counts_; }

	// Makes the next batch current: a replayed one, or else one that has arrived, tagged with the
	// subtransaction. False where there is none.
	bool Advance(SubTransactionId subtransaction);

	// The current batch, or null; its serial number never comes twice.
	const aws::ReceivedBatch *batch() const noexcept;
	uint32_t serial() const noexcept;

	// What is known of message `index` of the current batch.
	Fate FateOf(size_t index) const noexcept;

	// What the ledger knows message `index` of the current batch by.
	LedgerKey KeyOf(size_t index) const noexcept;

	// Settles message `index` of the current batch; whether that changed its fate. A fate that was
	// settled stays, unless a replay takes what an earlier pass filtered.
	bool Mark(size_t index, Fate fate, SubTransactionId subtransaction);

	// The same for a message of any batch; unset where this inbox does not have it.
	std::optional<bool> MarkAt(MessageId id, Fate fate, SubTransactionId subtransaction);

	// The key of a message of any batch that may still be taken; unset where there is none.
	std::optional<LedgerKey> KeyAt(MessageId id) noexcept;

	// Starts over with what was received. Only with options.replay.
	void Rewind() noexcept { position_ = 0; }

	// Moves what the aborted subtransaction received or took to `out`.
	void Abort(SubTransactionId subtransaction, std::vector<Parcel> *out);
	// What the committed subtransaction received or took is its parent's now.
	void Commit(SubTransactionId subtransaction, SubTransactionId parent) noexcept;

private:
	friend class Registry;

	struct Slot {
		Held *message;
		SubTransactionId subtransaction;
		Fate fate;
	};

	struct Batch {
		uint32_t serial;
		std::unique_ptr<aws::ReceivedBatch> received;
		std::vector<Slot> slots;
	};

	struct SettledParcel {
		SubTransactionId subtransaction;
		MessageId id;
		Parcel parcel;
	};

	struct Place {
		Held *message;
		int32_t receive_count;
		Fate *fate;
		SubTransactionId *owner;
	};

	Place Find(MessageId id) noexcept;
	LedgerKey MakeKey(const Held &message, int32_t receive_count) const noexcept;
	bool Change(Fate *from, SubTransactionId *owner, Fate fate, SubTransactionId subtransaction);
	static void ReleaseSlots(
	    Batch *batch, SubTransactionId subtransaction, std::vector<Parcel> *out);
	void Settle(const Batch &batch, size_t index);
	void SettleFront();

	aws::QueuePtr queue_;
	std::unique_ptr<aws::Receiver> receiver_;
	SubTransactionId subtransaction_;
	bool look_;
	bool replay_;
	const void *statement_;
	bool keeps_rows_;
	bool torn_ = false;  // the statement may still return rows whose messages were given back
	std::deque<Batch> batches_;
	size_t position_ = 0;  // one past the current batch; 0: none is current
	uint32_t *last_serial_;
	HeldMessages *held_;
	int32_t queue_number_;
	std::vector<SettledParcel> settled_;  // of batches that are behind us, by id
	InboxCounts counts_;
};

// How a transaction ended, as far as messages are concerned.
enum class TransactionEnd {
	kCommitted,    // taken messages are deleted
	kUnconfirmed,  // committed, but not where it should be: they are neither deleted nor released
	kAborted,      // they are released
};

// The backend's inboxes, and the messages of scans that have ended.
class Registry {
public:
	Inbox *Open(aws::QueuePtr queue, const InboxOptions &options);

	// The scan has ended. What was filtered, rejected or never looked at goes to the settlement;
	// what was taken or looked at stays until the transaction ends.
	void Close(Inbox *inbox);

	// Settles a message that a scan has returned, wherever it is now; whether it was open.
	bool Mark(MessageId id, Fate fate, SubTransactionId subtransaction);

	// What the ledger knows such a message by; unset where it has been taken already.
	std::optional<LedgerKey> KeyAt(MessageId id) noexcept;

	// Every message received or taken from now on belongs to `subtransaction` or one above it.
	void Touch(SubTransactionId subtransaction) noexcept
	{
		if (subtransaction > newest_)
			newest_ = subtransaction;
	}

	// Whether the subtransaction has messages at all: the quick answer for the many without.
	bool Concerns(SubTransactionId subtransaction) const noexcept
	{
		return subtransaction <= newest_;
	}

	void Commit(SubTransactionId subtransaction, SubTransactionId parent);
	// Whether anything was given to the settlement.
	bool Abort(SubTransactionId subtransaction);

	// Whether a scan of the statement takes messages.
	bool IsTaking(const void *statement) const noexcept;
	// Whether a rollback to a savepoint has given back messages whose rows the statement may still
	// have. It must not go on: they come again.
	bool IsTorn(const void *statement) const noexcept;

	// Hands everything to the settlement, as the transaction's end wants it. Ends all inboxes.
	// Where it throws, what it had is forgotten, and comes back when its visibility timeout ends.
	void EndTransaction(TransactionEnd end);

	// After Commit or Abort threw, nobody knows any more which messages were taken: nothing of this
	// transaction is deleted.
	void Distrust() noexcept { distrusted_ = true; }

	bool idle() const noexcept { return inboxes_.empty() && frames_.empty(); }
	// Whether the transaction has messages to delete once it has committed.
	bool has_taken() const noexcept { return has_taken_; }
	void set_has_taken() noexcept { has_taken_ = true; }
	// Whether the transaction has returned messages that stay in the queue.
	bool has_looked() const noexcept { return has_looked_; }
	void set_has_looked() noexcept { has_looked_ = true; }

	aws::Settlement &settlement() noexcept { return settlement_; }

private:
	using Parcels = std::map<aws::QueuePtr, std::vector<Parcel>>;
	using Frames = std::map<SubTransactionId, Parcels>;

	std::unique_ptr<Inbox> Remove(Inbox *inbox);
	void GiveBack(const aws::QueuePtr &queue, const Parcel &parcel);
	void Forget(const aws::QueuePtr &queue, const Parcel &parcel);
	void Dissolve(std::unique_ptr<Inbox> inbox, Frames *frames);

	std::map<aws::QueuePtr, HeldMessages> held_;
	std::vector<std::unique_ptr<Inbox>> inboxes_;
	Frames frames_;
	uint32_t last_serial_ = 0;
	SubTransactionId newest_ = 0;
	bool has_taken_ = false;
	bool has_looked_ = false;
	bool distrusted_ = false;
	aws::Settlement settlement_;
};

}  // namespace sqs_fdw::pg
