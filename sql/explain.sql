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

-- The structured formats, without what the server's versions add of their own.
CREATE FUNCTION explained(format text, statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE format('EXPLAIN (COSTS OFF, VERBOSE, FORMAT %s) %s', format, statement) LOOP
		plan := plan || line;
	END LOOP;
	FOR line IN SELECT regexp_split_to_table(plan, '\n') LOOP
		IF line !~ 'Async|Parallel|Disabled|Operation|Schema|Alias' THEN
			RETURN NEXT line;
		END IF;
	END LOOP;
END $$;
SELECT explained('JSON', 'INSERT INTO explained_target SELECT user_id FROM explained_queue');
SELECT explained('YAML', 'SELECT user_id FROM explained_queue WHERE locale = $q$RU$q$');
SELECT explained('XML', 'SELECT user_id FROM explained_queue');
DROP FUNCTION explained;

EXPLAIN (COSTS OFF) CREATE TABLE explained_new AS SELECT user_id FROM explained_queue;
EXPLAIN (COSTS OFF) SELECT user_id INTO explained_new FROM explained_queue;
EXPLAIN (COSTS OFF) CREATE MATERIALIZED VIEW explained_view AS SELECT user_id FROM explained_queue;
EXPLAIN (COSTS OFF) INSERT INTO explained_target SELECT DISTINCT user_id, locale FROM explained_queue;
ALTER FOREIGN TABLE explained_queue OPTIONS (ADD consume 'always');
EXPLAIN (COSTS OFF) SELECT user_id FROM explained_queue;
ALTER FOREIGN TABLE explained_queue OPTIONS (SET consume 'never');
EXPLAIN (COSTS OFF) INSERT INTO explained_target SELECT user_id FROM explained_queue;

-- Planning a statement does not receive, either.
PREPARE p AS SELECT user_id FROM explained_queue WHERE locale = $1;
EXPLAIN (COSTS OFF) EXECUTE p ('RU');

DROP TABLE explained_target;
DROP SERVER nobody CASCADE;
