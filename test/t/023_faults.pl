# Trouble that passes costs time and nothing else: retries get every message, and delete each one.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Client;
use SqsFdw::Faults;
use SqsFdw::Test;

my $node  = start_node('faults');
my $proxy = SqsFdw::Faults->start(
	folder   => PostgreSQL::Test::Utils::tempdir('faults'),
	upstream => sqs()->endpoint,
	rules    => []);
create_server($node, 'faulty', endpoint => $proxy->endpoint, request_timeout => 2);

# What the tests count below, they count in the proxy's log.
{
	my $client = SqsFdw::Client->new(endpoint => $proxy->endpoint);
	my @late   = grep { $client->call('ListQueues'); $proxy->requests('ListQueues') < $_ } 1 .. 300;
	is("@late", '', 'a request is in the log before its answer is whole');
}

# Takes thirty messages through the trouble.
sub check_overcome
{
	my ($name, @rules) = @_;
	my $queue = new_queue('faults', VisibilityTimeout => 600);
	create_login_tables($node, $queue, server => 'faulty');
	$queue->send(logins(30));
	$proxy->script(@rules);
	my $result = run_sql($node, $TAKE);
	ok($result->{ok}, "$name: the statement succeeds") or diag($result->{err});
	check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 30 }, "$name: thirty rows, empty queue");
	is($node->safe_psql('postgres', 'SELECT count(DISTINCT user_id) FROM user_logins'),
		30, "$name: no row twice");
	return $result;
}

# A reply that is lost on its way leaves its messages in flight, and them alone: not these.
my @receive = (action => 'ReceiveMessage', nth => 2);
check_overcome('throttled with status 403', { @receive, fault => 'error', status => 403, code => 'RequestThrottled' });
check_overcome('an internal error', { @receive, fault => 'error', status => 500, code => 'InternalFailure' });
check_overcome('a connection reset', { @receive, fault => 'reset' });
check_overcome('a server that is silent', { @receive, fault => 'hang' });
check_overcome('a slow reply', { action => 'ReceiveMessage', nth => 1, fault => 'slow', bytes => 2000, seconds => 0.05 });
check_overcome('no queue url at first', { action => 'GetQueueUrl', nth => 1, fault => 'error', status => 503, code => 'ServiceUnavailable' });
check_overcome('a clock that is wrong',
	{ @receive, fault => 'error', status => 403, code => 'RequestTimeTooSkewed', date_shift => -1800 });

my @delete = (action => 'DeleteMessageBatch', nth => 1);
check_overcome('a delete that is throttled', { @delete, fault => 'error', status => 403, code => 'RequestThrottled' });
check_overcome('a delete that is reset', { @delete, fault => 'reset' });
check_overcome('entries of a delete that failed',
	{ @delete, fault => 'fail_entries', entries => [ 0, 4, 9 ], code => 'InternalError' });

# The queue has done what it was asked, and its answer is lost: the second delete finds nothing, or an
# error that means the same.
check_overcome('a delete whose reply is lost', { @delete, fault => 'reset', after => JSON::PP::true });
check_overcome('a delete whose reply is an error', { @delete, fault => 'error', status => 500, code => 'InternalFailure', after => JSON::PP::true });

# What cannot be deleted is committed all the same, and said.
{
	my $queue = new_queue('faults', VisibilityTimeout => 600);
	create_login_tables($node, $queue, server => 'faulty');
	$queue->send(logins(10));
	$proxy->script({ action => 'DeleteMessageBatch', fault => 'error', status => 403, code => 'AccessDenied' });
	my $result = run_sql($node, $TAKE);
	ok($result->{ok}, 'a refused delete comes after the commit');
	like($result->{err}, qr/WARNING:.*committed.*access denied.*HINT:/s, 'and is a warning');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM user_logins'), 10, 'the rows are there');
	is($queue->counts->{in_flight}, 10, 'and so are the messages, for now');
}

# A release that fails delays no error for long: messages come back with their time-out.
{
	my $queue = new_queue('faults', VisibilityTimeout => 3);
	create_login_tables($node, $queue, server => 'faulty');
	$queue->send(logins(10));
	$proxy->script({ action => 'ChangeMessageVisibilityBatch', fault => 'hang' });
	run_sql($node, "BEGIN; $TAKE; ROLLBACK");
	wait_for_counts($node, $queue, { visible => 10, in_flight => 0, rows => 0 },
		'what cannot be released comes back when its visibility timeout ends');
}

$proxy->stop;
done_testing();
