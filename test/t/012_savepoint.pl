# A savepoint decides for the messages taken inside it, and for no others.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('savepoint');

sub check_transaction
{
	my ($sql, $expected, $name) = @_;
	my $queue = new_queue('savepoint', VisibilityTimeout => 600);
	create_login_tables($node, $queue, wait_time_seconds => 0);
	$queue->send(logins(20));
	run_sql($node, $sql);
	return check_counts($node, $queue, { in_flight => 0, %$expected }, $name);
}

check_transaction("BEGIN; SAVEPOINT s; $TAKE; ROLLBACK TO s; COMMIT",
	{ visible => 20, rows => 0 }, 'rolled back to the savepoint: released');
check_transaction("BEGIN; SAVEPOINT s; $TAKE; RELEASE s; COMMIT",
	{ visible => 0, rows => 20 }, 'savepoint released: taken');
check_transaction("BEGIN; SAVEPOINT s; $TAKE; RELEASE s; ROLLBACK",
	{ visible => 20, rows => 0 }, 'savepoint released, then rollback: released');
check_transaction("BEGIN; $TAKE LIMIT 5; SAVEPOINT s; $TAKE; ROLLBACK TO s; COMMIT",
	{ visible => 15, rows => 5 }, 'what was taken before the savepoint stays taken');
check_transaction("BEGIN; SAVEPOINT s; $TAKE; ROLLBACK TO s; $TAKE LIMIT 8; COMMIT",
	{ visible => 12, rows => 8 }, 'what was released can be taken again in the same transaction');
check_transaction(
	"BEGIN; SAVEPOINT a; $TAKE LIMIT 5; SAVEPOINT b; $TAKE; RELEASE b; ROLLBACK TO a; COMMIT",
	{ visible => 20, rows => 0 }, 'a released savepoint belongs to the one around it');
check_transaction(
	"DO \$\$ BEGIN
	    BEGIN $TAKE; RAISE EXCEPTION 'no'; EXCEPTION WHEN raise_exception THEN NULL; END;
	 END \$\$",
	{ visible => 20, rows => 0 }, 'an exception that PL/pgSQL catches releases');
check_transaction("BEGIN; SAVEPOINT s; SELECT count(*) FROM login_queue; ROLLBACK TO s; COMMIT",
	{ visible => 20, rows => 0 }, 'a look inside a savepoint leaves nothing in flight');

# A cursor reads on after the savepoint in which it fetched is gone.
my $queue = new_queue('savepoint', VisibilityTimeout => 600);
create_login_tables($node, $queue, wait_time_seconds => 0);
$queue->send(logins(20));
my $result = run_sql($node, <<'END');
BEGIN;
DECLARE c CURSOR FOR SELECT user_id FROM login_queue;
FETCH 3 FROM c;
SAVEPOINT s;
FETCH 3 FROM c;
ROLLBACK TO s;
FETCH ALL FROM c;
COMMIT;
END
ok($result->{ok}, 'a cursor survives a rolled back savepoint') or diag($result->{err});
wait_for_counts($node, $queue, { visible => 20, in_flight => 0, rows => 0 },
	'and what it looked at is visible again');

done_testing();
