# A LIMIT right on the queue ends the scan; one above what reads ahead would lose messages: refused.

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

refill(30);
run_sql($node, "$insert SELECT user_id FROM login_queue WHERE user_id <> '' LIMIT 7 OFFSET 2");
check_left(21, 7, 'LIMIT with OFFSET takes what it skips');

foreach my $query (
	'SELECT user_id FROM login_queue ORDER BY user_id LIMIT 3',
	'SELECT DISTINCT user_id FROM login_queue LIMIT 3',
	'SELECT user_id FROM login_queue GROUP BY user_id LIMIT 3',
	'SELECT user_id || row_number() OVER (ORDER BY ip) FROM login_queue LIMIT 3',
	'SELECT q.user_id FROM login_queue q JOIN kept k USING (user_id) LIMIT 3',
	'SELECT a.user_id FROM login_queue a, login_queue b LIMIT 3',
	'SELECT max(user_id) FROM login_queue LIMIT 1')
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

my $plan = $node->safe_psql('postgres',
	"EXPLAIN $insert SELECT DISTINCT user_id FROM login_queue");
like($plan, qr/rows above the scan may be discarded/, 'EXPLAIN says so where rows may be dropped');
$plan = $node->safe_psql('postgres', "EXPLAIN $insert SELECT user_id FROM login_queue");
unlike($plan, qr/discarded/, 'and only there');

$node->stop;
done_testing();
