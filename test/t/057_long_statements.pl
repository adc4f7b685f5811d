# A statement that takes longer than messages stay invisible makes each message one row, and says so.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

use constant MESSAGES => 40;

my $node = start_node('long');

my $warning =
  qr/WARNING:.*came again while the transaction still held them.*HINT:.*visibility_timeout to more than the transaction/s;

# 40 messages at 0.1 s each, invisible for 2 s: they come again while the statement runs. With
# conditions evaluated by the scan, it is the scan itself that is slow.
# What never ended would fail, and not hang.
my $slowly = "SET statement_timeout = '15s'; $TAKE WHERE pg_sleep(0.1) IS NOT NULL";

sub check_no_doubles
{
	my ($name) = @_;
	my ($rows, $users) = split /\|/,
	  $node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT user_id) FROM user_logins');
	is($rows, $users, $name);
	return $rows;
}

# Long polls of 3 s are still open when the messages come again; those of 0 s ask anew for them.
foreach my $wait (3, 0)
{
	my $queue = new_queue('long', VisibilityTimeout => 2);
	create_login_tables($node, $queue, wait_time_seconds => $wait);
	$queue->send(logins(MESSAGES));

	my $result = run_sql($node, $slowly);
	ok($result->{ok}, "polls of $wait s: a statement slower than the visibility timeout runs")
	  or diag($result->{err});
	my $first = check_no_doubles('and makes no message two rows');
	cmp_ok($first, '>', 0, 'but some of them one');
	like($result->{err}, $warning, 'a warning says that it outlived the timeout');
	wait_for_counts($node, $queue, { visible => MESSAGES - $first, in_flight => 0, rows => $first },
		'what was not inserted is in the queue');

	ok(run_sql($node, $TAKE)->{ok}, 'a second run');
	is(check_no_doubles('makes no message two rows, either'), MESSAGES, 'takes the rest');
	wait_for_counts($node, $queue, { visible => 0, in_flight => 0, rows => MESSAGES },
		'and leaves nothing');
}

# It may be an earlier statement of the transaction that has them, one that took them or one that looked.
foreach my $earlier ($TAKE, 'SELECT count(*) FROM login_queue')
{
	my $queue = new_queue('long', VisibilityTimeout => 1);
	create_login_tables($node, $queue, wait_time_seconds => 0);
	$queue->send(logins(5));
	my $session = session($node);
	$session->query_safe("BEGIN; $earlier");
	wait_for { $queue->counts->{visible} == 5 } 'the messages to come again';
	$session->{stderr} = '';
	$session->query($TAKE);
	like($session->{stderr}, $warning, "a warning says that the transaction held them: $earlier");
	$session->query('COMMIT');
	$session->quit;
	wait_for
	{
		run_sql($node, $TAKE);
		$queue->counts->{visible} + $queue->counts->{in_flight} == 0;
	}
	'the queue to be empty';
	is(check_no_doubles('and there is a row of each'), 5, 'and of all');
}

# The table's own option is the cure that the warning's hint names.
{
	my $queue = new_queue('long', VisibilityTimeout => 2);
	create_login_tables($node, $queue, wait_time_seconds => 0, visibility_timeout => 60);
	$queue->send(logins(25));
	my $result = run_sql($node, $slowly);
	is($result->{err}, '', 'with a visibility_timeout that is long enough, no warning');
	check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 25 }, 'and all are taken at once');
}

$node->stop;
done_testing();
