# A cursor goes on after the savepoint in which it fetched is gone; what was fetched there is released.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('cursors');
my ($queue, $result);

# A fresh queue of that many messages, whose users are "user 1" and so on, and empty tables.
sub refill
{
	my ($count, %options) = @_;
	$queue = new_queue('cursors', VisibilityTimeout => 600);
	create_login_tables($node, $queue, wait_time_seconds => 0, %options);
	$queue->send(map { qq({"user_id": "user $_"}) } 1 .. $count);
	return;
}

sub check_left
{
	my ($visible, $rows, $name) = @_;
	return wait_for_counts($node, $queue, { visible => $visible, in_flight => 0, rows => $rows }, $name);
}

# Runs a script that writes marks with \echo, and returns the users that came out after each mark.
sub fetched
{
	my ($sql) = @_;
	$result = run_sql($node, $sql);
	ok($result->{ok}, 'the script runs') or diag($result->{err});
	my ($mark, %users) = ('');
	foreach my $line (split /\n/, $result->{out})
	{
		if ($line =~ /^mark (\w+)/) { $mark = $1; $users{$mark} = []; }
		else                        { push @{ $users{$mark} }, $line; }
	}
	return \%users;
}

sub in_queue { return sort map { $_->{user_id} } bodies_of($queue->bodies); }

sub distinct { my %seen = map { $_ => 1 } @_; return scalar keys %seen; }

# --- a cursor and savepoints

my $declare = 'BEGIN; DECLARE c CURSOR FOR SELECT user_id FROM login_queue;';

refill(40);
my $users = fetched(<<"END");
$declare
\\echo mark before
FETCH 3 FROM c;
SAVEPOINT s;
\\echo mark inside
FETCH 15 FROM c;
ROLLBACK TO s;
\\echo mark after
FETCH ALL FROM c;
COMMIT;
END
is(scalar @{ $users->{before} }, 3,  'FETCH before the savepoint');
is(scalar @{ $users->{inside} }, 15, 'FETCH inside it');
cmp_ok(scalar @{ $users->{after} }, '>=', 20, 'FETCH goes on after ROLLBACK TO');
my @kept = (@{ $users->{before} }, @{ $users->{after} });
is(distinct(@kept), scalar @kept, 'and returns no message again that was fetched before');
check_left(40, 0, 'the look leaves all');

# What the cursor had received, but not returned, when the savepoint began is still to come.
refill(10);
$users = fetched(<<"END");
$declare
\\echo mark before
FETCH 4 FROM c;
SAVEPOINT s;
\\echo mark inside
FETCH 2 FROM c;
ROLLBACK TO s;
\\echo mark after
FETCH ALL FROM c;
COMMIT;
END
is(distinct(map { @{ $users->{$_} } } qw(before inside after)), 10,
	'a rolled back FETCH does not lose the rest of the reply');
check_left(10, 0, 'which is visible again after the look');

refill(40);
$users = fetched(<<"END");
$declare
SAVEPOINT s;
\\echo mark inside
FETCH 25 FROM c;
RELEASE s;
\\echo mark after
FETCH ALL FROM c;
COMMIT;
END
is(distinct(@{ $users->{inside} }, @{ $users->{after} }), 40, 'RELEASE changes nothing for a cursor');
check_left(40, 0, 'which is a look');

refill(30);
$result = run_sql($node, <<"END");
BEGIN;
SAVEPOINT s;
DECLARE c CURSOR FOR SELECT user_id FROM login_queue;
FETCH 5 FROM c;
ROLLBACK TO s;
FETCH 1 FROM c;
ROLLBACK;
END
like($result->{err}, qr/34000:.*"c" does not exist/, 'a cursor that the savepoint declared is gone with it');
check_left(30, 0, 'and its messages are visible');

refill(30);
$result = run_sql($node, "$declare SAVEPOINT s; FETCH 5 FROM c; SELECT 1/0; ROLLBACK TO s; FETCH 5 FROM c; COMMIT");
like($result->{err}, qr/22012/, 'an error inside the savepoint');
unlike($result->{err}, qr/ERROR:(?!\s+22012)/, 'is the only one');
check_left(30, 0, 'and nothing stays in flight');

refill(30);
run_sql($node, "$declare FETCH 5 FROM c; CLOSE c; SELECT count(*) FROM login_queue; COMMIT");
check_left(30, 0, 'a closed cursor and another look');

# --- a cursor that takes: what it returned outside the savepoint, and only that

refill(40, consume => 'always');
$users = fetched(<<"END");
$declare
\\echo mark before
FETCH 13 FROM c;
SAVEPOINT s;
\\echo mark inside
FETCH 12 FROM c;
ROLLBACK TO s;
\\echo mark after
FETCH 2 FROM c;
COMMIT;
END
@kept = (@{ $users->{before} }, @{ $users->{after} });
is(distinct(@kept), 15, 'a cursor that takes goes on, too');
check_left(25, 0, 'what it returned outside the savepoint is taken, and no more');
is(distinct(@kept, in_queue()), 40, 'and nothing is both taken and left');

refill(20, consume => 'always');
run_sql($node, "$declare FETCH 7 FROM c; COMMIT");
check_left(13, 0, 'a cursor takes what was fetched from it');
refill(20, consume => 'always');
run_sql($node, "$declare FETCH 7 FROM c; ROLLBACK");
check_left(20, 0, 'unless the transaction is rolled back');

# What sorts, joins or keeps rows above the queue would return rows whose messages are back in it.
my %keeping = (
	'a sort'         => [ '', 'SELECT user_id FROM login_queue ORDER BY user_id' ],
	'a join'         => [ '', 'SELECT user_id FROM login_queue, generate_series(1, 2)' ],
	'a CTE'          => [ '', 'WITH q AS MATERIALIZED (SELECT user_id FROM login_queue) SELECT * FROM q' ],
	'a tuplestore'   => [ 'SCROLL', 'SELECT user_id FROM login_queue' ],
);
foreach my $name (sort keys %keeping)
{
	my ($scroll, $query) = @{ $keeping{$name} };
	my $open = "BEGIN; DECLARE c $scroll CURSOR FOR $query;";
	refill(20, consume => 'always');
	$result = run_sql($node, "$open SAVEPOINT s; FETCH 2 FROM c; ROLLBACK TO s; FETCH 2 FROM c; COMMIT");
	like($result->{err}, qr/ERROR:  24000:.*DETAIL:.*HINT:/s,
		"a cursor that takes, with $name, does not go on after its savepoint was rolled back");
	is($result->{out} =~ tr/\n//, 1, 'nor return a row');
	check_left(20, 0, 'and takes nothing');
	refill(20, consume => 'always');
	$result = run_sql($node, "$open SAVEPOINT s; FETCH 2 FROM c; RELEASE s; SAVEPOINT s; ROLLBACK TO s;
		FETCH 2 FROM c; FETCH ALL FROM c; COMMIT");
	ok($result->{ok}, 'but after a savepoint that was released') or diag($result->{err});
	check_left(0, 0, 'it takes all');
	refill(20);
	$result = run_sql($node, "$open SAVEPOINT s; FETCH 2 FROM c; ROLLBACK TO s; FETCH 2 FROM c; COMMIT");
	ok($result->{ok}, 'and where it only looks, it goes on') or diag($result->{err});
}

refill(10, consume => 'always');
$result = run_sql($node, <<'END');
DO $$ DECLARE c CURSOR FOR SELECT user_id FROM login_queue ORDER BY user_id; r record; BEGIN
	OPEN c;
	LOOP
		BEGIN
			FETCH c INTO r;
			EXIT WHEN NOT FOUND;
			IF r.user_id = 'user 1' THEN RAISE EXCEPTION 'first'; END IF;
			INSERT INTO user_logins (user_id) VALUES (r.user_id);
		EXCEPTION WHEN raise_exception THEN NULL; END;
	END LOOP;
END $$
END
like($result->{err}, qr/ERROR:  24000/, 'nor does a loop with FETCH in its exception block');
check_left(10, 0, 'whose messages are all in the queue, and only there');

# --- scrolling: a replay

refill(12);
$users = fetched(<<"END");
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT user_id FROM login_queue;
\\echo mark first
FETCH ALL FROM c;
\\echo mark backward
FETCH BACKWARD ALL FROM c;
\\echo mark again
FETCH ALL FROM c;
COMMIT;
END
is(distinct(@{ $users->{first} }), 12, 'a SCROLL cursor');
is_deeply([ reverse @{ $users->{backward} } ], $users->{first}, 'goes backward');
is_deeply($users->{again}, $users->{first}, 'and forward again over the same rows');
check_left(12, 0, 'a scrolled look leaves all');
is_deeply([ values %{ $queue->receive_counts } ], [ (1) x 12 ], 'and received each once');

# --- WITH HOLD

my $hold = 'BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT user_id FROM login_queue;';
refill(15);
$users = fetched("$hold FETCH 2 FROM c;\nCOMMIT;\n\\echo mark after\nFETCH ALL FROM c; CLOSE c");
is(scalar @{ $users->{after} }, 13, 'a cursor WITH HOLD has the rest of the rows after the commit');
check_left(15, 0, 'a look');
refill(15);
my $session = session($node);
$session->query_safe("$hold COMMIT");
check_left(15, 0, 'its messages are visible while it is still open');
is($session->query_safe('MOVE ALL FROM c; CLOSE c'), '', 'and it is read without the queue');
$session->quit;
refill(15, consume => 'always');
fetched("$hold FETCH 2 FROM c; COMMIT; CLOSE c");
check_left(0, 0, 'WITH HOLD takes what it holds where SELECT takes');
refill(15, consume => 'always');
run_sql($node, "$hold FETCH 2 FROM c; ROLLBACK");
check_left(15, 0, 'unless it is rolled back');

# --- PL/pgSQL

# A loop over a look: its rows go on, whatever the blocks inside it roll back.
sub runs_loop
{
	my ($name, $query, $body, $expected) = @_;
	my $script = "DO \$\$ DECLARE r record; n int := 0; BEGIN
		FOR r IN $query LOOP n := n + 1; $body END LOOP; END \$\$";
	$result = run_sql($node, $script);
	ok($result->{ok}, "$name runs") or diag($result->{err});
	return check_left(@$expected, $name);
}

my $every_third = "BEGIN
		INSERT INTO user_logins (user_id) VALUES (r.user_id);
		IF n % 3 = 0 THEN RAISE EXCEPTION 'third'; END IF;
	EXCEPTION WHEN raise_exception THEN NULL; END;";
refill(60);
runs_loop('a loop over a SELECT with exception blocks', 'SELECT user_id FROM login_queue',
	$every_third, [ 60, 40 ]);
is($node->safe_psql('postgres', 'SELECT count(DISTINCT user_id) FROM user_logins'),
	40, 'each row came once');
refill(60, consume => 'always');
runs_loop('a loop that takes, outside its exception blocks', 'SELECT user_id FROM login_queue',
	$every_third, [ 0, 40 ]);
refill(60);
runs_loop('a loop that is left early', 'SELECT user_id FROM login_queue', 'EXIT WHEN n = 5;', [ 60, 0 ]);
refill(60, consume => 'always');
$result = run_sql($node, <<'END');
DO $$ DECLARE r record; n int := 0; BEGIN
	FOR r IN SELECT user_id FROM login_queue LOOP
		n := n + 1;
		IF n = 25 THEN RAISE EXCEPTION 'enough'; END IF;
	END LOOP;
EXCEPTION WHEN raise_exception THEN NULL;
END $$
END
check_left(60, 0, 'a loop that takes is released when the block around it fails');

# A COMMIT would delete the messages of rows that are still to come, and a ROLLBACK return rows whose
# messages come again.
foreach my $command ('COMMIT', 'ROLLBACK')
{
	foreach my $query ('SELECT user_id FROM login_queue', 'SELECT user_id FROM login_queue ORDER BY user_id')
	{
		refill(30, consume => 'always');
		my $loop = "DO \$\$ DECLARE r record; BEGIN FOR r IN $query LOOP
			INSERT INTO user_logins (user_id) VALUES (r.user_id); $command; END LOOP; END \$\$";
		$result = run_sql($node, $loop);
		like($result->{err}, qr/ERROR:  2D000:.*DETAIL:.*HINT:/s, "$command in a loop that takes is refused: $query");
		check_left(30, 0, 'and nothing is taken');
	}
}
refill(30);
runs_loop('a loop that looks and commits', 'SELECT user_id FROM login_queue', 'COMMIT;', [ 30, 0 ]);

# A look in each block: the cursor of one statement is open while others come and go.
refill(30);
runs_loop('a loop with a look in each block', 'SELECT generate_series(1, 6)', <<'END', [ 30, 0 ]);
BEGIN
	PERFORM count(*) FROM login_queue;
	IF n % 2 = 0 THEN RAISE EXCEPTION 'even'; END IF;
EXCEPTION WHEN raise_exception THEN NULL; END;
END

# --- nested blocks

my $take = 'INSERT INTO user_logins (user_id) SELECT user_id FROM login_queue';
refill(20);
$result = run_sql($node, <<"END");
DO \$\$ BEGIN
	$take LIMIT 2;
	BEGIN
		$take LIMIT 3;
		BEGIN
			$take LIMIT 4;
			RAISE EXCEPTION 'inner';
		EXCEPTION WHEN raise_exception THEN
			$take LIMIT 5;
		END;
	EXCEPTION WHEN raise_exception THEN NULL;
	END;
END \$\$
END
ok($result->{ok}, 'nested blocks') or diag($result->{err});
check_left(10, 10, 'what the handler took is taken, what the block took is released');

refill(20);
run_sql($node, <<"END");
DO \$\$ BEGIN
	$take LIMIT 2;
	BEGIN
		$take LIMIT 3;
		BEGIN $take LIMIT 4; EXCEPTION WHEN raise_exception THEN NULL; END;
		RAISE EXCEPTION 'outer';
	EXCEPTION WHEN raise_exception THEN NULL;
	END;
	$take LIMIT 1;
END \$\$
END
check_left(17, 3, 'a block that succeeded goes with the one around it');

# --- many subtransactions

# Every third of 500 is rolled back: 334 remain.
my ($blocks, $committed) = (500, 334);
sub many_blocks
{
	my ($body, $name) = @_;
	refill($blocks);
	$result = run_sql($node, "DO \$\$ BEGIN FOR i IN 1 .. $blocks LOOP $body END LOOP; END \$\$");
	ok($result->{ok}, $name) or diag($result->{err});
	check_left($blocks - $committed, $committed, 'exact counts of what is taken and what is back');
	my @taken = split /\n/, $node->safe_psql('postgres', 'SELECT user_id FROM user_logins');
	return is(distinct(@taken, in_queue()), $blocks, 'and each message is in one place');
}

my $block = "BEGIN
		$take LIMIT 1;
		IF i % 3 = 0 THEN RAISE EXCEPTION 'third'; END IF;
	EXCEPTION WHEN raise_exception THEN NULL; END;";
many_blocks($block, 'five hundred blocks that take, every third rolled back');
many_blocks("BEGIN $block EXCEPTION WHEN division_by_zero THEN NULL; END;", 'the same in nested blocks');

refill(30);
run_sql($node, 'BEGIN;' . join('', map { "SAVEPOINT s$_; $take LIMIT 1;" } 1 .. 25) . 'ROLLBACK TO s11; COMMIT');
check_left(20, 10, 'savepoints inside one another, rolled back in the middle');

refill(50);
run_sql($node, 'BEGIN;' . join('', map { "SAVEPOINT s; $take LIMIT 1; ROLLBACK TO s;" } 1 .. 5) . "$take; COMMIT");
my $rows = $node->safe_psql('postgres', 'SELECT count(*) FROM user_logins');
cmp_ok($rows, '>=', 45, 'after five savepoints rolled back, the rest is taken');
check_left(50 - $rows, $rows, 'and every message is somewhere');

$node->stop;
done_testing();
