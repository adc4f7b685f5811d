# A crash loses no message: before the commit there are no rows, after it there are; what was not deleted comes back in time.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Cases;
use SqsFdw::Faults;
use SqsFdw::Test;

# Long enough to take the messages and to kill; then they return by themselves.
use constant VISIBILITY_SECONDS => 5;

my $node  = start_node('crash', conf => "jit = off\nrestart_after_crash = on");
my $proxy = SqsFdw::Faults->start(folder => PostgreSQL::Test::Utils::tempdir('proxy'), upstream => sqs()->endpoint, rules => []);
create_server($node, 'proxied', endpoint => $proxy->endpoint);
my $cases = SqsFdw::Cases->new($node, server => 'proxied');
$cases->row('crash: messages come back when their visibility timeout ends');

my $insert = 'INSERT INTO t SELECT id, name FROM q';
my %brief  = (options => { visibility_timeout => VISIBILITY_SECONDS });

my $kill_backend = sub { kill 'KILL', $_[0] };
my $kill_server = sub {
	my ($pid) = @_;
	kill_server($node, $pid);
	$node->start;
};

# The statement runs in a session of its own until `ready` says that it is where it should be killed;
# then what kills it does so. Afterwards there are so many rows, and all messages are back.
sub killed
{
	my ($name, $kill, $sql, $ready, $rows, @rules) = @_;
	my ($all) = $cases->fresh(%brief);
	$proxy->script(@rules);
	my %got     = (before => $cases->counts);
	my $session = session($node);
	my $pid     = $session->query_safe('SELECT pg_backend_pid()');
	$session->query_until(qr/sent/, "\\echo sent\n$sql;\n");
	wait_for { $ready->() } 'the moment to kill';
	$got{during} = $cases->counts;
	$kill->($pid);
	$cases->forget_sessions;
	wait_for_recovery($node, $pid);
	$proxy->script();
	my %expected = (before => [ $all, 0, 0 ], during => [ 0, $all, $rows ], after => [ $all, 0, $rows ]);
	$got{after}         = $cases->counts_like($expected{after});
	$got{received}      = $cases->received;
	$expected{received} = { 1 => $all };
	eval { $session->quit };
	return $cases->outcome($name, \%got, \%expected, qw(before during after));
}

# In its transaction: all received, nothing visible to others.
my $holds = sub {
	return $cases->queue->counts->{in_flight} == 10
	  && $node->safe_psql('postgres',
		q(SELECT count(*) FROM pg_stat_activity WHERE state IN ('idle in transaction') AND pid <> pg_backend_pid())) > 0;
};
# Committed, and its delete never answered.
my $deletes = sub { return $node->safe_psql('postgres', 'SELECT rows()') == 10; };
my $hang    = { action => 'DeleteMessageBatch', fault => 'hang' };

foreach my $what ([ 'a backend', $kill_backend ], [ 'the server', $kill_server ])
{
	my ($whom, $kill) = @$what;
	killed("$whom killed before the commit", $kill, "BEGIN; $insert", $holds, 0);
	killed("$whom killed after a DELETE, before the commit", $kill,
		'BEGIN; WITH d AS (DELETE FROM q RETURNING *) INSERT INTO t SELECT * FROM d', $holds, 0);
	killed("$whom killed in a look", $kill, 'BEGIN; SELECT * FROM q', $holds, 0);
	killed("$whom killed after the commit, before the delete", $kill, $insert, $deletes, 10, $hang);
	killed("$whom killed after the commit, with synchronous_commit off", $kill, "SET synchronous_commit = off; $insert",
		$deletes, 10, $hang);
}

# And then it is an ordinary statement again.
$cases->takes('after it all', $insert);
$proxy->stop;

$cases->finish;
done_testing();
