# CREATE EXTENSION makes what the documentation says, in one schema; a dump holds it and receives nothing.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('install', bare => 1);

check_error($node, 'CREATE EXTENSION sqs_fdw SCHEMA public',
	'0A000', qr/schema/, 'the schema cannot be chosen');
$node->safe_psql('postgres', 'CREATE ROLE somebody LOGIN');
check_error($node, 'SET ROLE somebody; CREATE EXTENSION sqs_fdw',
	'42501', qr/permission denied/, 'only a superuser installs it');

create_extension($node);

is( $node->safe_psql('postgres', <<'END'), 'sqs', 'all functions are in the schema sqs');
SELECT DISTINCT pronamespace::regnamespace
FROM   pg_proc JOIN pg_depend ON objid = pg_proc.oid AND classid = 'pg_proc'::regclass
WHERE  refobjid = (SELECT oid FROM pg_extension WHERE extname = 'sqs_fdw') AND deptype = 'e'
END

# Signature, volatility, parallel safety, and whether PUBLIC may call it: of every function.
my $labels = <<'END';
check_keyring()|v|r|f
hash_sha256(text, text)|i|s|t
int_to_version(integer)|i|s|t
ip_truncate(inet, integer, integer)|i|s|t
is_version(text)|i|s|t
mask(text, text)|s|s|f
mask(text, text, text)|i|s|f
mask_all(text, text)|s|s|f
mask_all_ip(text)|s|s|f
mask_hmac(text, text)|s|s|f
mask_hmac(text, text, text)|i|s|f
mask_ip(inet)|s|s|f
mask_ip(text)|s|s|f
mask_keys()|s|r|f
options()|i|s|t
partial(text, integer, text, integer)|i|s|t
prune_ledger()|v|u|f
rejected_attributes(bigint)|v|r|f
rejected_body(bigint)|v|r|f
rejected_body_bytes(bigint)|v|r|f
remask(text, text)|s|s|f
reseal_rejected()|v|u|f
unmask(text, text)|v|r|f
unmask_ip(text)|v|r|f
version_parts(text)|i|s|t
version_to_int(text)|i|s|t
END
chomp $labels;
my $found = $node->safe_psql('postgres', <<'END');
SELECT p.proname || '(' || coalesce((SELECT string_agg(format_type(t, NULL), ', ' ORDER BY n)
                                     FROM unnest(p.proargtypes) WITH ORDINALITY AS a(t, n)), '') || ')',
       provolatile, proparallel, has_function_privilege('public', p.oid, 'EXECUTE')
FROM   pg_proc p
WHERE  pronamespace = 'sqs'::regnamespace AND proname !~ '^sqs_fdw_'
ORDER  BY 1
END
is($found, $labels, 'volatility, parallel safety and rights are as documented');
is( $node->safe_psql('postgres',
		"SELECT count(*) FROM pg_proc WHERE pronamespace = 'sqs'::regnamespace AND proleakproof"),
	'0', 'no function is leakproof');
create_server($node, 'aws', endpoint => sqs()->endpoint);
my $queue = new_queue('install');
create_login_tables($node, $queue);
$queue->send(logins(5));

my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '--no-sync', '-f', $dump, 'postgres' ], 'pg_dump works');
check_counts($node, $queue, { visible => 5, in_flight => 0, rows => 0 }, 'a dump receives nothing');
is_deeply([ values %{ $queue->receive_counts } ], [ (0) x 5 ], 'not even for a moment');

$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, 'restored' ],
	'the dump can be restored');
is($node->safe_psql('restored', "$TAKE; SELECT count(*) FROM user_logins"),
	'5', 'and the restored table takes messages');

$node->safe_psql('postgres', 'DROP EXTENSION sqs_fdw CASCADE; CREATE EXTENSION sqs_fdw');
pass('the extension can be dropped and created again');

done_testing();
