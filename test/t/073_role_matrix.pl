# Each role of the README's recipe may call the functions that it is there for, and no other.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Readme qw(blocks text);
use SqsFdw::Test;

my $node = start_node('roles', bare => 1);
create_extension($node);
create_server($node, 'aws', endpoint => 'http://127.0.0.1:9');
create_login_tables($node, 'login-queue');

# The recipe itself: the blocks that make roles and grant.
my @recipe = grep { $_->{heading} =~ /^(?:Who may do what|Roles)$/ && $_->{text} =~ /^GRANT/m } blocks(text());
is(scalar @recipe, 2, 'the README has the recipe');
$node->safe_psql('postgres', join "\n", 'CREATE ROLE etl; CREATE ROLE nobody;', map { $_->{text} } @recipe);

my $mask   = $node->safe_psql('postgres', q{SELECT sqs.mask('593-47-5928', 'device_id')});
my $ip     = $node->safe_psql('postgres', q{SELECT sqs.mask_ip('1.2.3.4')});
my @public = qw(nobody etl analyst security_officer key_operator);

# Who may call what, beside the superuser.
my @matrix = (
	[ q{sqs.mask('a', 'd')},                        'etl' ],
	[ q{sqs.mask('a', 'd', 'k1')} ],
	[ q{sqs.mask_ip('1.2.3.4')},                    'etl' ],
	[ q{sqs.mask_ip('1.2.3.4'::inet)} ],
	[ q{sqs.mask_all('a', 'd')},                    'security_officer' ],
	[ q{sqs.mask_all_ip('1.2.3.4')},                'security_officer' ],
	[ q{sqs.mask_hmac('a', 'd')} ],
	[ q{sqs.mask_hmac('a', 'd', 'k1')} ],
	[ qq{sqs.unmask('$mask', 'device_id')},         'security_officer' ],
	[ qq{sqs.unmask_ip('$ip')},                     'security_officer' ],
	[ qq{sqs.remask('$mask', 'device_id')},         'key_operator' ],
	[ q{sqs.mask_keys()},                           'key_operator' ],
	[ q{sqs.check_keyring()},                       'key_operator' ],
	[ q{sqs.reseal_rejected()},                     'key_operator' ],
	[ q{sqs.rejected_body(1)} ],
	[ q{sqs.rejected_body_bytes(1)} ],
	[ q{sqs.rejected_attributes(1)} ],
	[ q{sqs.hash_sha256('a')},                      @public ],
	[ q{sqs.ip_truncate('1.2.3.4')},                @public ],
	[ q{sqs.partial('593-47-5928', 3, '***', 2)},   @public ],
	[ q{sqs.version_to_int('1.2')},                 @public ],
);

foreach my $row (@matrix)
{
	my ($call, @allowed) = @$row;
	my %allowed = map { $_ => 1 } @allowed;
	foreach my $role (@public)
	{
		my $result = run_sql($node, "SET ROLE $role; SELECT $call");
		my $state  = $result->{ok} ? 'works' : ($result->{err} =~ /ERROR:\s+(\w{5})/)[0];
		is($state, $allowed{$role} ? 'works' : '42501', "$role: $call");
	}
	ok(run_sql($node, "SELECT $call")->{ok}, "superuser: $call");
}

# Every function that uses the keyring is in the matrix.
my %called = map { $_->[0] =~ /^sqs\.(\w+)/; $1 => 1 } @matrix;
my $keyed  = $node->safe_psql('postgres', <<'END');
SELECT DISTINCT proname FROM pg_proc
WHERE  pronamespace = 'sqs'::regnamespace AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'c')
       AND proname ~ 'mask|key|rejected'
END
is(join(' ', grep { !$called{$_} } split /\n/, $keyed), '', 'the matrix is complete');

# --- rows

$node->safe_psql('postgres', "INSERT INTO user_logins (user_id, masked_ip, masked_device_id) VALUES ('u', '$ip', '$mask')");

my @statements = (
	[ q{INSERT INTO user_logins (user_id) VALUES ('v')},                               'etl' ],
	[ q{SELECT masked_ip, count(*) FROM user_logins GROUP BY 1},                       qw(analyst security_officer key_operator) ],
	[ q{UPDATE user_logins SET masked_ip = sqs.remask(masked_ip, 'ip')},               'key_operator' ],
	[ q{UPDATE user_logins SET user_id = 'w'} ],
	[ q{SELECT user_id FROM user_logins WHERE masked_ip = ANY (sqs.mask_all_ip('1.2.3.4'))}, 'security_officer' ],
	[ q{SELECT sqs.unmask_ip(masked_ip) FROM user_logins},                             'security_officer' ],
	[ q{EXPLAIN SELECT * FROM login_queue},                                            'etl' ],
	[ q{SET sqs_fdw.audit_unmask = 'off'} ],
);
foreach my $row (@statements)
{
	my ($statement, @allowed) = @$row;
	my %allowed = map { $_ => 1 } @allowed;
	foreach my $role (@public)
	{
		my $result = run_sql($node, "SELECT sqs.is_version('1'); SET SESSION AUTHORIZATION $role; $statement");
		my $state  = $result->{ok} ? 'works' : ($result->{err} =~ /ERROR:\s+(\w{5})/)[0];
		is($state, $allowed{$role} ? 'works' : '42501', "$role: $statement");
	}
}

done_testing();
