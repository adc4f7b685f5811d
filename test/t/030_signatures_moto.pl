# A server that checks every signature accepts ours, session token and all; what it refuses, we report.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Queue;
use SqsFdw::Test;

my $node = start_node('signatures');
my $moto = moto_client();
my %keys = (access_key_id => $moto->{access_key_id}, secret_access_key => $moto->{secret_access_key});

is(SqsFdw::Client->new(endpoint => $moto->endpoint, %keys, secret_access_key => 'wrong')
	  ->try_call('ListQueues')->{status},
	403, 'moto does check signatures');

create_server($node, 'moto', endpoint => $moto->endpoint, %keys);
my $queue = SqsFdw::Queue->create($moto, "signatures-$$", VisibilityTimeout => 600);
create_login_tables($node, $queue, server => 'moto');
$queue->send(logins(25), stranger());

is($node->safe_psql('postgres', 'SELECT count(*) FROM login_queue'), 25, 'a look: GetQueueUrl, ReceiveMessage');
wait_for_counts($node, $queue, { visible => 26, in_flight => 0, rows => 0 }, 'and ChangeMessageVisibilityBatch');
my $result = run_sql($node, $TAKE);
ok($result->{ok}, 'INSERT ... SELECT') or diag($result->{err});
is($node->safe_psql('postgres', 'SELECT count(*) FROM user_logins'), 25, 'and its rows');
wait_for_counts($node, $queue, { visible => 1, in_flight => 0, rows => 25 }, 'and DeleteMessageBatch');

# The name of a queue, its URL and its ARN are three ways to the same place.
$queue->purge;
foreach my $source (
	[ queue_url => $queue->url ],
	[ queue_arn => 'arn:aws:sqs:us-east-1:123456789012:' . $queue->name ])
{
	$queue->send(logins(3));
	$node->safe_psql('postgres', <<"END");
SET client_min_messages = warning;
DROP FOREIGN TABLE IF EXISTS other_way;
CREATE FOREIGN TABLE other_way (user_id text) SERVER moto OPTIONS ($source->[0] '$source->[1]', consume 'always');
END
	is($node->safe_psql('postgres', 'SELECT count(*) FROM other_way'), 3, "by $source->[0]");
	is($queue->counts->{visible} + $queue->counts->{in_flight}, 0, 'and deleted');
}

create_server($node, 'wrong', endpoint => $moto->endpoint, %keys, secret_access_key => 'wrong');
create_login_tables($node, $queue, server => 'wrong');
$queue->send(logins(5));
my $err = check_error($node, $TAKE, '28000', qr/HINT:.*secret_access_key/s, 'a wrong secret is refused');
unlike($err, qr/\Q$keys{access_key_id}\E/, 'without naming the key');
is($queue->counts->{visible}, 5, 'and nothing was received');

# Temporary keys: an assumed role's, whose token is part of the signature.
my $token = eval { $moto->assumed_role("role-$$") };
SKIP:
{
	skip "moto gave no temporary keys: $@", 3 unless $token;
	create_server($node, 'temporary', endpoint => $moto->endpoint, %$token);
	create_login_tables($node, $queue, server => 'temporary');
	$result = run_sql($node, $TAKE);
	ok($result->{ok}, 'temporary keys with their token') or diag($result->{err});
	is($node->safe_psql('postgres', 'SELECT count(*) FROM user_logins'), 5, 'take messages');
	create_server($node, 'half', endpoint => $moto->endpoint, %$token, session_token => 'another');
	create_login_tables($node, $queue, server => 'half');
	check_error($node, $TAKE, '28000', qr/HINT:/, 'another token is refused');
}

done_testing();
