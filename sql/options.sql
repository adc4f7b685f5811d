-- The options of servers, user mappings, foreign tables and columns: what is refused, with hints.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS sqs_fdw;
RESET client_min_messages;

-- A server: unknown, misplaced, out of range, not a number, not a name.
CREATE SERVER s FOREIGN DATA WRAPPER sqs_fdw OPTIONS (colour 'red');
CREATE SERVER s FOREIGN DATA WRAPPER sqs_fdw OPTIONS (queue 'q');
CREATE SERVER s FOREIGN DATA WRAPPER sqs_fdw OPTIONS (max_connections '0');
CREATE SERVER s FOREIGN DATA WRAPPER sqs_fdw OPTIONS (max_connections '257');
CREATE SERVER s FOREIGN DATA WRAPPER sqs_fdw OPTIONS (connect_timeout '5s');
CREATE SERVER s FOREIGN DATA WRAPPER sqs_fdw OPTIONS (max_attempts '');
CREATE SERVER s FOREIGN DATA WRAPPER sqs_fdw OPTIONS (use_fips 'perhaps');
CREATE SERVER s FOREIGN DATA WRAPPER sqs_fdw OPTIONS (region 'US East');
CREATE SERVER s FOREIGN DATA WRAPPER sqs_fdw OPTIONS (endpoint 'sqs.us-east-1.amazonaws.com');
CREATE SERVER s FOREIGN DATA WRAPPER sqs_fdw OPTIONS (endpoint 'ftp://127.0.0.1');
CREATE SERVER s FOREIGN DATA WRAPPER sqs_fdw OPTIONS (endpoint 'http://user@127.0.0.1');
CREATE SERVER s FOREIGN DATA WRAPPER sqs_fdw
	OPTIONS (region 'us-east-1', endpoint 'http://127.0.0.1:9324', use_fips 'true');
CREATE SERVER s FOREIGN DATA WRAPPER sqs_fdw
	OPTIONS (region 'us-east-1', endpoint 'http://127.0.0.1:9324', max_connections '4');
ALTER SERVER s OPTIONS (SET max_connections '1000');
ALTER SERVER s OPTIONS (ADD secret_access_key 'x');
ALTER SERVER s OPTIONS (SET max_connections '8');

-- A user mapping.
CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (region 'us-east-1');
CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (access_key_id 'x');
CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (access_key_id '', secret_access_key 'y');
CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (access_key_id 'x', secret_access_key 'y');
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (DROP access_key_id);

-- A foreign table: exactly one queue, and a queue's name, URL or ARN.
CREATE FOREIGN TABLE t (a text) SERVER s;
CREATE FOREIGN TABLE t (a text) SERVER s OPTIONS (queue 'q', queue_url 'http://127.0.0.1/000000000000/q');
CREATE FOREIGN TABLE t (a text) SERVER s
	OPTIONS (queue_url 'http://127.0.0.1/000000000000/q', queue_arn 'arn:aws:sqs:us-east-1:000000000000:q');
CREATE FOREIGN TABLE t (a text) SERVER s OPTIONS (queue 'no spaces');
CREATE FOREIGN TABLE t (a text) SERVER s OPTIONS (queue '');
CREATE FOREIGN TABLE t (a text) SERVER s OPTIONS (queue 'orders.fifo');
CREATE FOREIGN TABLE t (a text) SERVER s OPTIONS (queue_url 'q');
CREATE FOREIGN TABLE t (a text) SERVER s OPTIONS (queue_arn 'arn:aws:sns:us-east-1:000000000000:q');
CREATE FOREIGN TABLE t (a text) SERVER s OPTIONS (queue 'q', region 'us-east-1');
CREATE FOREIGN TABLE t (a text) SERVER s OPTIONS (queue 'q', consume 'sometimes');
CREATE FOREIGN TABLE t (a text) SERVER s OPTIONS (queue 'q', consume 'on');
CREATE FOREIGN TABLE t (a text) SERVER s OPTIONS (queue 'q', on_error 'ignore');
CREATE FOREIGN TABLE t (a text) SERVER s OPTIONS (queue 'q', wait_time_seconds '21');
CREATE FOREIGN TABLE t (a text) SERVER s OPTIONS (queue 'q', visibility_timeout '43201');
CREATE FOREIGN TABLE t (a text) SERVER s OPTIONS (queue 'q', max_messages '0');
CREATE FOREIGN TABLE t (a text) SERVER s OPTIONS (queue 'q', max_messages '110001');
CREATE FOREIGN TABLE t (a text) SERVER s OPTIONS (queue 'q', look_limit '-1');
CREATE FOREIGN TABLE t (a text) SERVER s
	OPTIONS (queue 'q', consume 'never', on_error 'abort', wait_time_seconds '20', visibility_timeout '0');
ALTER FOREIGN TABLE t OPTIONS (ADD queue_arn 'arn:aws:sqs:us-east-1:000000000000:q');
ALTER FOREIGN TABLE t OPTIONS (DROP queue);
ALTER FOREIGN TABLE t OPTIONS (DROP queue, ADD queue_arn 'arn:aws:sqs:us-east-1:000000000000:q');
ALTER FOREIGN TABLE t OPTIONS (ADD sns_envelope 'sometimes');
ALTER FOREIGN TABLE t OPTIONS (ADD sns_envelope 'on');

-- A column: one source.
ALTER FOREIGN TABLE t ALTER a OPTIONS (key 'x', pointer '/x');
ALTER FOREIGN TABLE t ALTER a OPTIONS (queue 'q');
ALTER FOREIGN TABLE t ALTER a OPTIONS (pointer 'x/y');
ALTER FOREIGN TABLE t ALTER a OPTIONS (attribute 'colour');
ALTER FOREIGN TABLE t ALTER a OPTIONS (attribute 'sent_timestamp');
ALTER FOREIGN TABLE t ALTER a OPTIONS (ADD key 'x');
ALTER FOREIGN TABLE t ALTER a OPTIONS (DROP attribute, ADD pointer '/x/0/y~1z');
ALTER FOREIGN TABLE t ALTER a OPTIONS (ADD message_attribute 'kind');
ALTER FOREIGN TABLE t ALTER a OPTIONS (DROP pointer, ADD message_attribute '');
ALTER FOREIGN TABLE t ALTER a OPTIONS (DROP pointer, ADD message_attribute 'a/b');
ALTER FOREIGN TABLE t ALTER a OPTIONS (DROP pointer, ADD message_attribute '.kind');
ALTER FOREIGN TABLE t ALTER a OPTIONS (DROP pointer, ADD message_attribute 'Kind_of.message-9');
ALTER FOREIGN TABLE t ALTER a OPTIONS (ADD attribute 'body');

-- The wrapper itself has none.
ALTER FOREIGN DATA WRAPPER sqs_fdw OPTIONS (ADD region 'us-east-1');

-- The reference is the same table.
SELECT object, option, default_value FROM sqs.options();

-- What such a table is not.
ANALYZE t;
INSERT INTO t VALUES ('x');
SELECT * FROM t FOR UPDATE;

DROP SERVER s CASCADE;
