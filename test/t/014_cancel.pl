# A long poll ends at once on cancel, statement_timeout and terminate, and what was received is released.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use SqsFdw::Test;

# The promise is 100 ms; a busy machine gets the rest. The poll itself lasts 20 s.
use constant NOTICED_SECONDS => 2;

my $node = start_node('cancel');

# A queue with a few messages, so that the scan has received some when it waits for more.
sub fresh_queue
{
	my $queue = new_queue('cancel', VisibilityTimeout => 600);
	create_login_tables($node, $queue, wait_time_seconds => 20);
	$queue->send(logins(7));
	return $queue;
}

sub is_gone_or_idle
{
	my ($pid) = @_;
	return $node->safe_psql('postgres',
		"SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND state = 'active'") eq '0';
}

# Sends the signal to a session in its long poll, and sees how soon it reacts.
sub check_signal
{
	my ($function, $pattern, $name) = @_;
	my $queue   = fresh_queue();
	my $session = session($node);
	my $pid     = starts_waiting($node, $session, $queue, $TAKE, 7);
	my $log_start = -s $node->logfile;
	my $sent      = time();
	$node->safe_psql('postgres', "SELECT $function($pid)");
	wait_for { is_gone_or_idle($pid) } 'the statement to end';
	cmp_ok(time() - $sent, '<', NOTICED_SECONDS, "$name is noticed quickly");
	wait_for_counts($node, $queue, { visible => 7, in_flight => 0, rows => 0 },
		"$name releases what was received");
	ok($node->log_contains($pattern, $log_start), "$name is reported as what it is");
	is($session->query('SELECT 1'), '1', 'the session goes on') if $function eq 'pg_cancel_backend';
	eval { $session->quit };
	return;
}

check_signal('pg_cancel_backend', qr/canceling statement due to user request/, 'cancel');
check_signal('pg_terminate_backend', qr/terminating connection due to administrator command/, 'terminate');

{
	my $queue = fresh_queue();
	my $begun = time();
	check_error($node, "SET statement_timeout = '1s'; $TAKE",
		'57014', qr/statement timeout/, 'statement_timeout ends a long poll');
	cmp_ok(time() - $begun, '<', 1 + NOTICED_SECONDS, 'in its time');
	check_counts($node, $queue, { visible => 7, in_flight => 0, rows => 0 },
		'statement_timeout releases what was received');
}

# A wait that served only cancel and terminate would hold up every other database of the server.
{
	my $queue   = fresh_queue();
	my $session = session($node);
	my $pid     = starts_waiting($node, $session, $queue, $TAKE, 7);
	my $begun   = time();
	$node->safe_psql('postgres', 'CREATE DATABASE other');
	$node->safe_psql('postgres', 'DROP DATABASE other');
	cmp_ok(time() - $begun, '<', 5 + NOTICED_SECONDS, 'DROP DATABASE does not wait for a long poll');
	is($queue->counts->{in_flight}, 7, 'nor does it end it');
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	wait_for { is_gone_or_idle($pid) } 'the statement to end';
	$session->quit;
}

# A shutdown waits for no poll either.
{
	my $queue   = fresh_queue();
	my $session = session($node);
	starts_waiting($node, $session, $queue, $TAKE, 7);
	my $begun = time();
	$node->stop('fast');
	cmp_ok(time() - $begun, '<', 5 + NOTICED_SECONDS, 'a fast shutdown does not wait for a long poll');
	eval { $session->quit };
	$node->start;
	wait_for_counts($node, $queue, { visible => 7, in_flight => 0, rows => 0 },
		'and releases what was received');
}

done_testing();
