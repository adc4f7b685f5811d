# Rollback makes messages visible again: at once the first time, later and later for one that keeps failing.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('rollback');

# Longer than the test: what comes back was released, not forgotten.
my $queue = new_queue('rollback', VisibilityTimeout => 600);
create_login_tables($node, $queue);
$queue->send(logins(25));

my $session = session($node);
$session->query_safe("BEGIN; $TAKE");
is($queue->counts->{in_flight}, 25, 'the transaction holds the messages');
$session->query_safe('ROLLBACK');
check_counts($node, $queue, { visible => 25, in_flight => 0, rows => 0 },
	'after the rollback they are visible at once, and no row is there');

# Received a second time now: one hot loop of failures would starve the other consumers.
$session->query_safe("BEGIN; $TAKE; ROLLBACK");
is($queue->counts->{visible}, 0, 'the second time they wait a little');
wait_for_counts($node, $queue, { visible => 25, in_flight => 0, rows => 0 },
	'and come back by themselves');

$session->query_safe("BEGIN; $TAKE; COMMIT");
check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 25 },
	'a transaction that commits takes them');
$session->quit;

done_testing();
