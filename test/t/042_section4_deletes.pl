# DELETE FROM a queue takes the rows that it deletes, and releases the others; RETURNING hands them on.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Cases;
use SqsFdw::Test;

my $node  = start_node('deletes', conf => 'jit = off');
my $cases = SqsFdw::Cases->new($node);
$cases->row('DELETE FROM q [USING …] [WHERE …] [RETURNING …]: the rows it deletes are taken, the others released');

# A DELETE adds no row to t.
sub deletes
{
	my ($name, $sql, %case) = @_;
	return $cases->takes($name, $sql, rows => $case{known} // 0, %case);
}

my @names = map { "name $_" } 1 .. 10;

# --- by itself

deletes('DELETE', 'DELETE FROM q');
deletes('DELETE of an empty queue', 'DELETE FROM q', messages => 0);
deletes('DELETE, many replies', 'DELETE FROM q', messages => 101);
deletes('DELETE … WHERE', 'DELETE FROM q WHERE id <= 3', left => 7);
deletes('DELETE … WHERE, of none', 'DELETE FROM q WHERE id < 0', left => 10);
deletes('DELETE … WHERE false', 'DELETE FROM q WHERE false', left => 10, received => 0);
deletes('DELETE … WHERE with a parameter of each run',
	'PREPARE s (int) AS DELETE FROM q WHERE id = $1;' . join('', map { "EXECUTE s ($_);" } 1 .. 7),
	commits => 1, left => 3);
deletes('DELETE … RETURNING', 'DELETE FROM q RETURNING id, name', out => [ map { "$_|name $_" } 1 .. 10 ]);
deletes('DELETE … RETURNING *', 'DELETE FROM q RETURNING *', out => [ map { "$_|name $_" } 1 .. 10 ]);
deletes('DELETE … RETURNING the row', 'DELETE FROM q RETURNING q', out => [ map { qq(($_,"name $_")) } 1 .. 10 ]);
deletes('DELETE … WHERE … RETURNING another column', 'DELETE FROM q WHERE id > 8 RETURNING upper(name)',
	left => 8, out => [ 'NAME 9', 'NAME 10' ]);
deletes('DELETE … RETURNING a constant', 'DELETE FROM q RETURNING 1', out => [ (1) x 10 ]);
deletes('DELETE, and a SELECT after it, which finds none', 'DELETE FROM q; SELECT count(*) FROM q', out => [0]);
deletes('DELETE in two steps', "DELETE FROM q WHERE id <= 3; DELETE FROM q WHERE id <= 5", left => 5, received => { 1 => 3, 2 => 7 });
deletes('DELETE with an alias', 'DELETE FROM q AS m WHERE m.id = 1 RETURNING m.name', left => 9, out => ['name 1']);
deletes('DELETE FROM ONLY', 'DELETE FROM ONLY q');
deletes('EXPLAIN ANALYZE of a DELETE', 'EXPLAIN (ANALYZE, COSTS OFF) DELETE FROM q WHERE id < 3', left => 8);

# --- USING, and conditions on other tables: what joins is deleted

my %known = (known => 4, left => 6);
deletes('DELETE … USING', 'DELETE FROM q USING t WHERE t.id = q.id', %known);
foreach my $join (qw(hashjoin mergejoin nestloop))
{
	my $off = join '', map { "SET LOCAL enable_$_ = off;" } grep { $_ ne $join } qw(hashjoin mergejoin nestloop);
	deletes("DELETE … USING by $join", "BEGIN; $off DELETE FROM q USING t WHERE t.id = q.id RETURNING q.name; COMMIT",
		%known, commits => 1, out => [ @names[ 0 .. 3 ] ]);
}
deletes('DELETE … USING, a message that joins twice', 'DELETE FROM q USING t, generate_series(1, 2) WHERE t.id = q.id RETURNING q.id',
	%known, out => [ 1 .. 4 ]);
deletes('DELETE … USING a product', 'DELETE FROM q USING t RETURNING q.id', known => 4, out => [ 1 .. 10 ]);
deletes('DELETE … WHERE … IN a subquery', 'DELETE FROM q WHERE id IN (SELECT id FROM t)', %known);
deletes('DELETE … WHERE EXISTS', 'DELETE FROM q WHERE EXISTS (SELECT FROM t WHERE t.id = q.id)', %known);
deletes('DELETE … WHERE NOT EXISTS', 'DELETE FROM q WHERE NOT EXISTS (SELECT FROM t WHERE t.id = q.id)', known => 4, left => 4);
deletes('DELETE … USING another queue, which is taken', 'DELETE FROM q USING q2 WHERE q2.id = q.id + 100',
	second => 4, left => 6);

# What it reads beside its target only chooses; no message is on both sides.
deletes('DELETE … USING the same queue', 'DELETE FROM q USING q other WHERE other.id = q.id', left => 10,
	received => { 1 => 10 });

# --- RETURNING feeds a statement

my $feed = 'WITH d AS (DELETE FROM q RETURNING id, name)';
sub moves { return $cases->takes(@_); }

moves('WITH d AS (DELETE … RETURNING) INSERT', "$feed INSERT INTO t SELECT * FROM d");
moves('the same with a condition above', "$feed INSERT INTO t SELECT * FROM d WHERE id <= 2", rows => 2);
moves('the same with a LIMIT above', "$feed INSERT INTO t SELECT * FROM d ORDER BY id LIMIT 2", rows => 2);
moves('the same with a condition below',
	'WITH d AS (DELETE FROM q WHERE id <= 2 RETURNING *) INSERT INTO t SELECT * FROM d', left => 8);
moves('WITH d AS (DELETE … RETURNING) UPDATE', "$feed UPDATE t SET name = d.name FROM d WHERE d.id = t.id",
	known => 4, rows => 4, also => [ q(SELECT count(*) FROM t WHERE name LIKE 'name %'), 4 ]);
moves('WITH d AS (DELETE … RETURNING) SELECT', "$feed SELECT name FROM d", rows => 0, out => \@names);
moves('the same with an aggregate', "$feed SELECT count(*) FROM d", rows => 0, out => [10]);
moves('WITH d AS (DELETE) that nothing reads', 'WITH d AS (DELETE FROM q) SELECT 1', rows => 0, out => [1]);
SKIP:
{
	skip 'MERGE came with PostgreSQL 15', 1 if $node->pg_version < 15;
	moves('WITH d AS (DELETE … RETURNING) MERGE',
		"$feed MERGE INTO t USING d ON t.id = d.id WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED THEN INSERT VALUES (d.id)",
		known => 4, rows => 10);
}
moves('DELETE … RETURNING in a SQL function', <<'END');
CREATE FUNCTION f() RETURNS SETOF q LANGUAGE sql AS $$ DELETE FROM q RETURNING * $$; INSERT INTO t SELECT * FROM f()
END
moves('RETURN QUERY DELETE … RETURNING', <<'END');
CREATE FUNCTION f() RETURNS SETOF q LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY DELETE FROM q RETURNING *; END $$;
INSERT INTO t SELECT * FROM f()
END
moves('COPY (DELETE … RETURNING) TO', 'COPY (DELETE FROM q RETURNING name) TO STDOUT', rows => 0, out => \@names);

my $loop = 'FOR r IN DELETE FROM q RETURNING * LOOP';
sub loops { return moves($_[0], "DO \$\$ DECLARE r record; BEGIN $_[1] END \$\$", @_[ 2 .. $#_ ]); }
loops('FOR r IN DELETE … RETURNING LOOP INSERT', "$loop INSERT INTO t VALUES (r.id, r.name); END LOOP;");
loops('the same, left early: all were deleted', "$loop INSERT INTO t VALUES (r.id, r.name); EXIT; END LOOP;", rows => 1);
loops('the same with a block for each row', <<"END", rows => 6);
$loop BEGIN
	INSERT INTO t VALUES (r.id, r.name);
	IF r.id > 6 THEN RAISE EXCEPTION 'no'; END IF;
EXCEPTION WHEN raise_exception THEN NULL; END; END LOOP;
END
$cases->fails('the same with a COMMIT for each row',
	"DO \$\$ DECLARE r record; BEGIN $loop INSERT INTO t VALUES (r.id); COMMIT; END LOOP; END \$\$", '55000');
loops('a DELETE in a block that is rolled back', <<'END', left => 10, rows => 0);
BEGIN DELETE FROM q; RAISE EXCEPTION 'no'; EXCEPTION WHEN raise_exception THEN NULL; END;
END
loops('DELETE … RETURNING INTO one row', 'DELETE FROM q WHERE id = 4 RETURNING * INTO STRICT r; INSERT INTO t VALUES (r.id);',
	left => 9);
$cases->fails('DELETE … RETURNING INTO STRICT, of more rows than one',
	'DO $$ DECLARE r record; BEGIN DELETE FROM q RETURNING * INTO STRICT r; END $$', 'P0003');

# --- triggers of the queue's table

sub with_trigger
{
	my ($name, $when, $body, $sql, %case) = @_;
	my $for = $when =~ /STATEMENT/ ? '' : 'FOR EACH ROW';
	return moves($name, $sql, before => <<"END", %case);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN $body END \$\$;
CREATE TRIGGER r $when $for EXECUTE FUNCTION f()
END
}
my $copy_old = 'INSERT INTO t VALUES (OLD.id, OLD.name); RETURN OLD;';
with_trigger('a trigger after DELETE', 'AFTER DELETE ON q', $copy_old, 'DELETE FROM q');
with_trigger('a trigger after DELETE … RETURNING', 'AFTER DELETE ON q', $copy_old, 'DELETE FROM q RETURNING name',
	out => \@names);
with_trigger('a trigger before DELETE', 'BEFORE DELETE ON q', $copy_old, 'DELETE FROM q WHERE id < 4', left => 7);
with_trigger('a trigger that spares rows', 'BEFORE DELETE ON q',
	'IF OLD.id < 4 THEN RETURN NULL; END IF; RETURN OLD;', 'DELETE FROM q RETURNING id',
	left => 3, rows => 0, out => [ 4 .. 10 ]);
with_trigger('a trigger for the statement', 'AFTER DELETE ON q FOR EACH STATEMENT',
	'INSERT INTO t VALUES (0); RETURN NULL;', 'DELETE FROM q', rows => 1);

# --- what can't be done to a queue, before anything is received

$cases->row('other commands that write to a queue: refused');
my %plain = (error => qr/q/);
$cases->refuses('UPDATE', "UPDATE q SET name = 'x'", '0A000', %plain);
$cases->refuses('UPDATE … FROM', 'UPDATE q SET name = t.name FROM t', '0A000', known => 4, %plain);
$cases->refuses('INSERT', 'INSERT INTO q VALUES (1)', '0A000', %plain);
$cases->refuses('INSERT … SELECT from the same queue', 'INSERT INTO q SELECT * FROM q', '0A000', %plain);
$cases->refuses('COPY … FROM', "COPY q FROM STDIN;\n1\tx\n\\.\n", '0A000', %plain);
$cases->refuses('MERGE', 'MERGE INTO q USING t ON t.id = q.id WHEN MATCHED THEN DELETE', '0A000', %plain)
  if $node->pg_version >= 15;
$cases->refuses('TRUNCATE', 'TRUNCATE q', '0A000', %plain);
$cases->refuses('LOCK TABLE', 'BEGIN; LOCK TABLE q', '42809', %plain);
$cases->fails('DELETE … WHERE CURRENT OF', 'BEGIN; DECLARE c CURSOR FOR SELECT * FROM q; DELETE FROM q WHERE CURRENT OF c',
	'0A000');

$cases->finish;
done_testing();
