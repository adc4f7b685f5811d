# A backend killed between the INSERT and its COMMIT loses nothing: the messages come back, the rows never were.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

# Long enough to take the messages and to kill; then they return by themselves.
use constant VISIBILITY_SECONDS => 5;

my $node  = start_node('kill9', conf => 'restart_after_crash = on');
my $queue = new_queue('kill9', VisibilityTimeout => VISIBILITY_SECONDS);
create_login_tables($node, $queue);
$queue->send(logins(30));

sub check_kill
{
	my ($kill, $name) = @_;
	my $session = session($node);
	$session->query_safe("BEGIN; $TAKE");
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	is($queue->counts->{in_flight}, 30, "$name: the transaction holds the messages");
	$kill->($pid);
	wait_for_recovery($node, $pid);
	is($node->safe_psql('postgres', 'SELECT count(*) FROM user_logins'), 0, "$name: no row is left");
	wait_for_counts($node, $queue, { visible => 30, in_flight => 0, rows => 0 },
		"$name: every message comes back");
	eval { $session->quit };
	return;
}

check_kill(sub { kill 'KILL', $_[0] }, 'backend killed');
check_kill(
	sub {
		my ($pid) = @_;
		kill_server($node, $pid);
		$node->start;
	},
	'server killed');

$node->safe_psql('postgres', $TAKE);
wait_for_counts($node, $queue, { visible => 0, in_flight => 0, rows => 30 },
	'and each message becomes one row');
is($node->safe_psql('postgres', 'SELECT count(DISTINCT user_id) FROM user_logins'), 30, 'of its own');

done_testing();
