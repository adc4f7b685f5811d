// Splits entries over batch requests and puts their results together.
#include "aws/batch.h"

#include "aws/api_error.h"

#include <algorithm>
#include <new>
#include <string_view>
#include <utility>

namespace sqs_fdw::aws {

namespace {

constexpr size_t kBatchBytes = 1u << 20;  // SQS: of all bodies in a batch together

// What an entry costs in a request beside its text.
constexpr size_t kEntryOverhead = 64;

// The code of an entry that the reply does not name.
constexpr char kNoResult[] = "NoResult";

}  // namespace

BatchCall::BatchCall(Requester *requester, const BatchKind &kind, std::string queue_url,
    std::unique_ptr<BatchEntries> entries)
    : requester_(requester),
      kind_(kind),
      queue_url_(std::move(queue_url)),
      entries_(std::move(entries)),
      results_(entries_->size()),
      tries_(entries_->size())
{
	for (size_t i = 0; i < entries_->size(); ++i) {
		if (entries_->SameAs(i) == i)
			unsent_.push_back(i);
	}
	StartChunks();
}

BatchCall::~BatchCall()
{
	for (const auto &chunk : chunks_)
		requester_->Cancel(chunk->request);
}

std::vector<EntryResult> BatchCall::Take()
{
	const bool any_came_through = std::any_of(results_.begin(), results_.end(),
	    [](const EntryResult &result) { return result.state != EntryResult::State::kFailed; });
	if (error_ && !any_came_through)
		throw *error_;
	for (size_t i = 0; i < results_.size(); ++i) {
		if (const size_t original = entries_->SameAs(i); original != i)
			results_[i] = results_[original];
	}
	return std::move(results_);
}

// Also runs where a reply was just taken in, so it must not throw: what cannot be sent has failed.
void BatchCall::StartChunks() noexcept
{
	const auto most = static_cast<size_t>(std::max(requester_->options().max_connections, 1));
	while (!unsent_.empty() && chunks_.size() < most) {
		Chunk *chunk = nullptr;
		try {
			chunks_.push_back(std::make_unique<Chunk>());
			chunk = chunks_.back().get();
			chunk->call = this;
			chunk->entries = NextEntries();
			Send(chunk, std::chrono::milliseconds{0});
		} catch (const Error &error) {
			GiveUp(chunk, error, CodeOf(error.fault()));
		} catch (const std::bad_alloc &) {
			const Error error(Fault::kOutOfMemory, "out of memory");
			GiveUp(chunk, error, CodeOf(error.fault()));
		}
	}
}

std::vector<size_t> BatchCall::NextEntries()
{
	std::vector<size_t> entries;
	entries.reserve(kBatchEntries);
	size_t bytes = 0;
	while (!unsent_.empty() && entries.size() < static_cast<size_t>(kBatchEntries)) {
		bytes += entries_->bytes(unsent_.front());
		if (bytes > kBatchBytes && !entries.empty())
			break;  // one that is too large alone goes out alone: SQS says what is wrong
		entries.push_back(unsent_.front());
		unsent_.pop_front();
	}
	return entries;
}

void BatchCall::Send(Chunk *chunk, std::chrono::milliseconds delay)
{
	ApiRequest request;
	request.action = kind_.action;
	request.purpose = kind_.purpose;
	request.body = Body(chunk->entries);
	request.timeout = requester_->options().request_timeout;
	request.carries_secrets = true;
	request.at_most_once = kind_.at_most_once;
	chunk->request = requester_->Start(std::move(request), chunk, delay);
}

std::string BatchCall::Body(const std::vector<size_t> &entries) const
{
	size_t size = queue_url_.size() + kEntryOverhead;
	for (const size_t position : entries)
		size += entries_->bytes(position) + kEntryOverhead;
	JsonWriter out(size);
	out.BeginObject();
	out.Key("QueueUrl");
	out.String(queue_url_);
	out.Key("Entries");
	out.BeginArray();
	for (size_t i = 0; i < entries.size(); ++i) {
		out.BeginObject();
		out.Key("Id");
		out.String(std::to_string(i));
		entries_->Write(entries[i], &out);
		out.EndObject();
	}
	out.EndArray();
	out.EndObject();
	return out.Take();
}

std::unique_ptr<BatchCall::Chunk> BatchCall::Remove(const Chunk *chunk) noexcept
{
	const auto found = std::find_if(chunks_.begin(), chunks_.end(),
	    [chunk](const std::unique_ptr<Chunk> &other) { return other.get() == chunk; });
	std::unique_ptr<Chunk> owned = std::move(*found);
	chunks_.erase(found);
	return owned;
}

// Whatever throws here ends in OnError, so the chunk stays in the list until nothing can.
Verdict BatchCall::Chunk::OnReply(HttpReply *reply, const SentTimes &)
{
	const BatchReply results = call->requester_->reader().ReadBatch(&reply->body);
	entries = call->Apply(results, entries);
	if (!entries.empty()) {
		const int attempt = call->tries_[entries.front()] - 1;
		if (const auto delay = call->requester_->TakeRetry(call->retry_class_, attempt)) {
			call->Send(this, *delay);
			return Verdict::kAccepted;
		}
	}
	BatchCall *const owner = call;
	const std::unique_ptr<Chunk> self = owner->Remove(this);
	owner->StartChunks();
	return Verdict::kAccepted;
}

void BatchCall::Chunk::OnError(const Error &error, const std::string &code)
{
	call->GiveUp(this, error, code);
}

// Ends a chunk and all that is not yet sent: other requests would most likely fail the same way.
void BatchCall::GiveUp(const Chunk *chunk, const Error &error, const std::string &code)
{
	if (!error_)
		error_ = error;
	if (chunk != nullptr) {
		const std::unique_ptr<Chunk> owned = Remove(chunk);
		for (const size_t position : owned->entries)
			FailEntry(position, code);
	}
	for (const size_t position : unsent_)
		FailEntry(position, code);
	unsent_.clear();
}

// Returns the entries that are worth another try.
std::vector<size_t> BatchCall::Apply(const BatchReply &reply, const std::vector<size_t> &entries)
{
	std::vector<bool> answered(entries.size());
	std::vector<size_t> again;
	for (const SentEntry &entry : reply.successful) {
		if (entry.id >= entries.size())
			continue;
		answered[entry.id] = true;
		EntryResult &result = results_[entries[entry.id]];
		result.state = EntryResult::State::kDone;
		result.code.clear();
		result.message_id = entry.message_id;
	}
	for (const FailedEntry &failed : reply.failed) {
		if (failed.id >= entries.size())
			continue;
		answered[failed.id] = true;
		if (ApplyFailure(failed, entries[failed.id]))
			again.push_back(entries[failed.id]);
	}
	for (size_t i = 0; i < entries.size(); ++i) {
		if (!answered[i])
			FailEntry(entries[i], kNoResult);
	}
	return again;
}

// Returns whether the entry is worth another try.
bool BatchCall::ApplyFailure(const FailedEntry &failed, size_t position)
{
	// Stands in for a status, for codes that the table of codes does not know.
	const long status = failed.sender_fault ? 400 : 500;
	const ErrorClass error_class =
	    Classify(failed.code, status, std::chrono::seconds{0}, failed.message);
	EntryResult &result = results_[position];
	result.code = failed.code;
	if (error_class == ErrorClass::kDeadHandle) {
		result.state = EntryResult::State::kDeadHandle;
		return false;
	}
	result.state = EntryResult::State::kFailed;
	if (error_class != ErrorClass::kThrottled && error_class != ErrorClass::kTransient)
		return false;
	retry_class_ = error_class;
	return ++tries_[position] < requester_->options().max_attempts;
}

void BatchCall::FailEntry(size_t position, const std::string &code)
{
	results_[position].state = EntryResult::State::kFailed;
	results_[position].code = code;
}

}  // namespace sqs_fdw::aws
