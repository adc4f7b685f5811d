// Reads the options of servers, user mappings, foreign tables and columns.
#include "pg/option.h"

#include <cstring>

#include "pg/server.h"

namespace sqs_fdw::pg {

namespace {

int FindNumber(List *options, const char *name, int otherwise)
{
	const char *text = FindText(options, name);
	return text == nullptr ? otherwise : static_cast<int>(strtol(text, nullptr, 10));
}

}  // namespace

const char *FindText(List *options, const char *name)
{
	ListCell *cell;
	foreach (cell, options) {
		auto *definition = static_cast<DefElem *>(lfirst(cell));
		if (strcmp(definition->defname, name) == 0)
			return defGetString(definition);
	}
	return nullptr;
}

bool FindBool(List *options, const char *name, bool otherwise)
{
	const char *text = FindText(options, name);
	bool value = otherwise;
	return text != nullptr && parse_bool(text, &value) ? value : otherwise;
}

ServerOptions ReadServerOptions(List *options)
{
	ServerOptions read;
	read.region = FindText(options, "region");
	read.endpoint = FindText(options, "endpoint");
	read.use_fips = FindBool(options, "use_fips");
	read.use_dualstack = FindBool(options, "use_dualstack");
	read.max_connections = FindNumber(options, "max_connections", read.max_connections);
	read.connect_timeout_s = FindNumber(options, "connect_timeout", read.connect_timeout_s);
	read.request_timeout_s = FindNumber(options, "request_timeout", read.request_timeout_s);
	read.max_attempts = FindNumber(options, "max_attempts", read.max_attempts);
	return read;
}

UserMappingOptions ReadUserMappingOptions(List *options)
{
	UserMappingOptions read;
	read.access_key_id = FindText(options, "access_key_id");
	read.secret_access_key = FindText(options, "secret_access_key");
	read.session_token = FindText(options, "session_token");
	return read;
}

TableOptions ReadTableOptions(List *options)
{
	TableOptions read;
	read.queue = FindText(options, "queue");
	read.queue_url = FindText(options, "queue_url");
	read.queue_arn = FindText(options, "queue_arn");
	read.sns_envelope = FindBool(options, "sns_envelope");
	read.wait_time_s = FindNumber(options, "wait_time_seconds", read.wait_time_s);
	read.visibility_timeout_s =
	    FindNumber(options, "visibility_timeout", read.visibility_timeout_s);
	read.max_messages = FindNumber(options, "max_messages", read.max_messages);
	read.look_limit = FindNumber(options, "look_limit", read.look_limit);

	const char *consume = FindText(options, "consume");
	if (consume != nullptr && strcmp(consume, "always") == 0)
		read.consume = Consume::kAlways;
	else if (consume != nullptr && strcmp(consume, "never") == 0)
		read.consume = Consume::kNever;

	const char *on_error = FindText(options, "on_error");
	if (on_error != nullptr && strcmp(on_error, "abort") == 0)
		read.on_error = OnError::kAbort;
	else if (on_error != nullptr && strcmp(on_error, "store") == 0)
		read.on_error = OnError::kStore;
	read.reject_limit = FindNumber(options, "reject_limit", read.reject_limit);
	read.exactly_once = FindBool(options, "exactly_once", read.exactly_once);
	return read;
}

ColumnOptions ReadColumnOptions(List *options)
{
	ColumnOptions read;
	read.key = FindText(options, "key");
	read.pointer = FindText(options, "pointer");
	read.attribute = FindText(options, "attribute");
	read.mask = FindText(options, "mask");
	read.message_attribute = FindText(options, "message_attribute");
	return read;
}

const char *QueueAsNamed(const TableOptions &options)
{
	if (options.queue != nullptr)
		return options.queue;
	return options.queue_url != nullptr ? options.queue_url : options.queue_arn;
}

}  // namespace sqs_fdw::pg
