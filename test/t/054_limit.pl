# A LIMIT right on the queue ends the scan; one above what reads ahead would lose messages: refused, and
# so is an OFFSET.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('limits');
$node->safe_psql('postgres', q{CREATE TABLE kept AS SELECT 'somebody' AS user_id});
my $queue;

sub refill
{
	my ($count) = @_;
	$queue = new_queue('limits', VisibilityTimeout => 600);
	create_login_tables($node, $queue, wait_time_seconds => 0);
	$queue->send(logins($count));
	return;
}

sub check_left
{
	my ($visible, $rows, $name) = @_;
	return wait_for_counts($node, $queue, { visible => $visible, in_flight => 0, rows => $rows }, $name);
}

my $insert = 'INSERT INTO user_logins (user_id)';

foreach my $limit (1, 10, 15)
{
	refill(30);
	run_sql($node, "$insert SELECT user_id FROM login_queue LIMIT $limit");
	check_left(30 - $limit, $limit, "LIMIT $limit takes that many");
	my $counts = $queue->receive_counts;
	is(scalar(grep { $_ > 0 } values %$counts), 0, 'and receives no others');
}

foreach my $query (
	'SELECT user_id FROM login_queue ORDER BY user_id LIMIT 3',
	'SELECT DISTINCT user_id FROM login_queue LIMIT 3',
	'SELECT user_id FROM login_queue GROUP BY user_id LIMIT 3',
	'SELECT user_id || row_number() OVER (ORDER BY ip) FROM login_queue LIMIT 3',
	'SELECT q.user_id FROM login_queue q JOIN kept k USING (user_id) LIMIT 3',
	'SELECT a.user_id FROM login_queue a, login_queue b LIMIT 3',
	'SELECT max(user_id) FROM login_queue LIMIT 1',
	'SELECT user_id FROM login_queue ORDER BY user_id FETCH FIRST 3 ROWS WITH TIES')
{
	refill(5);
	check_error($node, "$insert $query", '0A000', qr/LIMIT above.*HINT:.*subquery/s, "refused: $query");
	check_left(5, 0, 'before anything was received');
	ok(run_sql($node, $query)->{ok}, 'as a look it runs');
	check_left(5, 0, 'and leaves the queue as it was');
}

refill(20);
run_sql($node,
	"$insert SELECT user_id FROM (SELECT user_id FROM login_queue LIMIT 4) s ORDER BY user_id LIMIT 4");
# The outer LIMIT is above a sort, but of rows that the inner one let through: the hint's own form,
# with another LIMIT, is still refused; without it, it runs.
check_left(20, 0, 'a LIMIT above the sort is refused whatever is below it');
run_sql($node, "$insert SELECT user_id FROM (SELECT user_id FROM login_queue LIMIT 4) s ORDER BY user_id");
check_left(16, 4, 'what the hint says runs');

# --- OFFSET: what it skips would be lost

my $from = 'SELECT user_id FROM login_queue';
foreach my $query (
	"$from OFFSET 3",
	"$from LIMIT 2 OFFSET 1",
	"$from ORDER BY user_id OFFSET 1 ROWS",
	"$from OFFSET (SELECT 0)",
	"SELECT * FROM ($from OFFSET 3) s",
	"SELECT * FROM ($from OFFSET 0) s OFFSET 3",
	"WITH c AS MATERIALIZED ($from) SELECT * FROM c OFFSET 3",
	"SELECT s.user_id FROM generate_series(0, 1) n, LATERAL ($from OFFSET n) s",
	"SELECT user_id FROM kept UNION ALL $from OFFSET 3")
{
	refill(5);
	check_error($node, "$insert $query", '0A000', qr/OFFSET would drop.*HINT:/s, "refused: $query");
	check_left(5, 0, 'before anything was received');
	ok(run_sql($node, $query)->{ok}, 'as a look it runs');
	check_left(5, 0, 'and leaves the queue as it was');
}

foreach my $query (
	"$from OFFSET 0",
	"$from LIMIT 5 OFFSET 0",
	"$from OFFSET NULL",
	"$from OFFSET -0",
	"SELECT user_id FROM ($from OFFSET 0) s WHERE user_id <> ''",
	"$from UNION ALL (SELECT user_id FROM kept OFFSET 1)")
{
	refill(5);
	ok(run_sql($node, "$insert $query")->{ok}, "what skips no message runs: $query");
	check_left(0, 5, 'and takes all');
}

# A plan of its own for each value, and one for all of them; and a parameter that becomes a bigint.
foreach my $mode ('force_custom_plan', 'force_generic_plan')
{
	foreach my $type ('int', 'bigint')
	{
		my $prepare = "SET plan_cache_mode = $mode; PREPARE s ($type) AS $insert $from ORDER BY user_id OFFSET \$1";
		refill(5);
		check_error($node, "$prepare; EXECUTE s (1)", '0A000', qr/OFFSET would drop/, "refused: OFFSET \$1, $mode, $type");
		check_left(5, 0, 'before anything was received');
		ok(run_sql($node, "$prepare; EXECUTE s (0)")->{ok}, 'with the value 0 it runs');
		check_left(0, 5, 'and takes all');
	}
}
refill(5);
check_error($node, "DO 'DECLARE n int := 2; BEGIN $insert $from OFFSET n; END'", '0A000', qr/OFFSET would drop/,
	'refused: OFFSET of a variable in PL/pgSQL');
ok(run_sql($node, "DO 'DECLARE n int := 0; BEGIN $insert $from OFFSET n; END'")->{ok}, 'but not one that is 0');
check_left(0, 5, 'which takes all');

refill(5);
$node->safe_psql('postgres', "ALTER FOREIGN TABLE login_queue OPTIONS (ADD consume 'always')");
check_error($node, "$from OFFSET 3", '0A000', qr/OFFSET would drop/, "refused: a SELECT with consume 'always'");
refill(5);
run_sql($node, "WITH gone AS (DELETE FROM login_queue RETURNING user_id) $insert SELECT user_id FROM gone OFFSET 3");
check_left(0, 2, 'what a DELETE has deleted is its own affair');

my $plan = $node->safe_psql('postgres',
	"EXPLAIN $insert SELECT DISTINCT user_id FROM login_queue");
like($plan, qr/rows above the scan may be discarded/, 'EXPLAIN says so where rows may be dropped');
$plan = $node->safe_psql('postgres', "EXPLAIN $insert SELECT user_id FROM login_queue");
unlike($plan, qr/discarded/, 'and only there');
$plan = $node->safe_psql('postgres', "EXPLAIN $insert $from LIMIT 5 OFFSET 0");
unlike($plan, qr/discarded/, 'not with OFFSET 0');

$node->stop;
done_testing();
