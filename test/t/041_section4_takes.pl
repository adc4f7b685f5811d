# Every statement that writes takes the messages it received: held until its commit, gone after it, back after a rollback.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Cases;
use SqsFdw::Test;

my $node  = start_node('takes', conf => 'jit = off');
my $cases = SqsFdw::Cases->new($node);
$cases->row('INSERT … SELECT, MERGE, UPDATE … FROM, WITH … INSERT, CREATE TABLE AS, SELECT INTO,'
	  . ' also inside functions: taken');

sub takes { return $cases->takes(@_); }

my $insert = 'INSERT INTO t SELECT id, name FROM q';

# --- INSERT

takes('INSERT … SELECT', $insert);
takes('INSERT … SELECT of an empty queue', $insert, messages => 0);
takes('INSERT … SELECT, many replies', $insert, messages => 101);
takes('INSERT … SELECT … RETURNING', "$insert RETURNING id", out => [ 1 .. 10 ]);
takes('INSERT … TABLE', 'INSERT INTO t TABLE q');
takes('INSERT … VALUES with a subquery', 'INSERT INTO t VALUES ((SELECT id FROM q LIMIT 1))',
	left => 9, received => 1);
takes('INSERT with ORDER BY', "$insert ORDER BY id DESC");
takes('INSERT from UNION ALL with a table', "$insert UNION ALL SELECT 99, 'x'", rows => 11);
takes('INSERT … ON CONFLICT DO NOTHING', "$insert ON CONFLICT DO NOTHING",
	known => 4, before => 'ALTER TABLE t ADD UNIQUE (id)', rows => 10);
takes("INSERT … ON CONFLICT DO UPDATE", "$insert ON CONFLICT (id) DO UPDATE SET name = 'new'",
	known => 4, before => 'ALTER TABLE t ADD UNIQUE (id)', rows => 10,
	also => [ q(SELECT count(*) FROM t WHERE name = 'new'), 4 ]);
takes('INSERT into a temporary table', 'CREATE TEMPORARY TABLE p (id int); INSERT INTO p SELECT id FROM q',
	rows => 0, says => qr/WARNING:.*taken into temporary table "p"/);
takes('two INSERTs of one transaction: the second finds none', "BEGIN; $insert; $insert; COMMIT", commits => 1);
takes('EXPLAIN ANALYZE of an INSERT', "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $insert");
takes('COPY (INSERT … RETURNING) TO', "COPY ($insert RETURNING id) TO STDOUT", out => [ 1 .. 10 ]);

# --- WITH

takes('WITH … INSERT at the top', "WITH w AS ($insert RETURNING id) SELECT id FROM w", out => [ 1 .. 10 ]);
takes('WITH … INSERT that nothing reads', "WITH w AS ($insert) SELECT 1");
takes('WITH … INSERT under a LIMIT', "WITH w AS ($insert RETURNING id) SELECT id FROM w LIMIT 1");
takes('INSERT from a CTE', 'WITH c AS (SELECT * FROM q) INSERT INTO t SELECT * FROM c');
takes('INSERT from a materialized CTE', 'WITH c AS MATERIALIZED (SELECT * FROM q) INSERT INTO t SELECT * FROM c');
takes('INSERT from a CTE that is read twice',
	'WITH c AS (SELECT * FROM q) INSERT INTO t SELECT * FROM c UNION ALL SELECT * FROM c', rows => 20);
takes('INSERT from a CTE that is joined with itself',
	'WITH c AS (SELECT * FROM q) INSERT INTO t SELECT a.* FROM c a JOIN c b USING (id)');
takes('a CTE that writes beside one that reads the queue', <<'END', rows => 11);
WITH c AS (SELECT * FROM q), w AS (INSERT INTO t VALUES (0, 'zero'))
INSERT INTO t SELECT * FROM c
END
takes('SELECT from the queue beside a CTE that writes', "WITH w AS (INSERT INTO t VALUES (0)) SELECT id FROM q",
	rows => 1, out => [ 1 .. 10 ]);
takes('WITH … INSERT into two tables', <<'END', rows => 20);
WITH c AS MATERIALIZED (SELECT * FROM q), w AS (INSERT INTO t SELECT * FROM c)
INSERT INTO t SELECT id + 10, name FROM c
END
takes('a CTE that reads the queue twice: each message once',
	'WITH c AS NOT MATERIALIZED (SELECT * FROM q) INSERT INTO t SELECT * FROM c UNION ALL SELECT * FROM c');

# --- UPDATE, MERGE, DELETE of another table

takes('UPDATE … FROM', "UPDATE t SET name = q.name FROM q WHERE q.id = t.id",
	known => 4, rows => 4, also => [ q(SELECT count(*) FROM t WHERE name LIKE 'name %'), 4 ]);
takes('UPDATE … FROM … RETURNING', 'UPDATE t SET name = q.name FROM q WHERE q.id = t.id RETURNING t.id',
	known => 4, rows => 4, out => [ 1 .. 4 ]);
takes('UPDATE with a subquery', 'UPDATE t SET name = (SELECT max(name) FROM q)', known => 4, rows => 4);
takes('DELETE of another table USING the queue', 'DELETE FROM t USING q WHERE q.id = t.id', known => 14, rows => 4);

sub merge
{
	my ($name, $actions, %case) = @_;
	return takes("MERGE, $name", "MERGE INTO t USING q ON t.id = q.id $actions", known => 4, %case);
}
my $not_matched = 'WHEN NOT MATCHED THEN INSERT VALUES (q.id, q.name)';
SKIP:
{
	skip 'MERGE came with PostgreSQL 15', 7 if $node->pg_version < 15;
	merge('INSERT', $not_matched, rows => 10);
	merge('UPDATE', "WHEN MATCHED THEN UPDATE SET name = 'seen'", rows => 4,
		also => [ q(SELECT count(*) FROM t WHERE name = 'seen'), 4 ]);
	merge('DELETE', 'WHEN MATCHED THEN DELETE', rows => 0);
	merge('DO NOTHING', 'WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED THEN DO NOTHING', rows => 4);
	merge('a condition that no action meets', 'WHEN MATCHED AND q.id < 0 THEN DELETE', rows => 4);
	merge('all actions', <<"END", rows => 8, also => [ q(SELECT count(*) FROM t WHERE name = 'two'), 1 ]);
WHEN MATCHED AND q.id = 1 THEN DELETE
WHEN MATCHED AND q.id = 2 THEN UPDATE SET name = 'two'
WHEN MATCHED THEN DO NOTHING
WHEN NOT MATCHED AND q.id = 10 THEN DO NOTHING
$not_matched
END
	takes('MERGE from a CTE', "WITH c AS (SELECT * FROM q) MERGE INTO t USING c AS q ON t.id = q.id $not_matched");
}

# --- tables that the statement makes

takes('CREATE TABLE AS', 'CREATE TABLE copy AS SELECT * FROM q');
takes('CREATE TABLE AS TABLE', 'CREATE TABLE copy AS TABLE q');
takes('CREATE UNLOGGED TABLE AS', 'CREATE UNLOGGED TABLE copy AS SELECT * FROM q',
	says => qr/WARNING:.*taken into unlogged table "copy"/);
takes('CREATE TEMPORARY TABLE AS', 'CREATE TEMPORARY TABLE p AS SELECT * FROM q',
	rows => 0, says => qr/WARNING:.*taken into temporary table "p"/);
takes('CREATE TABLE AS EXECUTE', 'PREPARE s AS SELECT * FROM q; CREATE TABLE copy AS EXECUTE s; DEALLOCATE s');
takes('EXPLAIN ANALYZE of CREATE TABLE AS', 'EXPLAIN ANALYZE CREATE TABLE copy AS SELECT * FROM q');
takes('SELECT INTO', 'SELECT * INTO copy FROM q');
takes('SELECT INTO TEMPORARY', 'SELECT * INTO TEMPORARY p FROM q',
	rows => 0, says => qr/WARNING:.*taken into temporary table "p"/);

# --- inside functions, blocks and procedures

my %statement = (
	'INSERT … SELECT'  => [ $insert, 10 ],
	'UPDATE … FROM'    => [ 'UPDATE t SET name = q.name FROM q WHERE q.id = t.id', 4 ],
	'WITH … INSERT'    => [ "WITH w AS ($insert RETURNING id) INSERT INTO p SELECT id FROM w", 10 ],
	'CREATE TABLE AS'  => [ 'CREATE TABLE copy AS SELECT * FROM q', 10 ],
	'DELETE … USING'   => [ 'DELETE FROM t USING q WHERE q.id = t.id', 0 ]);
$statement{MERGE} = [ "MERGE INTO t USING q ON t.id = q.id $not_matched", 6 ] if $node->pg_version >= 15;
foreach my $what (sort keys %statement)
{
	my ($sql, $gained) = @{ $statement{$what} };
	my %case = (known => 4, rows => $what =~ /USING/ ? 0 : $what =~ /UPDATE/ ? 4 : 4 + $gained,
		before => 'CREATE TABLE p (id int)');
	takes("$what in a PL/pgSQL function", <<"END", %case);
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN $sql; END \$\$; SELECT f()
END
	takes("$what by EXECUTE", "DO \$do\$ BEGIN EXECUTE \$\$ $sql \$\$; END \$do\$", %case);
	takes("$what in a DO block", "DO \$\$ BEGIN $sql; END \$\$", %case);
	# A table that the same function makes is not there when a SQL function is planned.
	takes("$what in a SQL function", <<"END", %case) unless $what =~ /CREATE/;
CREATE FUNCTION f() RETURNS void LANGUAGE sql AS \$\$ $sql \$\$; SELECT f()
END
	takes("$what in a procedure", <<"END", %case);
CREATE PROCEDURE f() LANGUAGE plpgsql AS \$\$ BEGIN $sql; END \$\$; CALL f()
END
	takes("$what in a procedure that commits", <<"END", %case, commits => 1);
CREATE PROCEDURE f() LANGUAGE plpgsql AS \$\$ BEGIN $sql; COMMIT; END \$\$; CALL f()
END
	takes("$what, prepared, seven times", "PREPARE s AS $sql;" . ('EXECUTE s;' x 7) . 'DEALLOCATE s', %case)
	  unless $what =~ /CREATE/;
}
takes('a SQL function with a body of the standard\'s form', <<"END") if $node->pg_version >= 14;
CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC; $insert; END; SELECT f()
END
takes('a SQL function that is planned into the INSERT', 'INSERT INTO t SELECT * FROM f()',
	before => 'CREATE FUNCTION f() RETURNS SETOF q STABLE LANGUAGE sql AS $$ SELECT * FROM q $$');
takes('a procedure that commits what it takes, by threes', <<"END", commits => 1);
CREATE PROCEDURE f() LANGUAGE plpgsql AS \$\$
BEGIN FOR i IN 1 .. 4 LOOP $insert LIMIT 3; COMMIT; END LOOP; END \$\$;
CALL f()
END
takes('a procedure that rolls back, and takes again', <<"END", commits => 1);
CREATE PROCEDURE f() LANGUAGE plpgsql AS \$\$ BEGIN $insert; ROLLBACK; $insert; COMMIT; END \$\$;
CALL f()
END
takes('a DO block that commits', "DO \$\$ BEGIN $insert LIMIT 6; COMMIT; $insert LIMIT 3; ROLLBACK; END \$\$",
	commits => 1, left => 4);
takes('a trigger', 'INSERT INTO bell VALUES (1)', before => <<"END");
CREATE TABLE bell (id int);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN $insert; RETURN NULL; END \$\$;
CREATE TRIGGER r AFTER INSERT ON bell EXECUTE FUNCTION f()
END
takes('a loop over INSERT … RETURNING that is left early', <<"END");
DO \$\$ DECLARE r record; BEGIN FOR r IN $insert RETURNING id LOOP EXIT; END LOOP; END \$\$
END

# --- prepared, seven times

takes('PREPARE, executed seven times', "PREPARE s AS $insert LIMIT 3;" . ('EXECUTE s;' x 7) . 'DEALLOCATE s',
	messages => 25, left => 4, received => 21);
takes('PREPARE with a parameter, executed seven times',
	"PREPARE s (int) AS $insert WHERE id % 10 = \$1;" . join('', map { "EXECUTE s ($_);" } 0 .. 6),
	messages => 30, commits => 1, left => 9);
takes('PREPARE of a CTE that writes, executed seven times',
	"PREPARE s AS WITH w AS ($insert LIMIT 2 RETURNING id) SELECT id FROM w;" . ('EXECUTE s;' x 7) . 'DEALLOCATE s',
	messages => 14, out => [ 1 .. 14 ]);
takes('a PL/pgSQL function, called seven times', 'SELECT f()' . (';SELECT f()' x 6), messages => 20, left => 6,
	received => 14, before => <<"END");
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN $insert LIMIT 2; END \$\$
END

# --- the table's option

$cases->row("consume 'always': a SELECT takes, too");
my %always = (options => { consume => 'always' });
takes('SELECT', 'SELECT id FROM q', %always, rows => 0, out => [ 1 .. 10 ]);
takes('an aggregate', 'SELECT count(*) FROM q', %always, rows => 0, out => [10]);
takes('COPY (SELECT) TO', 'COPY (SELECT id FROM q) TO STDOUT', %always, rows => 0, out => [ 1 .. 10 ]);
takes('a loop that inserts', <<'END', %always);
DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM q LOOP INSERT INTO t VALUES (r.id, r.name); END LOOP; END $$
END
takes('a cursor: what was fetched', 'BEGIN; DECLARE c CURSOR FOR SELECT * FROM q; FETCH 4 FROM c; COMMIT',
	%always, commits => 1, left => 6, rows => 0);
takes('a cursor WITH HOLD: all', 'BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT * FROM q; COMMIT; CLOSE c',
	%always, commits => 1, rows => 0);
takes('CREATE MATERIALIZED VIEW', 'CREATE MATERIALIZED VIEW m AS SELECT * FROM q', %always, rows => 0);
takes('INSERT', $insert, %always);
takes('DELETE', 'DELETE FROM q WHERE id < 4', %always, left => 7, rows => 0);

$cases->row("consume 'never': nothing takes");
my %never = (options => { consume => 'never' }, says => qr/WARNING:.*looked at messages.*also wrote/);
$cases->looks('INSERT', $insert, %never, rows => 10);
$cases->looks('WITH … INSERT', "WITH w AS ($insert RETURNING id) SELECT id FROM w", %never, rows => 10);
$cases->looks('UPDATE … FROM', 'UPDATE t SET name = q.name FROM q WHERE q.id = t.id', %never, known => 4);
$cases->looks('CREATE TABLE AS', 'CREATE TABLE copy AS SELECT * FROM q', %never, rows => 10);
$cases->looks('SELECT', 'SELECT count(*) FROM q', options => { consume => 'never' });
$cases->refuses('DELETE', 'DELETE FROM q', '0A000', options => { consume => 'never' }, error => qr/never taken.*HINT:/s);

# --- limits of one scan

$cases->row('max_messages ends a scan that takes; a NOTICE says so');
my $notice = qr/NOTICE:.*ended after 4 messages.*HINT:.*max_messages/s;
takes('INSERT', $insert, options => { max_messages => 4 }, left => 6, received => 4, says => $notice);
takes('DELETE', 'DELETE FROM q', options => { max_messages => 4 }, left => 6, received => 4, rows => 0, says => $notice);
takes('a queue with as many messages', $insert, messages => 4, options => { max_messages => 4 }, says => $notice);
takes('a queue with fewer messages', $insert, messages => 3, options => { max_messages => 4 });
takes('look_limit does not bind', $insert, options => { look_limit => 1 });

$cases->finish;
done_testing();
