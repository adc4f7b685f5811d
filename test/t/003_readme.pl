# Every SQL block of the README runs, in its order, and its chapters do what they say.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Readme qw(blocks rows text);
use SqsFdw::Test;

# What other tests run: 067_pg_cron.pl, 077_migration.pl.
my %elsewhere = map { $_ => 1 } 'On a schedule', 'Tables filled by older scripts', 'Hashes', 'Base64', 'Encrypted with AES-ECB';

use constant LOGINS => 20;

my $readme = text();
my @all    = blocks($readme);
my @sql    = grep { $_->{language} eq 'sql' } @all;
my $node   = start_node('readme', bare => 1);
my %queue;

sub value { return $node->safe_psql('postgres', $_[0]); }

# The queues of the README, which other tests must not find.
foreach my $name (qw(login-queue login-topic login-queue-dead order-queue s3-events))
{
	$queue{$name} = SqsFdw::Queue->create(sqs(), $name, VisibilityTimeout => 600);
}

sub refill
{
	my ($name, @bodies) = @_;
	$queue{$name}->purge;
	$queue{$name}->send(@bodies);
	return;
}

sub is_empty
{
	my ($name) = @_;
	my $counts = $queue{$name}->counts;
	return is($counts->{visible} + $counts->{in_flight}, 0, "$name is empty");
}

sub holds
{
	my ($name, $count) = @_;
	wait_for { $queue{$name}->counts->{in_flight} == 0 } "nothing of $name to be in flight";
	return is($queue{$name}->counts->{visible}, $count, "$name has $count");
}

# EXPLAIN prints of the scan what the README shows, and the lines that it lists, and no others.
sub check_explain
{
	my ($printed) = @_;
	my ($shown) = map { $_->{text} } grep { $_->{heading} eq 'EXPLAIN' && $_->{language} eq '' } @all;
	my ($scan, $scan_shown) = map { s/.*?Foreign Scan//sr =~ s/\s+\z//r } $printed, $shown;
	is($scan, $scan_shown, 'EXPLAIN prints what the README shows');

	my %listed = map { $_ => 1 } map { /`([^`]+)`/g } map { /^\| ([^|]*) \|/ } rows($readme, 'EXPLAIN');
	my $analyzed = value("EXPLAIN (ANALYZE, VERBOSE, TIMING OFF, SUMMARY OFF, COSTS OFF) INSERT INTO logins_per_locale
		SELECT locale, count(*) FROM login_queue WHERE device_type = 'iOS' GROUP BY locale");
	my ($of_scan) = $analyzed =~ /Foreign Scan[^\n]*\n(.*)/s;
	# Output and Buffers are the server's own; 18 prints the latter unasked.
	my %printed = map { $_ => 1 } grep { !/^(?:Output|Buffers)$/ } $of_scan =~ /^\s+([A-Z][\w ]*): /mg;
	is_deeply(\%printed, \%listed, 'and ANALYZE the lines that it lists');
	cmp_ok(value('SELECT sum(logins) FROM logins_per_locale'), '>', 0, 'and runs the statement');
	return;
}

# What a chapter finds in its queues beside LOGINS messages in login-queue, and what it leaves.
my %before = (
	'Who may do what' => sub { refill('login-queue', logins(99)) },
	'Columns and types' => sub {
		refill('login-queue');
		$queue{'login-queue'}->send_one(
			'{"user_id": "u", "location": {"city": "Ghent"}, "tags": ["a", "b"], "seen_at": 1700000000}',
			MessageAttributes => { source => { DataType => 'String', StringValue => 'web' } });
	},
	'Stored messages' => sub {
		refill('login-queue', logins(3), '{"user_id": "u7", "device_type": "iOS", "app_version": "beta"}', 'no JSON');
	},
	'Nested JSON' => sub { refill('order-queue', '{"order": {"id": 7, "items": [{"sku": "a-1"}]}}') },
	'Messages of an SNS topic' => sub {
		refill('login-topic', '{"Type": "Notification", "Message": "{\"user_id\": \"u1\"}",'
			  . '"MessageAttributes": {"source": {"Type": "String", "Value": "web"}}}');
	},
	'S3 events' => sub {
		my $event = '{"eventTime": "2024-02-29T23:30:00.000Z", "s3": {"bucket": {"name": "b"}, "object": {"key": "k%d", "size": 5}}}';
		refill('s3-events', '{"Service": "Amazon S3", "Event": "s3:TestEvent"}',
			sprintf(qq({"Records": [$event, $event]}), 1, 2), sprintf(qq({"Records": [$event]}), 3));
	},
	'A dead-letter queue' => sub { refill('login-queue-dead', 'no JSON', logins(1)) },
);

my %after = (
	'Who may do what' => sub {
		is(value('SELECT count(*) FROM user_logins'), 99, 'the messages arrived');
		is_empty('login-queue');
		like($_[0], qr/^\d+\.\d+\.\d+\.\d+\|/m, 'the security officer sees addresses');
	},
	'Looks' => sub {
		is(() = $_[0] =~ /^[^|\n]+\|/mg, 5, 'a look of five');
		holds('login-queue', LOGINS);
	},
	'LIMIT' => sub {
		my $phones = grep { $_->{device_type} eq 'iOS' } bodies_of(logins(LOGINS));
		my $left = LOGINS - ($phones < 10 ? $phones : 10);
		holds('login-queue', $left);
	},
	'Cursors and savepoints' => sub { is_empty('login-queue') },
	'The option consume' => sub { holds('login-queue', LOGINS) },
	'EXPLAIN' => sub { check_explain(@_) },
	'Exactly once' => sub { is(value('SELECT count(*) > 99 FROM sqs.ledger'), 't', 'young entries stay') },
	'Columns and types' => sub {
		like($_[0], qr/^u\|Ghent\|\{a,b\}\|\d+-\d+-\d+ [^|]+\|2023-11-14\|web$/m, 'the columns have their values');
		holds('login-queue', 1);
	},
	'Stored messages' => sub {
		like($_[0], qr/check constraint "login_queue_app_version_check" fails\|1\|/, 'the reasons are counted');
		like($_[0], qr/\|no JSON\|\{/, 'the bodies open');
		is(value(q(SELECT count(*) FROM user_logins WHERE user_id = 'u7' AND device_type = 'iOS')), 1, 'one was mended');
		is(value('SELECT count(*) FROM sqs.rejected'), 1, 'the other is still there');
		is_empty('login-queue');
		value("SET ROLE support; SELECT sqs.rejected_body(id) FROM sqs.rejected; SELECT * FROM sqs.rejected_reasons;
			SELECT sqs.rejected_attributes(id) FROM sqs.rejected");
	},
	'Nested JSON' => sub {
		is(value('SELECT order_id, first_sku, items FROM orders'), '7|a-1|[{"sku": "a-1"}]', 'the order');
		is_empty('order-queue');
	},
	'The raw body beside typed columns' => sub {
		is(value(q(SELECT count(*) FROM raw_logins WHERE raw ->> 'user_id' = user_id)), LOGINS, 'rows and bodies');
		is_empty('login-queue');
	},
	'Messages of an SNS topic' => sub {
		is(value(q(SELECT locale FROM user_logins WHERE user_id = 'u1')), 'web', 'the message and its attribute');
		is_empty('login-topic');
	},
	'S3 events' => sub {
		is(value('SELECT string_agg(key, $$ $$ ORDER BY key) FROM uploads WHERE size = 5'), 'k1 k2 k3', 'three objects');
		is_empty('s3-events');
	},
	'Batches of a fixed size' => sub {
		is(value('SELECT sum(logins) FROM logins_per_device'), 15, 'a batch of 15');
		is_empty('login-queue');
	},
	'Upsert' => sub {
		is(value('SELECT count(*) FROM last_seen'), LOGINS, 'one row for each user');
		is_empty('login-queue');
	},
	'MERGE' => sub {
		is(value('SELECT count(*) FROM last_seen'), LOGINS, 'the same rows');
		is_empty('login-queue');
	},
	'Two targets from one queue' => sub {
		is(value('SELECT sum(logins) FROM logins_per_device'), 15 + LOGINS, 'both targets');
		is_empty('login-queue');
	},
	'A dead-letter queue' => sub {
		is(value('SELECT count(*) FROM dead_logins'), 2, 'the dead letters arrived');
		is_empty('login-queue-dead');
	},
	'Masking in a view' => sub {
		is(value(q(SELECT count(*) FROM user_logins WHERE masked_ip LIKE 't1.k1.%' OR masked_ip LIKE 'i1.k1.%') ) >= LOGINS,
			1, 'masked rows');
		is_empty('login-queue');
	},
	'Uninstall' => sub {
		is(value(q(SELECT count(*) FROM pg_namespace WHERE nspname = 'sqs')), 0, 'the schema is gone');
		is(value('SELECT count(*) FROM rejected_bodies'), 1, 'the rejected message was copied');
	},
);

# The README's server is AWS itself: as soon as it is made, it is pointed at the local SQS.
sub point_at_local_sqs
{
	my ($session, $server) = @_;
	my $endpoint = sqs()->endpoint;
	$session->query_safe("ALTER SERVER $server OPTIONS (ADD endpoint '$endpoint')");
	return;
}

# Runs the blocks of a chapter; what they printed.
sub run_chapter
{
	my ($session, $heading, @blocks) = @_;
	my $printed = '';
	refill('login-queue', logins(LOGINS));
	my ($prepare, $check) = (delete $before{$heading}, delete $after{$heading});
	$prepare->() if $prepare;
	foreach my $block (@blocks)
	{
		$printed .= $session->query($block->{text});
		my $err = $session->{stderr};
		$session->{stderr} = '';
		unlike($err, qr/ERROR|FATAL/, "$heading: a block runs") or diag("$block->{text}\n$err");
		point_at_local_sqs($session, $1) if $block->{text} =~ /CREATE SERVER (\w+)/;
	}
	$check->($printed) if $check;
	return;
}

# The first block only shows the statement; it comes again where its tables are made.
my $first = shift @sql;
is((grep { index($_->{text}, $first->{text}) >= 0 } @sql), 1, 'the statement comes again');

my $session = $node->background_psql('postgres', on_error_stop => 0);
while (@sql)
{
	my $heading = $sql[0]{heading};
	my @blocks;
	push @blocks, shift @sql while @sql && $sql[0]{heading} eq $heading;
	run_chapter($session, $heading, @blocks) unless delete $elsewhere{$heading};
}
$session->quit;
is_deeply([ sort(keys %before, keys %after, keys %elsewhere) ], [], 'all chapters were there');

$_->drop foreach values %queue;
$node->stop;
done_testing();
