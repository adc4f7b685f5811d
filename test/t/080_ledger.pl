# A message that comes again after its row was committed is not returned again, and leaves the queue.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Faults;
use SqsFdw::Test;

my $node = start_node('ledger');
my $queue;

sub value { return $node->safe_psql('postgres', $_[0]); }

sub refill
{
	my ($count, %options) = @_;
	$queue = new_queue('ledger', VisibilityTimeout => 1);
	create_login_tables($node, $queue, wait_time_seconds => 0, %options);
	$queue->send(logins($count));
	value('DELETE FROM sqs.ledger');
	return;
}

# Commits the rows of the statement, as a crash would: before anything is deleted from the queue.
# Then the messages come again.
sub commit_and_crash
{
	my ($statement, $count) = @_;
	run_sql($node, "SET sqs_fdw.delete_timeout = 0; $statement");
	wait_for { $queue->counts->{visible} == $count } 'the messages to come again';
	return;
}

# --- an entry for each row

refill(10);
value($TAKE);
is(value('SELECT count(*), count(DISTINCT message_id) FROM sqs.ledger'), '10|10', 'an entry for each message taken');
is(value("SELECT count(*) FROM sqs.ledger WHERE sent_at BETWEEN now() - interval '1 hour' AND now() + interval '1 second'"),
	10, 'with the time that it was sent');

refill(10);
run_sql($node, "BEGIN; $TAKE; ROLLBACK");
is(value('SELECT count(*) FROM sqs.ledger'), 0, 'none after a rollback');
wait_for { $queue->counts->{visible} == 10 } 'the messages to be released';
value('SELECT count(*) FROM login_queue');
is(value('SELECT count(*) FROM sqs.ledger'), 0, 'none after a look');

# --- duplicates

refill(10);
commit_and_crash($TAKE, 10);
is(value('SELECT count(*) FROM login_queue'), 0, 'a look hides what was taken');
wait_for { $queue->counts->{visible} == 10 } 'and leaves it in the queue';
my $explained = run_sql($node, "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $TAKE")->{out};
like($explained, qr/Taken: 0$/m, 'nothing is taken again');
like($explained, qr/Duplicates: 10$/m, 'EXPLAIN counts the duplicates');
check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 10 }, 'they have left the queue');

refill(10);
commit_and_crash("DELETE FROM login_queue", 10);
is(run_sql($node, 'DELETE FROM login_queue RETURNING user_id')->{out}, '', 'DELETE finds none of them, either');
is($queue->counts->{visible} + $queue->counts->{in_flight}, 0, 'and they have left the queue');

refill(10);
commit_and_crash($TAKE, 10);
run_sql($node, "BEGIN; $TAKE; ROLLBACK");
wait_for { $queue->counts->{visible} == 10 } 'what a rolled back statement met as duplicates stays in the queue';

# --- duplicates that SQS takes for first deliveries

{
	my $proxy = SqsFdw::Faults->start(
		folder   => PostgreSQL::Test::Utils::tempdir('first'),
		upstream => sqs()->endpoint);
	create_server($node, 'first', endpoint => $proxy->endpoint, max_connections => 1);
	for my $statement ($TAKE, 'DELETE FROM login_queue')
	{
		refill(10, server => 'first');
		value($statement);
		$proxy->script({ action => 'ReceiveMessage', nth => 1, fault => 'redeliver' });
		my $again = run_sql($node, "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $TAKE")->{out};
		like($again, qr/Duplicates: 10$/m, 'duplicates are found although they claim to be new');
		like($again, qr/Taken: 0$/m, 'and are not taken');
		is(value('SELECT count(*), count(DISTINCT message_id) FROM sqs.ledger'), '10|10', 'nor entered again');
		$proxy->script();
	}
}

# --- other indexes than the key

# While REINDEX CONCURRENTLY waits for an old snapshot, the index that will be the key is there, and
# what is entered has to be in it, too.
{
	refill(10);
	my ($old, $builder) = (session($node), session($node));
	$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
	$builder->query_until(qr/sent/, "\\echo sent\nREINDEX TABLE CONCURRENTLY sqs.ledger;\n");
	wait_for { value('SELECT phase FROM pg_stat_progress_create_index') eq 'waiting for old snapshots' }
	'the new index to wait';
	commit_and_crash($TAKE, 10);
	$old->query_safe('COMMIT');
	$builder->query_safe('SELECT 1');
	value($TAKE);
	check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 10 },
		'an index that was built meanwhile knows the duplicates');
	$_->quit foreach $old, $builder;
}

for my $index ('(queue)', '((queue / 2)) WHERE queue IS NOT NULL', '(message_id)')
{
	my $unique = $index eq '(message_id)' ? 'UNIQUE' : '';
	value("CREATE $unique INDEX added ON sqs.ledger $index");
	refill(10);
	commit_and_crash($TAKE, 10);
	value('CREATE EXTENSION IF NOT EXISTS amcheck');
	my $check = run_sql($node, "SELECT bt_index_check('sqs.added', true), bt_index_check('sqs.ledger_pkey', true)");
	ok($check->{ok}, "an index on $index has all entries") or diag($check->{err});
	value($TAKE);
	check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 10 }, 'and duplicates are found beside it');
	value('DROP INDEX sqs.added');
}

# --- rejected and stored

refill(2, on_error => 'store');
$queue->send('no JSON');
commit_and_crash($TAKE, 3);
value($TAKE);
is(value('SELECT count(*) FROM sqs.rejected'), 1, 'a rejected message is stored once');
check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 2 }, 'and leaves the queue');

# --- columns that a newer version may add while this library is loaded

foreach my $table ('sqs.ledger', 'sqs.rejected')
{
	value("ALTER TABLE $table ADD note text");
	refill(2, on_error => 'store');
	$queue->send('no JSON');
	value($TAKE);
	check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 2 }, "a column added to $table stays empty");
	is(value("SELECT count(*) FILTER (WHERE note IS NULL) > 0, count(note) FROM $table"), 't|0', 'in every row');
	value("ALTER TABLE $table DROP note");
}

# --- without

refill(10, exactly_once => 'false');
commit_and_crash($TAKE, 10);
is(value('SELECT count(*) FROM sqs.ledger'), 0, 'exactly_once false: no entries');
value($TAKE);
is(value('SELECT count(*) FROM user_logins'), 20, 'and doubled rows');

done_testing();
