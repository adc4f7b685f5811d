# What was there before CREATE EXTENSION gives nobody a way to the values: no schema, and no default privileges.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('install_rights', bare => 1);

sub value { return $node->safe_psql('postgres', $_[0]); }

value('CREATE ROLE somebody LOGIN; GRANT CREATE ON DATABASE postgres TO somebody');

# --- a schema of that name

value('SET ROLE somebody; CREATE SCHEMA sqs');
my $taken = qr/schema "sqs" already exists.*HINT:/s;
check_error($node, 'CREATE EXTENSION sqs_fdw',
	'42P06', $taken, 'the extension does not move into the schema of another');
value('ALTER SCHEMA sqs OWNER TO CURRENT_USER; GRANT CREATE ON SCHEMA sqs TO somebody');
my %definition = (
	'FUNCTION sqs.mask(varchar, text)' => "RETURNS text LANGUAGE sql RETURN 'stolen'",
	'TYPE sqs.text'                    => "AS ENUM ('a')",
	'TABLE sqs.t'                      => '()',
	'COLLATION sqs.c'                  => 'FROM "C"',
	'TEXT SEARCH DICTIONARY sqs.d'     => '(TEMPLATE = simple)',
	'CONVERSION sqs.v'                 => q(FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8));
foreach my $object (sort keys %definition)
{
	value("CREATE $object $definition{$object}");
	check_error($node, 'CREATE EXTENSION sqs_fdw', '42P06', $taken, "nor into one that holds $object");
	value("DROP $object");
}
value('CREATE OPERATOR sqs.= (LEFTARG = name, RIGHTARG = name, FUNCTION = nameeq)');
check_error($node, 'CREATE EXTENSION sqs_fdw', '42P06', $taken, 'nor into one that holds an operator');
value('DROP OPERATOR sqs.= (name, name)');
ok(run_sql($node, 'CREATE EXTENSION sqs_fdw; DROP EXTENSION sqs_fdw; CREATE EXTENSION sqs_fdw')->{ok},
	'but into an empty one of a superuser, as a restore or an earlier extension leaves it');
is(value(q{SELECT has_schema_privilege('somebody', 'sqs', 'CREATE')}), 'f', 'and nobody may add to it then');
value('DROP EXTENSION sqs_fdw; DROP SCHEMA sqs');

# --- default privileges

value('ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO somebody;
	ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO somebody, PUBLIC;
	ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO somebody, PUBLIC;
	ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO somebody, PUBLIC');
create_extension($node);

# What others than the superuser may do, of all that the extension made.
is(value(<<'END'), "USAGE of sqs to -\nSELECT of sqs.rejected_reasons to pg_monitor", 'default privileges grant nothing in it');
SELECT privilege_type || ' of ' || nspname || ' to ' || a.grantee::regrole
FROM   pg_namespace, aclexplode(nspacl) a WHERE nspname = 'sqs' AND a.grantee <> nspowner
UNION ALL
SELECT privilege_type || ' of ' || c.oid::regclass || ' to ' || a.grantee::regrole
FROM   pg_class c, aclexplode(relacl) a WHERE relnamespace = 'sqs'::regnamespace AND a.grantee <> relowner
UNION ALL
SELECT privilege_type || ' of ' || p.oid::regprocedure || ' to ' || a.grantee::regrole
FROM   pg_proc p, aclexplode(proacl) a WHERE pronamespace = 'sqs'::regnamespace AND a.grantee NOT IN (0, proowner)
END
check_error($node, q{SET ROLE somebody; SELECT sqs.unmask('t1.k1.a', 'd')},
	'42501', qr/permission denied for function unmask/, 'a role of default privileges opens no mask');
is(run_sql($node, q{SET ROLE somebody; SELECT sqs.is_version('1')})->{out}, 't', 'but calls what is for everyone');

# --- what a grant by name does, does it still, in a dump, too

value('GRANT EXECUTE ON FUNCTION sqs.mask_ip(text) TO somebody');
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '--no-sync', '-f', $dump, 'postgres' ], 'a dump');
value('CREATE DATABASE restored');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, 'restored' ], 'is restored');
is( $node->safe_psql('restored', <<'END'), 'f|t', 'with the same rights');
SELECT has_function_privilege('somebody', 'sqs.unmask(text, text)', 'EXECUTE'),
       has_function_privilege('somebody', 'sqs.mask_ip(text)', 'EXECUTE')
END

done_testing();
