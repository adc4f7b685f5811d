// Options of servers, user mappings, foreign tables and columns as plain data; pg/option_table.h
// has the table of them.
#pragma once

#include "pg/types.h"

namespace sqs_fdw::pg {

// The options as plain data; texts belong to the memory context that was current. An unset text is
// null, an unset number -1.
struct ServerOptions {
	const char *region = nullptr;
	const char *endpoint = nullptr;
	bool use_fips = false;
	bool use_dualstack = false;
	int max_connections = 16;
	int connect_timeout_s = 5;
	int request_timeout_s = 10;
	int max_attempts = 3;
};

struct UserMappingOptions {
	const char *access_key_id = nullptr;
	const char *secret_access_key = nullptr;
	const char *session_token = nullptr;
};

enum class Consume { kOnWrite, kAlways, kNever };
enum class OnError { kLeave, kStore, kAbort };

struct TableOptions {
	const char *queue = nullptr;
	const char *queue_url = nullptr;
	const char *queue_arn = nullptr;
	bool sns_envelope = false;
	Consume consume = Consume::kOnWrite;
	int wait_time_s = 1;
	int visibility_timeout_s = -1;
	int max_messages = 100000;
	int look_limit = 100;
	OnError on_error = OnError::kLeave;
	int reject_limit = 0;  // 0: none
	bool exactly_once = true;
};

struct ColumnOptions {
	const char *key = nullptr;
	const char *pointer = nullptr;
	const char *attribute = nullptr;
	const char *mask = nullptr;  // "ip", or a domain
	const char *message_attribute = nullptr;
};

// Read lists of DefElem that the validator has accepted.
ServerOptions ReadServerOptions(struct ::List *options);
UserMappingOptions ReadUserMappingOptions(struct ::List *options);
TableOptions ReadTableOptions(struct ::List *options);
ColumnOptions ReadColumnOptions(struct ::List *options);

// The queue as its table names it: the name, URL or ARN.
const char *QueueAsNamed(const TableOptions &options);

// The text of one option of such a list, null where it is not given; and its truth value.
const char *FindText(struct ::List *options, const char *name);
bool FindBool(struct ::List *options, const char *name, bool otherwise = false);

}  // namespace sqs_fdw::pg
