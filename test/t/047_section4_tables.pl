# Queues as partitions and children, views, rules, triggers, row-level security and conflicts of the target.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Cases;
use SqsFdw::Test;

my $node  = start_node('tables', conf => 'jit = off');
my $cases = SqsFdw::Cases->new($node);

sub takes { return $cases->takes(@_); }
sub looks { return $cases->looks(@_); }

my $insert  = 'INSERT INTO t SELECT id, name FROM q';
my $has_merge = $node->pg_version >= 15;

# --- partitions: q has 1 to 99, q2 has 100 to 199, p3 the rest, which is one row

my %parted = (second => 5, before => <<'END');
CREATE TABLE p (id int NOT NULL, name text) PARTITION BY RANGE (id);
ALTER TABLE p ATTACH PARTITION q FOR VALUES FROM (1) TO (100);
ALTER TABLE p ATTACH PARTITION q2 FOR VALUES FROM (100) TO (200);
CREATE TABLE p3 PARTITION OF p DEFAULT;
INSERT INTO p VALUES (0, 'zero');
END
my $plain = qr/foreign table/;
$cases->row('a queue as a partition');
takes('INSERT … SELECT FROM the partitioned table', 'INSERT INTO t SELECT * FROM p', %parted, rows => 16);
takes('the same, pruned to one queue', 'INSERT INTO t SELECT * FROM p WHERE id < 4', %parted,
	left => 12, rows => 4, received => { 0 => 5, 1 => 10 });
takes('the same, pruned by a parameter', 'SET LOCAL plan_cache_mode = force_generic_plan;
	PREPARE s (int) AS INSERT INTO t SELECT * FROM p WHERE id = $1; EXECUTE s (103); DEALLOCATE s', %parted,
	left => 14, received => { 0 => 10, 1 => 5 }, says => qr/^(?!.*ERROR)/);
takes('the same with a LIMIT', 'INSERT INTO t SELECT * FROM p WHERE id > 0 LIMIT 12', %parted, left => 3);
takes('CREATE TABLE AS', 'CREATE TABLE copy AS SELECT * FROM p', %parted, rows => 16);
takes('UPDATE … FROM', 'UPDATE t SET name = p.name FROM p WHERE p.id = t.id', %parted, known => 4, rows => 4,
	also => [ q(SELECT count(*) FROM t WHERE name LIKE 'name %'), 4 ]);
takes('MERGE', 'MERGE INTO t USING p ON t.id = p.id WHEN NOT MATCHED THEN INSERT VALUES (p.id, p.name)', %parted, known => 4, rows => 16)
  if $has_merge;
takes('DELETE', 'DELETE FROM p', %parted, rows => 0, also => [ 'SELECT count(*) FROM p3', 0 ]);
takes('DELETE … WHERE', 'DELETE FROM p WHERE id % 2 = 0', %parted, left => 8, rows => 0, also => [ 'SELECT count(*) FROM p3', 0 ]);
takes('DELETE … RETURNING into an INSERT', 'WITH d AS (DELETE FROM p RETURNING *) INSERT INTO t SELECT * FROM d', %parted, rows => 16,
	also => [ 'SELECT count(DISTINCT name) FROM t', 16 ]);
takes('DELETE … USING … RETURNING', 'DELETE FROM p USING t WHERE t.id = p.id RETURNING p.name', %parted, known => 4, left => 11, rows => 4,
	out => [ map { "name $_" } 1 .. 4 ]);
takes('DELETE with a trigger on one of the queues', 'WITH d AS (DELETE FROM p RETURNING *) INSERT INTO t SELECT * FROM d', %parted,
	rows => 26, before => $parted{before} . <<'END');
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t SELECT OLD.*; RETURN OLD; END $$;
CREATE TRIGGER r AFTER DELETE ON q FOR EACH ROW EXECUTE FUNCTION f()
END
takes('partitions with their columns in another order', 'WITH d AS (DELETE FROM p RETURNING *) INSERT INTO t SELECT * FROM d', %parted,
	columns => 'name text, id int NOT NULL', rows => 16, also => [ 'SELECT count(DISTINCT name) FROM t WHERE id > 0', 15 ]);
takes('partitions with a dropped column', 'WITH d AS (DELETE FROM p RETURNING *) INSERT INTO t SELECT * FROM d', %parted, rows => 16,
	columns => 'id int NOT NULL, gone text, name text', also => [ 'SELECT count(DISTINCT name) FROM t WHERE id > 0', 15 ],
	before  => "ALTER FOREIGN TABLE q DROP gone; ALTER FOREIGN TABLE q2 DROP gone; $parted{before}");
looks('SELECT', 'SELECT count(*) FROM p', %parted, out => [16]);
looks('SELECT, pruned to no queue', 'SELECT count(*) FROM p WHERE id = 0', %parted, held => 0, received => 0, out => [1]);
takes("SELECT with consume 'always'", 'SELECT count(*) FROM p', %parted, options => { consume => 'always' }, rows => 0, out => [16]);
$cases->refuses('a LIMIT above a sort', 'INSERT INTO t SELECT * FROM p ORDER BY id LIMIT 3', '0A000', %parted);
$cases->receives_nothing('INSERT of rows for another partition', "INSERT INTO p VALUES (-1, 'x')", %parted);
$cases->refuses('INSERT of a row for a queue', "INSERT INTO p VALUES (5, 'x')", '0A000', %parted, error => $plain);
$cases->refuses('COPY of a row for a queue', "COPY p FROM STDIN;\n5\tx\n\\.\n", '0A000', %parted, error => $plain);
$cases->fails('INSERT … SELECT from one queue into another', 'INSERT INTO p SELECT id + 100, name FROM q', '0A000', %parted,
	error => $plain, received => [ 0, 1, 2 ]);
takes('INSERT … SELECT from a queue into another partition', 'INSERT INTO p SELECT -id, name FROM q', %parted,
	left => 5, rows => 0, received => { 0 => 5, 1 => 10 }, also => [ 'SELECT count(*) FROM p3', 11 ]);
$cases->refuses('UPDATE', "UPDATE p SET name = 'x'", '0A000', %parted, error => $plain);
$cases->receives_nothing('UPDATE, pruned to another partition', "UPDATE p SET name = 'x' WHERE id = 0", %parted);
$cases->refuses('UPDATE that would move a row into a queue', 'UPDATE p SET id = 5 WHERE id = 0', '0A000', %parted, error => $plain);
$cases->refuses('MERGE into it', 'MERGE INTO p USING t ON t.id = p.id WHEN MATCHED THEN DELETE', '0A000', %parted, error => $plain)
  if $has_merge;
$cases->refuses('TRUNCATE', 'TRUNCATE p', '0A000', %parted, error => $plain);
$cases->receives_nothing('DETACH, ATTACH', 'ALTER TABLE p DETACH PARTITION q; ALTER TABLE p ATTACH PARTITION q FOR VALUES FROM (1) TO (50)', %parted);

# --- inheritance

my %child = (before => 'CREATE TABLE p (id int NOT NULL, name text); INSERT INTO p VALUES (0, \'zero\'); ALTER FOREIGN TABLE q INHERIT p');
$cases->row('a queue as a child');
takes('INSERT … SELECT FROM the parent', 'INSERT INTO t SELECT * FROM p', %child, rows => 11);
$cases->receives_nothing('INSERT … SELECT FROM ONLY the parent', 'INSERT INTO t SELECT * FROM ONLY p', %child, rows => 1);
takes('DELETE FROM the parent', 'DELETE FROM p', %child, rows => 0, also => [ 'SELECT count(*) FROM ONLY p', 0 ]);
takes('DELETE FROM the parent … RETURNING', 'DELETE FROM p WHERE id < 2 RETURNING name', %child, left => 9, rows => 0, out => [ 'zero', 'name 1' ]);
looks('SELECT FROM the parent', 'SELECT count(*) FROM p', %child, out => [11]);
$cases->refuses('UPDATE of the parent', "UPDATE p SET name = 'x'", '0A000', %child, error => $plain);
$cases->receives_nothing('UPDATE ONLY the parent', "UPDATE ONLY p SET name = 'x'", %child);
$cases->receives_nothing('INSERT into the parent', "INSERT INTO p VALUES (5, 'x')", %child);

# --- views

$cases->row('views of a queue');
my %view = (before => 'CREATE VIEW v AS SELECT id, name FROM q WHERE id <= 4');
takes('INSERT from a view', 'INSERT INTO t SELECT * FROM v', %view, left => 6);
takes('DELETE from a view', 'DELETE FROM v', %view, left => 6, rows => 0);
takes('DELETE from a view … RETURNING', 'DELETE FROM v WHERE id > 2 RETURNING name', %view, left => 8, rows => 0, out => [ 'name 3', 'name 4' ]);
looks('SELECT from a view', 'SELECT id FROM v', %view, out => [ 1 .. 4 ]);
takes('INSERT from a view of an aggregate', 'INSERT INTO t SELECT * FROM v', rows => 1, before => 'CREATE VIEW v AS SELECT count(*) FROM q');
takes('INSERT from a view with a security barrier', 'INSERT INTO t SELECT * FROM v WHERE id <> 1', left => 7,
	before => 'CREATE VIEW v WITH (security_barrier) AS SELECT * FROM q WHERE id <= 4');
takes('the same with a leaky condition, which is above the scan', 'INSERT INTO t SELECT * FROM v WHERE f(id)', left => 6, rows => 2,
	before => "CREATE VIEW v WITH (security_barrier) AS SELECT * FROM q WHERE id <= 4;
		CREATE FUNCTION f(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN \$1 <= 2; END'");
$cases->refuses('INSERT into a view of a queue', 'INSERT INTO v VALUES (1)', '0A000', %view, error => $plain);
$cases->refuses('UPDATE of a view of a queue', "UPDATE v SET name = 'x'", '0A000', %view, error => $plain);

# --- targets

$cases->row('targets with rules, triggers, policies, constraints');
sub target
{
	my ($name, $before, %case) = @_;
	my $sql = delete $case{sql} // $insert;
	return takes($name, $sql, before => $before, %case);
}
my $function = 'CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS';
target('a rule DO ALSO: the first of the two statements takes all', 'CREATE TABLE p (LIKE t);
	CREATE RULE r AS ON INSERT TO t DO ALSO INSERT INTO p VALUES (NEW.id)', also => [ 'SELECT count(*) FROM p', 0 ]);
target('a rule DO INSTEAD another INSERT', 'CREATE TABLE p (LIKE t);
	CREATE RULE r AS ON INSERT TO t DO INSTEAD INSERT INTO p VALUES (NEW.id)', rows => 0, also => [ 'SELECT count(*) FROM p', 10 ]);
target('a rule DO INSTEAD with a condition: each statement takes its share', 'CREATE TABLE p (LIKE t);
	CREATE RULE r AS ON INSERT TO t WHERE NEW.id <= 4 DO INSTEAD INSERT INTO p VALUES (NEW.id)',
	rows => 6, received => [ 1, 2 ], also => [ 'SELECT count(*) FROM p', 4 ]);
$cases->receives_nothing('a rule DO INSTEAD NOTHING', $insert, before => 'CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING');
target('a view with an INSTEAD OF trigger', "CREATE VIEW v AS SELECT * FROM t;
	$function \$\$ BEGIN INSERT INTO t VALUES (NEW.id, 'instead'); RETURN NEW; END \$\$;
	CREATE TRIGGER r INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f()",
	sql => 'INSERT INTO v SELECT * FROM q', also => [ q(SELECT count(*) FROM t WHERE name = 'instead'), 10 ]);
target('a view that is updatable', 'CREATE VIEW v AS SELECT * FROM t', sql => 'INSERT INTO v SELECT * FROM q');
target('a trigger that drops rows: they are taken', "$function 'BEGIN RETURN CASE WHEN NEW.id > 4 THEN NEW END; END';
	CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", rows => 6);
target('a trigger for the statement', "$function 'BEGIN INSERT INTO p VALUES (1); RETURN NULL; END'; CREATE TABLE p (id int);
	CREATE TRIGGER r AFTER INSERT ON t EXECUTE FUNCTION f()", also => [ 'SELECT count(*) FROM p', 1 ]);
target('a partitioned table', 'DROP TABLE t; CREATE TABLE t (id int, name text) PARTITION BY RANGE (id);
	CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (1) TO (5); CREATE TABLE t2 PARTITION OF t DEFAULT');
my $unique = 'ALTER TABLE t ADD UNIQUE (id)';
my %double = (more => [ SqsFdw::Cases::body(1), SqsFdw::Cases::body(2) ]);
target('ON CONFLICT DO NOTHING, also within the statement', $unique, %double, known => 1, rows => 10, sql => "$insert ON CONFLICT DO NOTHING");
target('ON CONFLICT DO UPDATE … WHERE', $unique, known => 4, rows => 10,
	sql => "$insert ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE t.id > 2", also => [ q(SELECT count(*) FROM t WHERE name = 'old'), 2 ]);
$cases->fails('ON CONFLICT DO UPDATE of a row of its own', "$insert ON CONFLICT (id) DO UPDATE SET name = 'x'", '21000', %double,
	before => $unique, received => [ 1, 2 ]);

$node->safe_psql('postgres', "CREATE ROLE writer LOGIN;
	CREATE USER MAPPING FOR writer SERVER aws OPTIONS (access_key_id 'test', secret_access_key 'test')");
my $grants = 'GRANT ALL ON ALL TABLES IN SCHEMA work TO writer; GRANT USAGE ON SCHEMA work, sqs TO writer;';
my $policy = "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t TO writer USING (true) WITH CHECK (id <> 7); $grants";
my $as     = "SET LOCAL ROLE writer; $insert";
target('row-level security that lets all rows in', $policy, sql => "BEGIN; $as; COMMIT", commits => 1, messages => 6);
target('row-level security that a condition meets', $policy, sql => "BEGIN; $as WHERE id <> 7; COMMIT", commits => 1, left => 1);
$cases->fails('row-level security that one row violates', "BEGIN; $as; COMMIT", '42501', before => $policy, error => qr/row-level security/,
	received => [ 1, 2 ]);
$cases->fails('a view WITH CHECK OPTION that one row violates', 'INSERT INTO v SELECT * FROM q', '44000', received => [ 1, 2 ],
	before => 'CREATE VIEW v AS SELECT * FROM t WHERE id <> 7 WITH CHECK OPTION');
$cases->fails('a partitioned table without a place for one row', $insert, '23514', received => [ 1, 2 ], before => 'DROP TABLE t;
	CREATE TABLE t (id int, name text) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (1) TO (10)');
$cases->refuses('a table that may not be written', "BEGIN; $as", '42501', before => $grants . 'REVOKE ALL ON t FROM writer', error => qr/permission denied/);
$cases->refuses('a queue that may not be read', "BEGIN; $as", '42501', before => $grants . 'REVOKE ALL ON q FROM writer', error => qr/permission denied/);
$cases->refuses('a queue that may not be deleted from', 'BEGIN; SET LOCAL ROLE writer; DELETE FROM q', '42501',
	before => $grants . 'REVOKE DELETE ON q FROM writer', error => qr/permission denied/);

$cases->finish;
done_testing();
