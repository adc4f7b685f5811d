# What a session does before it loads the library does not put a superuser's settings out of force.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('before_loading', bare => 1, conf => <<'END');
sqs_fdw.audit_unmask = 'call'
sqs_fdw.allowed_endpoints = 'sqs.example.com'
END
create_extension($node);
my $mask = $node->safe_psql('postgres', q{SELECT sqs.mask('a', 'd')});
$node->safe_psql('postgres', <<'END');
CREATE ROLE analyst LOGIN;
GRANT EXECUTE ON FUNCTION sqs.unmask(text, text) TO analyst;
END

# What comes of opening a mask in a session of that role that begins with these settings.
sub open_with
{
	my ($role, @settings) = @_;
	local $ENV{PGOPTIONS} = join ' ', map { "-c $_" } @settings;
	my ($out, $err) = ('', '');
	$node->psql(
		'postgres', "SELECT sqs.unmask('$mask', 'd'); SHOW sqs_fdw.delete_timeout; SHOW sqs_fdw.audit_unmask",
		stdout => \$out, stderr => \$err, extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose' ]);
	return { out => $out, err => $err };
}

# --- in its first words

foreach my $setting (qw(audit_unmask=off allowed_endpoints=* keyring_file=/nowhere keyring_command=id
	ledger_retention=1 Audit_Unmask=off))
{
	my ($name) = $setting =~ /^(\w+)/;
	my $result = open_with('analyst', "sqs_fdw.$setting");
	like($result->{err}, qr/ERROR:\s+42501: permission denied to set parameter "sqs_fdw\.$name"/i, "$name is refused");
	is($result->{out}, '', "with $name no mask is opened");
}
my $result = open_with('analyst');
is($result->{out}, "a\n1min\ncall", 'without them postgresql.conf is in force');
$result = open_with('analyst', 'sqs_fdw.delete_timeout=5s', 'sqs_fdw.release_timeout=2s');
is("$result->{out}$result->{err}", "a\n5s\ncall", 'settings of users are theirs to choose');
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
$result = open_with($superuser, 'sqs_fdw.audit_unmask=statement');
is("$result->{out}$result->{err}", "a\n1min\nstatement", 'and a superuser may set what a superuser may set');

# --- in a parallel query, in which the server takes over no setting

$node->safe_psql('postgres', <<'END');
CREATE FUNCTION loads(v text) RETURNS boolean LANGUAGE plpgsql PARALLEL SAFE AS $$BEGIN RETURN sqs.is_version(v); END$$;
END
my $force = $node->safe_psql('postgres', "SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')");
foreach my $workers (0, 1)
{
	my $parallel = run_sql($node, "SET SESSION AUTHORIZATION analyst; SET $force = on; SET max_parallel_workers = $workers;
		SELECT loads('1'); RESET $force; SELECT loads('1'); SELECT sqs.unmask('$mask', 'd'); SHOW sqs_fdw.audit_unmask");
	like($parallel->{err}, qr/ERROR:\s+25000: cannot load sqs_fdw during a parallel operation\nHINT/, "with $workers workers the library is not loaded");
	is($parallel->{out}, "t\na\ncall", 'and later it is, with the settings of postgresql.conf');
}
my $preloaded = run_sql($node, "LOAD 'sqs_fdw'; SET $force = on; SELECT loads('1')");
is("$preloaded->{out}$preloaded->{err}", 't', 'a worker of a session that has loaded it loads it, too');

done_testing();
