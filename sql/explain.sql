-- EXPLAIN of statements that read a queue. Nobody listens on the endpoint: nothing is received.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS sqs_fdw;
RESET client_min_messages;
CREATE SERVER nobody FOREIGN DATA WRAPPER sqs_fdw
	OPTIONS (region 'us-east-1', endpoint 'http://127.0.0.1:9');
CREATE FOREIGN TABLE explained_queue (
	user_id text NOT NULL,
	locale text,
	app_version text CHECK (app_version <> ''),
	sent_at timestamptz OPTIONS (attribute 'sent_timestamp')
) SERVER nobody OPTIONS (queue 'explained', wait_time_seconds '5', max_messages '500', look_limit '50');
CREATE TABLE explained_target (user_id text, locale text);

EXPLAIN (COSTS OFF) SELECT user_id FROM explained_queue;
EXPLAIN (COSTS OFF, VERBOSE) SELECT user_id FROM explained_queue WHERE locale = 'RU';
EXPLAIN (COSTS OFF, VERBOSE)
	INSERT INTO explained_target SELECT user_id, locale FROM explained_queue WHERE sent_at > '2020-01-01';
EXPLAIN (COSTS OFF) INSERT INTO explained_target SELECT user_id, locale FROM explained_queue LIMIT 5;
EXPLAIN (COSTS OFF) SELECT count(*) FROM explained_queue WHERE false;
EXPLAIN (COSTS OFF, FORMAT JSON) INSERT INTO explained_target SELECT user_id FROM explained_queue;
ALTER FOREIGN TABLE explained_queue OPTIONS (ADD consume 'always');
EXPLAIN (COSTS OFF) SELECT user_id FROM explained_queue;
ALTER FOREIGN TABLE explained_queue OPTIONS (SET consume 'never');
EXPLAIN (COSTS OFF) INSERT INTO explained_target SELECT user_id FROM explained_queue;

-- Planning a statement does not receive, either.
PREPARE p AS SELECT user_id FROM explained_queue WHERE locale = $1;
EXPLAIN (COSTS OFF) EXECUTE p ('RU');

DROP TABLE explained_target;
DROP SERVER nobody CASCADE;
