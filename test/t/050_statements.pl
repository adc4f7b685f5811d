# Every statement that writes takes what its scan returned; every other one only looks.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('statements', conf => "max_prepared_transactions = 5\njit = off");
my $major = $node->safe_psql('postgres', "SELECT current_setting('server_version_num')::int / 10000");
my ($queue, $result);

# A fresh queue of those bodies, and empty tables.
sub fill
{
	my ($bodies, %options) = @_;
	$queue = new_queue('statements', VisibilityTimeout => 600);
	create_login_tables($node, $queue, wait_time_seconds => 0, %options);
	$queue->send(@$bodies) if @$bodies;
	return;
}

sub refill
{
	my ($count, %options) = @_;
	return fill([ logins($count) ], %options);
}

# Messages that differ in nothing but their user.
sub users
{
	my ($count) = @_;
	return map { qq({"user_id": "user $_", "device_type": "iOS"}) } 1 .. $count;
}

sub check_left
{
	my ($visible, $rows, $name) = @_;
	return wait_for_counts($node, $queue, { visible => $visible, in_flight => 0, rows => $rows }, $name);
}

sub value { return $node->safe_psql('postgres', $_[0]); }

# Ten logins are ten rows of user_logins after the statements, and gone from the queue.
sub takes
{
	my ($name, $sql, %options) = @_;
	refill(10, %options);
	my $did = run_sql($node, $sql);
	ok($did->{ok}, "$name runs") or diag($did->{err});
	return check_left(0, 10, "$name takes");
}

# The statements run, write that many rows into user_logins, and leave all ten in the queue, where
# each was received once.
sub looks
{
	my ($name, $sql, %options) = @_;
	my $rows = delete $options{rows} // 0;
	refill(10, %options);
	my $did = run_sql($node, $sql);
	ok($did->{ok}, "$name runs") or diag($did->{err});
	check_left(10, $rows, "$name looks");
	return is_deeply([ values %{ $queue->receive_counts } ], [ (1) x 10 ], "$name receives each once");
}

# The statements fail with that SQLSTATE, and nothing was received for them.
sub refuses
{
	my ($name, $sql, $sqlstate, %options) = @_;
	refill(5, %options);
	check_error($node, $sql, $sqlstate, qr/./, "$name is refused");
	check_left(5, 0, "$name leaves the queue");
	return is_deeply([ values %{ $queue->receive_counts } ], [ (0) x 5 ], "$name receives nothing");
}

# --- statements that write

my $insert = 'INSERT INTO user_logins (user_id)';

takes('INSERT ... SELECT', $TAKE);
takes('INSERT ... SELECT ... RETURNING', "$TAKE RETURNING user_id");
takes('WITH ... INSERT', "WITH taken AS ($TAKE RETURNING user_id) SELECT count(*) FROM taken");
takes('an INSERT from a CTE', "WITH q AS (SELECT user_id FROM login_queue) $insert SELECT user_id FROM q");
takes('an INSERT from a materialized CTE',
	"WITH q AS MATERIALIZED (SELECT user_id FROM login_queue) $insert SELECT user_id FROM q");
takes('COPY (INSERT ... RETURNING)', "COPY ($insert SELECT user_id FROM login_queue RETURNING 1) TO STDOUT");
takes('EXPLAIN ANALYZE of an INSERT', "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) $TAKE");
takes('an INSERT with a sort', "$insert SELECT user_id FROM login_queue ORDER BY user_id DESC");
takes('an INSERT from UNION ALL',
	"$insert SELECT user_id FROM login_queue UNION ALL SELECT user_id FROM user_logins");

# Statements that make their own table hand its rows to user_logins, to be counted.
my $count_copy = "; $insert SELECT user_id FROM copy; DROP TABLE copy";
takes('CREATE TABLE AS', "CREATE TABLE copy AS SELECT user_id FROM login_queue $count_copy");
takes('CREATE TEMPORARY TABLE AS', "CREATE TEMPORARY TABLE copy AS SELECT user_id FROM login_queue $count_copy");
takes('EXPLAIN ANALYZE of CREATE TABLE AS',
	"EXPLAIN ANALYZE CREATE TABLE copy AS SELECT user_id FROM login_queue $count_copy");
takes('SELECT INTO', "SELECT user_id INTO copy FROM login_queue $count_copy");
takes('CREATE TABLE AS EXECUTE',
	"PREPARE all_of_it AS SELECT user_id FROM login_queue;
	 CREATE TABLE copy AS EXECUTE all_of_it $count_copy");
refill(10);
run_sql($node, 'CREATE TABLE copy AS SELECT * FROM login_queue WITH NO DATA; DROP TABLE copy');
is_deeply([ values %{ $queue->receive_counts } ], [ (0) x 10 ], 'WITH NO DATA receives nothing');

# An UPDATE and a MERGE, each of which meets half of the users.
my @users = map { $_->{user_id} } bodies_of(logins(10));
my $known = "$insert SELECT * FROM unnest(ARRAY['" . join(q{','}, @users[ 0 .. 4 ]) . "']); ";
refill(10);
run_sql($node, $known . 'UPDATE user_logins u SET locale = q.ip FROM login_queue q WHERE q.user_id = u.user_id');
check_left(0, 5, 'UPDATE ... FROM takes, what the join drops, too');
is(value('SELECT count(*) FROM user_logins WHERE locale IS NOT NULL'), 5, 'and updates what joins');

SKIP:
{
	skip 'MERGE came with PostgreSQL 15', 2 if $major < 15;
	refill(10);
	run_sql($node, $known . <<'END');
MERGE INTO user_logins u USING login_queue q ON u.user_id = q.user_id
WHEN MATCHED THEN UPDATE SET locale = 'seen'
WHEN NOT MATCHED THEN INSERT (user_id) VALUES (q.user_id)
END
	check_left(0, 10, 'MERGE takes');
	is(value("SELECT count(*) FROM user_logins WHERE locale = 'seen'"), 5, 'and merges');
}

refill(10);
run_sql($node, $known . 'DELETE FROM user_logins u USING login_queue q WHERE q.user_id = u.user_id');
check_left(0, 0, 'DELETE of another table USING the queue takes');

refill(10);
run_sql($node, "ALTER TABLE user_logins ADD UNIQUE (user_id); $known
	$TAKE ON CONFLICT DO NOTHING");
check_left(0, 10, 'ON CONFLICT DO NOTHING takes what it does not insert');
is(value('SELECT count(*) FROM user_logins WHERE device_type IS NULL'), 5, 'and inserts the rest');

refill(10);
run_sql($node, "ALTER TABLE user_logins ADD UNIQUE (user_id); $known
	$TAKE ON CONFLICT (user_id) DO UPDATE SET locale = 'twice'");
check_left(0, 10, 'ON CONFLICT DO UPDATE takes');
is(value("SELECT count(*) FROM user_logins WHERE locale = 'twice'"), 5, 'and updates');

refill(10);
run_sql($node, <<"END");
CREATE TABLE by_device (user_id text, device_type text) PARTITION BY LIST (device_type);
CREATE TABLE by_device_ios PARTITION OF by_device FOR VALUES IN ('iOS');
CREATE TABLE by_device_rest PARTITION OF by_device DEFAULT;
INSERT INTO by_device SELECT user_id, device_type FROM login_queue;
$insert SELECT user_id FROM by_device;
END
check_left(0, 10, 'an INSERT into a partitioned table takes');

# --- inside functions

takes('a PL/pgSQL function', <<"END");
CREATE FUNCTION take_it() RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN $TAKE; END \$\$;
SELECT take_it()
END
takes('a PL/pgSQL function with dynamic SQL', <<"END");
CREATE FUNCTION take_dynamically() RETURNS void LANGUAGE plpgsql AS
\$\$ BEGIN EXECUTE '$insert SELECT user_id FROM login_queue'; END \$\$;
SELECT take_dynamically()
END
takes('a SQL function', <<"END");
CREATE FUNCTION take_in_sql() RETURNS bigint LANGUAGE sql AS
\$\$ WITH taken AS ($TAKE RETURNING 1) SELECT count(*) FROM taken \$\$;
SELECT take_in_sql()
END
takes('a DO block', "DO \$\$ BEGIN $TAKE; END \$\$");
takes('a procedure that commits', <<"END");
CREATE PROCEDURE take_by_three() LANGUAGE plpgsql AS \$\$
BEGIN
	FOR i IN 1 .. 4 LOOP
		$TAKE LIMIT 3;
		COMMIT;
	END LOOP;
END \$\$;
CALL take_by_three()
END
takes('a procedure that rolls back and tries again', <<"END");
CREATE PROCEDURE take_twice() LANGUAGE plpgsql AS \$\$
BEGIN
	$TAKE;
	ROLLBACK;
	$TAKE;
	COMMIT;
END \$\$;
CALL take_twice()
END
looks('a procedure that takes, and rolls back', "DO \$\$ BEGIN $TAKE; ROLLBACK; END \$\$");
takes('a trigger that takes', <<"END");
CREATE TABLE bell ();
CREATE FUNCTION ring() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN $TAKE; RETURN NULL; END \$\$;
CREATE TRIGGER ring AFTER INSERT ON bell EXECUTE FUNCTION ring();
INSERT INTO bell DEFAULT VALUES
END

# --- looks

looks('SELECT', 'SELECT * FROM login_queue');
looks('a SELECT in a transaction', 'BEGIN; SELECT * FROM login_queue; COMMIT');
looks('a SELECT that is rolled back', 'BEGIN; SELECT * FROM login_queue; ROLLBACK');
looks('an aggregate', 'SELECT device_type, count(*) FROM login_queue GROUP BY device_type');
looks('COPY (SELECT)', 'COPY (SELECT user_id FROM login_queue) TO STDOUT');
looks('EXPLAIN ANALYZE of a SELECT', 'EXPLAIN ANALYZE SELECT * FROM login_queue');
looks('a SELECT in a READ ONLY transaction', 'BEGIN READ ONLY; SELECT * FROM login_queue; COMMIT');
looks('a SELECT in a function',
	'DO $$ DECLARE n int; BEGIN SELECT count(*) INTO n FROM login_queue; ASSERT n = 10; END $$');
looks('CREATE MATERIALIZED VIEW', 'CREATE MATERIALIZED VIEW seen AS SELECT user_id FROM login_queue');
is(value('SELECT count(*) FROM seen'), 10, 'which holds what it saw');
value('DROP MATERIALIZED VIEW seen');
looks('REFRESH MATERIALIZED VIEW', <<'END');
CREATE MATERIALIZED VIEW seen AS SELECT user_id FROM login_queue WITH NO DATA;
REFRESH MATERIALIZED VIEW seen
END
is(value('SELECT count(*) FROM seen'), 10, 'which holds what it saw');
value('DROP MATERIALIZED VIEW seen');
looks('REFRESH MATERIALIZED VIEW CONCURRENTLY', <<'END');
CREATE MATERIALIZED VIEW seen AS SELECT ''::text AS user_id FROM login_queue WHERE false;
DROP MATERIALIZED VIEW seen;
CREATE MATERIALIZED VIEW seen AS SELECT user_id FROM login_queue WITH NO DATA;
CREATE UNIQUE INDEX ON seen (user_id);
REFRESH MATERIALIZED VIEW seen
END
$queue = new_queue('statements', VisibilityTimeout => 600);
value("ALTER FOREIGN TABLE login_queue OPTIONS (SET queue '" . $queue->name . "')");
$queue->send(logins(10));
ok(run_sql($node, 'REFRESH MATERIALIZED VIEW CONCURRENTLY seen')->{ok}, 'CONCURRENTLY runs');
check_left(10, 0, 'and looks');
value('DROP MATERIALIZED VIEW seen');

# --- consume

takes("consume 'always' and a SELECT", <<"END", consume => 'always');
DO \$\$ DECLARE r record; BEGIN
	FOR r IN SELECT user_id FROM login_queue LOOP $insert VALUES (r.user_id); END LOOP;
END \$\$
END
refill(10, consume => 'always');
is(scalar(split /\n/, run_sql($node, 'COPY (SELECT user_id FROM login_queue) TO STDOUT')->{out}),
	10, "consume 'always' and COPY");
check_left(0, 0, 'takes');
refill(10, consume => 'always');
run_sql($node, 'BEGIN; SELECT count(*) FROM login_queue; ROLLBACK');
check_left(10, 0, "consume 'always' and a rollback releases");
looks("consume 'never' and an INSERT", $TAKE, consume => 'never', rows => 10);
looks("consume 'never' and CREATE TABLE AS",
	"CREATE TABLE copy AS SELECT user_id FROM login_queue $count_copy", consume => 'never', rows => 10);

# --- refused before anything is received

refuses('an INSERT in a READ ONLY transaction', "BEGIN READ ONLY; $TAKE", '25006');
foreach my $temporary (
	[ 'an INSERT',   'INSERT INTO t SELECT user_id FROM login_queue' ],
	[ 'an UPDATE',   'UPDATE t SET u = q.user_id FROM login_queue q' ],
	[ 'a function',  'DO $$ BEGIN INSERT INTO t SELECT user_id FROM login_queue; END $$' ],
	[ 'EXPLAIN ANALYZE', 'EXPLAIN ANALYZE INSERT INTO t SELECT user_id FROM login_queue' ])
{
	my ($what, $sql) = @$temporary;
	refuses(
		"$what that writes a temporary table in a READ ONLY transaction",
		"CREATE TEMPORARY TABLE t (u text); INSERT INTO t VALUES ('x'); BEGIN READ ONLY; $sql", '25006');
}
refuses("consume 'always' in a READ ONLY transaction",
	'BEGIN READ ONLY; SELECT * FROM login_queue', '25006', consume => 'always');
refuses('SELECT FOR UPDATE', 'SELECT user_id FROM login_queue FOR UPDATE', '0A000');
refuses('SELECT FOR SHARE',  'SELECT user_id FROM login_queue FOR SHARE',  '0A000');
refuses('an INSERT from SELECT FOR UPDATE', "$insert SELECT user_id FROM login_queue FOR UPDATE", '0A000');

foreach my $what ([ 'taken', $TAKE ], [ 'looked', 'SELECT count(*) FROM login_queue' ])
{
	refill(10);
	check_error($node, "BEGIN; $what->[1]; PREPARE TRANSACTION 'two phases'",
		'0A000', qr/HINT:/, "PREPARE TRANSACTION after a statement that $what->[0] is refused");
	check_left(10, 0, 'and everything is released');
}
value("BEGIN; $insert VALUES ('none'); PREPARE TRANSACTION 'other'; ROLLBACK PREPARED 'other'");
pass('a transaction without messages may be prepared');

# --- limits

foreach my $limit ([ 'LIMIT 1', 1 ], [ 'LIMIT 10', 10 ], [ 'LIMIT 13', 13 ], [ 'LIMIT 0', 0 ],
	[ 'FETCH FIRST 4 ROWS ONLY', 4 ], [ 'LIMIT ALL', 30 ], [ 'LIMIT (SELECT 6)', 6 ])
{
	refill(30);
	ok(run_sql($node, "$insert SELECT user_id FROM login_queue $limit->[0]")->{ok}, "$limit->[0] runs");
	check_left(30 - $limit->[1], $limit->[1], 'and takes that many');
}
refill(30);
run_sql($node, "$insert SELECT user_id FROM login_queue WHERE device_type = 'iOS' LIMIT 3");
check_left(27, 3, 'LIMIT counts what the condition lets through');
refill(30);
run_sql($node, "PREPARE next_ones AS $insert SELECT user_id FROM login_queue LIMIT \$1;"
	  . join '', map { "EXECUTE next_ones (3);" } 1 .. 7);
check_left(9, 21, 'a LIMIT that is a parameter, seven times');

refill(40, max_messages => 25);
$result = run_sql($node, $TAKE);
check_left(15, 25, 'max_messages ends the scan');
like($result->{err}, qr/NOTICE:.*25 messages.*HINT:.*max_messages/s, 'and a notice says so');
refill(20, max_messages => 25);
unlike(run_sql($node, $TAKE)->{err}, qr/NOTICE/, 'which is not there where the queue ended first');
check_left(0, 20, 'and all are taken');
foreach my $look ('SELECT user_id FROM login_queue', 'COPY (SELECT user_id FROM login_queue) TO STDOUT')
{
	refill(40, look_limit => 15);
	$result = run_sql($node, $look);
	is(scalar(split /\n/, $result->{out}), 15, "look_limit ends $look");
	like($result->{err}, qr/NOTICE:.*15 messages.*HINT:.*look_limit/s, 'and a notice says so');
	check_left(40, 0, 'and nothing stays in flight');
}
refill(40, look_limit => 15);
is(value('SELECT count(*) FROM (SELECT 1 FROM login_queue LIMIT 5) q'), 5, 'a look with a LIMIT');
check_left(40, 0, 'leaves the rest');
takes('look_limit does not bind what takes: it', $TAKE, look_limit => 1);

# --- views, rights, policies

refill(10);
my $null_locales = grep { !defined $_->{locale} } bodies_of(logins(10));
run_sql($node, "CREATE OR REPLACE VIEW local AS SELECT user_id FROM login_queue WHERE locale IS NOT NULL;
	$insert SELECT user_id FROM local");
check_left($null_locales, 10 - $null_locales, "an INSERT from a view takes what the view's condition lets through");
value('DROP VIEW local');

refill(10);
run_sql($node, "CREATE VIEW counted WITH (security_barrier) AS SELECT device_type, count(*) FROM login_queue GROUP BY 1;
	$insert SELECT device_type FROM counted");
is($queue->counts->{visible}, 0, 'an INSERT from an aggregate takes what it counted');
$result = run_sql($node, 'SELECT * FROM counted');
ok($result->{ok} && $result->{out} eq '', 'a look at an empty queue through a view');
value('DROP VIEW counted');

value('CREATE ROLE reader LOGIN; CREATE ROLE writer LOGIN');
value("CREATE USER MAPPING FOR writer SERVER aws OPTIONS (access_key_id 'test', secret_access_key 'test')");
my $grants = <<'END';
GRANT SELECT ON login_queue TO writer;
GRANT ALL ON user_logins TO writer, reader;
GRANT USAGE ON SCHEMA sqs TO writer, reader;
END
refill(10);
value("$grants CREATE VIEW shown AS SELECT user_id FROM login_queue; GRANT SELECT ON shown TO reader");
$result = run_sql($node, "SET ROLE reader; $insert SELECT user_id FROM shown");
ok($result->{ok}, "a view's owner has the user mapping, not who reads it") or diag($result->{err});
check_left(0, 10, 'and takes');
value('DROP VIEW shown');
refill(5);
value($grants);
check_error($node, "SET ROLE reader; $insert SELECT user_id FROM login_queue", '42501', qr/permission denied/,
	'who may not read the queue is refused');
is_deeply([ values %{ $queue->receive_counts } ], [ (0) x 5 ], 'before a receive');

my $policy = <<'END';
ALTER TABLE user_logins ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON user_logins TO writer USING (true) WITH CHECK (user_id <> 'user 7');
END
fill([ users(6) ]);
value($grants . $policy);
$result = run_sql($node, "SET ROLE writer; $insert SELECT user_id FROM login_queue");
ok($result->{ok}, "rows that the target's policy lets in") or diag($result->{err});
check_left(0, 6, 'are taken');
fill([ users(12) ]);
value($grants . $policy);
check_error($node, "SET ROLE writer; $insert SELECT user_id FROM login_queue", '42501',
	qr/row-level security/, "a row that the target's policy refuses fails the statement");
check_left(12, 0, 'and releases all');

# --- failures of the target

# Errors of the statement at its last row, after it, and at the commit.
sub fails
{
	my ($name, $prepare, $sqlstate, $sql) = @_;
	fill([ users(23) ]);
	value($prepare);
	check_error($node, $sql // $TAKE, $sqlstate, qr/./, "$name fails the statement");
	return check_left(23, 0, "$name: released");
}

my $refuse = 'CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN IF NEW.user_id = \'user 23\' THEN RAISE EXCEPTION \'no\'; END IF; RETURN NEW; END $$;';
fails('a trigger before the row',
	"$refuse CREATE TRIGGER refuse BEFORE INSERT ON user_logins FOR EACH ROW EXECUTE FUNCTION refuse()", 'P0001');
fails('a trigger after the row',
	"$refuse CREATE TRIGGER refuse AFTER INSERT ON user_logins FOR EACH ROW EXECUTE FUNCTION refuse()", 'P0001');
fails('a check constraint', "ALTER TABLE user_logins ADD CHECK (user_id <> 'user 23')", '23514');
fails('an error above the scan', '', '22012',
	"$insert SELECT (1 / (length(user_id) - 7))::text FROM login_queue WHERE user_id LIKE 'user 1_' OR true");
my $at_commit = "$refuse CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON user_logins
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()";
fails('a deferred trigger, at the end of the statement', $at_commit, 'P0001');
fails('a deferred trigger, at the commit', $at_commit, 'P0001', "BEGIN; $TAKE; SELECT 1; COMMIT");
fails('a deferred constraint, at the commit',
	'ALTER TABLE user_logins ADD UNIQUE (device_type) DEFERRABLE INITIALLY DEFERRED', '23505', "BEGIN; $TAKE; COMMIT");
fails('a deferred constraint, by SET CONSTRAINTS',
	'ALTER TABLE user_logins ADD UNIQUE (device_type) DEFERRABLE INITIALLY DEFERRED',
	'23505', "BEGIN; $TAKE; SET CONSTRAINTS ALL IMMEDIATE; COMMIT");

fill([ users(10) ]);
run_sql($node, <<"END");
CREATE OR REPLACE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RETURN NULL; END \$\$;
CREATE TRIGGER skip BEFORE INSERT ON user_logins FOR EACH ROW WHEN (NEW.user_id < 'user 5') EXECUTE FUNCTION skip();
$TAKE
END
check_left(0, 5, 'what a trigger drops is taken');

# --- two sessions

fill([ users(300) ]);
my @sessions = map { session($node) } 1, 2;
my $gate = session($node);
$gate->query_safe('SELECT pg_advisory_lock(1)');
$_->query_until(qr/sent/, "\\echo sent\nBEGIN; SELECT pg_advisory_lock_shared(1);\n$TAKE;\n") for @sessions;
wait_for { value(q(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)) == 2 }
'both sessions to stand at the gate';
$gate->query_safe('SELECT pg_advisory_unlock(1)');
$_->query_safe('SELECT 1') for @sessions;
is($queue->counts->{in_flight}, 300, 'two sessions hold all messages between them');
$sessions[0]->query_safe('COMMIT');
my $first = value('SELECT count(*) FROM user_logins');
is_deeply(
	[ @{ $queue->counts }{qw(visible in_flight)} ],
	[ 0, 300 - $first ],
	'the commit of one deletes its own');
$sessions[1]->query_safe('COMMIT');
check_left(0, 300, 'and that of the other the rest');
is(value('SELECT count(DISTINCT user_id) FROM user_logins'), 300, 'no message became two rows');
$_->quit for @sessions, $gate;

# --- joins of a queue with itself: each message is on one side

fill([ users(24) ]);
is(value('SELECT count(*) FROM login_queue a JOIN login_queue b USING (user_id)'),
	0, 'no message is on both sides of a self-join');
check_left(24, 0, 'which looks');
fill([ users(24) ]);
$result = run_sql($node, 'CREATE TABLE pairs AS SELECT a.user_id AS a, b.user_id AS b FROM login_queue a, login_queue b');
ok($result->{ok}, 'CREATE TABLE AS of a self-join') or diag($result->{err});
is(value('SELECT count(*) FROM pairs WHERE a IN (SELECT b FROM pairs)'), 0, 'has no message on both sides');
is(value('SELECT count(*) - count(DISTINCT (a, b)) FROM pairs'), 0, 'and no pair twice');
is($queue->counts->{in_flight}, 0, 'and leaves nothing in flight');
my %left = map { $_->{user_id} => 1 } bodies_of($queue->bodies);
is((grep { $left{$_} } split /\n/, value('SELECT a FROM pairs UNION SELECT b FROM pairs')),
	0, 'and nothing in the queue that is in the table');

# --- parallel plans

my $force = $major < 16 ? 'force_parallel_mode' : 'debug_parallel_query';
value(<<'END');
CREATE TABLE big AS SELECT 'user ' || i AS user_id FROM generate_series(1, 100000) i;
ANALYZE big;
CREATE FUNCTION parallel_settings() RETURNS void LANGUAGE sql AS $$
	SELECT set_config(name, setting, false)
	FROM   (VALUES ('parallel_setup_cost', '0'), ('parallel_tuple_cost', '0'),
	               ('min_parallel_table_scan_size', '0'), ('enable_nestloop', 'off')) s (name, setting);
$$;
END
my $parallel = "SELECT parallel_settings(); SET $force = on;";
my $join = 'SELECT b.user_id FROM big b JOIN login_queue q USING (user_id)';
my @bad = ('{"device_type": "no user"}');
like(run_sql($node, "$parallel EXPLAIN $join")->{out}, qr/Gather/, 'a plan with Gather beside the queue');

fill([ users(20), @bad ]);
$result = run_sql($node, "$parallel CREATE TABLE copy AS $join $count_copy");
ok($result->{ok}, 'CREATE TABLE AS with a parallel plan') or diag($result->{err});
like($result->{err}, qr/WARNING:.*1 message .*rejected/, 'rejects the one bad message');
check_left(1, 20, 'and takes the others');
fill([ users(20), @bad ]);
$result = run_sql($node, "$parallel SELECT count(*) FROM ($join) j");
like($result->{out}, qr/^20$/m, 'a look with a parallel plan') or diag($result->{err});
check_left(21, 0, 'releases');
fill([ users(20), @bad ]);
$result = run_sql($node, "$parallel $TAKE");
ok($result->{ok}, 'an INSERT where parallel plans are forced') or diag($result->{err});
check_left(1, 20, 'takes');
fill([ users(20), @bad ]);
$result = run_sql($node, "$parallel DO \$\$ BEGIN CREATE TABLE copy AS $join; END \$\$ $count_copy");
ok($result->{ok}, 'a parallel plan inside a function') or diag($result->{err});
check_left(1, 20, 'takes');
fill([ users(20), @bad ], on_error => 'abort');
check_error($node, "$parallel CREATE TABLE copy AS $join", '23502', qr/user_id/,
	"on_error 'abort' in a parallel plan");
check_left(21, 0, 'releases');

$node->stop;
done_testing();
