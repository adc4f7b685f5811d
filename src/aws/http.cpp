// The multi handle: starts transfers, drives them, and hands their outcomes on.
#include "aws/http.h"

#include "aws/socket_loop.h"
#include "aws/transfer.h"

#include <algorithm>
#include <utility>

#include <curl/curl.h>

namespace sqs_fdw::aws {

namespace {

// A transfer's id is its slot and, above that, a number that tells the slot's users apart.
constexpr unsigned kSlotBits = 16;
constexpr TransferId kSlotMask = (TransferId{1} << kSlotBits) - 1;

// How exact time limits are, and the longest pause between two Runs that counts against them.
constexpr std::chrono::milliseconds kLimitInterval{20};

CURLM *NewMulti()
{
	static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
	CURLM *multi = global == CURLE_OK ? curl_multi_init() : nullptr;
	if (multi == nullptr)
		throw Error(Fault::kInternal, "could not initialize the HTTP client");
	return multi;
}

}  // namespace

struct Http::Impl {
	explicit Impl(const HttpOptions &http_options);
	~Impl();

	struct Slot {
		std::unique_ptr<Transfer> transfer;
		TransferId id = 0;  // 0: free
	};

	Slot *Find(TransferId id) noexcept;
	Slot &TakeSlot();
	void Free(Slot *slot) noexcept;
	void Finish(Slot *slot, HttpOutcome outcome);
	bool Collect();
	bool EndExpired(TimePoint now);
	void SkipPause(TimePoint now) noexcept;

	const HttpOptions options;
	SocketLoop loop;  // libcurl calls into it until the multi handle is gone
	CURLM *multi;
	std::vector<Slot> slots;
	std::vector<size_t> free_slots;
	size_t active = 0;
	TransferId serial = 0;
	TimePoint last_run;    // when Run was last at work
	TimePoint last_check;  // of the time limits
};

Http::Impl::Impl(const HttpOptions &http_options) : options(http_options), multi(NewMulti())
{
	loop.Attach(multi);
	curl_multi_setopt(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(options.max_connections));
}

Http::Impl::~Impl()
{
	for (Slot &slot : slots) {
		if (slot.id != 0)
			curl_multi_remove_handle(multi, slot.transfer->easy());
	}
	slots.clear();
	curl_multi_cleanup(multi);
}

Http::Impl::Slot *Http::Impl::Find(TransferId id) noexcept
{
	const size_t index = id & kSlotMask;
	if (id == 0 || index >= slots.size() || slots[index].id != id)
		return nullptr;
	return &slots[index];
}

Http::Impl::Slot &Http::Impl::TakeSlot()
{
	if (free_slots.empty()) {
		if (slots.size() > kSlotMask)
			throw Error(Fault::kInternal, "too many HTTP transfers at once");
		free_slots.reserve(slots.size() + 1);
		auto transfer = std::make_unique<Transfer>(options, &loop);
		slots.push_back({std::move(transfer), 0});
		free_slots.push_back(slots.size() - 1);
	}
	return slots[free_slots.back()];
}

// The transfer must be out of the multi handle.
void Http::Impl::Free(Slot *slot) noexcept
{
	slot->id = 0;
	slot->transfer->Forget();
	free_slots.push_back(static_cast<size_t>(slot - slots.data()));  // its room was set aside
	--active;
}

// The callback may start and cancel transfers, so nothing of the slot is used once it runs.
void Http::Impl::Finish(Slot *slot, HttpOutcome outcome)
{
	const Done done = slot->transfer->TakeDone();
	Free(slot);
	done(std::move(outcome));
}

bool Http::Impl::Collect()
{
	bool any = false;
	int left = 0;
	while (const CURLMsg *message = curl_multi_info_read(multi, &left)) {
		if (message->msg != CURLMSG_DONE)
			continue;
		CURL *const easy = message->easy_handle;
		const CURLcode code = message->data.result;
		curl_multi_remove_handle(multi, easy);
		const auto slot = std::find_if(slots.begin(), slots.end(),
		    [easy](const Slot &other) { return other.transfer->easy() == easy; });
		any = true;
		Finish(&*slot, slot->transfer->End(code));
	}
	return any;
}

bool Http::Impl::EndExpired(TimePoint now)
{
	if (now - last_check < kLimitInterval)
		return false;
	last_check = now;
	std::vector<TransferId> expired;  // first, since callbacks start and cancel transfers
	for (const Slot &slot : slots) {
		if (slot.id != 0 && slot.transfer->Expired(now))
			expired.push_back(slot.id);
	}
	for (const TransferId id : expired) {
		if (Slot *slot = Find(id)) {
			curl_multi_remove_handle(multi, slot->transfer->easy());
			Finish(slot, slot->transfer->EndTimedOut());
		}
	}
	return !expired.empty();
}

void Http::Impl::SkipPause(TimePoint now) noexcept
{
	if (now - last_run < kLimitInterval)
		return;
	for (Slot &slot : slots) {
		if (slot.id != 0)
			slot.transfer->Postpone(last_run, now);
	}
}

Http::Http(const HttpOptions &options) : impl_(std::make_unique<Impl>(options)) {}

Http::~Http() = default;

TransferId Http::Start(HttpRequest request, Done done)
{
	Impl::Slot &slot = impl_->TakeSlot();
	Transfer *const transfer = slot.transfer.get();
	transfer->Begin(std::move(request), std::move(done));
	if (curl_multi_add_handle(impl_->multi, transfer->easy()) != CURLM_OK) {
		transfer->Forget();
		throw Error(Fault::kInternal, "could not start an HTTP transfer");
	}
	slot.id = ++impl_->serial << kSlotBits | impl_->free_slots.back();
	impl_->free_slots.pop_back();
	++impl_->active;
	return slot.id;
}

void Http::Cancel(TransferId id) noexcept
{
	if (Impl::Slot *slot = impl_->Find(id)) {
		curl_multi_remove_handle(impl_->multi, slot->transfer->easy());
		impl_->Free(slot);
	}
}

Ran Http::Run(const StopPredicate &stop, TimePoint deadline)
{
	impl_->SkipPause(Clock::now());
	for (;;) {
		impl_->loop.RunTimer(impl_->multi);
		if (impl_->Collect())
			return Ran::kProgress;
		if (impl_->active == 0)
			return Ran::kIdle;
		if (stop && stop())
			return Ran::kInterrupted;

		const TimePoint now = impl_->last_run = Clock::now();
		const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now);
		const auto slice = std::clamp(left, std::chrono::milliseconds{0}, kStopInterval);
		impl_->loop.Wait(impl_->multi, slice);
		impl_->last_run = Clock::now();
		if (impl_->Collect() || impl_->EndExpired(now))
			return Ran::kProgress;
		if (now >= deadline)
			return Ran::kDeadline;
	}
}

size_t Http::active() const noexcept
{
	return impl_->active;
}

}  // namespace sqs_fdw::aws
