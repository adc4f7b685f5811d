# An error anywhere in the transaction, up to the commit itself, releases what it had received.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('error');

sub check_failure
{
	my ($prepare, $sql, $sqlstate, $name) = @_;
	my $queue = new_queue('error', VisibilityTimeout => 600);
	create_login_tables($node, $queue);
	$node->safe_psql('postgres', $prepare) if $prepare;
	$queue->send(logins(20));
	check_error($node, $sql, $sqlstate, qr/./, $name);
	return check_counts($node, $queue, { visible => 20, in_flight => 0, rows => 0 },
		"$name: released");
}

check_failure('', "BEGIN; $TAKE; SELECT 1/0; COMMIT", '22012', 'an error after the statement');

check_failure('CREATE UNIQUE INDEX ON user_logins ((1))',
	$TAKE, '23505', 'a row that the target refuses');

check_failure('ALTER TABLE user_logins ADD UNIQUE (device_type) DEFERRABLE INITIALLY DEFERRED',
	$TAKE, '23505', 'a deferred constraint, judged at the commit');

check_failure(
	'', 'INSERT INTO user_logins (app_version) SELECT locale::int FROM login_queue WHERE locale IS NOT NULL',
	'22P02', "an error of the statement's own cast");

check_failure(
	"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
	 \$\$ BEGIN RAISE EXCEPTION 'refused'; END \$\$;
	 CREATE TRIGGER refuse AFTER INSERT ON user_logins EXECUTE FUNCTION refuse()",
	$TAKE, 'P0001', 'a trigger that fails');

check_failure(
	'',
	"BEGIN; $TAKE; PREPARE TRANSACTION 'two phases'",
	'0A000', 'PREPARE TRANSACTION, which is refused');

# The session goes on as if nothing had been.
my $queue = new_queue('error', VisibilityTimeout => 600);
create_login_tables($node, $queue);
$queue->send(logins(20));
my $result = run_sql($node, "BEGIN; $TAKE; SELECT 1/0; ROLLBACK; BEGIN; $TAKE; COMMIT");
check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 20 },
	'the next transaction of the session takes them');

done_testing();
