# DELETE FROM a queue takes the rows that it deletes, and no others; RETURNING returns them.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('deletes');
my $queue;

# A fresh queue with that many logins, and empty tables.
sub refill
{
	my ($count, %options) = @_;
	$queue = new_queue('deletes', VisibilityTimeout => 600);
	create_login_tables($node, $queue, wait_time_seconds => 0, %options);
	$queue->send(logins($count)) if $count;
	return;
}

sub check_left
{
	my ($visible, $name) = @_;
	return wait_for_counts($node, $queue, { visible => $visible, in_flight => 0, rows => 0 }, $name);
}

refill(25);
my $result = run_sql($node, 'DELETE FROM login_queue');
ok($result->{ok}, 'DELETE runs') or diag($result->{err});
check_left(0, 'and takes every message');

refill(25);
my $devices = grep { $_->{device_type} eq 'android' } bodies_of(logins(25));
is( $node->safe_psql('postgres',
		"WITH d AS (DELETE FROM login_queue WHERE device_type = 'android' RETURNING *) SELECT count(*) FROM d"),
	$devices,
	'DELETE WHERE returns the rows that it deletes');
check_left(25 - $devices, 'and leaves the others');

refill(5);
my @expected = sort map { "$_->{user_id}|$_->{ip}" } bodies_of(logins(5));
my @returned = sort split /\n/,
  $node->safe_psql('postgres', 'DELETE FROM login_queue RETURNING user_id, ip');
is_deeply(\@returned, \@expected, 'RETURNING returns the columns of the message');
check_left(0, 'and they are gone');

refill(10);
run_sql($node, 'BEGIN; DELETE FROM login_queue; ROLLBACK');
check_left(10, 'a rollback releases what was deleted');

# A join that hashes the queue reads it to its end before the first row is deleted.
refill(30);
my @wanted = map { $_->{user_id} } (bodies_of(logins(30)))[ 3, 17, 29 ];
$node->safe_psql('postgres',
	'CREATE TABLE wanted AS SELECT unnest(ARRAY[' . join(',', map { "'$_'" } @wanted) . ']) AS user_id');
foreach my $join (qw(hashjoin mergejoin nestloop))
{
	my @off = map { "SET enable_$_ = off;" } grep { $_ ne $join } qw(hashjoin mergejoin nestloop);
	my @rows = sort split /\n/, $node->safe_psql('postgres',
		"@off BEGIN; DELETE FROM login_queue q USING wanted w WHERE q.user_id = w.user_id RETURNING q.user_id; ROLLBACK");
	is_deeply(\@rows, [ sort @wanted ], "DELETE USING by $join deletes what joins");
	check_left(30, "and by $join is rolled back");
}
$node->safe_psql('postgres', 'DELETE FROM login_queue q USING wanted w WHERE q.user_id = w.user_id');
check_left(27, 'DELETE USING takes what joins, and releases the rest');

# A message that joins twice is deleted once.
$node->safe_psql('postgres', 'INSERT INTO wanted SELECT user_id FROM wanted');
refill(30);
is( $node->safe_psql('postgres',
		'WITH d AS (DELETE FROM login_queue q USING wanted w WHERE q.user_id = w.user_id RETURNING 1) SELECT count(*) FROM d'),
	3, 'a message that joins twice is deleted once');
check_left(27, 'and the others are released');

# The loop that the documentation recommends, with an error for one message.
refill(10);
$node->safe_psql('postgres', <<'END');
CREATE FUNCTION move() RETURNS int LANGUAGE plpgsql AS $$
DECLARE r record; moved int := 0;
BEGIN
	FOR r IN DELETE FROM login_queue RETURNING * LOOP
		INSERT INTO user_logins (user_id) VALUES (r.user_id);
		moved := moved + 1;
	END LOOP;
	RETURN moved;
END $$
END
is($node->safe_psql('postgres', 'SELECT move()'), 10, 'FOR r IN DELETE ... RETURNING moves messages');
wait_for_counts($node, $queue, { visible => 0, in_flight => 0, rows => 10 }, 'each once');

refill(3);
for my $execution (1 .. 7)
{
	$queue->send(logins(3)) if $execution > 1;
}
my $script = 'PREPARE d AS DELETE FROM login_queue WHERE user_id <> $1 RETURNING user_id; '
  . join(' ', map { "EXECUTE d ('nobody');" } 1 .. 7);
is(scalar(split /\n/, $node->safe_psql('postgres', $script)), 21, 'a prepared DELETE, seven times');
check_left(0, 'took everything');

refill(2, consume => 'never');
check_error($node, 'DELETE FROM login_queue', '0A000', qr/never taken.*HINT:/s,
	"consume 'never' refuses DELETE");
refill(2);
check_error($node, 'BEGIN READ ONLY; DELETE FROM login_queue', '25006', qr/read-only/,
	'a read-only transaction refuses DELETE');
check_error($node, "UPDATE login_queue SET locale = 'X'", '0A000', qr/cannot update/,
	'there is no UPDATE of a message');
check_left(2, 'refused statements receive nothing');

$node->stop;
done_testing();
