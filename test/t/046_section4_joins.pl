# Scans that run again, several scans of one statement, parallel plans, rows that others change: each message counts once.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Cases;
use SqsFdw::Test;

my $node = start_node('joins', conf => 'jit = off');
# With one connection, no scan empties the queue before another of its statement gets a message.
create_server($node, 'narrow', endpoint => sqs()->endpoint, max_connections => 1);
my $cases = SqsFdw::Cases->new($node, server => 'narrow');

sub takes { return $cases->takes(@_); }
sub looks { return $cases->looks(@_); }

my $from = 'INSERT INTO t SELECT';

# --- rescans

$cases->row('a rescan replays what was received and looks at the conditions again; it never receives again');
my $nested = 'SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; SET enable_memoize = off;';
takes('LATERAL: each pass takes its own', "$from x.* FROM generate_series(0, 2) n, LATERAL (SELECT * FROM q WHERE id % 3 = n OFFSET 0) x");
takes('LATERAL: each pass takes some', "$from x.* FROM generate_series(0, 1) n, LATERAL (SELECT * FROM q WHERE id % 3 = n OFFSET 0) x",
	left => 3);
takes('LATERAL: each pass takes the same', "$from x.* FROM generate_series(1, 3) n, LATERAL (SELECT * FROM q WHERE id + 0 * n < 5 OFFSET 0) x",
	left => 6, rows => 12);
takes('LATERAL with a LIMIT', "$from x.* FROM generate_series(1, 4) n, LATERAL (SELECT * FROM q WHERE id > 0 * n LIMIT 2) x",
	left => 8, rows => 8, received => [ 0, 1 ]);
takes('a correlated subquery', "$from (SELECT count(*) FROM q WHERE id <= n) FROM generate_series(1, 4) n", left => 6, rows => 4);
takes('a correlated subquery of an UPDATE', 'UPDATE t SET name = (SELECT name FROM q WHERE q.id = t.id)', known => 4, left => 6, rows => 4,
	also => [ q(SELECT count(*) FROM t WHERE name LIKE 'name %'), 4 ]);
takes('a correlated EXISTS', "$from n FROM generate_series(1, 4) n WHERE n = 99 OR EXISTS (SELECT FROM q WHERE id = n)", rows => 4);
takes('NOT IN', "$from n FROM generate_series(8, 13) n WHERE n NOT IN (SELECT id FROM q)", rows => 3);
takes('a recursive CTE', "WITH RECURSIVE r (id) AS (SELECT 1 UNION ALL SELECT q.id FROM r JOIN q ON q.id = r.id + 1) $from id FROM r",
	left => 0);
takes('a recursive CTE that begins with the queue',
	"WITH RECURSIVE r (id) AS (SELECT id FROM q UNION ALL SELECT id - 1 FROM r WHERE id > 8) $from id FROM r", rows => 13);
takes('the inner side of a nested loop', "$nested $from q.id FROM t LEFT JOIN q ON q.id = t.id", known => 4, rows => 8);
takes('the inner side of a hash join', "SET enable_nestloop = off; SET enable_mergejoin = off; $from q.* FROM t JOIN q USING (id)", known => 4, rows => 8);
takes('the inner side of a merge join', "SET enable_nestloop = off; SET enable_hashjoin = off; $from q.* FROM t JOIN q USING (id)", known => 4, rows => 8);
takes('a materialized inner side', "SET enable_hashjoin = off; SET enable_mergejoin = off; $from q.id FROM t LEFT JOIN q ON q.id > t.id + 7", known => 4, rows => 9);
takes('prepared, seven times', "PREPARE s (int) AS $from x.* FROM generate_series(0, 2) n,
	LATERAL (SELECT * FROM q WHERE id % 30 = n * 10 + \$1 OFFSET 0) x;" . join('', map { "EXECUTE s ($_);" } 0 .. 6),
	messages => 30, commits => 1, left => 9);
looks('LATERAL', 'SELECT x.id FROM generate_series(1, 2) n, LATERAL (SELECT id FROM q WHERE id <= n) x', out => [ 1, 1, 2 ]);
looks('the inner side of a nested loop', "SELECT 1; $nested SELECT count(*) FROM t LEFT JOIN q ON q.id > t.id", known => 4, out => [ 1, 30 ]);
looks('a recursive CTE', 'WITH RECURSIVE r (id) AS (SELECT 1 UNION SELECT x.id FROM r, LATERAL (SELECT id FROM q WHERE id = r.id + 1) x) SELECT max(id) FROM r',
	out => [10]);

# --- several scans in one statement

$cases->row('two queues in one statement: both are taken; one queue twice: each message is in one scan');
takes('UNION ALL of two queues', "$from * FROM q UNION ALL SELECT * FROM q2", second => 5);
takes('UNION of two queues', "$from id % 100 FROM q UNION SELECT id % 100 FROM q2", second => 5, rows => 10);
takes('EXCEPT of two queues', "$from id FROM q EXCEPT SELECT id - 100 FROM q2", second => 5, rows => 5);
takes('INTERSECT of two queues', "$from id FROM q INTERSECT SELECT id - 100 FROM q2", second => 5, rows => 5);
takes('a join of two queues', "$from q.* FROM q JOIN q2 ON q2.id = q.id + 100", second => 5, rows => 5);
takes('a DELETE of one and a look at the other', 'WITH d AS (DELETE FROM q RETURNING *) INSERT INTO t SELECT d.* FROM d JOIN q2 ON q2.id = d.id + 100',
	second => 5, rows => 5);
takes('two DELETEs', 'WITH a AS (DELETE FROM q RETURNING *), b AS (DELETE FROM q2 RETURNING *) INSERT INTO t SELECT * FROM a UNION ALL SELECT * FROM b',
	second => 5);
looks('UNION ALL of two queues', 'SELECT id FROM q UNION ALL SELECT id FROM q2', second => 2, out => [ 1 .. 10, 101, 102 ]);
takes('UNION ALL of a queue with itself', "$from * FROM q UNION ALL SELECT * FROM q");
takes('UNION of a queue with itself', "$from * FROM q UNION SELECT * FROM q");
takes('INTERSECT of a queue with itself: no message is on both sides', "$from * FROM q INTERSECT SELECT * FROM q", rows => 0);
takes('EXCEPT of a queue with itself: no message is on both sides',
	"$from * FROM (SELECT * FROM q EXCEPT SELECT * FROM q WHERE id < 0) s");
looks('a join of a queue with itself: no message is on both sides', 'SELECT count(*) FROM q a JOIN q b USING (id)',
	received => [ 1, 2 ], held => 'any', out => [0]);
takes('a CTE and the queue beside it', "WITH c AS MATERIALIZED (SELECT * FROM q) $from * FROM c UNION ALL SELECT * FROM q");

# --- parallel plans

$cases->row('parallel plans: the leader scans the queue');
my $force = $node->pg_version < 16 ? 'force_parallel_mode' : 'debug_parallel_query';
my $parallel = "SET $force = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SET enable_nestloop = off; ";
my %big = (before => 'CREATE TABLE big AS SELECT i AS id FROM generate_series(1, 50000) i; ANALYZE big');
my $join = 'SELECT big.id, q.name FROM big JOIN q USING (id)';
$cases->fresh(%big);
like($node->safe_psql('postgres', "$parallel EXPLAIN $join"), qr/Gather.*Parallel Seq Scan/s, 'a plan with Gather beside the queue');
foreach my $leader (qw(on off))
{
	my $set = "$parallel SET parallel_leader_participation = $leader;";
	takes("CREATE TABLE AS, leader participation $leader", "$set CREATE TABLE copy AS $join", %big);
	takes("INSERT, leader participation $leader", "$set INSERT INTO t $join", %big);
	looks("SELECT, leader participation $leader", "$set SELECT count(*) FROM ($join) s", %big, out => [10]);
}
takes('a function', "$parallel DO \$\$ BEGIN CREATE TABLE copy AS $join; END \$\$", %big);
looks('a cursor', "$parallel DECLARE c CURSOR FOR $join; MOVE 3 FROM c", %big);
$cases->fails('a function that lies about being parallel safe', "$parallel SELECT count(f(id)) FROM big", '25000',
	received => [ 0, 1, 2 ], error => qr/parallel/, before => "$big{before};
		CREATE FUNCTION f(int) RETURNS bigint PARALLEL SAFE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM q WHERE id > \$1); END'");

# --- rows that another transaction changes meanwhile

$cases->row('EvalPlanQual: a row that another transaction changed is looked at again, the queue is not');

# One session holds row 3 of t; the statement comes to it, waits, and goes on when that one commits.
sub while_changed
{
	my ($name, $change, $sql, %case) = @_;
	my ($all) = $cases->fresh(known => 4, %case);
	my %got = (before => $cases->counts);
	my ($writer, $other) = (session($node), session($node));
	$writer->query_safe("BEGIN; $change");
	my $pid = $other->query_safe('SELECT pg_backend_pid()');
	$other->query_until(qr/sent/, "\\set VERBOSITY verbose\n\\echo sent\n$sql;\n");
	wait_for { $node->safe_psql('postgres', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid") eq 't' }
	'the statement to wait for the row';
	$got{during} = $cases->counts_like([ 0, $all, 4 ]);
	$writer->query_safe('COMMIT');
	$other->query('SELECT 1');
	($got{error}) = $other->{stderr} =~ /ERROR:\s+(\w{5}):/;
	my $rows     = $case{rows} // 4;
	my %expected = (
		before => [ $all, 0, 4 ],
		during => [ 0, $all, 4 ],
		after  => [ $case{error} ? $all : 0, 0, $rows ],
		error  => $case{error},
		also   => $case{also}[1]);
	$got{after} = $cases->counts_like($expected{after});
	$got{also}  = $node->safe_psql('postgres', $case{also}[0]);
	$_->quit for $writer, $other;
	return $cases->outcome($name . ($case{error} ? " ($case{error})" : ''), \%got, \%expected, qw(before during after));
}
my $set_names = "SELECT count(*) FROM t WHERE name LIKE 'name %'";
my $update    = 'UPDATE t SET name = q.name FROM q WHERE q.id = t.id';
while_changed('UPDATE … FROM, a row that still joins', "UPDATE t SET name = 'changed' WHERE id = 3", $update, also => [ $set_names, 4 ]);
while_changed('UPDATE … FROM, a row that no longer joins', 'UPDATE t SET id = 33 WHERE id = 3', $update, also => [ $set_names, 3 ]);
while_changed('UPDATE … FROM, a row that is deleted', 'DELETE FROM t WHERE id = 3', $update, also => [ $set_names, 3 ], rows => 3);
while_changed('UPDATE … FROM with a condition on the queue', "UPDATE t SET name = 'changed' WHERE id = 3",
	"$update AND q.name <> t.name", also => [ $set_names, 4 ]);
while_changed('DELETE … USING', "UPDATE t SET name = 'changed' WHERE id = 3", 'DELETE FROM t USING q WHERE q.id = t.id', also => [ $set_names, 0 ], rows => 0);
while_changed('DELETE … USING, a row that no longer joins', 'UPDATE t SET id = 33 WHERE id = 3', 'DELETE FROM t USING q WHERE q.id = t.id',
	also => [ 'SELECT id FROM t', 33 ], rows => 1);
my $merge = 'MERGE INTO t USING q ON t.id = q.id WHEN MATCHED THEN UPDATE SET name = q.name WHEN NOT MATCHED THEN INSERT VALUES (q.id, q.name)';
while_changed('MERGE', "UPDATE t SET name = 'changed' WHERE id = 3", $merge, also => [ $set_names, 10 ], rows => 10)
  if $node->pg_version >= 15;
while_changed('UPDATE by a subquery on the queue', "UPDATE t SET name = 'changed' WHERE id = 3",
	"UPDATE t SET name = 'x' WHERE id IN (SELECT id FROM q) OR id < 0", also => [ q(SELECT count(*) FROM t WHERE name = 'x'), 0 ], error => '40001');
while_changed('UPDATE … FROM, REPEATABLE READ', "UPDATE t SET name = 'changed' WHERE id = 3",
	"BEGIN ISOLATION LEVEL REPEATABLE READ; $update; COMMIT", also => [ $set_names, 0 ], error => '40001');

$cases->finish;
done_testing();
