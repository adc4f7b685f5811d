# At the most talkative log level, neither the server's log nor a client's message holds what is secret.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Faults;
use SqsFdw::Test;

my %secrets = (
	secret_access_key => 'ThisSecretAccessKeyIsSecret',
	session_token     => 'ThisSessionTokenIsSecret',
);
# Statements are left out, as PostgreSQL's own manual advises where they hold secrets.
my $node = start_node('leaks', conf => <<'END');
log_min_messages = debug5
log_statement = none
log_min_error_statement = panic
END

my $queue = new_queue('leaks', VisibilityTimeout => 600);
my $proxy = SqsFdw::Faults->start(
	folder   => PostgreSQL::Test::Utils::tempdir('faults'),
	upstream => sqs()->endpoint,
	rules    => []);
create_server($node, 'leaky', endpoint => $proxy->endpoint, max_attempts => 2, %secrets);
create_login_tables($node, $queue, server => 'leaky');
$queue->send(logins(30), stranger(), '{"user_id": "not-a-version", "app_version": "one.two"}', 'no JSON at all');

# Everything that has something to say, with good ends and bad ones.
my $said = '';
sub say_all { $said .= run_sql($node, "SET client_min_messages = debug5; $_")->{err} foreach @_; return; }

say_all("EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM login_queue");
say_all("BEGIN; $TAKE; ROLLBACK");
wait_for { $queue->counts->{visible} == 33 } 'the messages to come back';
$proxy->script({ action => 'DeleteMessageBatch', fault => 'error', status => 403, code => 'AccessDenied' });
say_all("$TAKE LIMIT 10");
$proxy->script(map { { action => 'ReceiveMessage', fault => $_->[0], nth => $_->[1] } } [ 'not_json', 1 ], [ 'truncate', 2 ]);
say_all($TAKE, 'SELECT count(*) FROM login_queue');
$proxy->script();
say_all("ALTER FOREIGN TABLE login_queue OPTIONS (on_error 'abort')", $TAKE);
my $mask = $node->safe_psql('postgres', "SELECT sqs.mask('593-47-5928', 'device_id')");
say_all("SELECT sqs.unmask('${mask}x', 'device_id')", "SELECT length(sqs.unmask('$mask', 'device_id'))");
chmod 0644, $node->basedir . '/keyring';
say_all("SELECT sqs.mask('593-47-5928', 'device_id')");
chmod 0600, $node->basedir . '/keyring';

my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
cmp_ok(length $log, '>', 10_000, 'the log is talkative');

my @plain = ('593-47-5928', 'no JSON at all', 'not-a-version', 'one.two');
foreach my $login (bodies_of(logins(30), stranger()))
{
	push @plain, grep { defined && length > 6 } @{$login}{qw(user_id ip device_id foo)};
}
my %forbidden = (
	'part of a body'   => join('|', map { quotemeta } @plain),
	'a receipt handle' => '[0-9a-f]{8}-[0-9a-f-]{27}#[0-9a-f]{8}-[0-9a-f-]{27}',
	'a credential'     => join('|', values %secrets),
	'a masking key'    => quotemeta(substr encode_base64(join('', map { chr } 0 .. 63), ''), 0, 16),
	'a signature'      => 'Signature=[0-9a-f]{64}',
);
foreach my $what (sort keys %forbidden)
{
	foreach my $place ([ 'the log', $log ], [ q{the client's messages}, $said ])
	{
		my ($found) = $place->[1] =~ /^(.*(?:$forbidden{$what}).*)$/m;
		ok(!defined $found, "$what is not in $place->[0]") or diag($found);
	}
}

$proxy->stop;
done_testing();
