# A statement that only reads looks: messages are held while its transaction lasts, and visible after it.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Cases;
use SqsFdw::Test;

my $node  = start_node('looks', conf => 'jit = off');
my $cases = SqsFdw::Cases->new($node);
$cases->row('plain SELECT, cursors, COPY (SELECT …) TO, materialized views: a look');

sub looks { return $cases->looks(@_); }

my @names = map { "name $_" } 1 .. 10;

# --- SELECT

looks('SELECT', 'SELECT id FROM q', out => [ 1 .. 10 ]);
looks('SELECT of an empty queue', 'SELECT id FROM q', messages => 0, out => []);
looks('TABLE', 'TABLE q', out => [ map { "$_|name $_" } 1 .. 10 ]);
looks('an aggregate', 'SELECT count(*) FROM q', out => [10]);
looks('GROUP BY', 'SELECT id % 2, count(*) FROM q GROUP BY 1', out => [ '0|5', '1|5' ]);
looks('SELECT without columns', 'SELECT FROM q', out => []);
looks('SELECT … WHERE', 'SELECT id FROM q WHERE id < 4', out => [ 1 .. 3 ]);
looks('SELECT … LIMIT', 'SELECT 1 FROM q LIMIT 3', held => 3, received => 3, out => [ 1, 1, 1 ]);
looks('SELECT DISTINCT … ORDER BY … LIMIT', 'SELECT DISTINCT id FROM q ORDER BY id LIMIT 3', out => [ 1 .. 3 ]);
looks('EXISTS', 'SELECT EXISTS (SELECT FROM q)', out => ['t']);
looks('a CTE that is read twice', 'WITH c AS (SELECT id FROM q) SELECT id FROM c UNION SELECT id FROM c',
	out => [ 1 .. 10 ]);
looks('a CTE that nothing reads', 'WITH c AS MATERIALIZED (SELECT * FROM q) SELECT 1', held => 0, received => 0);
looks('a second SELECT finds none while the first holds them', 'SELECT count(*) FROM q; SELECT count(*) FROM q',
	out => [ 10, 0 ]);
looks('SELECT in a transaction that is rolled back', 'BEGIN; SELECT count(*) FROM q; ROLLBACK', commits => 1);
looks('SELECT of the next transaction sees them again', 'SELECT count(*) FROM q; SELECT count(*) FROM q',
	commits => 1, received => { 2 => 10 }, out => [ 10, 10 ]);
looks('SELECT in a READ ONLY transaction', 'SET TRANSACTION READ ONLY; SELECT count(*) FROM q', out => [10]);
looks('SELECT in a SERIALIZABLE READ ONLY DEFERRABLE transaction',
	'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE; SELECT count(*) FROM q', out => [10]);
looks('EXPLAIN ANALYZE of a SELECT', 'EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM q');
looks('SELECT through a view', 'SELECT count(*) FROM v', out => [10], before => 'CREATE VIEW v AS SELECT * FROM q');
looks('SELECT in a SQL function', 'SELECT f()', out => [10],
	before => 'CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM q $$');
looks('SELECT in a PL/pgSQL function', 'SELECT f()', out => [10], before => <<'END');
CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS
$$ DECLARE n bigint; BEGIN SELECT count(*) INTO n FROM q; RETURN n; END $$
END
looks('a loop over a SELECT', 'DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM q LOOP NULL; END LOOP; END $$');
looks('a loop that is left early',
	'DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM q LOOP EXIT; END LOOP; END $$');
looks('PREPARE, executed seven times: the first finds them',
	'PREPARE s AS SELECT count(*) FROM q;' . ('EXECUTE s;' x 7), out => [ 10, (0) x 6 ]);
looks('the same in transactions of their own', 'PREPARE s AS SELECT count(*) FROM q;' . ('EXECUTE s;' x 7),
	commits => 1, received => { 7 => 10 }, out => [ (10) x 7 ]);

# --- cursors

sub cursor
{
	my ($name, $fetches, %case) = @_;
	my $kind = delete $case{kind} // 'CURSOR';
	return looks("a cursor, $name", "DECLARE c $kind FOR SELECT id FROM q; $fetches", %case);
}
cursor('never fetched from', '', held => 0, received => 0);
cursor('fetched to its end', 'FETCH ALL FROM c', out => [ 1 .. 10 ]);
cursor('fetched one by one', 'FETCH c;' x 11, out => [ 1 .. 10 ]);
cursor('fetched in part', 'MOVE 3 FROM c');
cursor('closed early', 'MOVE 3 FROM c; CLOSE c');
cursor('closed, and a SELECT after it', 'MOVE 3 FROM c; CLOSE c; SELECT count(*) FROM q', out => [0]);
cursor('backward, which needs SCROLL', 'MOVE 3 FROM c; FETCH PRIOR FROM c', held => 0, says => qr/ERROR:\s+55000:.*SCROLL/s);
cursor('rewound, which needs SCROLL', 'MOVE 3 FROM c; FETCH FIRST FROM c', held => 0, says => qr/ERROR:\s+55000:.*SCROLL/s);
cursor('SCROLL, back and forth', 'MOVE ALL FROM c; FETCH BACKWARD ALL FROM c; FETCH ALL FROM c',
	kind => 'SCROLL CURSOR', out => [ (1 .. 10) x 2 ]);
cursor('SCROLL, to a place', 'MOVE 3 FROM c; MOVE ABSOLUTE 0 FROM c; FETCH ALL FROM c',
	kind => 'SCROLL CURSOR', out => [ 1 .. 10 ]);
# It goes on, and may receive again what the savepoint's end released.
my %again = (held => 'any', received => [ 1, 2 ]);
cursor('in a rolled back savepoint', 'SAVEPOINT s; MOVE 3 FROM c; ROLLBACK TO s; MOVE ALL FROM c', %again);
cursor('before and in a rolled back savepoint', 'MOVE 3 FROM c; SAVEPOINT s; MOVE 4 FROM c; ROLLBACK TO s; MOVE ALL FROM c',
	%again);
cursor('in a released savepoint', 'SAVEPOINT s; MOVE 3 FROM c; RELEASE s; MOVE ALL FROM c');
cursor('declared in a rolled back savepoint', 'CLOSE c; SAVEPOINT s; DECLARE d CURSOR FOR SELECT * FROM q; MOVE 3 FROM d; ROLLBACK TO s',
	held => 0);
cursor('WITH HOLD', 'MOVE 2 FROM c', kind => 'CURSOR WITH HOLD');
sub held_cursor
{
	my ($name, $kind, $fetches, %case) = @_;
	return looks("a cursor, $name", "BEGIN; DECLARE c $kind CURSOR WITH HOLD FOR SELECT id FROM q; MOVE 2 FROM c; $fetches",
		commits => 1, %case);
}
held_cursor('WITH HOLD: the rest after the commit', '', 'COMMIT; CREATE TEMPORARY TABLE p AS SELECT 1; FETCH ALL FROM c');
held_cursor('SCROLL WITH HOLD, rewound after the commit', 'SCROLL', 'COMMIT; MOVE ABSOLUTE 0 FROM c; FETCH ALL FROM c',
	out => [ 1 .. 10 ]);
held_cursor('WITH HOLD, rolled back', '', 'ROLLBACK');
looks('two cursors share the messages',
	'DECLARE a CURSOR FOR SELECT id FROM q; DECLARE b CURSOR FOR SELECT id FROM q; FETCH 1 FROM a; FETCH ALL FROM b; FETCH ALL FROM a',
	out => [ 1 .. 10 ]);
looks('a cursor variable of PL/pgSQL', <<'END');
DO $$ DECLARE c refcursor; r record; BEGIN
	OPEN c FOR SELECT * FROM q; FETCH c INTO r; MOVE FORWARD ALL FROM c; CLOSE c; END $$
END

# --- COPY

looks('COPY (SELECT) TO', 'COPY (SELECT name FROM q) TO STDOUT', out => \@names);
looks('COPY (SELECT) TO a file', "COPY (SELECT * FROM q) TO '/dev/null'");
looks('COPY (SELECT) TO PROGRAM', "COPY (SELECT * FROM q) TO PROGRAM 'cat > /dev/null'");
$cases->refuses('COPY q TO', 'COPY q TO STDOUT', '42809');

# --- materialized views

# `before` runs before there are messages.
my $view = 'CREATE MATERIALIZED VIEW m AS SELECT * FROM q';
looks('CREATE MATERIALIZED VIEW', $view, also => [ 'SELECT count(*) FROM m', 10 ]);
looks('CREATE MATERIALIZED VIEW WITH NO DATA', "$view WITH NO DATA", held => 0, received => 0);
looks('REFRESH MATERIALIZED VIEW', 'REFRESH MATERIALIZED VIEW m', before => "$view WITH NO DATA",
	also => [ 'SELECT count(*) FROM m', 10 ]);
looks('REFRESH MATERIALIZED VIEW WITH NO DATA', 'REFRESH MATERIALIZED VIEW m WITH NO DATA',
	before => "$view WITH NO DATA", held => 0, received => 0);
looks('REFRESH MATERIALIZED VIEW CONCURRENTLY', 'REFRESH MATERIALIZED VIEW CONCURRENTLY m',
	before => "$view; CREATE UNIQUE INDEX ON m (id)", also => [ 'SELECT count(*) FROM m', 10 ]);
looks('SELECT from a materialized view', 'SELECT count(*) FROM m', before => $view, held => 0, received => 0, out => [0]);

# --- limits

$cases->row('look_limit ends a look; a NOTICE says so');
my %four = (options => { look_limit => 4 }, received => 4, says => qr/NOTICE:.*ended after 4 messages.*HINT:.*look_limit/s);
looks('SELECT', 'SELECT count(*) FROM q', %four, held => 4, out => [4]);
looks('COPY (SELECT) TO', 'COPY (SELECT count(*) FROM q) TO STDOUT', %four, held => 4, out => [4]);
looks('a cursor', 'DECLARE c CURSOR FOR SELECT * FROM q; MOVE ALL FROM c', %four, held => 4);
looks('a materialized view', $view, %four, held => 4, also => [ 'SELECT count(*) FROM m', 4 ]);
looks('a LIMIT below it', 'SELECT count(*) FROM (SELECT FROM q LIMIT 2) s', %four,
	says => undef, held => 2, received => 2, out => [2]);
looks('a default of 100', 'SELECT count(*) FROM q', messages => 101, held => 100, received => 100,
	says => qr/NOTICE:.*ended after 100 messages/, out => [100]);
looks('max_messages does not bind', 'SELECT count(*) FROM q', options => { max_messages => 1 }, out => [10]);

# --- a look and a write

$cases->row('a transaction that looked and also wrote: a WARNING before commit');
my %warned = (says => qr/WARNING:\s+01000: the transaction looked at messages.*still in the queue.*HINT:.*DELETE.*consume/s);
my $write  = 'INSERT INTO t VALUES (0)';
looks('FOR r IN SELECT … LOOP INSERT', <<'END', %warned, rows => 10);
DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM q LOOP INSERT INTO t VALUES (r.id); END LOOP; END $$
END
looks('SELECT, then INSERT', "SELECT count(*) FROM q; $write", %warned, rows => 1);
looks('INSERT, then SELECT', "$write; SELECT count(*) FROM q", %warned, rows => 1);
looks('SELECT of a function that writes', 'SELECT f(id) FROM q', %warned, rows => 10, out => [ 1 .. 10 ],
	before => 'CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS $$ INSERT INTO t VALUES ($1) RETURNING id $$');
looks('FOR r IN SELECT … LOOP INSERT, with a COMMIT for each row', <<'END', %warned, rows => 10, commits => 1);
DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM q LOOP INSERT INTO t VALUES (r.id); COMMIT; END LOOP; END $$
END
looks('a cursor, then INSERT', "DECLARE c CURSOR FOR SELECT * FROM q; MOVE 1 FROM c; CLOSE c; $write", %warned, rows => 1);
looks('INSERT from a PL/pgSQL function that looks', 'INSERT INTO t SELECT * FROM f()', %warned, rows => 10,
	before => 'CREATE FUNCTION f() RETURNS SETOF q LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT * FROM q; END $$');
looks('INSERT from a variable that a SELECT filled', <<'END', %warned, rows => 1);
DO $$ DECLARE n int; BEGIN SELECT count(*) INTO n FROM q; INSERT INTO t VALUES (n); END $$
END
looks('SELECT, then INSERT … SELECT, which finds none', "SELECT count(*) FROM q; INSERT INTO t SELECT * FROM q; $write",
	%warned, rows => 1);
looks('a look in a savepoint that is released', "SAVEPOINT s; SELECT count(*) FROM q; RELEASE s; $write", %warned, rows => 1);
looks('no warning: a look alone', 'SELECT count(*) FROM q');
looks('no warning: a look after a transaction that wrote', "BEGIN; $write; COMMIT; SELECT count(*) FROM q",
	commits => 1, rows => 1);
looks('no warning: rolled back', "BEGIN; SELECT count(*) FROM q; $write; ROLLBACK", commits => 1);
looks('no warning: a look that saw nothing', "SELECT count(*) FROM q WHERE id < 0; $write", rows => 1);
looks('no warning: a write that wrote nothing', "SELECT count(*) FROM q; DELETE FROM t");
$cases->takes("no warning: consume 'always'", "SELECT count(*) FROM q; $write", options => { consume => 'always' }, rows => 1);
$cases->takes('no warning: DELETE … RETURNING in the loop', <<'END');
DO $$ DECLARE r record; BEGIN FOR r IN DELETE FROM q RETURNING * LOOP INSERT INTO t VALUES (r.id); END LOOP; END $$
END

$cases->finish;
done_testing();
