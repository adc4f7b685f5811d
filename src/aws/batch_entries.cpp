// The entries of DeleteMessageBatch, ChangeMessageVisibilityBatch and SendMessageBatch.
#include "aws/batch.h"

#include <string_view>
#include <unordered_map>
#include <utility>

namespace sqs_fdw::aws {

namespace {

// Which handles are the same as an earlier one.
class Duplicates {
public:
	template <class Entries, class HandleOf>
	Duplicates(const Entries &entries, const HandleOf &handle_of)
	{
		first_.resize(entries.size());
		if (entries.size() > kFew)
			FindAmongMany(entries, handle_of);
		else
			FindAmongFew(entries, handle_of);
	}

	size_t FirstOf(size_t position) const noexcept { return first_[position]; }

private:
	// Up to here comparing each with each is cheaper than hashing.
	static constexpr size_t kFew = kBatchEntries;

	template <class Entries, class HandleOf>
	void FindAmongFew(const Entries &entries, const HandleOf &handle_of)
	{
		for (size_t i = 0; i < entries.size(); ++i) {
			size_t first = 0;
			while (handle_of(entries[first]) != handle_of(entries[i]))
				++first;
			first_[i] = first;
		}
	}

	template <class Entries, class HandleOf>
	void FindAmongMany(const Entries &entries, const HandleOf &handle_of)
	{
		std::unordered_map<std::string_view, size_t> seen;
		seen.reserve(entries.size());
		for (size_t i = 0; i < entries.size(); ++i)
			first_[i] = seen.emplace(handle_of(entries[i]), i).first->second;
	}

	std::vector<size_t> first_;
};

class Deletes final : public BatchEntries {
public:
	explicit Deletes(std::vector<std::string_view> handles)
	    : handles_(std::move(handles)),
	      duplicates_(handles_, [](std::string_view handle) { return handle; })
	{
	}

	size_t size() const noexcept override { return handles_.size(); }
	size_t bytes(size_t position) const noexcept override { return handles_[position].size(); }
	size_t SameAs(size_t position) const noexcept override { return duplicates_.FirstOf(position); }
	void Write(size_t position, JsonWriter *out) const override
	{
		out->Key("ReceiptHandle");
		out->String(handles_[position]);
	}

private:
	const std::vector<std::string_view> handles_;
	const Duplicates duplicates_;
};

class VisibilityChanges final : public BatchEntries {
public:
	explicit VisibilityChanges(std::vector<VisibilityChange> changes)
	    : changes_(std::move(changes)),
	      duplicates_(changes_,
	          [](const VisibilityChange &change) -> std::string_view { return change.handle; })
	{
		for (size_t i = 0; i < changes_.size(); ++i)
			changes_[duplicates_.FirstOf(i)].timeout = changes_[i].timeout;
	}

	size_t size() const noexcept override { return changes_.size(); }
	size_t bytes(size_t position) const noexcept override
	{
		return changes_[position].handle.size();
	}
	size_t SameAs(size_t position) const noexcept override { return duplicates_.FirstOf(position); }
	void Write(size_t position, JsonWriter *out) const override
	{
		out->Key("ReceiptHandle");
		out->String(changes_[position].handle);
		out->Key("VisibilityTimeout");
		out->Integer(changes_[position].timeout.count());
	}

private:
	std::vector<VisibilityChange> changes_;
	const Duplicates duplicates_;
};

class Sends final : public BatchEntries {
public:
	explicit Sends(std::vector<OutgoingMessage> messages) : messages_(std::move(messages)) {}

	size_t size() const noexcept override { return messages_.size(); }
	size_t bytes(size_t position) const noexcept override
	{
		return messages_[position].body.size();
	}
	size_t SameAs(size_t position) const noexcept override { return position; }
	void Write(size_t position, JsonWriter *out) const override
	{
		const OutgoingMessage &message = messages_[position];
		out->Key("MessageBody");
		out->String(message.body);
		if (message.delay) {
			out->Key("DelaySeconds");
			out->Integer(message.delay->count());
		}
		if (!message.group_id.empty()) {
			out->Key("MessageGroupId");
			out->String(message.group_id);
		}
		if (!message.deduplication_id.empty()) {
			out->Key("MessageDeduplicationId");
			out->String(message.deduplication_id);
		}
	}

private:
	const std::vector<OutgoingMessage> messages_;
};

}  // namespace

std::unique_ptr<BatchEntries> MakeDeletes(std::vector<std::string_view> handles)
{
	return std::make_unique<Deletes>(std::move(handles));
}

std::unique_ptr<BatchEntries> MakeVisibilityChanges(std::vector<VisibilityChange> changes)
{
	return std::make_unique<VisibilityChanges>(std::move(changes));
}

std::unique_ptr<BatchEntries> MakeSends(std::vector<OutgoingMessage> messages)
{
	return std::make_unique<Sends>(std::move(messages));
}

}  // namespace sqs_fdw::aws
