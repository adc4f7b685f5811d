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

Inbox::Inbox(aws::QueuePtr queue, const InboxOptions &options, uint32_t *last_serial)
    : queue_(std::move(queue)),
      receiver_(std::make_unique<aws::Receiver>(queue_->client, options.receiver)),
      subtransaction_(options.subtransaction),
      look_(options.look),
      replay_(options.replay),
      last_serial_(last_serial)
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
	batch.slots.assign(received->messages.size(), Slot{subtransaction, Fate::kHeld});
	batch.received = std::move(received);
	batches_.push_back(std::move(batch));
	position_ = batches_.size();
	return true;
}

// Gives a message another fate and owner; whether that changed its fate.
bool Inbox::Change(Fate *from, SubTransactionId *owner, Fate fate, SubTransactionId subtransaction)
{
	if (*from == fate || *from == Fate::kTaken || *from == Fate::kRejected)
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

bool Inbox::Mark(size_t index, Fate fate, SubTransactionId subtransaction)
{
	Slot &slot = batches_[position_ - 1].slots[index];
	return Change(&slot.fate, &slot.subtransaction, fate, subtransaction);
}

std::optional<bool> Inbox::MarkAt(MessageId id, Fate fate, SubTransactionId subtransaction)
{
	for (Batch &batch : batches_) {
		if (batch.serial != id.serial)
			continue;
		Slot &slot = batch.slots[id.index];
		return Change(&slot.fate, &slot.subtransaction, fate, subtransaction);
	}
	const auto before = [](const SettledParcel &settled, const MessageId &wanted) {
		return std::pair(settled.id.serial, settled.id.index) <
		       std::pair(wanted.serial, wanted.index);
	};
	const auto found = std::lower_bound(settled_.begin(), settled_.end(), id, before);
	if (found == settled_.end() || found->id.serial != id.serial || found->id.index != id.index)
		return std::nullopt;
	return Change(&found->parcel.fate, &found->subtransaction, fate, subtransaction);
}

// Keeps the handle of one message of a batch that is about to go.
void Inbox::Settle(const Batch &batch, size_t index)
{
	const aws::Message &message = batch.received->messages[index];
	const Slot &slot = batch.slots[index];
	settled_.push_back({slot.subtransaction, {batch.serial, static_cast<uint16_t>(index)},
	    {std::string(message.handle), message.receive_count, slot.fate}});
}

// Keeps the handles of the oldest batch and frees its bodies.
void Inbox::SettleFront()
{
	for (size_t i = 0; i < batches_.front().slots.size(); ++i)
		Settle(batches_.front(), i);
	batches_.pop_front();
	--position_;
}

void Inbox::Abort(SubTransactionId subtransaction, std::vector<Parcel> *out)
{
	// A batch is gone as a whole where it was received in the subtransaction; where only some of
	// its messages were taken there, those go, and the scan must not return them again.
	for (size_t i = 0; i < batches_.size();) {
		Batch &batch = batches_[i];
		const bool any = std::any_of(batch.slots.begin(), batch.slots.end(),
		    [&](const Slot &slot) { return slot.subtransaction >= subtransaction; });
		if (!any) {
			++i;
			continue;
		}
		for (size_t m = 0; m < batch.slots.size(); ++m)
			Settle(batch, m);
		batches_.erase(batches_.begin() + static_cast<std::ptrdiff_t>(i));
		if (position_ > i)
			--position_;
	}
	const auto by_id = [](const SettledParcel &a, const SettledParcel &b) {
		return std::pair(a.id.serial, a.id.index) < std::pair(b.id.serial, b.id.index);
	};
	if (!std::is_sorted(settled_.begin(), settled_.end(), by_id))
		std::sort(settled_.begin(), settled_.end(), by_id);

	const auto aborted = std::stable_partition(settled_.begin(), settled_.end(),
	    [&](const auto &settled) { return settled.subtransaction < subtransaction; });
	for (auto settled = aborted; settled != settled_.end(); ++settled)
		out->push_back(std::move(settled->parcel));
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
	inboxes_.push_back(std::make_unique<Inbox>(std::move(queue), options, &last_serial_));
	return inboxes_.back().get();
}

bool Registry::Take(MessageId id, SubTransactionId subtransaction)
{
	Touch(subtransaction);
	for (auto inbox = inboxes_.rbegin(); inbox != inboxes_.rend(); ++inbox) {
		if (const auto taken = (*inbox)->MarkAt(id, Fate::kTaken, subtransaction)) {
			has_taken_ = true;
			return *taken;
		}
	}
	return false;
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
void Registry::GiveBack(const aws::QueuePtr &queue, Parcel parcel)
{
	const bool suspect = parcel.fate == Fate::kTaken || parcel.fate == Fate::kRejected;
	settlement_.Release(queue, std::move(parcel.handle),
	    suspect ? ReleaseDelay(parcel.receive_count) : std::chrono::seconds(0));
}

// Sorts the messages of an ended scan: into the frames what waits for the transaction's end, and
// to the settlement all else.
void Registry::Dissolve(std::unique_ptr<Inbox> inbox)
{
	inbox->receiver_->Stop();
	while (inbox->Advance(newest_)) {
	}
	while (!inbox->batches_.empty()) {
		inbox->position_ = inbox->batches_.size();
		inbox->SettleFront();
	}
	for (auto &settled : inbox->settled_) {
		const bool waits = inbox->look_ || settled.parcel.fate == Fate::kTaken ||
		                   settled.parcel.fate == Fate::kLooked;
		if (waits)
			frames_[settled.subtransaction][inbox->queue_].push_back(std::move(settled.parcel));
		else
			GiveBack(inbox->queue_, std::move(settled.parcel));
	}
	if (inbox->receiver_->polls_under_way() > 0)
		settlement_.Drain(inbox->queue_, std::move(inbox->receiver_));
}

void Registry::Close(Inbox *inbox)
{
	if (auto removed = Remove(inbox))
		Dissolve(std::move(removed));
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
			std::move(parcels.begin(), parcels.end(), std::back_inserter(into));
		}
	}
	newest_ = std::min(newest_, parent);
}

void Registry::Abort(SubTransactionId subtransaction)
{
	for (size_t i = inboxes_.size(); i-- > 0;) {
		Inbox &inbox = *inboxes_[i];
		std::vector<Parcel> parcels;
		inbox.Abort(subtransaction, &parcels);
		for (Parcel &parcel : parcels)
			GiveBack(inbox.queue_, std::move(parcel));
		if (inbox.subtransaction_ >= subtransaction)
			Close(&inbox);
	}
	for (auto frame = frames_.lower_bound(subtransaction); frame != frames_.end();
	     frame = frames_.erase(frame)) {
		for (auto &[queue, parcels] : frame->second) {
			for (Parcel &parcel : parcels)
				GiveBack(queue, std::move(parcel));
		}
	}
	newest_ = std::min(newest_, subtransaction - 1);
}

void Registry::EndTransaction(bool committed)
{
	while (!inboxes_.empty()) {
		auto inbox = std::move(inboxes_.back());
		inboxes_.pop_back();
		Dissolve(std::move(inbox));
	}
	for (auto &[subtransaction, frame] : frames_) {
		for (auto &[queue, parcels] : frame) {
			for (Parcel &parcel : parcels) {
				if (committed && parcel.fate == Fate::kTaken)
					settlement_.Delete(queue, std::move(parcel.handle));
				else
					GiveBack(queue, std::move(parcel));
			}
		}
	}
	frames_.clear();
	newest_ = 0;
	has_taken_ = false;
	has_looked_ = false;
}

}  // namespace sqs_fdw::pg
