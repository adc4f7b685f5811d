# However a transaction ends but by its commit, what it had received is visible again: at once the first time, then later and later.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use SqsFdw::Cases;
use SqsFdw::Faults;
use SqsFdw::Test;

my $node  = start_node('ends', conf => "jit = off\ndeadlock_timeout = '100ms'");
my $cases = SqsFdw::Cases->new($node);
my $insert = 'INSERT INTO t SELECT id, name FROM q';

$cases->row('rollback, error, cancel, savepoint rollback: released');

# Statements that end by themselves and leave that many messages and rows, whatever they say.
sub leaves
{
	my ($name, $sql, $left, $rows, %case) = @_;
	my ($all) = $cases->fresh(messages => 20, %case);
	my %got      = (before => $cases->counts);
	my %expected = (before => [ $all, 0, 0 ], after => [ $left, 0, $rows ]);
	my $did = run_sql($node, $sql);
	$got{after} = $cases->counts_like($expected{after});
	($got{error}) = $did->{err} =~ /ERROR:\s+(\w{5}):/;
	$expected{error} = $case{error};
	$got{received}   = $cases->received;
	# Nothing that is left was received before without a reason; what was, was received at most twice.
	my $most = $case{most} // 1;
	$expected{received} = (grep { $_ > $most } keys %{ $got{received} }) ? "at most $most" : $got{received};
	return $cases->outcome($name . ($case{error} ? " ($case{error})" : ''), \%got, \%expected, qw(before after));
}

# --- rollback and errors

leaves('ROLLBACK', "BEGIN; $insert; ROLLBACK", 20, 0);
leaves('ROLLBACK AND CHAIN, and again', "BEGIN; $insert LIMIT 3; ROLLBACK AND CHAIN; $insert LIMIT 4; COMMIT", 16, 4, most => 2);
leaves('ROLLBACK of a DELETE', 'BEGIN; DELETE FROM q; ROLLBACK', 20, 0);
leaves('ROLLBACK of CREATE TABLE AS', 'BEGIN; CREATE TABLE copy AS SELECT * FROM q; ROLLBACK', 20, 0);
leaves('a session that ends in its transaction', "BEGIN; $insert", 20, 0);
leaves('an error after the statement', "BEGIN; $insert; SELECT 1/0; COMMIT", 20, 0, error => '22012');
leaves('an error after it in the same string', "$insert\\; SELECT 1/0", 20, 0, error => '22012');
leaves('an error of the statement itself', 'INSERT INTO t SELECT 1 / (id - 20) FROM q', 20, 0, error => '22012', most => 2);
leaves('an error of its own cast', 'INSERT INTO t SELECT name::int FROM q', 20, 0, error => '22P02', most => 2);
leaves('an error of a DELETE … RETURNING', 'DELETE FROM q RETURNING 1 / (id - 20)', 20, 0, error => '22012', most => 2);
leaves('an error in a function', "DO \$\$ BEGIN $insert; RAISE EXCEPTION 'no'; END \$\$", 20, 0, error => 'P0001');
leaves('an error in a trigger at the commit', "BEGIN; $insert; COMMIT", 20, 0, error => 'P0001', before => <<'END');
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
CREATE CONSTRAINT TRIGGER r AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f()
END
leaves('an error in an autonomous loop of commits', <<"END", 16, 4, error => 'P0001');
DO \$\$ BEGIN FOR i IN 1 .. 3 LOOP
	$insert LIMIT 2; IF i = 3 THEN RAISE EXCEPTION 'no'; END IF; COMMIT;
END LOOP; END \$\$
END
leaves('the session goes on', "BEGIN; $insert; SELECT 1/0; ROLLBACK; BEGIN; $insert; COMMIT", 0, 20, error => '22012');

# --- savepoints

my $fails = 'RAISE EXCEPTION $r$no$r$; EXCEPTION WHEN raise_exception THEN';
leaves('ROLLBACK TO', "BEGIN; SAVEPOINT s; $insert; ROLLBACK TO s; COMMIT", 20, 0);
leaves('RELEASE', "BEGIN; SAVEPOINT s; $insert; RELEASE s; COMMIT", 0, 20);
leaves('RELEASE, then ROLLBACK', "BEGIN; SAVEPOINT s; $insert; RELEASE s; ROLLBACK", 20, 0);
leaves('ROLLBACK TO keeps what was taken before', "BEGIN; $insert LIMIT 5; SAVEPOINT s; $insert; ROLLBACK TO s; COMMIT", 15, 5);
leaves('ROLLBACK TO, and another statement', "BEGIN; SAVEPOINT s; $insert; ROLLBACK TO s; $insert LIMIT 8; COMMIT", 12, 8, most => 2);
leaves('RELEASE inside, ROLLBACK TO outside',
	"BEGIN; SAVEPOINT a; $insert LIMIT 5; SAVEPOINT b; $insert; RELEASE b; ROLLBACK TO a; COMMIT", 20, 0);
leaves('savepoints inside one another, rolled back in the middle',
	'BEGIN;' . join('', map { "SAVEPOINT s$_; $insert LIMIT 1;" } 1 .. 15) . 'ROLLBACK TO s9; COMMIT', 12, 8);
leaves('a DELETE in a savepoint', 'BEGIN; DELETE FROM q WHERE id <= 5; SAVEPOINT s; DELETE FROM q; ROLLBACK TO s; COMMIT', 15, 0, most => 2);
leaves('a look in a savepoint', 'BEGIN; SAVEPOINT s; SELECT * FROM q; ROLLBACK TO s; COMMIT', 20, 0);
leaves('an error in a savepoint', "BEGIN; SAVEPOINT s; $insert; SELECT 1/0; ROLLBACK TO s; COMMIT", 20, 0, error => '22012');
leaves('a caught exception', "DO \$\$ BEGIN BEGIN $insert; $fails NULL; END; END \$\$", 20, 0);
leaves('a caught exception whose handler takes', "DO \$\$ BEGIN BEGIN $insert; $fails $insert LIMIT 5; END; END \$\$", 15, 5, most => 2);
leaves('a caught exception inside a block that succeeds',
	"DO \$\$ BEGIN BEGIN $insert LIMIT 3; BEGIN $insert LIMIT 4; $fails NULL; END; EXCEPTION WHEN others THEN NULL; END; END \$\$", 17, 3);
leaves('a block for each of five hundred, every third fails', <<"END", 166, 334, messages => 500, most => 500);
DO \$\$ BEGIN FOR i IN 1 .. 500 LOOP
	BEGIN
		$insert LIMIT 1;
		IF i % 3 = 0 THEN RAISE EXCEPTION 'no'; END IF;
	EXCEPTION WHEN raise_exception THEN NULL; END;
END LOOP; END \$\$
END

# --- cancel, timeouts, terminate, a client that is gone: in the long poll, and while rows are made

# Open polls are not waited for longer than it takes to release.
my %polls = (options => { wait_time_seconds => 20 });
my $soon  = "SET sqs_fdw.release_timeout = '1s'; ";
my $slow  = "$insert WHERE pg_sleep(10) IS NOT NULL";

sub is_interrupted
{
	my ($name, $how, $sql, %case) = @_;
	my ($all) = $cases->fresh(messages => 7, %case);
	my %got     = (before => $cases->counts);
	my $session = session($node);
	my $pid     = starts_waiting($node, $session, $cases->queue, $sql, 7);
	$got{during} = $cases->counts;
	$how->($pid, $session);
	my %expected = (before => [ 7, 0, 0 ], during => [ 0, 7, 0 ], after => [ 7, 0, 0 ]);
	$got{after} = $cases->counts_like($expected{after});
	$got{received} = $cases->received;
	$expected{received} = (grep { $_ > 2 } keys %{ $got{received} }) ? 'at most 2' : $got{received};
	eval { $session->quit };
	return $cases->outcome($name, \%got, \%expected, qw(before during after));
}
my $signal = sub { my ($function) = @_; return sub { $node->safe_psql('postgres', "SELECT $function($_[0])") } };
my %how = (
	'cancel'                => $signal->('pg_cancel_backend'),
	'terminate'             => $signal->('pg_terminate_backend'),
	'a client that is gone' => sub { $_[1]->{run}->kill_kill; });
foreach my $what (sort keys %how)
{
	my $check = $soon . ($what =~ /client/ ? "SET client_connection_check_interval = '50ms'; " : '');
	is_interrupted("$what in a long poll",      $how{$what}, "$check$insert", %polls);
	is_interrupted("$what in a slow statement", $how{$what}, "$check$slow");
	is_interrupted("$what in a DELETE",         $how{$what}, "${check}DELETE FROM q WHERE pg_sleep(10) IS NOT NULL");
	is_interrupted("$what in a look",           $how{$what}, "${check}SELECT * FROM q", %polls);
}
leaves('statement_timeout in a long poll', "$soon SET statement_timeout = '500ms'; $insert", 20, 0, %polls, error => '57014', most => 2);
leaves('statement_timeout in a slow statement', "SET statement_timeout = '500ms'; $slow", 20, 0, error => '57014', most => 2);
leaves('idle_in_transaction_session_timeout', "SET idle_in_transaction_session_timeout = '100ms'; BEGIN; $insert; \n\\! sleep 1\nSELECT 1", 20, 0);

# --- later each time

$cases->row('released at once the first time, with a growing delay by receive count after that');

my $proxy = SqsFdw::Faults->start(folder => PostgreSQL::Test::Utils::tempdir('proxy'), upstream => sqs()->endpoint, rules => []);
create_server($node, 'proxied', endpoint => $proxy->endpoint);

sub delays
{
	my ($name, $sql, @delays) = @_;
	$cases->fresh(messages => 1, server => 'proxied');
	my $session = session($node);
	foreach my $time (1 .. @delays)
	{
		my $delay = $delays[ $time - 1 ];
		my %got = (before => $cases->counts);
		$session->query("BEGIN; $sql");
		$got{during} = $cases->counts;
		$proxy->script();
		my $began = time();
		$session->query('ROLLBACK');
		$got{rollback} = $cases->counts;
		my @asked = map { @{ $_->{parameters}{VisibilityTimeouts} } } $proxy->requests('ChangeMessageVisibilityBatch');
		my $waiting = $delay > 0 ? [ 0, 1, 0 ] : [ 1, 0, 0 ];
		my %expected = (before => [ 1, 0, 0 ], during => [ 0, 1, 0 ], rollback => $waiting, after => [ 1, 0, 0 ]);
		$got{after} = $cases->counts_like($expected{after});
		my $waited = time() - $began;
		$got{asked} = "@asked";
		$got{waited} = $waited >= $delay ? 'long enough' : $waited;
		@expected{qw(asked waited)} = ($delay, 'long enough');
		$cases->outcome("$name, time $time: back after $delay s", \%got, \%expected, qw(before during rollback after));
	}
	$session->quit;
	return;
}
delays('ROLLBACK of an INSERT', $insert, 0, 1, 2, 4);
delays('ROLLBACK of a look', 'SELECT * FROM q', 0, 0, 0);
$proxy->stop;

$cases->finish;
done_testing();
