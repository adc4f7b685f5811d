// Calls on any number of entries, which go out as batch requests of ten.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/json.h"
#include "aws/requester.h"
#include "aws/sqs.h"

namespace sqs_fdw::aws {

// The entries of one batch call, each at its position.
class BatchEntries {
public:
	virtual ~BatchEntries() = default;
	virtual size_t size() const noexcept = 0;
	virtual size_t bytes(size_t position) const noexcept = 0;  // towards the limit of a batch
	// The position of the entry whose result this one shares: an earlier one, or its own.
	virtual size_t SameAs(size_t position) const noexcept = 0;
	// The members of the entry beside Id. Throws Error(kInvalid).
	virtual void Write(size_t position, JsonWriter *out) const = 0;
};

// Receipt handles to delete, or to change the visibility of; read for as long as the entries live.
std::unique_ptr<BatchEntries> MakeDeletes(std::vector<std::string_view> handles);
std::unique_ptr<BatchEntries> MakeVisibilityChanges(std::vector<VisibilityChange> changes);
std::unique_ptr<BatchEntries> MakeSends(std::vector<OutgoingMessage> messages);

// What all requests of one batch call share.
struct BatchKind {
	std::string_view action;
	std::string_view purpose;
	bool at_most_once = false;
};

class BatchCall final : public Call<std::vector<EntryResult>> {
public:
	BatchCall(Requester *requester, const BatchKind &kind, std::string queue_url,
	    std::unique_ptr<BatchEntries> entries);
	~BatchCall() override;

	bool done() const noexcept override { return chunks_.empty() && unsent_.empty(); }
	std::vector<EntryResult> Take() override;

private:
	// One request under way, or set aside until its retry.
	struct Chunk final : ReplyHandler {
		Verdict OnReply(HttpReply *reply, const SentTimes &sent) override;
		void OnError(const Error &error, const std::string &code) override;

		BatchCall *call = nullptr;
		Requester::Id request = 0;
		std::vector<size_t> entries;  // their positions, in the order of their Ids
	};

	void StartChunks() noexcept;
	std::vector<size_t> NextEntries();
	void Send(Chunk *chunk, std::chrono::milliseconds delay);
	std::string Body(const std::vector<size_t> &entries) const;
	std::vector<size_t> Apply(const BatchReply &reply, const std::vector<size_t> &entries);
	bool ApplyFailure(const FailedEntry &failed, size_t position);
	void FailEntry(size_t position, const std::string &code);
	void GiveUp(const Chunk *chunk, const Error &error, const std::string &code);
	std::unique_ptr<Chunk> Remove(const Chunk *chunk) noexcept;

	Requester *const requester_;
	const BatchKind kind_;
	const std::string queue_url_;
	const std::unique_ptr<BatchEntries> entries_;
	std::vector<EntryResult> results_;
	std::vector<uint8_t> tries_;  // how often each entry was answered as failed
	ErrorClass retry_class_ = ErrorClass::kTransient;  // of the entries that failed last
	std::deque<size_t> unsent_;
	std::vector<std::unique_ptr<Chunk>> chunks_;
	std::optional<Error> error_;  // the first request that failed as a whole
};

}  // namespace sqs_fdw::aws
