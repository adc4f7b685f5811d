// Registry and Inbox: who has which message, and where it goes when a scan or transaction ends.
#include "pg/registry.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sqs_fdw::pg {

std::chrono::seconds ReleaseDelay(int32_t receive_count) noexcept
{
	constexpr int kMostDoublings = 10;
	constexpr std::chrono::seconds kMost{900};
	if (receive_count <= 1)
		return std::chrono::seconds(0);
	const int doublings = std::min(receive_count - 2, kMostDoublings);
	return std::min(kMost, std::chrono::seconds(1 << doublings));
}

namespace {

// Whether the fate may still change.
bool IsOpen(Fate fate) noexcept
{
	return fate == Fate::kHeld || fate == Fate::kLooked || fate == Fate::kFiltered;
}

// Whether the message leaves the queue once the transaction has committed.
bool IsToDelete(Fate fate) noexcept
{
	return fate == Fate::kTaken || fate == Fate::kDuplicate;
}

}  // namespace

int32_t NumberOf(const aws::Queue &queue) noexcept
{
	return QueueNumber(queue.client->options().endpoint.region, queue.url);
}

Inbox::Inbox(
    aws::QueuePtr queue, const InboxOptions &options, uint32_t *last_serial, HeldMessages *held)
    : queue_(std::move(queue)),
      receiver_(std::make_unique<aws::Receiver>(queue_->client, options.receiver)),
      subtransaction_(options.subtransaction),
      look_(options.look),
      replay_(options.replay),
      statement_(options.statement),
      keeps_rows_(options.keeps_rows),
      last_serial_(last_serial),
      held_(held),
      queue_number_(NumberOf(*queue_))
{
}

const aws::ReceivedBatch *Inbox::batch() const noexcept
{
	return position_ == 0 ? nullptr : batches_[position_ - 1].received.get();
}

uint32_t Inbox::serial() const noexcept
{
	return position_ == 0 ? 0 : batches_[position_ - 1].serial;
}

bool Inbox::Advance(SubTransactionId subtransaction)
{
	if (position_ < batches_.size()) {
		++position_;
		return true;
	}
	auto received = receiver_->Next();
	if (received == nullptr)
		return false;
	if (!replay_ && position_ > 0)
		SettleFront();
	counts_.received += static_cast<int64_t>(received->messages.size());
	Batch batch;
	batch.serial = ++*last_serial_;
	batch.slots.reserve(received->messages.size());
	aws::HandleBlock handles(received->messages);
	for (const aws::Message &message : received->messages) {
		const auto [held, is_new] = held_->Enter(MessageIdBytes(message.id));
		held->handle = handles.Next(message);
		held->sent_ms = message.sent_ms;
		batch.slots.push_back({held, subtransaction, is_new ? Fate::kHeld : Fate::kRepeated});
		counts_.repeated += is_new ? 0 : 1;
	}
	batch.received = std::move(received);
	batches_.push_back(std::move(batch));
	position_ = batches_.size();
	return true;
}

// Gives a message another fate and owner; whether that changed its fate.
bool Inbox::Change(Fate *from, SubTransactionId *owner, Fate fate, SubTransactionId subtransaction)
{
	if (!IsOpen(*from) || *from == fate)
		return false;
	if (*from == Fate::kFiltered)
		--counts_.filtered;
	*from = fate;
	*owner = subtransaction;
	counts_.taken += fate == Fate::kTaken ? 1 : 0;
	counts_.filtered += fate == Fate::kFiltered ? 1 : 0;
	counts_.rejected += fate == Fate::kRejected ? 1 : 0;
	return true;
}

Fate Inbox::FateOf(size_t index) const noexcept
{
	return batches_[position_ - 1].slots[index].fate;
}

bool Inbox::Mark(size_t index, Fate fate, SubTransactionId subtransaction)
{
	Slot &slot = batches_[position_ - 1].slots[index];
	return Change(&slot.fate, &slot.subtransaction, fate, subtransaction);
}

LedgerKey Inbox::MakeKey(const Held &message, int32_t receive_count) const noexcept
{
	return {message.sent_ms, message.id, queue_number_, receive_count > 1};
}

LedgerKey Inbox::KeyOf(size_t index) const noexcept
{
	const Batch &batch = batches_[position_ - 1];
	return MakeKey(*batch.slots[index].message, batch.received->messages[index].receive_count);
}

// A message of any batch; null where this inbox does not have it.
Inbox::Place Inbox::Find(MessageId id) noexcept
{
	for (Batch &batch : batches_) {
		if (batch.serial == id.serial) {
			Slot &slot = batch.slots[id.index];
			return {slot.message, batch.received->messages[id.index].receive_count, &slot.fate,
			    &slot.subtransaction};
		}
	}
	const auto before = [](const SettledParcel &settled, const MessageId &wanted) {
		return settled.id < wanted;
	};
	const auto found = std::lower_bound(settled_.begin(), settled_.end(), id, before);
	if (found == settled_.end() || id < found->id)
		return {};
	return {found->parcel.message, found->parcel.receive_count, &found->parcel.fate,
	    &found->subtransaction};
}

std::optional<bool> Inbox::MarkAt(MessageId id, Fate fate, SubTransactionId subtransaction)
{
	const Place place = Find(id);
	if (place.fate == nullptr)
		return std::nullopt;
	return Change(place.fate, place.owner, fate, subtransaction);
}

std::optional<LedgerKey> Inbox::KeyAt(MessageId id) noexcept
{
	const Place place = Find(id);
	if (place.fate == nullptr || !IsOpen(*place.fate))
		return std::nullopt;
	return MakeKey(*place.message, place.receive_count);
}

// Keeps what is needed of one message of a batch that is about to go. A repeated one is kept where
// it was first.
void Inbox::Settle(const Batch &batch, size_t index)
{
	const Slot &slot = batch.slots[index];
	if (slot.fate == Fate::kRepeated || slot.fate == Fate::kGone)
		return;
	settled_.push_back({slot.subtransaction, {batch.serial, static_cast<uint16_t>(index)},
	    {slot.message, batch.received->messages[index].receive_count, slot.fate}});
}

// Settles the oldest batch and frees its bodies.
void Inbox::SettleFront()
{
	for (size_t i = 0; i < batches_.front().slots.size(); ++i)
		Settle(batches_.front(), i);
	batches_.pop_front();
	--position_;
}

// Moves the messages that the subtransaction marked to `out`.
void Inbox::ReleaseSlots(Batch *batch, SubTransactionId subtransaction, std::vector<Parcel> *out)
{
	for (size_t i = 0; i < batch->slots.size(); ++i) {
		Slot &slot = batch->slots[i];
		if (slot.subtransaction < subtransaction || slot.message == nullptr)
			continue;
		if (slot.fate != Fate::kRepeated)
			out->push_back({slot.message, batch->received->messages[i].receive_count, slot.fate});
		slot.message = nullptr;
		slot.fate = Fate::kGone;
	}
}

void Inbox::Abort(SubTransactionId subtransaction, std::vector<Parcel> *out)
{
	// A batch that was received in the subtransaction is gone as a whole. Of another one only the
	// messages that were returned in it are gone; the rest is still to come.
	for (size_t i = 0; i < batches_.size();) {
		Batch &batch = batches_[i];
		const auto is_aborted = [&](const Slot &slot) {
			return slot.subtransaction >= subtransaction;
		};
		if (!std::all_of(batch.slots.begin(), batch.slots.end(), is_aborted)) {
			ReleaseSlots(&batch, subtransaction, out);
			++i;
			continue;
		}
		for (size_t m = 0; m < batch.slots.size(); ++m)
			Settle(batch, m);
		batches_.erase(batches_.begin() + static_cast<std::ptrdiff_t>(i));
		if (position_ > i)
			--position_;
	}
	const auto by_id = [](const SettledParcel &a, const SettledParcel &b) { return a.id < b.id; };
	if (!std::is_sorted(settled_.begin(), settled_.end(), by_id))
		std::sort(settled_.begin(), settled_.end(), by_id);

	const auto aborted = std::stable_partition(settled_.begin(), settled_.end(),
	    [&](const auto &settled) { return settled.subtransaction < subtransaction; });
	for (auto settled = aborted; settled != settled_.end(); ++settled)
		out->push_back(settled->parcel);
	settled_.erase(aborted, settled_.end());
}

void Inbox::Commit(SubTransactionId subtransaction, SubTransactionId parent) noexcept
{
	subtransaction_ = std::min(subtransaction_, parent);
	for (auto &settled : settled_) {
		if (settled.subtransaction >= subtransaction)
			settled.subtransaction = parent;
	}
	for (Batch &batch : batches_) {
		for (Slot &slot : batch.slots) {
			if (slot.subtransaction >= subtransaction)
				slot.subtransaction = parent;
		}
	}
}

Inbox *Registry::Open(aws::QueuePtr queue, const InboxOptions &options)
{
	HeldMessages *held = &held_[queue];
	inboxes_.push_back(std::make_unique<Inbox>(std::move(queue), options, &last_serial_, held));
	return inboxes_.back().get();
}

bool Registry::Mark(MessageId id, Fate fate, SubTransactionId subtransaction)
{
	Touch(subtransaction);
	for (auto inbox = inboxes_.rbegin(); inbox != inboxes_.rend(); ++inbox) {
		if (const auto changed = (*inbox)->MarkAt(id, fate, subtransaction))
			return *changed;
	}
	return false;
}

std::optional<LedgerKey> Registry::KeyAt(MessageId id) noexcept
{
	for (auto inbox = inboxes_.rbegin(); inbox != inboxes_.rend(); ++inbox) {
		if (const auto key = (*inbox)->KeyAt(id))
			return key;
	}
	return std::nullopt;
}

std::unique_ptr<Inbox> Registry::Remove(Inbox *inbox)
{
	const auto found = std::find_if(inboxes_.begin(), inboxes_.end(),
	    [&](const auto &candidate) { return candidate.get() == inbox; });
	if (found == inboxes_.end())
		return nullptr;
	auto removed = std::move(*found);
	inboxes_.erase(found);
	return removed;
}

// Makes a message visible again. One that was returned to a statement, or refused by the table's
// definition, may be what the trouble is about: it comes back later each time.
void Registry::GiveBack(const aws::QueuePtr &queue, const Parcel &parcel)
{
	const bool suspect = parcel.fate == Fate::kTaken || parcel.fate == Fate::kRejected ||
	                     parcel.fate == Fate::kContended;
	settlement_.Release(queue, std::move(parcel.message->handle),
	    suspect ? ReleaseDelay(parcel.receive_count) : std::chrono::seconds(0));
}

// The transaction goes on without the message, and may receive it anew.
void Registry::Forget(const aws::QueuePtr &queue, const Parcel &parcel)
{
	held_[queue].Forget(parcel.message);
}

// Sorts the messages of an ended scan: into the frames what waits for the transaction's end, and
// to the settlement all else.
void Registry::Dissolve(std::unique_ptr<Inbox> inbox, Frames *frames)
{
	inbox->receiver_->Stop();
	while (inbox->Advance(newest_)) {
	}
	while (!inbox->batches_.empty()) {
		inbox->position_ = inbox->batches_.size();
		inbox->SettleFront();
	}
	std::vector<Parcel> *waiting = nullptr;
	SubTransactionId owner = 0;  // of `waiting`
	for (const auto &settled : inbox->settled_) {
		const Fate fate = settled.parcel.fate;
		const bool waits = inbox->look_ || IsToDelete(fate) || fate == Fate::kLooked;
		if (waits) {
			if (waiting == nullptr || owner != settled.subtransaction) {
				owner = settled.subtransaction;
				waiting = &(*frames)[owner][inbox->queue_];
			}
			waiting->push_back(settled.parcel);
		} else {
			GiveBack(inbox->queue_, settled.parcel);
			Forget(inbox->queue_, settled.parcel);
		}
	}
	if (inbox->receiver_->polls_under_way() > 0)
		settlement_.Drain(inbox->queue_, std::move(inbox->receiver_));
}

void Registry::Close(Inbox *inbox)
{
	if (auto removed = Remove(inbox))
		Dissolve(std::move(removed), &frames_);
}

void Registry::Commit(SubTransactionId subtransaction, SubTransactionId parent)
{
	for (auto &inbox : inboxes_)
		inbox->Commit(subtransaction, parent);
	for (auto frame = frames_.lower_bound(subtransaction); frame != frames_.end();
	     frame = frames_.erase(frame)) {
		for (auto &[queue, parcels] : frame->second) {
			auto &into = frames_[parent][queue];
			if (into.size() < parcels.size())
				std::swap(into, parcels);
			into.insert(into.end(), parcels.begin(), parcels.end());
		}
	}
	newest_ = std::min(newest_, parent);
}

bool Registry::Abort(SubTransactionId subtransaction)
{
	Parcels aborted;
	bool closed = false;
	for (auto frame = frames_.lower_bound(subtransaction); frame != frames_.end();
	     frame = frames_.erase(frame)) {
		for (auto &[queue, parcels] : frame->second)
			aborted[queue].insert(aborted[queue].end(), parcels.begin(), parcels.end());
	}
	for (size_t i = inboxes_.size(); i-- > 0;) {
		Inbox &inbox = *inboxes_[i];
		auto &parcels = aborted[inbox.queue_];
		const auto others = static_cast<std::ptrdiff_t>(parcels.size());
		inbox.Abort(subtransaction, &parcels);
		const auto is_taken = [](const Parcel &parcel) { return parcel.fate == Fate::kTaken; };
		if (inbox.keeps_rows_ && std::any_of(parcels.begin() + others, parcels.end(), is_taken))
			inbox.torn_ = true;
		if (inbox.subtransaction_ >= subtransaction) {
			Close(&inbox);
			closed = true;
		}
	}
	bool any = closed;
	for (const auto &[queue, parcels] : aborted) {
		any = any || !parcels.empty();
		for (const Parcel &parcel : parcels) {
			GiveBack(queue, parcel);
			Forget(queue, parcel);
		}
	}
	newest_ = std::min(newest_, subtransaction - 1);
	return any;
}

bool Registry::IsTaking(const void *statement) const noexcept
{
	return std::any_of(inboxes_.begin(), inboxes_.end(),
	    [&](const auto &inbox) { return !inbox->look_ && inbox->statement_ == statement; });
}

bool Registry::IsTorn(const void *statement) const noexcept
{
	return std::any_of(inboxes_.begin(), inboxes_.end(),
	    [&](const auto &inbox) { return inbox->torn_ && inbox->statement_ == statement; });
}

void Registry::EndTransaction(TransactionEnd end)
{
	// Whatever throws from here on, the next transaction starts with nothing of this one. The held
	// messages go last: the rest points to them.
	const auto held = std::exchange(held_, {});
	auto frames = std::exchange(frames_, {});
	auto inboxes = std::exchange(inboxes_, {});
	if (std::exchange(distrusted_, false))
		end = TransactionEnd::kAborted;
	has_taken_ = false;
	has_looked_ = false;

	for (auto &inbox : inboxes)
		Dissolve(std::move(inbox), &frames);
	newest_ = 0;
	for (auto &[subtransaction, frame] : frames) {
		for (auto &[queue, parcels] : frame) {
			for (const Parcel &parcel : parcels) {
				if (end == TransactionEnd::kAborted || !IsToDelete(parcel.fate))
					GiveBack(queue, parcel);
				else if (end == TransactionEnd::kCommitted)
					settlement_.Delete(queue, std::move(parcel.message->handle));
			}
		}
	}
}

}  // namespace sqs_fdw::pg
