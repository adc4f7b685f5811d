# Whatever the planner makes of a statement, a message that left the queue is in the statement's result.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('plans', conf => "wal_writer_delay = '10s'");
# With one connection, no scan empties the queue before another of its statement gets a message.
create_server($node, 'narrow', endpoint => sqs()->endpoint, max_connections => 1);
my $queue;

# A fresh queue of users with numbers, and empty tables: q takes on write, qa always, qn never.
sub fill
{
	my ($count) = @_;
	$queue = new_queue('plans', VisibilityTimeout => 600);
	create_login_tables($node, $queue, wait_time_seconds => 0);
	my $name = $queue->name;
	my $columns = '(user_id text NOT NULL, n integer)';
	my $options = "OPTIONS (queue '$name', wait_time_seconds '0'";
	$node->safe_psql('postgres', <<"END");
SET client_min_messages = warning;
DROP FOREIGN TABLE IF EXISTS q, qa, qn;
CREATE FOREIGN TABLE q $columns SERVER narrow $options);
CREATE FOREIGN TABLE qa $columns SERVER narrow $options, consume 'always');
CREATE FOREIGN TABLE qn $columns SERVER narrow $options, consume 'never');
END
	$queue->send(map { qq({"user_id": "user $_", "n": $_}) } 1 .. $count) if $count;
	return;
}

sub check_left
{
	my ($visible, $rows, $name) = @_;
	return wait_for_counts($node, $queue, { visible => $visible, in_flight => 0, rows => $rows }, $name);
}

# The users whose messages are in the queue, sorted.
sub users_in_queue
{
	wait_for { $queue->counts->{in_flight} == 0 } 'nothing to be in flight';
	return sort map { $_->{user_id} } bodies_of($queue->bodies);
}

# --- a DELETE that chooses by another look at the same queue

# What was deleted and what is still in the queue is what was sent; the statement may be refused.
sub check_nothing_lost
{
	my ($name, $users_of, $sql) = @_;
	fill(60);
	my $result = run_sql($node, $sql);
	my @gone   = $users_of->($result);
	my @all    = sort @gone, users_in_queue();
	note(scalar(@gone) . ' messages deleted');
	return is_deeply(\@all, [ sort map { "user $_" } 1 .. 60 ], "nothing is lost by $name")
	  || diag($result->{err});
}

my $returned = sub { return map { /^(user \d+)/ } split /\n/, $_[0]{out} };
my $inserted = sub { return split /\n/, $node->safe_psql('postgres', 'SELECT user_id FROM user_logins') };

foreach my $condition (
	'ctid IN (SELECT ctid FROM q LIMIT 5)',
	'ctid = ANY (ARRAY(SELECT ctid FROM q LIMIT 5))',
	'user_id IN (SELECT user_id FROM q LIMIT 5)',
	'n = (SELECT min(n) FROM q)',
	'n < (SELECT avg(n) FROM q)',
	'EXISTS (SELECT 1 FROM q other WHERE other.n = q.n + 1)')
{
	my $delete = "DELETE FROM q WHERE $condition RETURNING *";
	check_nothing_lost($delete, $returned, $delete);
	my $into = "WITH d AS ($delete) INSERT INTO user_logins (user_id) SELECT user_id FROM d";
	check_nothing_lost($into, $inserted, $into);
}
check_nothing_lost('DELETE ... USING itself', $returned,
	'DELETE FROM q USING q other WHERE q.n = other.n + 1 RETURNING q.user_id');

# --- a LIMIT above a materialized CTE

foreach my $query (
	'SELECT user_id FROM x ORDER BY user_id LIMIT 3',
	'SELECT user_id FROM x LIMIT 3')
{
	fill(10);
	my $sql = "WITH x AS MATERIALIZED (SELECT * FROM q) INSERT INTO user_logins (user_id) $query";
	my $result = run_sql($node, $sql);
	if ($query =~ /ORDER BY/)
	{
		like($result->{err}, qr/ERROR:\s+0A000:/, "refused: $sql");
		check_left(10, 0, 'and nothing was taken');
	}
	else
	{
		# It ends the scan beneath it, or is refused.
		my @all = ($inserted->(), users_in_queue());
		is(scalar @all, 10, "nothing is lost by $sql") or diag($result->{err});
	}
}

# --- a LIMIT that may change between two runs of one plan

{
	my ($prepare, @lines) = ('SET plan_cache_mode = force_generic_plan; SET my.n = 2;
		PREPARE p AS SELECT user_id FROM qa LIMIT current_setting(\'my.n\')::int;');
	fill(20);
	@lines = split /\n/, $node->safe_psql('postgres', "$prepare EXECUTE p");
	is(scalar @lines, 2, 'a LIMIT by a setting');
	check_left(18, 0, 'takes that many');
	fill(20);
	@lines = split /\n/, $node->safe_psql('postgres', "$prepare EXECUTE p; SET my.n = 7; EXECUTE p");
	is(scalar @lines, 9, 'and the number of the next run, if it is more');
	check_left(11, 0, 'takes that many');
	fill(20);
	@lines = split /\n/,
	  $node->safe_psql('postgres', "SET my.n = 7; $prepare SET my.n = 7; EXECUTE p; SET my.n = 2; EXECUTE p");
	is(scalar @lines, 9, 'or less');
	check_left(11, 0, 'takes that many');
}

# --- a row that another transaction changed meanwhile

fill(5);
$node->safe_psql('postgres',
	q{CREATE TABLE acc AS SELECT 'user ' || i AS id, 0 AS n FROM generate_series(1, 5) i; INSERT INTO acc VALUES ('zz', 0)});
foreach my $isolation ('READ COMMITTED', 'REPEATABLE READ')
{
	my $writer = session($node);
	$writer->query_safe(q{BEGIN; UPDATE acc SET n = n + 10 WHERE id = 'user 3'});
	my $session = session($node);
	my $pid     = $session->query_safe('SELECT pg_backend_pid()');
	$session->query_until(qr/sent/, <<"END");
\\set VERBOSITY verbose
\\echo sent
BEGIN ISOLATION LEVEL $isolation;
UPDATE acc SET n = n + 1 WHERE id IN (SELECT user_id FROM q) OR id = 'zz';
END
	wait_for {
		$node->safe_psql('postgres',
			"SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid") eq 't'
	}
	'the UPDATE to wait for the row';
	is($queue->counts->{in_flight}, 5, "$isolation: the subplan has read the queue");
	$writer->query_safe('COMMIT');
	$session->query('ROLLBACK');
	like($session->{stderr}, qr/ERROR:\s+40001:/, "$isolation: a row that changed meanwhile is a serialization failure");
	like($session->{stderr}, qr/HINT:/, 'with a hint') if $isolation eq 'READ COMMITTED';
	check_left(5, 0, "$isolation: everything is released");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM acc WHERE n % 10 <> 0}),
		0, "$isolation: and nothing is updated");
	$_->quit for $session, $writer;
}

# --- EXPLAIN

fill(3);
foreach my $statement ('DELETE FROM qn', 'DELETE FROM qn RETURNING *', 'DELETE FROM qn WHERE n = 1')
{
	my $result = run_sql($node, "EXPLAIN $statement");
	ok($result->{ok}, "EXPLAIN $statement, though messages of qn are never taken") or diag($result->{err});
	check_error($node, $statement, '0A000', qr/never taken/, 'the statement itself is refused');
}
check_left(3, 0, 'and nothing was received');

# --- synchronous_commit

# Whether all commits so far are flushed. The WAL writer sleeps, so a backend does that itself.
my $flushed = 'SELECT pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()';
my $small   = 'INSERT INTO small VALUES (1)';
$node->safe_psql('postgres', 'CREATE TABLE small (n integer)');

# Whether the statements' commit, and that of a small transaction after it, were flushed.
sub last_commits_flushed
{
	my ($sql) = @_;
	my $out = $node->safe_psql('postgres', "SET synchronous_commit = off; $small; $sql; $flushed; $small; $flushed");
	return [ split /\n/, $out ];
}

my $take_one = 'INSERT INTO user_logins (user_id) SELECT user_id FROM q LIMIT 1';
fill(6);
is_deeply(last_commits_flushed($small), [ 'f', 'f' ], 'small commits are asynchronous');
is_deeply(last_commits_flushed($take_one), [ 't', 'f' ], 'one that takes is flushed, and only that');
is(last_commits_flushed("BEGIN; SAVEPOINT s; $take_one; ROLLBACK TO s; COMMIT")->[1],
	'f', 'nor is what comes after a transaction whose messages were released');
check_left(5, 1, 'one message was taken');

# --- EXPLAIN as the first statement of a session, which loads the library while it plans

fill(1);
like(run_sql($node, 'EXPLAIN CREATE TABLE first AS SELECT * FROM q')->{out}, qr/Consume: take/,
	'EXPLAIN CREATE TABLE AS as the first statement of a session');
like(run_sql($node, 'EXPLAIN SELECT * FROM q')->{out}, qr/Consume: look/, 'and EXPLAIN SELECT');
like(run_sql($node, "LOAD 'sqs_fdw'; EXPLAIN CREATE TABLE first AS SELECT * FROM q; EXPLAIN SELECT * FROM q")->{out},
	qr/Consume: take.*Consume: look/s, 'one after the other');

$node->stop;
done_testing();
