# Whoever opens a mask is in the server's log: before the first value, once a statement, however it ends, and never with a value.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('audit', bare => 1, conf => <<'END');
log_min_error_statement = log
log_statement = none
log_connections = off
END
create_extension($node);
$node->safe_psql('postgres', <<'END');
CREATE ROLE analyst LOGIN;
END
# A name with what could forge a line: a line end, quotes, a field.
$node->safe_psql('postgres', qq{CREATE ROLE "a\nb"" function=none" LOGIN; GRANT USAGE ON SCHEMA sqs TO analyst});
$node->safe_psql('postgres', <<'END');
GRANT EXECUTE ON FUNCTION sqs.unmask(text, text), sqs.unmask_ip(text) TO PUBLIC;
CREATE TABLE logins AS SELECT sqs.mask(n::text || '-sentinel', 'd') AS mask, sqs.mask_ip('10.0.0.0'::inet + n) AS ip
	FROM generate_series(1, 100) n;
GRANT SELECT ON logins TO PUBLIC;
END

# What the log has got since the last call: the lines of the audit.
my $read = -s $node->logfile;

sub audit
{
	my $text = slurp_file($node->logfile, $read);
	$read += length $text;
	unlike($text, qr/sentinel|10\.0\.0\./, 'no value is in the log');
	return [ map { s/^.*?LOG:  sqs_fdw audit: //r } grep { /sqs_fdw audit/ } split /\n/, $text ];
}

# A session of a role whose library is loaded already.
sub session_as
{
	my ($role) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', $role ]);
	$session->query(q{SELECT sqs.version_to_int('1')});
	return $session;
}

my $session = session_as('analyst');
audit();

sub check_audit
{
	my ($sql, $expected, $name) = @_;
	my $out = $session->query($sql);
	is_deeply(audit(), $expected, $name);
	return $out;
}

my $who  = 'session_role="analyst" database="postgres" application="072_audit.pl"';
my $text = 'function=sqs.unmask key=k1 role="analyst"';
my $ip   = 'function=sqs.unmask_ip key=k1 role="analyst"';

# --- a statement

check_audit('SELECT count(sqs.unmask(mask, $$d$$)) FROM logins',
	[ "first use: $text $who", "end of statement: outcome=ok calls=100 ($text calls=100) $who" ],
	'a statement has a line at its first use and one at its end');
check_audit('SELECT count(*) FROM logins', [], 'a statement that opens nothing has none');
check_audit('SELECT sqs.unmask(NULL, $$d$$)', [], 'neither has a null');
check_audit(
	'SELECT count(sqs.unmask(mask, $$d$$)), count(sqs.unmask_ip(ip)) FROM logins WHERE ctid <> $$(0,1)$$',
	[
		"first use: $text $who",
		"first use: $ip $who",
		"end of statement: outcome=ok calls=198 ($text calls=99) ($ip calls=99) $who"
	],
	'functions are counted apart');
check_audit('SELECT count(*) FROM (SELECT sqs.unmask(mask, $$d$$) FROM logins LIMIT 3) l',
	[ "first use: $text $who", "end of statement: outcome=ok calls=3 ($text calls=3) $who" ],
	'what is not opened is not counted');
check_audit('SELECT 1 / (sqs.unmask(mask, $$d$$) ~ $$^5-$$)::int * 0 FROM logins ORDER BY ctid',
	[ "first use: $text $who", "end of statement: outcome=error calls=1 ($text calls=1) $who" ],
	'a statement that fails half-way has both lines');
check_audit('SELECT sqs.unmask(mask, $$other$$) FROM logins', [], 'a mask that does not open is none');

# Several in one message; in a transaction block that fails; with a savepoint.
check_audit(q{SELECT sqs.unmask(mask, 'd') FROM logins LIMIT 1\; SELECT sqs.unmask(mask, 'd') FROM logins LIMIT 2;},
	[ map { ("first use: $text $who", "end of statement: outcome=ok calls=$_ ($text calls=$_) $who") } 1, 2 ],
	'each statement of a message is one');
check_audit('BEGIN', [], 'a transaction');
check_audit('SELECT sqs.unmask(mask, $$d$$) FROM logins LIMIT 1',
	[ "first use: $text $who", "end of statement: outcome=ok calls=1 ($text calls=1) $who" ],
	'in a transaction, a statement is written down when it ends');
check_audit('SELECT 1/0', [],  'not when the transaction fails');
check_audit('ROLLBACK', [], 'or ends');
check_audit('BEGIN; SAVEPOINT s', [], 'a savepoint');
check_audit('SELECT 1 / (sqs.unmask(mask, $$d$$) ~ $$^5-$$)::int * 0 FROM logins ORDER BY ctid',
	[ "first use: $text $who", "end of statement: outcome=error calls=1 ($text calls=1) $who" ],
	'a statement that fails behind a savepoint is written down at once');
check_audit('ROLLBACK', [], 'not when its transaction ends');

# --- what runs inside a statement

$node->safe_psql('postgres', <<'END');
CREATE FUNCTION opens(n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text; r record;
BEGIN
	FOR r IN SELECT mask FROM logins LIMIT n LOOP
		BEGIN
			result := sqs.unmask(r.mask, 'd');
			PERFORM sqs.unmask(r.mask, 'd');
			PERFORM 1/0;
		EXCEPTION WHEN division_by_zero THEN
			NULL;
		END;
	END LOOP;
	RETURN NULL;
END $$;
CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$
BEGIN
	PERFORM opens(2);
	COMMIT;
	PERFORM opens(3);
	ROLLBACK;
END $$;
CREATE FUNCTION owner_opens() RETURNS text SECURITY DEFINER LANGUAGE sql AS $$SELECT sqs.unmask(min(mask), 'd') FROM logins$$;
CREATE TABLE target (v text);
GRANT ALL ON target TO PUBLIC;
CREATE FUNCTION opens_too() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM opens(1); RETURN NULL; END $$;
CREATE TRIGGER opens_too AFTER INSERT ON target FOR EACH ROW EXECUTE FUNCTION opens_too();
END
check_audit('SELECT opens(5)',
	[ "first use: $text $who", "end of statement: outcome=ok calls=10 ($text calls=10) $who" ],
	'what a function opens belongs to its statement');
check_audit('DO $$BEGIN PERFORM opens(5); END$$',
	[ "first use: $text $who", "end of statement: outcome=ok calls=10 ($text calls=10) $who" ],
	'and what a DO block does');
check_audit('CALL commits()',
	[ "first use: $text $who", "end of statement: outcome=ok calls=10 ($text calls=10) $who" ],
	'and what a procedure does in several transactions');
my $mine  = 'function=sqs.unmask key=k1 role="analyst"';
my $owner = 'function=sqs.unmask key=k1 role="' . $node->safe_psql('postgres', 'SELECT current_user') . '"';
check_audit('SELECT owner_opens(), opens(1)',
	[
		"first use: $owner $who",
		"first use: $mine $who",
		"end of statement: outcome=ok calls=3 ($owner calls=1) ($mine calls=2) $who"
	],
	'both the role and who logged in are named');
check_audit('CREATE TEMPORARY TABLE opened AS SELECT sqs.unmask(mask, $$d$$) FROM logins',
	[ "first use: $text $who", "end of statement: outcome=ok calls=100 ($text calls=100) $who" ],
	'CREATE TABLE AS');
check_audit('COPY (SELECT sqs.unmask(mask, $$d$$) FROM logins LIMIT 2) TO STDOUT',
	[ "first use: $text $who", "end of statement: outcome=ok calls=2 ($text calls=2) $who" ],
	'COPY');
check_audit('INSERT INTO target VALUES ($$a$$), ($$b$$)',
	[ "first use: $text $who", "end of statement: outcome=ok calls=4 ($text calls=4) $who" ],
	'triggers');
$node->safe_psql('postgres', 'DROP TRIGGER opens_too ON target;
	CREATE CONSTRAINT TRIGGER opens_too AFTER INSERT ON target DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION opens_too()');
check_audit('INSERT INTO target VALUES ($$a$$)',
	[ "first use: $text $who", "end of statement: outcome=ok calls=2 ($text calls=2) $who" ],
	'deferred triggers');
check_audit("BEGIN; DECLARE c CURSOR FOR SELECT sqs.unmask(mask, 'd') FROM logins; FETCH 3 FROM c; FETCH 4 FROM c; COMMIT",
	[ map { ("first use: $text $who", "end of statement: outcome=ok calls=$_ ($text calls=$_) $who") } 3, 4 ],
	'each FETCH');

# --- in parallel workers, where a function is marked as what it is not

$node->safe_psql('postgres', <<'END');
CREATE FUNCTION opens_in_parallel(mask text) RETURNS text LANGUAGE plpgsql PARALLEL SAFE
	AS $$BEGIN RETURN sqs.unmask(mask, 'd'); END$$;
END
my $force = $node->safe_psql('postgres', "SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')");
$session->query("SET $force = on");
like($session->query('EXPLAIN SELECT count(opens_in_parallel(mask)) FROM logins'), qr/Single Copy/, 'one worker does it all');
check_audit('SELECT count(opens_in_parallel(mask)) FROM logins',
	[ "first use: $text $who", "end of statement: outcome=ok calls=100 ($text calls=100) $who" ],
	'a worker writes down what it has opened');
check_audit('SELECT count(1 / (opens_in_parallel(mask) !~ $$^5-$$)::int) FROM logins',
	[ "first use: $text $who", "end of statement: outcome=error calls=5 ($text calls=5) $who" ],
	'also when it fails');
$session->query("RESET $force");

# --- before the first value

my $holder = session($node);
$holder->query_safe('SELECT pg_advisory_lock(1)');
my $pid = $session->query('SELECT pg_backend_pid()');
$session->query_until(qr/sent/, "\\echo sent\nSELECT sqs.unmask(min(mask), 'd'), pg_advisory_lock(1) FROM logins;\n");
wait_for { slurp_file($node->logfile, $read) =~ /first use/ } 'the line of the first use';
is_deeply(audit(), ["first use: $text $who"], 'the first line is there while the statement runs');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
wait_for { slurp_file($node->logfile, $read) =~ /end of statement/ } 'the line of the end';
is_deeply(audit(), ["end of statement: outcome=error calls=1 ($text calls=1) $who"],
	'and the last when its session is terminated');
$holder->quit;
eval { $session->quit };

# The statement that loads the library, too.
run_sql($node, "SET ROLE analyst; SELECT sqs.unmask(min(mask), 'd') FROM logins");
like(join("\n", @{ audit() }), qr/^first use: $text .*\nend of statement: outcome=ok calls=1 \($text calls=1\) .*$/,
	'the first statement of a session');

# Even where it opens masks again and again, in statements of its own.
run_sql($node, 'SET ROLE analyst; DO $$BEGIN FOR n IN 1..3 LOOP PERFORM sqs.unmask(min(mask), $_$d$_$) FROM logins; END LOOP; END$$');
is(scalar @{ audit() }, 2, 'and its end is written once');

# --- what a line has of its statement

$session = session_as('analyst');
check_audit(q{SELECT sqs.unmask(min(mask), 'd') = 'a sentinel of the statement' FROM logins},
	[ "first use: $text $who", "end of statement: outcome=ok calls=1 ($text calls=1) $who" ],
	'nothing of its text');
check_audit(q{DO $$BEGIN PERFORM sqs.unmask(min(mask), 'd') = 'a sentinel of the context' FROM logins; END$$},
	[ "first use: $text $who", "end of statement: outcome=ok calls=1 ($text calls=1) $who" ],
	'and nothing of its context');

# What tells such a line from one that somebody made up.
$read = -s $node->logfile;
$session->query('SET ROLE NONE; DO $$BEGIN RAISE LOG $_$sqs_fdw audit: first use: function=sqs.unmask key=k1$_$; PERFORM sqs.unmask(min(mask), $_$d$_$) FROM logins; END$$');
my ($made_up, @written) = split /^(?=.*LOG: )/m, slurp_file($node->logfile, $read);
like($made_up, qr/^.*LOG:  sqs_fdw audit: .*\n.*CONTEXT:  /, 'a line that a role makes up has a context');
is(join('', grep { /CONTEXT|STATEMENT/ } @written), '', 'and those of the audit have none');
is(scalar @written, 2, 'which are two');
audit();
$session->quit;

# --- who may turn it off

$session = session_as('analyst');
$session->query($_) for q{SET sqs_fdw.audit_unmask = 'off'}, q{SET LOCAL log_min_messages = 'panic'},
  q{SET client_min_messages = 'log'};
like($session->{stderr}, qr/permission denied to set parameter "sqs_fdw.audit_unmask"/, 'an ordinary role may not');
like($session->{stderr}, qr/permission denied to set parameter "log_min_messages"/, 'or hold back the log');
$session->{stderr} = '';
check_audit('SELECT sqs.unmask(mask, $$d$$) FROM logins LIMIT 1',
	[ "first use: $text $who", "end of statement: outcome=ok calls=1 ($text calls=1) $who" ],
	'it is written all the same');
is($session->{stderr}, '', 'and not sent to the client');
$session->quit;

# Before the library is loaded, its settings are anybody's words.
my $early = run_sql($node, "SET SESSION AUTHORIZATION analyst; SET sqs_fdw.audit_unmask = 'off';
	SELECT sqs.unmask(min(mask), 'd') FROM logins");
like(join("\n", @{ audit() }), qr/first use: $text/, 'a setting made before the library is loaded has no effect');

$node->safe_psql('postgres', "ALTER ROLE analyst SET sqs_fdw.audit_unmask = 'call'");
$session = session_as('analyst');
check_audit('SELECT sqs.unmask(mask, $$d$$) FROM logins LIMIT 2', [ ("call: $text $who") x 2 ], 'a line for each call');
$session->quit;
$node->safe_psql('postgres', "ALTER ROLE analyst SET sqs_fdw.audit_unmask = 'off'");
$session = session_as('analyst');
check_audit('SELECT sqs.unmask(mask, $$d$$) FROM logins LIMIT 2', [], 'or none');
$session->quit;

# --- names that try to forge

$session = session_as(qq{a\nb" function=none});
$session->query(qq{SET application_name = E'x" calls=0 \\n key=k9'});
audit();
$session->query('SELECT sqs.unmask(min(mask), $$d$$) FROM logins');
my $lines = audit();
is(scalar @$lines, 2, 'no name makes a line of its own');
like($lines->[0], qr/^first use: function=sqs\.unmask key=k1 role="a\\nb\\" function=none" session_role="a\\nb\\" function=none" database="postgres" application="x\\" calls=0 .{1,5} key=k9"$/,
	'names are quoted');
$session->quit;

done_testing();
