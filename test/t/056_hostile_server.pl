# A queue server that breaks its promises, or is slow, or refuses, costs messages and sessions nothing.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use SqsFdw::Faults;
use SqsFdw::Test;

# What a busy machine gets beyond the time that was promised.
use constant GRACE_SECONDS => 3;

# A crash in one part is not the failure of all that follow.
my $node  = start_node('hostile', conf => 'restart_after_crash = on');
my $proxy = SqsFdw::Faults->start(
	folder   => PostgreSQL::Test::Utils::tempdir('hostile'),
	upstream => sqs()->endpoint,
	rules    => []);
# One connection makes requests one after the other, so that their delays add up. The long
# request_timeout leaves it to the settings to end a wait.
create_server(
	$node, 'hostile',
	endpoint        => $proxy->endpoint,
	max_connections => 1,
	request_timeout => 30);

# A queue with that many logins behind the proxy, empty tables, and no fault yet.
sub fill
{
	my ($count, %attributes) = @_;
	my $queue = new_queue('hostile', VisibilityTimeout => 600, %attributes);
	$proxy->script();
	create_login_tables($node, $queue, server => 'hostile', wait_time_seconds => 0);
	$queue->send(logins($count)) if $count;
	return $queue;
}

sub rows { return $node->safe_psql('postgres', 'SELECT count(*) FROM user_logins'); }

# Sends a statement to a background session, and does not wait for its end.
sub begin_statement
{
	my ($session, $sql) = @_;
	$session->{stderr} = '';
	$session->query_until(qr/sent/, "\\set VERBOSITY verbose\n\\echo sent\n$sql;\n");
	return;
}

# Waits for the end of what began, and returns the errors and warnings of it.
sub end_statement
{
	my ($session) = @_;
	$session->query('SELECT 1');
	return $session->{stderr};
}

# How long a statement of the session takes, in seconds.
sub seconds_of
{
	my ($session, $sql) = @_;
	my $begun = time();
	$session->query($sql);
	return time() - $begun;
}

# --- a reply with more messages than were asked for

{
	my $queue = fill(40, VisibilityTimeout => 2);
	$proxy->script({ action => 'ReceiveMessage', fault => 'duplicate' });
	my $result = run_sql($node, "SELECT pg_backend_pid();\n$TAKE;\nSELECT pg_backend_pid();");
	like($result->{err}, qr/ERROR:\s+08P01:/, 'a reply of twenty messages is a protocol violation');
	my ($before, $after) = split /\n/, $result->{out};
	ok(defined $after && $before == $after, 'the session goes on');
	$node->poll_query_until('postgres', 'SELECT true');
	wait_for_counts($node, $queue, { visible => 40, in_flight => 0, rows => 0 },
		'and every message is in the queue');
	$proxy->script();
	ok(run_sql($node, $TAKE)->{ok}, 'once the server behaves, the statement runs');
	check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 40 }, 'and takes all');
}

# --- deletes and another session's DROP DATABASE, which waits until every backend has answered

{
	my $batches = 4;
	my $queue   = fill(10 * $batches);
	$proxy->script({ action => 'DeleteMessageBatch', fault => 'delay', seconds => 1.2 });
	my $session = session($node);
	begin_statement($session, $TAKE);
	wait_for { rows() == 10 * $batches } 'the commit';
	foreach my $statement ('CREATE DATABASE other', 'DROP DATABASE other')
	{
		my $result = run_sql($node, "SET statement_timeout = '10s'; $statement");
		ok($result->{ok}, "$statement during deletes") or diag($result->{err});
	}
	my $ended = $proxy->requests('DeleteMessageBatch');
	cmp_ok($ended, '<', $batches, 'does not wait for their end');
	is(end_statement($session), '', 'the statement that deletes warns of nothing');
	check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 10 * $batches },
		'and has deleted everything');
	is(scalar $proxy->requests('DeleteMessageBatch'), $batches, 'with no request twice');
	$session->quit;
}

# --- cancel and statement_timeout while a procedure's transactions end

my $loop = <<'END';
DO $$
BEGIN
	FOR i IN 1 .. 3 LOOP
		INSERT INTO user_logins (user_id) SELECT user_id FROM login_queue LIMIT 10;
		COMMIT;
	END LOOP;
END $$
END

# The first transaction is committed, and the others never begin.
sub check_stopped
{
	my ($queue, $err, $pattern, $name) = @_;
	like($err, qr/ERROR:\s+57014:.*$pattern/, "$name during deletes ends the statement");
	is(rows(), 10, "$name: what was committed stays");
	is($queue->counts->{visible}, 20, "$name: nothing more was received");
	return;
}

foreach my $trigger (qw(statement_timeout cancel))
{
	my $queue = fill(30);
	$proxy->script({ action => 'DeleteMessageBatch', fault => 'delay', seconds => 2 });
	my $session = session($node);
	my $pid     = $session->query_safe('SELECT pg_backend_pid()');
	$session->query_safe("SET statement_timeout = '1s'") if $trigger eq 'statement_timeout';
	begin_statement($session, $loop);
	if ($trigger eq 'cancel')
	{
		wait_for { rows() == 10 } 'the first commit';
		$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	}
	my $err = end_statement($session);
	check_stopped($queue, $err, $trigger eq 'cancel' ? 'user request' : 'statement timeout', $trigger);
	# Not a second time: whatever stopped the statement is over with it.
	$session->{stderr} = '';
	is($session->query('RESET statement_timeout; SELECT 1'), '1', "$trigger: the session's next statement runs");
	is($session->{stderr}, '', "$trigger: without an error");
	$proxy->script();
	$session->query($TAKE);
	wait_for_counts($node, $queue, { visible => 0, in_flight => 0, rows => 30 },
		"$trigger: the next take deletes what was left, too");
	$session->quit;
}

# --- deletes that an earlier transaction left behind

{
	my $queue   = fill(20);
	my $session = session($node);
	$proxy->script({ action => 'DeleteMessageBatch', fault => 'hang' });
	begin_statement($session, "SET sqs_fdw.delete_timeout = '300ms'; $TAKE LIMIT 10");
	like(end_statement($session), qr/WARNING:.*committed, but 10 /, 'ten deletes are left behind');
	$session->query("SET sqs_fdw.delete_timeout = '20s'");

	$session->query('BEGIN; SAVEPOINT unused; SELECT 1');
	cmp_ok(seconds_of($session, 'ROLLBACK TO unused'),
		'<', GRACE_SECONDS, 'a savepoint without messages does not wait for them');
	$session->query("SAVEPOINT used; $TAKE");
	is($queue->counts->{in_flight}, 20, 'messages inside a savepoint');
	cmp_ok(seconds_of($session, 'ROLLBACK TO used'),
		'<', 1 + GRACE_SECONDS, 'nor does one with messages, beyond release_timeout');
	is($queue->counts->{visible}, 10, 'which are released');
	is(rows(), 10, 'and are no rows');

	$proxy->script();
	$session->query("SET sqs_fdw.delete_timeout = '100ms'; ROLLBACK");
	$session->quit;
}

# --- releases that are refused

{
	my $queue = fill(30);
	$proxy->script(
		{ action => 'ChangeMessageVisibilityBatch', fault => 'error', status => 403, code => 'AccessDenied' });
	my $result = run_sql($node, "BEGIN; $TAKE LIMIT 10; ROLLBACK;\n" x 3 . 'BEGIN; SELECT 1; ROLLBACK;');
	is($queue->counts->{in_flight}, 30, 'releases were refused');
	unlike($result->{err}, qr/transaction is committed/, 'of which nobody hears that something was committed');
	ok($result->{ok}, 'and no rollback failed') or diag($result->{err});
}

$proxy->stop;
$node->stop;
done_testing();
