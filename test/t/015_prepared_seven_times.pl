# A prepared statement works every time, under the custom plans of its first five runs and the generic one after.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

use constant {
	RUNS           => 7,
	LOGINS_PER_RUN => 4,
};

my $node = start_node('prepared');

# Prepares a statement, and after each run compares the counts with those that `expect` computes.
sub check_runs
{
	my ($name, $prepare, $execute, $expect) = @_;
	my $queue = new_queue('prepared', VisibilityTimeout => 600);
	create_login_tables($node, $queue, wait_time_seconds => 0);
	my $session = session($node);
	$session->query_safe($prepare);
	for my $run (1 .. RUNS)
	{
		$queue->send(logins(LOGINS_PER_RUN));
		$session->query_safe($execute);
		check_counts($node, $queue, { in_flight => 0, %{ $expect->($run) } }, "$name, run $run");
	}
	$session->quit;
	return;
}

check_runs(
	'INSERT', "PREPARE p AS $TAKE", 'EXECUTE p',
	sub { return { visible => 0, rows => $_[0] * LOGINS_PER_RUN } });

my $android = grep { $_->{device_type} eq 'android' } bodies_of(logins(LOGINS_PER_RUN));
check_runs(
	'INSERT with a parameter',
	"PREPARE p (text) AS $TAKE WHERE device_type = \$1",
	"EXECUTE p ('android')",
	sub {
		my ($run) = @_;
		return { visible => $run * (LOGINS_PER_RUN - $android), rows => $run * $android };
	});

check_runs(
	'SELECT', 'PREPARE p AS SELECT count(*) FROM login_queue', 'EXECUTE p',
	sub { return { visible => $_[0] * LOGINS_PER_RUN, rows => 0 } });

check_runs(
	'rolled back', "PREPARE p AS $TAKE", 'BEGIN; EXECUTE p; ROLLBACK; EXECUTE p',
	sub { return { visible => 0, rows => $_[0] * LOGINS_PER_RUN } });

check_runs(
	'in PL/pgSQL', "CREATE FUNCTION take_all() RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN $TAKE; END \$\$",
	'SELECT take_all()',
	sub { return { visible => 0, rows => $_[0] * LOGINS_PER_RUN } });

done_testing();
