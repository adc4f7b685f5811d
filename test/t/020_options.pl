# A wrong option is refused when it is given, with the valid ones or the range as the hint.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('options');

my $server  = 'CREATE SERVER s FOREIGN DATA WRAPPER sqs_fdw OPTIONS';
my $mapping = 'CREATE USER MAPPING FOR PUBLIC SERVER aws OPTIONS';

sub table_with { return "CREATE FOREIGN TABLE t (a text) SERVER aws OPTIONS ($_[0])"; }

sub column_with
{
	return "CREATE FOREIGN TABLE t (a text OPTIONS ($_[0])) SERVER aws OPTIONS (queue 'q')";
}

# Each is [statement, SQLSTATE, what message and hint say, what is wrong].
my @refused = (
	# names
	[ "$server (regoin 'us-east-1')", 'HV00D', qr/regoin.*HINT:.*region, endpoint/s, 'a misspelt option of a server' ],
	[ "$mapping (acces_key_id 'a')", 'HV00D', qr/HINT:.*access_key_id, secret_access_key/s, 'of a user mapping' ],
	[ table_with("queue 'q', wait_time '1'"), 'HV00D', qr/HINT:.*wait_time_seconds/s, 'of a table' ],
	[ column_with("kye 'a'"), 'HV00D', qr/HINT:.*key, pointer, attribute/s, 'of a column' ],
	[ "CREATE FOREIGN DATA WRAPPER w HANDLER sqs.sqs_fdw_handler VALIDATOR sqs.sqs_fdw_validator OPTIONS (region 'us-east-1')",
		'HV00D', qr/HINT:/, 'any option of a wrapper' ],
	# places
	[ "$server (queue 'q')", 'HV00D', qr/HINT:/, "a table's option on a server" ],
	[ "$server (secret_access_key 'a')", 'HV00D', qr/HINT:/, 'a secret on a server' ],
	[ table_with("queue 'q', region 'us-east-1'"), 'HV00D', qr/HINT:/, "a server's option on a table" ],
	[ table_with("queue 'q', secret_access_key 'a'"), 'HV00D', qr/HINT:/, 'a secret on a table' ],
	# ranges
	[ "$server (max_connections '0')", '22023', qr/max_connections.*HINT:.*1 to \d+/s, 'too few connections' ],
	[ "$server (max_attempts '1000')", '22023', qr/max_attempts.*HINT:.*1 to \d+/s, 'too many attempts' ],
	[ "$server (connect_timeout 'soon')", '22023', qr/connect_timeout.*HINT:/s, 'a time that is no number' ],
	[ "$server (use_fips 'perhaps')", '22023', qr/use_fips.*HINT:.*true or false/s, 'a boolean that is none' ],
	[ table_with("queue 'q', wait_time_seconds '21'"), '22023', qr/HINT:.*0 to 20/s, 'too long a poll' ],
	[ table_with("queue 'q', wait_time_seconds '1.5'"), '22023', qr/HINT:.*0 to 20/s, 'a fraction' ],
	[ table_with("queue 'q', wait_time_seconds ''"), '22023', qr/HINT:.*0 to 20/s, 'an empty number' ],
	[ table_with("queue 'q', visibility_timeout '43201'"), '22023', qr/HINT:.*0 to 43200/s, 'too long a visibility' ],
	[ table_with("queue 'q', max_messages '0'"), '22023', qr/HINT:.*1 to 110000/s, 'no messages at all' ],
	[ table_with("queue 'q', max_messages '99999999999999999999'"), '22023', qr/HINT:/, 'a number past 64 bits' ],
	[ table_with("queue 'q', look_limit '-1'"), '22023', qr/HINT:/, 'a negative limit' ],
	[ table_with("queue 'q', consume 'sometimes'"), '22023', qr/HINT:.*on_write, always, never/s, 'an unknown mode' ],
	[ table_with("queue 'q', sns_envelope '2'"), '22023', qr/sns_envelope.*HINT:.*true or false/s, 'an envelope that is neither' ],
	[ table_with("queue 'q', on_error 'ignore'"), '22023', qr/HINT:.*leave, store, abort/s, 'an unknown way with errors' ],
	# values
	[ "$server (region 'us east 1')", '22023', qr/region.*HINT:/s, 'a region with blanks' ],
	[ "$server (endpoint 'not a url')", '22023', qr/./, 'an endpoint that is no URL' ],
	[ "$server (endpoint 'ftp://localhost')", '22023', qr/./, 'an endpoint of another protocol' ],
	[ "$server (endpoint 'http://user:word\@localhost')", '22023', qr/./, 'an endpoint with a password' ],
	[ "$server (endpoint 'http://localhost', use_fips 'true')", 'HV00D', qr/HINT:/, 'two ways to an endpoint' ],
	[ "$mapping (access_key_id 'a')", 'HV00J', qr/HINT:/, 'half a key' ],
	[ "$mapping (access_key_id '', secret_access_key 'a')", '22023', qr/./, 'an empty key' ],
	[ table_with("queue 'no spaces'"), '22023', qr/./, "a queue's name with blanks" ],
	[ table_with("queue '" . 'q' x 81 . "'"), '22023', qr/./, "a queue's name that is too long" ],
	[ table_with("queue_arn 'arn:aws:sns:us-east-1:000000000000:q'"), '22023', qr/./, "another service's ARN" ],
	[ table_with("queue_url 'sqs.us-east-1.amazonaws.com'"), '22023', qr/./, 'a queue_url that is none' ],
	[ table_with("queue 'q.fifo'"), '0A000', qr/FIFO.*HINT:/s, 'a FIFO queue' ],
	[ column_with("attribute 'sent'"), '22023', qr/HINT:.*sent_timestamp/s, 'an unknown attribute' ],
	[ column_with("pointer 'a/b'"), '22023', qr/HINT:/, 'a pointer without its slash' ],
	[ column_with("message_attribute 'a b'"), '22023', qr/message_attribute.*HINT:.*256/s, "no message attribute's name" ],
	[ column_with("message_attribute '" . 'a' x 257 . "'"), '22023', qr/message_attribute.*HINT:.*256/s, 'one too long' ],
	[ column_with("message_attribute 'a..b'"), '22023', qr/HINT:.*period/s, 'one with periods in a row' ],
	# combinations
	[ 'CREATE FOREIGN TABLE t (a text) SERVER aws', 'HV00J', qr/HINT:.*queue, queue_url and queue_arn/s, 'no queue' ],
	[ table_with("queue 'q', queue_url 'http://localhost/000000000000/q'"), 'HV00J', qr/HINT:.*queue_url/s, 'two queues' ],
	[ table_with("queue 'q', queue_arn 'arn:aws:sqs:us-east-1:000000000000:q'"), 'HV00J', qr/HINT:/, 'a queue and its ARN' ],
	[ column_with("key 'a', pointer '/a'"), 'HV00D', qr/HINT:.*key, pointer, attribute and message_attribute/s, 'a column with two sources' ],
	[ column_with("key 'a', attribute 'body'"), 'HV00D', qr/HINT:/, 'a key and an attribute' ],
	[ column_with("message_attribute 'a', attribute 'body'"), 'HV00D', qr/HINT:/, 'two kinds of attributes' ],
);
check_error($node, $_->[0], $_->[1], $_->[2], "refused: $_->[3]") foreach @refused;

# ALTER is judged as CREATE is.
$node->safe_psql('postgres', table_with("queue 'q'"));
my @altered = (
	[ "ALTER FOREIGN TABLE t OPTIONS (wait_time_seconds '99')", '22023', 'a value out of range' ],
	[ "ALTER FOREIGN TABLE t OPTIONS (ADD queue_arn 'arn:aws:sqs:us-east-1:000000000000:q')", 'HV00J', 'a second queue' ],
	[ 'ALTER FOREIGN TABLE t OPTIONS (DROP queue)', 'HV00J', 'no queue any more' ],
	[ "ALTER FOREIGN TABLE t ALTER a OPTIONS (kye 'b')", 'HV00D', 'an unknown option of a column' ],
	[ "ALTER SERVER aws OPTIONS (ADD max_connections 'many')", '22023', 'a number that is none' ],
	[ "ALTER USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (DROP secret_access_key)", 'HV00J', 'half a key' ],
);
check_error($node, $_->[0], $_->[1], qr/HINT:/, "refused by ALTER: $_->[2]") foreach @altered;

# Every option that works is accepted, and the reference lists it.
is( $node->safe_psql('postgres', "SELECT string_agg(DISTINCT object, ', ' ORDER BY object) FROM sqs.options()"),
	'column, foreign table, server, user mapping', 'sqs.options() has all four kinds of objects');
my $accepted = run_sql($node, <<'END');
CREATE SERVER all_options FOREIGN DATA WRAPPER sqs_fdw OPTIONS (region 'eu-west-1', endpoint 'http://localhost:1',
    max_connections '4', connect_timeout '1', request_timeout '2', max_attempts '1');
CREATE SERVER fips FOREIGN DATA WRAPPER sqs_fdw OPTIONS (region 'us-east-1', use_fips 'on', use_dualstack 'off');
CREATE USER MAPPING FOR PUBLIC SERVER all_options
    OPTIONS (access_key_id 'a', secret_access_key 'b', session_token 'c');
CREATE FOREIGN TABLE all_options (
    id   text  OPTIONS (attribute 'message_id'),
    body text  OPTIONS (attribute 'body'),
    deep text  OPTIONS (pointer '/a/b~1c/0'),
    alias text OPTIONS (key 'Other Name'),
    named text OPTIONS (message_attribute 'Some.name_9-'),
    plain text
) SERVER all_options OPTIONS (queue_arn 'arn:aws:sqs:eu-west-1:123456789012:some-queue', consume 'always', sns_envelope 'true',
    wait_time_seconds '0', visibility_timeout '30', max_messages '110000', look_limit '1', on_error 'abort');
CREATE FOREIGN TABLE by_url (a text) SERVER all_options
    OPTIONS (queue_url 'https://sqs.eu-west-1.amazonaws.com/123456789012/some-queue');
END
is($accepted->{err}, '', 'every documented option is accepted');

# Settings, once the library is there to know them.
my $load = "LOAD 'sqs_fdw';";
check_error($node, "$load SET sqs_fdw.no_such_setting = 1", '42602', qr/./, 'an unknown setting of the prefix');
check_error($node, "$load SET sqs_fdw.keyring_file = '/elsewhere'", '55P02', qr/cannot be changed now/,
	'the key ring is not for a session to choose');
$node->safe_psql('postgres', 'CREATE ROLE somebody');
check_error($node, "$load SET ROLE somebody; ALTER SYSTEM SET sqs_fdw.allowed_endpoints = '*'",
	'42501', qr/permission denied/, 'nor is the fence for everyone');
check_error($node, "$load ALTER SYSTEM SET sqs_fdw.allowed_endpoints = 'http://a b'",
	'22023', qr/./, 'a fence that is no list of hosts');

done_testing();
