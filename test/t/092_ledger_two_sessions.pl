# Whoever receives a message that another session has passes over it and waits for nobody; once the
# other has committed it is a duplicate, and once it has rolled back it is anybody's.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Faults;
use SqsFdw::Jobs;
use SqsFdw::Test;

use constant VISIBILITY_SECONDS => 1;

# A lock that is waited for is an error here, and so is a deadlock; query_safe dies of errors.
my $node = start_node('two_sessions', conf => <<'END');
lock_timeout = 200ms
deadlock_timeout = 10ms
restart_after_crash = on
client_min_messages = error
END
my $queue;

sub value { return $node->safe_psql('postgres', $_[0]); }

sub entries { return value('SELECT count(*) FROM sqs.ledger'); }

sub refill
{
	my ($count, %options) = @_;
	$queue = new_queue('sessions', VisibilityTimeout => VISIBILITY_SECONDS);
	create_job_tables($node, $queue, %options);
	return send_jobs($queue, $count);
}

sub refill_alone
{
	my (@arguments) = @_;
	value('TRUNCATE sqs.ledger');
	return refill(@arguments);
}

# --- one message, two sessions, at each isolation level

# The levels go side by side, each with tables in a schema of its own, so that visibility timeouts
# are waited for once.
my @levels;
foreach my $level ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')
{
	my $schema = lc $level =~ s/ /_/r;
	value("CREATE SCHEMA $schema");
	local $ENV{PGOPTIONS} = "-c search_path=$schema";
	my %it = (
		name    => $level,
		options => $ENV{PGOPTIONS},
		begin   => "BEGIN ISOLATION LEVEL $level",
		one     => session($node),
		two     => session($node));
	push @levels, \%it;
}

# Runs a block for each level.
sub each_level(&)
{
	my ($block) = @_;
	foreach my $level (@levels)
	{
		local $ENV{PGOPTIONS} = $level->{options};
		local $_ = $level;
		$block->();
	}
	return;
}

sub refill_levels
{
	my ($count) = @_;
	value('TRUNCATE sqs.ledger');
	each_level { $_->{ids} = [ refill($count) ]; $_->{queue} = $queue };
	return;
}

sub check_levels
{
	my ($name) = @_;
	each_level { drain_jobs($node, $_->{queue}); check_jobs($node, $_->{ids}, "$_->{name}, $name") };
	return;
}

refill_levels(5);
each_level { $_->{one}->query_safe("$_->{begin}; $TAKE_JOBS") };
each_level
{
	expired($_->{queue}, 5);
	$_->{two}->query_safe($_->{begin});
	my $counts = explain_in($_->{two}, $TAKE_JOBS);
	is("$counts->{Taken} $counts->{Contended} $counts->{Duplicates}", '0 5 0',
		"$_->{name}: what a running transaction has is passed over");
};
each_level
{
	expired($_->{queue}, 5);
	is($_->{two}->query_safe('SELECT count(*) FROM jobs'), 0, "$_->{name}: by a look, too");
	$_->{two}->query_safe('COMMIT');
};
each_level
{
	expired($_->{queue}, 5);
	$_->{one}->query_safe('COMMIT');
	$_->{two}->query_safe($_->{begin});
	my $counts = explain_in($_->{two}, $TAKE_JOBS);
	$_->{two}->query_safe('COMMIT');
	is("$counts->{Taken} $counts->{Contended}", '0 0',
		"$_->{name}: once it has committed, it is nobody's");
	is($counts->{Duplicates}, $counts->{Messages}, "$_->{name}: but a duplicate");
};
check_levels('committed');

refill_levels(5);
each_level { $_->{one}->query_safe("$_->{begin}; $TAKE_JOBS") };
each_level { expired($_->{queue}, 5); $_->{two}->query_safe("$_->{begin}; $TAKE_JOBS; COMMIT") };
each_level { $_->{one}->query_safe('ROLLBACK') };
is(entries(), 0, 'a rollback takes the entries with it');
each_level
{
	my $level = $_;
	wait_for
	{
		$level->{two}->query_safe("$level->{begin}; $TAKE_JOBS; COMMIT");
		$level->{two}->query_safe('SELECT count(*) FROM done') == 5
	}
	'the second session to have them';
};
check_levels('rolled back');

# The snapshot is older than the other's commit; the ledger says what is, not what was.
refill_levels(5);
each_level
{
	$_->{two}->query_safe("$_->{begin}; SELECT count(*) FROM done");
	$node->psql('postgres', "SET sqs_fdw.delete_timeout = 0; $TAKE_JOBS");
};
each_level
{
	expired($_->{queue}, 5);
	is(explain_in($_->{two}, $TAKE_JOBS)->{Duplicates}, 5, "$_->{name}: also for an older snapshot");
	$_->{two}->query_safe('COMMIT');
};
check_levels('older snapshot');

# Each has what the other wants next.
refill_levels(10);
each_level
{
	my $level = $_;
	$level->{one}->query_safe("$level->{begin}; $TAKE_JOBS WHERE n <= 5");
	wait_for { $level->{queue}->counts->{visible} >= 5 } 'the others to be released';
	$level->{two}->query_safe("$level->{begin}; $TAKE_JOBS WHERE n > 5");
};
foreach my $session ('one', 'two')
{
	each_level { expired($_->{queue}, 10); $_->{$session}->query_safe($TAKE_JOBS) };
}
each_level { $_->{one}->query_safe('COMMIT'); $_->{two}->query_safe('COMMIT') };
check_levels('crosswise');

each_level { $_->{one}->quit; $_->{two}->quit };

# --- savepoints, blocks, cursors

my ($one, $two) = (session($node), session($node));
my @ids = refill_alone(5);
$one->query_safe("BEGIN; SAVEPOINT a; $TAKE_JOBS; ROLLBACK TO a");
expired($queue, 5);
$one->query_safe($TAKE_JOBS);
is($one->query_safe('SELECT count(*) FROM done'), 5,
	'what a savepoint gave back, the transaction may take again');
$one->query_safe('COMMIT');
is(entries(), 5, 'with one entry each');
drain_jobs($node, $queue);
check_jobs($node, \@ids, 'savepoint, rolled back');

@ids = refill_alone(5);
$one->query_safe("BEGIN; SAVEPOINT a; $TAKE_JOBS; ROLLBACK TO a");
expired($queue, 5);
$two->query_safe($TAKE_JOBS);
is(entries(), 5, 'or another session takes it, while the first goes on');
$one->query_safe("$TAKE_JOBS; COMMIT");
drain_jobs($node, $queue);
check_jobs($node, \@ids, 'savepoint, another session');

@ids = refill_alone(5);
$one->query_safe("BEGIN; SAVEPOINT a; $TAKE_JOBS LIMIT 2");
$one->query_safe("SAVEPOINT b; $TAKE_JOBS; ROLLBACK TO b; RELEASE a");
expired($queue, 5);
is(explain_in($two, $TAKE_JOBS)->{Contended}, 2,
	'a released savepoint keeps what it has, an inner rollback nothing');
$one->query_safe('COMMIT');
drain_jobs($node, $queue);
check_jobs($node, \@ids, 'nested savepoints');

@ids = refill_alone(6);
value(<<'END');
CREATE FUNCTION take_but_fail() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		INSERT INTO done SELECT id, n FROM jobs;
		PERFORM 1 / 0;
	EXCEPTION WHEN division_by_zero THEN
		NULL;
	END;
	INSERT INTO done SELECT id, n FROM jobs WHERE n <= 3;
END $$
END
$one->query_safe('SELECT take_but_fail()');
is(entries(), 3, 'an exception block takes its entries with it');
drain_jobs($node, $queue);
check_jobs($node, \@ids, 'exception block');

@ids = refill_alone(20, consume => 'always');
$one->query_safe('BEGIN; DECLARE c CURSOR FOR SELECT id, n FROM jobs');
my $fetched = $one->query_safe('FETCH 4 FROM c');
$one->query_safe('SAVEPOINT a');
$one->query_safe('FETCH 4 FROM c');
$one->query_safe('ROLLBACK TO a');
$one->query_safe("INSERT INTO done VALUES ('$1', $2)") while $fetched =~ /^(\w+)\|(\d+)$/mg;
$one->query_safe('CLOSE c; COMMIT');
is(entries(), 4,
	'a cursor enters what was fetched: not what was prefetched, nor what a savepoint gave back');
drain_jobs($node, $queue);
check_jobs($node, \@ids, 'cursor');

# --- only what was emitted

@ids = refill_alone(30);
value("$TAKE_JOBS WHERE n % 3 = 0");
is(entries(), 10, 'a condition leaves what it refuses to the next');
value("$TAKE_JOBS LIMIT 4");
is(entries(), 14, 'and so does LIMIT');
value('INSERT INTO done SELECT id, n FROM (SELECT id, n FROM jobs LIMIT 4) taken ORDER BY n');
is(entries(), 18, 'in a subquery, too');
drain_jobs($node, $queue);
check_jobs($node, \@ids, 'conditions and limits');

# --- other ways to take

refill_alone(5, consume => 'always');
value('SET sqs_fdw.delete_timeout = 0; SELECT * FROM jobs');
is(entries(), 5, "consume 'always': a SELECT enters what it returns");
expired($queue, 5);
is(value('SELECT count(*) FROM jobs'), 0, 'and it is not returned again');
is($queue->counts->{visible} + $queue->counts->{in_flight}, 0, 'but deleted');

@ids = refill_alone(6);
my $move = 'WITH gone AS (DELETE FROM jobs WHERE n <= 4 RETURNING id, n) '
  . 'INSERT INTO done SELECT * FROM gone';
$one->query_safe("BEGIN; $move");
expired($queue, 6);
is($two->query_safe('DELETE FROM jobs WHERE n <= 4 RETURNING id'), '',
	'DELETE passes over what another DELETE has');
$one->query_safe('COMMIT');
is(entries(), 4, 'and enters what it deletes');
drain_jobs($node, $queue);
check_jobs($node, \@ids, 'DELETE');

# A DELETE that has read its messages, and gets to delete them only after another session had them:
# it hashes the queue, and then asks a function that waits.
@ids = refill_alone(3, visibility_timeout => 3);
value(<<'END');
CREATE FUNCTION gate() RETURNS SETOF int LANGUAGE plpgsql COST 1000000000 ROWS 1000000 AS $$
BEGIN
	PERFORM pg_advisory_xact_lock_shared(1);
	RETURN QUERY VALUES (1), (2), (3);
END $$
END
$two->query_safe('SELECT pg_advisory_lock(1)');
$one->query_safe('SET lock_timeout = 0; SET enable_mergejoin = off; SET enable_nestloop = off');
$one->query_until(qr/sent/,
	"\\echo sent\nDELETE FROM jobs USING gate() g WHERE jobs.n = g RETURNING id;\n");
wait_for { $queue->counts->{in_flight} == 3 } 'the DELETE to have read the queue';
wait_for { value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1 }
'it to wait';
expired($queue, 3);
$two->query_safe($TAKE_JOBS);
check_jobs($node, \@ids, 'taken while a DELETE had read it');
$two->query_safe('SELECT pg_advisory_unlock(1)');
is($one->query_safe("SELECT 'end'"), 'end', 'the DELETE that comes too late deletes nothing');
is(entries(), 3, 'and enters nothing');
drain_jobs($node, $queue);

# --- rights

my $grants = 'GRANT SELECT ON jobs TO consumer; GRANT INSERT ON done TO consumer';
value(<<'END');
CREATE ROLE consumer LOGIN;
GRANT USAGE ON SCHEMA sqs TO consumer;
CREATE USER MAPPING FOR consumer SERVER aws OPTIONS (access_key_id 'test', secret_access_key 'test');
END
@ids = refill_alone(5);
value("$grants; SET ROLE consumer; SET sqs_fdw.delete_timeout = 0; $TAKE_JOBS");
is(entries(), 5, 'a role without any right on the ledger takes');
check_error($node, "SET ROLE consumer; $_", '42501', qr/permission denied for table ledger/, "and can't $_")
  foreach 'SELECT FROM sqs.ledger', 'INSERT INTO sqs.ledger VALUES (now(), gen_random_uuid(), 1)',
  'DELETE FROM sqs.ledger', 'UPDATE sqs.ledger SET queue = 1', 'TRUNCATE sqs.ledger';
expired($queue, 5);
value("SET ROLE consumer; $TAKE_JOBS");
is($queue->counts->{visible} + $queue->counts->{in_flight}, 0, 'it meets duplicates, and deletes them');
check_jobs($node, \@ids, 'a role without rights');
$_->quit foreach $one, $two;

my $faults = SqsFdw::Faults->start(
	folder   => PostgreSQL::Test::Utils::tempdir('faults'),
	upstream => sqs()->endpoint);
create_server($node, 'shaky', endpoint => $faults->endpoint);

# --- a queue that tells of each delivery that it is the first

# Such a message is entered without a look at the ledger: it is the index that tells who has it.
sub refill_lying
{
	my ($count) = @_;
	my @sent = refill_alone($count, server => 'shaky');
	$faults->script({ action => 'ReceiveMessage', fault => 'first_delivery' });
	return @sent;
}

foreach my $level ('READ COMMITTED', 'SERIALIZABLE')
{
	($one, $two) = (session($node), session($node));
	my $begin = "BEGIN ISOLATION LEVEL $level";

	@ids = refill_lying(5);
	$one->query_safe("$begin; $TAKE_JOBS");
	$two->query_safe("$begin");
	foreach my $time ('the first time', 'and the second')
	{
		expired($queue, 5);
		my $counts = explain_in($two, $TAKE_JOBS);
		is("$counts->{Taken} $counts->{Contended} $counts->{Duplicates} $counts->{Released}", '0 5 0 5',
			"receive count 1, $level: what a running transaction has is passed over, $time");
	}
	$one->query_safe('COMMIT');
	expired($queue, 5);
	my $counts = explain_in($two, $TAKE_JOBS);
	is("$counts->{Taken} $counts->{Contended} $counts->{Duplicates}", '0 0 5', 'once it has committed, it is a duplicate');
	$two->query_safe('COMMIT');
	is(entries(), 5, 'with one entry each');
	drain_jobs($node, $queue);
	check_jobs($node, \@ids, "receive count 1, $level, committed");

	@ids = refill_lying(5);
	$one->query_safe("$begin; $TAKE_JOBS");
	expired($queue, 5);
	is(explain_in($two, "$TAKE_JOBS")->{Contended}, 5, 'passed over');
	$two->query_safe("$begin");
	expired($queue, 5);
	is(explain_in($two, "$TAKE_JOBS")->{Contended}, 5, 'in a transaction');
	$one->query_safe('ROLLBACK');
	wait_for
	{
		$two->query_safe($TAKE_JOBS);
		$two->query_safe('SELECT count(*) FROM done') == 5
	}
	'the transaction to have what is nobody\'s';
	$two->query_safe('COMMIT');
	is(entries(), 5, 'and it enters them, though it had tried before');
	drain_jobs($node, $queue);
	check_jobs($node, \@ids, "receive count 1, $level, rolled back");

	# Each has what the other wants next.
	@ids = refill_lying(10);
	$one->query_safe("$begin; $TAKE_JOBS WHERE n <= 5");
	wait_for { $queue->counts->{visible} >= 5 } 'the others to be released';
	$two->query_safe("$begin; $TAKE_JOBS WHERE n > 5");
	foreach my $session ($one, $two)
	{
		expired($queue, 10);
		$session->query_safe($TAKE_JOBS);
	}
	$_->query_safe('COMMIT') foreach $one, $two;
	drain_jobs($node, $queue);
	check_jobs($node, \@ids, "receive count 1, $level, crosswise");
	$_->quit foreach $one, $two;
}
$faults->script();

# --- a crash between the commit and the deletes

my $hang = { action => 'DeleteMessageBatch', fault => 'hang' };
foreach my $victim ('backend', 'server')
{
	@ids = refill_alone(25, server => 'shaky');
	$faults->script($hang);
	my $session = session($node);
	my $pid     = $session->query_safe('SELECT pg_backend_pid()');
	$session->query_until(qr/sent/, "\\echo sent\n$TAKE_JOBS;\n");
	wait_for { value('SELECT count(*) FROM done') == 25 } 'the commit';
	if ($victim eq 'backend')
	{
		kill 'KILL', $pid;
	}
	else
	{
		kill_server($node, $pid);
		$node->start;
	}
	wait_for_recovery($node, $pid);
	eval { $session->quit };
	expired($queue, 25);
	$faults->script();
	is(value('SELECT count(*) FROM jobs'), 0,
		"$victim killed between commit and delete: a look finds nothing");
	expired($queue, 25);
	drain_jobs($node, $queue);
	check_jobs($node, \@ids, "$victim killed between commit and delete");
}

done_testing();
