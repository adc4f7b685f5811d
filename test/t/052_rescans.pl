# A scan that runs again replays what it has received, looks at its conditions again, and never receives again.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Faults;
use SqsFdw::Test;

# Messages form a tree: the parent of 7 is 3. So many that a scan needs several replies.
use constant MESSAGES => 34;

# The private copy of the server has no bitcode, which a costly plan would ask for.
my $node  = start_node('rescans', conf => 'jit = off');
my $proxy = SqsFdw::Faults->start(
	folder   => PostgreSQL::Test::Utils::tempdir('proxy'),
	upstream => sqs()->endpoint,
	rules    => []);
# One connection: then the number of requests is that of the replies and the empty one at the end.
create_server($node, 'proxied', endpoint => $proxy->endpoint, max_connections => 1);
$node->safe_psql('postgres', 'CREATE TABLE mirror AS
	SELECT i AS id, i / 2 AS parent FROM generate_series(1, ' . MESSAGES . ') i');
my $queue;

sub define_tables
{
	my (%options) = @_;
	my $options = join '', map { ", $_ '$options{$_}'" } keys %options;
	$queue = new_queue('rescans', VisibilityTimeout => 600);
	$node->safe_psql('postgres', <<"END");
SET client_min_messages = warning;
DROP FOREIGN TABLE IF EXISTS q;
CREATE FOREIGN TABLE q (id int NOT NULL, parent int) SERVER proxied
OPTIONS (queue '${\$queue->name}', wait_time_seconds '0' $options);
DROP TABLE IF EXISTS user_logins;
CREATE TABLE user_logins (user_id text);
END
	return;
}

# A fresh queue with the tree, in one more message than that if there is one.
sub refill
{
	my ($more, %options) = @_;
	define_tables(%options);
	$queue->send((map { sprintf '{"id": %d, "parent": %d}', $_, $_ / 2 } 1 .. MESSAGES), @$more);
	$proxy->script();
	return;
}

sub receives { return scalar $proxy->requests('ReceiveMessage'); }

sub check_left
{
	my ($visible, $rows, $name) = @_;
	return wait_for_counts($node, $queue, { visible => $visible, in_flight => 0, rows => $rows }, $name);
}

sub sorted { return join "\n", sort split /\n/, $_[0]; }

# What one scan of that queue costs.
refill([]);
$node->safe_psql('postgres', 'SELECT * FROM q');
my $once = receives();
cmp_ok($once, '<=', MESSAGES / 10 + 2, 'a scan is a request for each reply, and one that is empty');

my %settings = (
	'with the default plan' => '',
	'as a nested loop'      => 'SET enable_hashjoin = off; SET enable_mergejoin = off;
		SET enable_material = off; SET enable_memoize = off;',
	'as a hash join' => 'SET enable_nestloop = off; SET enable_mergejoin = off;',
);

# The query, in which %s stands for the queue and whose first pass reads it to its end, returns what
# it returns over a table with the same rows, with as many requests as one scan; and it leaves the
# queue as it was.
sub replays
{
	my ($name, $query, %options) = @_;
	my $expected = sorted($node->safe_psql('postgres', sprintf $query, 'mirror'));
	refill([]);
	foreach my $how ($options{plans} ? @{ $options{plans} } : 'with the default plan')
	{
		$proxy->script();
		my $result = run_sql($node, $settings{$how} . sprintf $query, 'q');
		is(sorted($result->{out}), $expected, "$name $how returns what it would of a table")
		  or diag($result->{err});
		is(receives(), $once, 'and receives once');
	}
	return check_left(MESSAGES, 0, 'and leaves the queue as it was');
}

my @joins = sort keys %settings;

replays('LATERAL',
	'SELECT n, x.id FROM generate_series(1, 5) n, LATERAL (SELECT id FROM %s WHERE id % n = 0 OFFSET 0) x' =~ s/% n/%% n/r,
	plans => \@joins);
replays('LATERAL with a condition above the scan',
	'SELECT n, x.c FROM generate_series(1, 4) n, LATERAL (SELECT count(*) AS c FROM %s WHERE parent > n * 3) x');
replays('LEFT JOIN LATERAL',
	'SELECT n, x.id FROM generate_series(30, 40) n LEFT JOIN LATERAL (SELECT id FROM %s WHERE id = n OFFSET 0) x ON true');
replays('LATERAL inside LATERAL', <<'END');
SELECT a, b, x.c FROM generate_series(1, 2) a,
       LATERAL (SELECT b, y.c FROM generate_series(a, 3) b,
                LATERAL (SELECT sum(id) AS c FROM %s WHERE id %% b = a - 1) y) x
END
replays('a join', 'SELECT m.id, s.parent FROM mirror m JOIN %s s ON m.id = s.parent', plans => \@joins);
replays('a join on an inequality', 'SELECT count(*), sum(m.id) FROM mirror m JOIN %s s ON m.id < s.id');
replays('a left join', 'SELECT m.id, s.id FROM mirror m LEFT JOIN %s s ON m.id = s.parent', plans => \@joins);
replays('a hashed semi-join', 'SELECT id FROM mirror m WHERE EXISTS (SELECT FROM %s s WHERE s.parent = m.id)',
	plans => ['as a hash join']);
replays('a hashed anti-join', 'SELECT id FROM mirror m WHERE NOT EXISTS (SELECT FROM %s s WHERE s.parent = m.id)',
	plans => ['as a hash join']);
replays('a full join', 'SELECT m.id, s.id FROM mirror m FULL JOIN %s s ON m.id = s.parent');
replays('a correlated subquery', 'SELECT n, (SELECT count(*) FROM %s s WHERE s.parent = n) FROM generate_series(0, 20) n');
replays('a correlated subquery in WHERE',
	'SELECT n FROM generate_series(1, 20) n WHERE (SELECT sum(id) FROM %s s WHERE s.parent <= n) > 100');
replays('NOT IN', 'SELECT n FROM generate_series(1, 40) n WHERE n NOT IN (SELECT id FROM %s)');
replays('a recursive CTE', <<'END', plans => \@joins);
WITH RECURSIVE tree (id, depth) AS (
	SELECT 1, 0
	UNION ALL
	SELECT s.id, tree.depth + 1 FROM tree JOIN %s s ON s.parent = tree.id
)
SELECT id, depth FROM tree
END
replays('a recursive CTE with UNION', <<'END');
WITH RECURSIVE tree (id) AS (
	SELECT 5
	UNION
	SELECT s.id FROM tree, LATERAL (SELECT id FROM %s WHERE parent = tree.id OFFSET 0) s
)
SELECT id FROM tree
END
replays('a recursive CTE that begins with the queue', <<'END');
WITH RECURSIVE up (id, steps) AS (
	SELECT id, 0 FROM %s
	UNION ALL
	SELECT id / 2, steps + 1 FROM up WHERE id > 1
)
SELECT id, count(*) FROM up GROUP BY id
END
replays('a CTE that is read twice',
	'WITH s AS MATERIALIZED (SELECT * FROM %s) SELECT a.id, b.id FROM s a JOIN s b ON a.id = b.parent', plans => \@joins);
replays('a SQL function over each row', 'SELECT m.id, (SELECT max(s.id) FROM %s s WHERE s.parent = m.id / 2) FROM mirror m');

# A first pass that ends early, at a match or a LIMIT, decides what there is: later passes see what
# had been received by then, and no more.
sub replays_part
{
	my ($name, $query) = @_;
	define_tables();
	my @ids = $queue->send(map { sprintf '{"id": %d, "parent": %d}', $_, $_ / 2 } 1 .. MESSAGES);
	$proxy->script();
	my $result = run_sql($node, $settings{'as a nested loop'} . sprintf $query, 'q');
	cmp_ok(receives(), '<=', $once, "$name receives no more than one scan");
	check_left(MESSAGES, 0, 'and leaves the queue as it was');

	my $received = $queue->receive_counts;
	my @received = grep { $received->{ $ids[ $_ - 1 ] } } 1 .. MESSAGES;
	is_deeply([ grep { $_ > 1 } values %$received ], [], 'no message was received twice');
	my $part = '(SELECT * FROM mirror WHERE id IN (' . join(',', @received) . '))';
	return is(sorted($result->{out}), sorted($node->safe_psql('postgres', sprintf $query, "$part part")),
		"$name returns what it would of a table with what was received")
	  || diag($result->{err});
}

replays_part('a semi-join in a nested loop',
	'SELECT id FROM mirror m WHERE EXISTS (SELECT FROM (SELECT * FROM %s) s WHERE s.parent = m.id AND s.id > 0 * m.id)');
replays_part('an anti-join in a nested loop',
	'SELECT id FROM mirror m WHERE NOT EXISTS (SELECT FROM (SELECT * FROM %s) s WHERE s.parent = m.id)');
replays_part('NOT IN, not hashed',
	'SELECT n FROM generate_series(1, 40) n WHERE n NOT IN (SELECT id + 0 * n FROM (SELECT * FROM %s) s)');
replays_part('EXISTS under OR',
	'SELECT n FROM generate_series(1, 40) n WHERE n = 40 OR EXISTS (SELECT FROM (SELECT * FROM %s) s WHERE s.id >= n)');
replays_part('a subquery with a LIMIT',
	'SELECT count(x.id) FROM generate_series(1, 50) n, LATERAL (SELECT id FROM (SELECT * FROM %s) s WHERE id > 0 * n LIMIT 1) x');

# --- the plans are what these tests are about

refill([]);
my $plan = $node->safe_psql('postgres',
	"$settings{'as a nested loop'} EXPLAIN (COSTS OFF) SELECT * FROM mirror m LEFT JOIN q ON m.id = q.parent");
like($plan, qr/Nested Loop.*Seq Scan.*Foreign Scan/s, 'the queue is on the inner side of a nested loop');
unlike($plan, qr/Materialize|Memoize/, 'with nothing to keep its rows');
is(receives(), 0, 'EXPLAIN receives nothing');

# --- statements that take: each message once, whichever pass it was accepted in

# The statement takes that many messages, and no message twice.
sub takes
{
	my ($name, $sql, $left, $rows) = @_;
	refill([]);
	my $did = run_sql($node, $sql);
	ok($did->{ok}, "$name runs") or diag($did->{err});
	is(receives(), $once, 'receives once');
	check_left($left, $rows, 'takes what any pass accepts, and writes what each returns');
	is_deeply([ grep { $_ > 1 } values %{ $queue->receive_counts } ], [], 'and no message was received twice');
	return;
}

my $insert = 'INSERT INTO user_logins';
takes('each pass takes its own', "$insert SELECT x.id FROM generate_series(0, 2) n,
	LATERAL (SELECT id FROM q WHERE id % 3 = n OFFSET 0) x", 0, MESSAGES);
takes('each pass takes some', "$insert SELECT x.id FROM generate_series(0, 1) n,
	LATERAL (SELECT id FROM q WHERE id % 3 = n OFFSET 0) x", 11, 23);
takes('each pass takes the same', "$insert SELECT x.id FROM generate_series(1, 3) n,
	LATERAL (SELECT id FROM q WHERE id + 0 * n < 11 OFFSET 0) x", MESSAGES - 10, 30);
takes('a nested loop', "$settings{'as a nested loop'}
	$insert SELECT q.id FROM mirror m LEFT JOIN q ON m.id = q.id", 0, MESSAGES);
takes('a correlated subquery',
	"$insert SELECT (SELECT count(*) FROM q WHERE parent = n) FROM generate_series(1, 4) n", MESSAGES - 8, 4);
takes('a recursive CTE', <<"END", 1, MESSAGES);
WITH RECURSIVE tree (id) AS (
	SELECT 1
	UNION ALL
	SELECT s.id FROM tree, LATERAL (SELECT id FROM q WHERE parent = tree.id OFFSET 0) s
)
$insert SELECT id FROM tree
END

refill([]);
run_sql($node, "BEGIN; $insert SELECT x.id FROM generate_series(0, 2) n,
	LATERAL (SELECT id FROM q WHERE id % 3 = n OFFSET 0) x; ROLLBACK");
check_left(MESSAGES, 0, 'a rollback releases what all passes took');

# --- a bad message is rejected once, however often it is replayed

refill(['{"id": "no number"}']);
my $result = run_sql($node, "$insert SELECT x.id FROM generate_series(1, 5) n,
	LATERAL (SELECT id FROM q WHERE parent IS NULL OR parent + 0 * n >= 0 OFFSET 0) x");
like($result->{err}, qr/WARNING:.*\b1 message of queue/, 'a rejected message is counted once');
is(() = $result->{err} =~ /WARNING:/g, 1, 'and warned of once');
check_left(1, 5 * MESSAGES, 'and its neighbours are replayed');

# --- prepared, seven times: the state of one run is not that of the next

define_tables();
$proxy->script();
my $prepared = "PREPARE p AS $insert SELECT x.id FROM generate_series(0, \$1) n,
	LATERAL (SELECT id FROM q WHERE id % 3 = n OFFSET 0) x; ";
my $session = session($node);
$session->query_safe($prepared);
foreach my $run (1 .. 7)
{
	$queue->send(map { qq({"id": $_}) } 1 .. 6);
	$session->query_safe('EXECUTE p (2)');
}
$session->quit;
check_left(0, 42, 'a prepared statement that rescans, seven times');

$proxy->stop;
$node->stop;
done_testing();
