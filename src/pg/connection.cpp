// Makes and caches SQS clients, and finds queue URLs.
#include "pg/connection.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/sqs.h"
#include "pg/guard.h"
#include "pg/guc.h"
#include "pg/xact.h"

#include "pg/server.h"

extern "C" {
#include "catalog/pg_user_mapping.h"
#include "pgstat.h"
#include "utils/inval.h"
#include "utils/wait_event.h"
}

namespace sqs_fdw::pg {

namespace {

// A client, the fence that its endpoint has passed, and the queues that were found through it.
struct Connection {
	bool stale = true;  // server or mapping changed: the client is made anew
	std::string allowed;
	bool owner_is_superuser = false;  // who may use loopback
	std::shared_ptr<aws::Client> client;
	std::map<std::string, aws::QueuePtr> queues;  // by the name, URL or ARN in the table's options
	aws::CallPtr<std::string> url_call;           // GetQueueUrl under way
};

// By user mapping and region, since a table's URL or ARN may name the region. Entries stay for the
// backend's life; scans and the registry hold the queues themselves.
using Connections = std::map<std::pair<Oid, std::string>, Connection>;
Connections *connections = nullptr;

// What a client is made of, as plain data.
struct Ingredients {
	Oid mapping_oid;
	ServerOptions server;
	UserMappingOptions mapping;
	bool owner_is_superuser;
};

// Which row changed is not looked at: servers and mappings hardly ever change.
void OnCatalogChange(Datum, int, uint32)
{
	for (auto &entry : *connections)
		entry.second.stale = true;
}

Oid FindMapping(Oid server_oid, Oid user_oid)
{
	const Oid own = GetSysCacheOid2(USERMAPPINGUSERSERVER, Anum_pg_user_mapping_oid,
	    ObjectIdGetDatum(user_oid), ObjectIdGetDatum(server_oid));
	if (OidIsValid(own))
		return own;
	return GetSysCacheOid2(USERMAPPINGUSERSERVER, Anum_pg_user_mapping_oid,
	    ObjectIdGetDatum(InvalidOid), ObjectIdGetDatum(server_oid));
}

[[noreturn]] void RaiseNoMapping(const ForeignServer *server, const char *role)
{
	ereport(ERROR,
	    (errcode(ERRCODE_UNDEFINED_OBJECT),
	        errmsg("role \"%s\" has no user mapping for server \"%s\"", role, server->servername),
	        errhint("Use CREATE USER MAPPING FOR %s SERVER %s OPTIONS (access_key_id '...', "
	                "secret_access_key '...').",
	            quote_identifier(role), quote_identifier(server->servername))));
	pg_unreachable();
}

Ingredients ReadIngredients(Oid server_oid, Oid user_oid)
{
	const ForeignServer *server = GetForeignServer(server_oid);
	const char *role = GetUserNameFromId(user_oid, false);
	Ingredients read;
	read.mapping_oid = FindMapping(server_oid, user_oid);
	if (!OidIsValid(read.mapping_oid))
		RaiseNoMapping(server, role);
	read.server = ReadServerOptions(server->options);
	read.mapping = ReadUserMappingOptions(GetUserMapping(user_oid, server_oid)->options);
	read.owner_is_superuser = superuser_arg(server->owner);
	if (read.mapping.access_key_id == nullptr)
		ereport(ERROR,
		    (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
		        errmsg("the user mapping of role \"%s\" for server \"%s\" has no credentials", role,
		            server->servername),
		        errhint("Set its options access_key_id and secret_access_key.")));
	return read;
}

// The C++ phases.

std::string RegionFor(const ServerOptions &server, const TableOptions &table)
{
	if (server.region != nullptr)
		return server.region;
	std::string region;
	if (table.queue_url != nullptr)
		region = aws::QueueFromUrl(table.queue_url).region;
	if (table.queue_arn != nullptr)
		region = aws::QueueFromArn(table.queue_arn).region;
	if (region.empty())
		throw Error(Fault::kInvalid, "the AWS region of the queue is not known", "",
		    "Set the option region of the server.");
	return region;
}

std::shared_ptr<aws::Client> MakeClient(const Ingredients &from, const std::string &region)
{
	aws::ClientOptions options;
	options.endpoint.region = region;
	options.endpoint.endpoint = from.server.endpoint != nullptr ? from.server.endpoint : "";
	options.endpoint.use_fips = from.server.use_fips;
	options.endpoint.use_dualstack = from.server.use_dualstack;
	options.max_connections = from.server.max_connections;
	options.connect_timeout = std::chrono::seconds(from.server.connect_timeout_s);
	options.request_timeout = std::chrono::seconds(from.server.request_timeout_s);
	options.max_attempts = from.server.max_attempts;

	aws::Fence(allowed_endpoints)
	    .Check(aws::ResolveSqsEndpoint(options.endpoint), from.owner_is_superuser);

	aws::Credentials keys;
	keys.access_key_id = from.mapping.access_key_id;
	keys.secret_access_key = Secret(from.mapping.secret_access_key);
	if (from.mapping.session_token != nullptr)
		keys.session_token = Secret(from.mapping.session_token);
	return std::make_shared<aws::Client>(options, aws::MakeStaticCredentials(std::move(keys)));
}

// The connection for these ingredients, made anew if it is stale or the fence has changed.
Connection *Connect(const Ingredients &from, const TableOptions &table)
{
	const std::string region = RegionFor(from.server, table);
	Connection &connection = (*connections)[{from.mapping_oid, region}];
	connection.url_call.reset();  // left by a statement that was cancelled; it needs its client
	if (connection.stale || connection.allowed != allowed_endpoints ||
	    connection.owner_is_superuser != from.owner_is_superuser) {
		connection = Connection();
		connection.client = MakeClient(from, region);
		connection.allowed = allowed_endpoints;
		connection.owner_is_superuser = from.owner_is_superuser;
		connection.stale = false;
	}
	return &connection;
}

std::string NameOf(const TableOptions &table)
{
	if (table.queue_url != nullptr)
		return aws::QueueFromUrl(table.queue_url).name;
	return table.queue_arn != nullptr ? aws::QueueFromArn(table.queue_arn).name : table.queue;
}

aws::CallPtr<std::string> AskForUrl(aws::Client *client, const TableOptions &table)
{
	if (table.queue_arn == nullptr)
		return client->StartGetQueueUrl(table.queue, "");
	const aws::QueueRef queue = aws::QueueFromArn(table.queue_arn);
	return client->StartGetQueueUrl(queue.name, queue.account);
}

// One step towards the queue: true when *queue is set, false when the wait was interrupted.
bool StepTowardsQueue(Connection *connection, const TableOptions &table, aws::QueuePtr *queue)
{
	aws::QueuePtr &known = connection->queues[QueueAsNamed(table)];
	if (known == nullptr) {
		std::string url;
		if (table.queue_url != nullptr) {
			url = table.queue_url;
		} else {
			if (connection->url_call == nullptr)
				connection->url_call = AskForUrl(connection->client.get(), table);
			while (!connection->url_call->done()) {
				const TimePoint later = Clock::now() + std::chrono::hours(1);
				if (connection->client->Drive(ShouldStop, later) == aws::Ran::kInterrupted)
					return false;
			}
			const auto call = std::move(connection->url_call);
			url = call->Take();
		}
		known = std::make_shared<aws::Queue>(aws::Queue{connection->client, url, NameOf(table)});
	}
	*queue = known;
	return true;
}

}  // namespace

void FindQueue(Oid server_oid, Oid user_oid, const TableOptions &table, aws::QueuePtr *queue)
{
	const Ingredients ingredients = ReadIngredients(server_oid, user_oid);
	Connection *connection = Guard([&] { return Connect(ingredients, table); });
	for (;;) {
		pgstat_report_wait_start(PG_WAIT_EXTENSION);
		const bool found = Guard([&] { return StepTowardsQueue(connection, table, queue); });
		pgstat_report_wait_end();
		if (found)
			return;
		HandleInterrupts();
	}
}

void RegisterConnectionCallbacks()
{
	connections = Guard([] { return new Connections; });
	CacheRegisterSyscacheCallback(FOREIGNSERVEROID, OnCatalogChange, 0);
	CacheRegisterSyscacheCallback(USERMAPPINGOID, OnCatalogChange, 0);
}

}  // namespace sqs_fdw::pg
