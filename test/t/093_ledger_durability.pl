# A message leaves the queue only when its row is where no crash and no failover can undo it; and the
# ledger goes where the rows go: to standbys, through promotions and dumps.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Jobs;
use SqsFdw::Test;

# An asynchronous commit stays in memory until the WAL writer's next round, for as long as it may: it
# must not fill a page of the log, which would wake that writer.
my $primary = start_node('primary',
	init => { allows_streaming => 1 },
	conf => "wal_writer_delay = 10s\nfull_page_writes = off\nclient_min_messages = error");
my $queue;

sub value
{
	my ($sql, $node) = @_;
	return ($node // $primary)->safe_psql('postgres', $sql);
}

sub refill
{
	my ($count, %options) = @_;
	$queue = new_queue('durability', VisibilityTimeout => 1);
	create_job_tables($primary, $queue, %options);
	return send_jobs($queue, $count);
}

# How many messages the queue has, in flight or not.
sub in_queue
{
	my $counts = $queue->counts;
	return $counts->{visible} + $counts->{in_flight};
}

# --- asynchronous commits

# The control: a commit like any other is gone after the kill, unless its record happens to end a page
# of the log.
my $controls_lost = 0;
for my $round (1 .. 4)
{
	my @ids     = refill(3);
	my $session = session($primary);
	my $pid     = $session->query_safe('SELECT pg_backend_pid()');
	value('CREATE TABLE IF NOT EXISTS control (round int)');
	$session->query_safe("SET synchronous_commit = off; $TAKE_JOBS");
	is(in_queue(), 0, "synchronous_commit off, round $round: the messages were deleted");
	$session->query_safe("INSERT INTO control VALUES ($round)");
	kill_server($primary, $pid);
	eval { $session->quit };
	$primary->start;
	check_jobs($primary, \@ids, "synchronous_commit off, round $round");
	++$controls_lost if value("SELECT count(*) FROM control WHERE round = $round") == 0;
}
cmp_ok($controls_lost, '>', 0, 'although the kill takes an asynchronous commit with it');

# --- a synchronous standby

$primary->backup('start');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'start', has_streaming => 1);
$standby->start;
$primary->append_conf('postgresql.conf', "synchronous_standby_names = 'standby'");
$primary->reload;
wait_for { value("SELECT sync_state FROM pg_stat_replication") eq 'sync' } 'the standby to be synchronous';

# Takes in a session of its own while the standby is away; returns the session and its backend once
# it waits for the standby.
sub take_without_standby
{
	my ($statement) = @_;
	$standby->stop;
	my $session = session($primary);
	my $pid     = $session->query_safe('SELECT pg_backend_pid()');
	$session->query_until(qr/sent/, "\\echo sent\n$statement;\n");
	wait_for { value("SELECT wait_event FROM pg_stat_activity WHERE pid = $pid") eq 'SyncRep' }
	'the commit to wait';
	return ($session, $pid);
}

foreach my $setting ('on', 'remote_apply', 'remote_write')
{
	my @ids = refill(20);
	my ($session) = take_without_standby("SET synchronous_commit = $setting; $TAKE_JOBS");
	expired($queue, 20);
	is(value('SELECT count(*) FROM done'), 0,
		"$setting: while the standby is away, the rows are not there");
	is(value("SET synchronous_commit = local; $TAKE_JOBS; SELECT count(*) FROM done"), 0,
		'and another session passes over the messages');
	is(in_queue(), 20, 'and they are still in the queue');
	$standby->start;
	is($session->query_safe("SELECT 'end'"), 'end', 'once it is back, the commit ends');
	$session->quit;
	drain_jobs($primary, $queue);
	check_jobs($primary, \@ids, "synchronous_commit $setting");
}

my @ids = refill(20);
my ($session, $pid) = take_without_standby($TAKE_JOBS);
value("SELECT pg_terminate_backend($pid)");
wait_for { value('SELECT count(*) FROM done') == 20 } 'the rows of a terminated session';
eval { $session->quit };
is(in_queue(), 20, 'a session terminated while it waits deletes nothing');
$standby->start;
drain_jobs($primary, $queue);
check_jobs($primary, \@ids, 'a terminated wait');

@ids = refill(20);
($session, $pid) = take_without_standby($TAKE_JOBS);
value("SELECT pg_cancel_backend($pid)");
is($session->query_safe("SELECT 'end'"), 'end', 'the wait is cancelled');
is(value('SELECT count(*) FROM done'), 20, 'the rows are there');
expired($queue, 20);
# A session that only meets duplicates must wait, too: its deletes would be as early.
$session->query_until(qr/sent/, "\\echo sent\n$TAKE_JOBS;\n");
wait_for { value("SELECT wait_event FROM pg_stat_activity WHERE pid = $pid") eq 'SyncRep' }
'the session that has met duplicates to wait';
value("SELECT pg_cancel_backend($pid)");
is($session->query_safe("SELECT 'end'"), 'end', 'its wait is cancelled');
is(in_queue(), 20, 'nothing was deleted by either');
$standby->start;
$session->query_safe($TAKE_JOBS);
$session->quit;
drain_jobs($primary, $queue);
check_jobs($primary, \@ids, 'cancelled waits');

# --- on the standby

@ids = refill(10);
value("SET sqs_fdw.delete_timeout = 0; $TAKE_JOBS WHERE n <= 4");
expired($queue, 10);
$primary->wait_for_catchup($standby);
check_error($standby, $TAKE_JOBS, '25006', qr/read-only transaction/, 'a standby refuses to take');
check_error($standby, "$_ FROM jobs", '25006', qr/read-only|recovery/, "by $_, too")
  foreach 'DELETE', 'CREATE TABLE copy AS SELECT *';
is_deeply([ sort { $a <=> $b } values %{ $queue->receive_counts } ], [ (1) x 10 ],
	'and receives nothing before that');
is(value('SELECT string_agg(n::text, \' \' ORDER BY n) FROM jobs', $standby), '5 6 7 8 9 10',
	'a look on the standby hides what was taken');
value("ALTER FOREIGN TABLE jobs OPTIONS (ADD consume 'always')");
$primary->wait_for_catchup($standby);
expired($queue, 10);
my $before = $queue->receive_counts;
check_error($standby, 'SELECT * FROM jobs', '25006', qr/during recovery/,
	"consume 'always' is refused there");
my $after = $queue->receive_counts;
is_deeply($after, { map { $_ => $before->{$_} + 1 } keys %$before }, 'before anything is received');
value("ALTER FOREIGN TABLE jobs OPTIONS (SET consume 'on_write')");
$primary->wait_for_catchup($standby);

# --- promotion

# What the primary had deleted was on the standby; what it had not comes again to the new one.
kill_server($primary);
$standby->promote;
my $new_ids = [ @ids, send_jobs($queue, 10) ];
$session = session($standby);
wait_for { $queue->counts->{visible} == 20 } 'all messages to be visible';
is(explain_in($session, $TAKE_JOBS)->{Duplicates}, 4,
	'after promotion, what the primary took is a duplicate');
$session->quit;
drain_jobs($standby, $queue);
check_jobs($standby, $new_ids, 'promotion');

# --- the ledger travels

my $node     = $standby;
my $endpoint = sqs()->endpoint;

sub refill_new
{
	my ($count) = @_;
	$queue = new_queue('travels', VisibilityTimeout => 1);
	create_job_tables($node, $queue);
	return send_jobs($queue, $count);
}

# What makes a foreign table jobs of the queue.
sub jobs_table
{
	my ($server, %option) = @_;
	%option = (queue => $queue->name) unless %option;
	my ($name, $value) = %option;
	return "CREATE FOREIGN TABLE jobs (id text NOT NULL, n int NOT NULL) $server OPTIONS ($name '$value')";
}

# The rows are committed, the messages still in the queue, as after a crash.
sub take_undeleted
{
	my ($count) = @_;
	my @these = refill_new($count);
	value("SET sqs_fdw.delete_timeout = 0; $TAKE_JOBS", $node);
	expired($queue, $count);
	return @these;
}

@ids = take_undeleted(12);
my $dump = PostgreSQL::Test::Utils::tempdir('dump') . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr('postgres') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('restored') ],
	'and restore');
push @ids, send_jobs($queue, 3);
drain_jobs($node, $queue, $TAKE_JOBS, 'restored');
is_deeply(lost_and_doubled($node, \@ids, 'done', 'restored'), { lost => 0, doubled => 0 },
	'a restored database takes nothing again that it has');
is($node->safe_psql('restored', 'SELECT count(*) FROM done'), 15, 'and what is new once');
$node->safe_psql('postgres', 'DROP DATABASE restored');

# Two databases, each with a ledger of its own: not covered, as the README says.
@ids = take_undeleted(12);
$node->safe_psql('postgres', 'CREATE DATABASE other TEMPLATE template0');
$node->safe_psql('other', <<"END");
CREATE EXTENSION sqs_fdw;
CREATE SERVER aws FOREIGN DATA WRAPPER sqs_fdw OPTIONS (region 'us-east-1', endpoint '$endpoint');
CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (access_key_id 'test', secret_access_key 'test');
CREATE FOREIGN TABLE jobs (id text NOT NULL, n int NOT NULL) SERVER aws OPTIONS (queue '@{[$queue->name]}');
CREATE TABLE done (id text, n int);
END
drain_jobs($node, $queue, $TAKE_JOBS, 'other');
is_deeply(lost_and_doubled($node, \@ids), { lost => 0, doubled => 0 },
	'a second database: the first loses nothing');
is($node->safe_psql('other', 'SELECT count(*) FROM done'), 12,
	'but the second has a row, too, for what the first could not delete');
$node->safe_psql('postgres', 'DROP DATABASE other');

# --- the table goes, the ledger stays

@ids = take_undeleted(8);
value('DROP FOREIGN TABLE jobs; ' . jobs_table('SERVER aws', queue_url => $queue->url), $node);
drain_jobs($node, $queue);
check_jobs($node, \@ids, 'a foreign table dropped and made again, under another name of its queue');

@ids = take_undeleted(8);
value('ALTER FOREIGN TABLE jobs RENAME TO tasks', $node);
drain_jobs($node, $queue, 'INSERT INTO done SELECT id, n FROM tasks');
check_jobs($node, \@ids, 'a foreign table renamed');
value('DROP FOREIGN TABLE tasks', $node);

# Another server, another user mapping, another table: the same messages.
@ids = take_undeleted(8);
create_server($node, 'second', endpoint => sqs()->endpoint);
value(jobs_table('SERVER second') =~ s/jobs/tasks/r, $node);
drain_jobs($node, $queue, 'INSERT INTO done SELECT id, n FROM tasks');
check_jobs($node, \@ids, 'the queue by another server');
value('DROP SERVER second CASCADE', $node);

# --- the extension goes

my $again = <<"END";
CREATE EXTENSION sqs_fdw;
CREATE SERVER aws FOREIGN DATA WRAPPER sqs_fdw OPTIONS (region 'us-east-1', endpoint '$endpoint');
CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (access_key_id 'test', secret_access_key 'test');
END
@ids = refill_new(10);
$session = session($node);
$session->query_safe("BEGIN; $TAKE_JOBS LIMIT 6; DROP EXTENSION sqs_fdw CASCADE; COMMIT");
is(in_queue(), 4, 'DROP EXTENSION in the transaction that took: what it took is deleted');
$session->query_safe($again);
$session->query_safe(jobs_table('SERVER aws'));
drain_jobs($node, $queue);
check_jobs($node, \@ids, 'DROP EXTENSION and commit');

@ids = refill_new(10);
$session->query_safe("BEGIN; $TAKE_JOBS; DROP EXTENSION sqs_fdw CASCADE; ROLLBACK");
expired($queue, 10);
$session->query_safe($TAKE_JOBS);
is(in_queue(), 0, 'and after its rollback the session goes on');
check_jobs($node, \@ids, 'DROP EXTENSION and rollback');

# With the ledger goes the memory of what was not deleted yet: nothing is lost, but that comes again.
@ids = take_undeleted(5);
push @ids, send_jobs($queue, 5);
$session->query_safe('DROP EXTENSION sqs_fdw CASCADE');
$session->query_safe($again);
$session->query_safe(jobs_table('SERVER aws'));
drain_jobs($node, $queue);
is_deeply(lost_and_doubled($node, \@ids), { lost => 0, doubled => 5 },
	'DROP EXTENSION forgets what it has: nothing lost, what was not deleted doubled');
$session->quit;

done_testing();
