# A keyring command is run once for each process and reload, can be cancelled, and shows nothing of what it prints.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use SqsFdw::Test;

my $known_mask = 't1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI';
my $mask       = "SELECT sqs.mask('593-47-5928', 'device_id')";

my $k1      = encode_base64(join('', map { chr } 0 .. 63), '');
my $k2      = encode_base64('2' x 64,                      '');
my $node    = start_node('command', bare => 1);
my $keyring = write_keyring($node);
my $folder  = PostgreSQL::Test::Utils::tempdir('command');
my $marker  = 0;
create_extension($node);

# A second session, to see how a running one takes up what changes.
my $session = session($node);

sub in_session
{
	my ($sql) = @_;
	$session->{stderr} = '';
	my $out = $session->query($sql);
	return ($out, $session->{stderr});
}

# Reloads, and returns once new sessions and the running one know of it.
sub reload
{
	my (%settings) = @_;
	$marker++;
	$settings{'marker.reload'} = $marker;
	$node->append_conf('postgresql.conf', "$_ = $settings{$_}") for sort keys %settings;
	$node->reload;
	wait_for { $node->safe_psql('postgres', 'SHOW marker.reload') eq $marker } 'the reload';
	wait_for { (in_session('SHOW marker.reload'))[0] eq $marker } 'the reload of the session';
	return;
}

sub command { my ($text) = @_; $text =~ s{\\}{\\\\}g; $text =~ s/'/''/g; return reload('sqs_fdw.keyring_command' => "'$text'"); }

# How often the command ran since the last call.
sub runs
{
	my $runs = -e "$folder/runs" ? () = slurp_file("$folder/runs") =~ /run/g : 0;
	unlink "$folder/runs";
	return $runs;
}

sub is_alive { return kill(0, $_[0]) && slurp_file("/proc/$_[0]/stat") !~ /\) Z /; }

# The process that a command wrote down before it hung.
sub hanging
{
	wait_for { -s "$folder/pid" } 'the command to start';
	chomp(my $pid = slurp_file("$folder/pid"));
	unlink "$folder/pid";
	return $pid;
}

my $hang = "echo \$\$ > $folder/pid.new; mv $folder/pid.new $folder/pid; echo sesame; sleep 1000";

# --- exactly one of file and command

command("cat $keyring");
check_error($node, $mask, 'F0000', qr/keyring_file and sqs_fdw.keyring_command are both set.*HINT:/s,
	'file and command at once are an error');

# --- when it is run

reload(
	'sqs_fdw.keyring_file'    => "''",
	'sqs_fdw.keyring_command' => "'echo run >> $folder/runs; cat $keyring'");
is(runs(), 0, 'a setting runs nothing');
is((in_session($mask))[0], $known_mask, 'what it prints is the keyring');
in_session($mask) for 1 .. 3;
is(runs(), 1, 'a session runs it once');
is($node->safe_psql('postgres', "$mask; $mask"), "$known_mask\n$known_mask", 'another session');
is(runs(), 1, 'runs it once, too');

write_keyring($node, "k2 active $k2", "k1 decrypt $k1");
is((in_session($mask))[0], $known_mask, 'its output is not looked at again');
reload();
my ($out, $err) = in_session($mask);
like($out, qr/^t1\.k2\./, 'before a reload');
is($err, '', 'which says nothing');
is(runs(), 1, 'and runs it once');

# --- what is wrong with it

my %bad = (
	'a command that fails'          => [ 'echo sesame; echo sesame >&2; exit 3', qr/failed.*status is 3/s ],
	'a command that is killed'      => [ 'echo sesame; kill -9 $$',              qr/failed.*signal 9/s ],
	'a command that is missing'     => [ '/sesame/program',                      qr/failed.*status is 127/s ],
	'a command that prints nothing' => [ 'echo sesame >&2',                      qr/printed nothing/ ],
	'a command that never stops'    => [ 'yes sesame',                           qr/more than 1.2 MB/ ],
	'a command that prints nonsense' => [ 'echo sesame',                         qr/line 1 is not a key/ ],
	'a command that prints half a ring' => [ "head -c 50 $keyring",              qr/line 1 has a key that/ ],
);
foreach my $name (sort keys %bad)
{
	my ($text, $message) = @{ $bad{$name} };
	command("echo run >> $folder/runs; $text");
	($out, $err) = in_session($mask);
	like($out, qr/^t1\.k2\./, "$name leaves the old ring in force");
	like($err, qr/WARNING: .*old keyring stays in force.*$message/s, 'with a warning');
	like($err, qr/HINT: /, 'that says what to do');
	($out, $err) = in_session($mask);
	is($err, '', 'once');
	is(runs(), 1, 'and is not run again before a reload');
	my $error = check_error($node, $mask, 'F0000', $message, "$name is an error without a ring");
	unlike("$error$err", qr/sesame/, 'that does not show what it printed');
	runs();
}

# --- time

command($hang);
my $start = time();
check_error($node, $mask, 'F0000', qr/did not end within 10 s.*HINT:/s, 'a command that hangs is given up');
my $took = time() - $start;
cmp_ok($took, '>=', 10, 'after 10 seconds');
cmp_ok($took, '<',  20, 'and not much more');
my $pid = hanging();
wait_for { !is_alive($pid) } 'the command to be gone';

$start = time();
check_error($node, "SET statement_timeout = '300ms'; $mask", '57014', qr/statement timeout/, 'a statement_timeout ends it');
cmp_ok(time() - $start, '<', 5, 'at once');
$pid = hanging();
wait_for { !is_alive($pid) } 'the command to be gone';

# The session has no ring yet: it is one that has just begun.
foreach my $how ([ 'pg_cancel_backend', qr/canceling statement/ ], [ 'pg_terminate_backend', qr/terminating connection/ ])
{
	my ($function, $message) = @$how;
	my $victim  = $node->background_psql('postgres', on_error_stop => 0);
	my $backend = $victim->query_safe('SELECT pg_backend_pid()');
	$victim->query_until(qr/sent/, "\\echo sent\n$mask;\n");
	$pid = hanging();
	my $waits = $node->safe_psql('postgres', "SELECT wait_event_type FROM pg_stat_activity WHERE pid = $backend");
	is($waits, 'Extension', 'pg_stat_activity shows the wait');
	$start = time();
	is($node->safe_psql('postgres', "SELECT $function($backend)"), 't', "$function during the command");
	wait_for { !is_alive($pid) } 'the command to be gone';
	cmp_ok(time() - $start, '<', 2, 'ends the command');
	if ($function eq 'pg_cancel_backend')
	{
		is($victim->query('SELECT 1'), 1, 'and the session goes on');
		like($victim->{stderr}, $message, 'after an error');
	}
	eval { $victim->quit };
}

# --- what it has of the server

command("ls -l /proc/self/fd > $folder/files; tr '\\0' '\\n' < /proc/self/environ > $folder/environment; "
	  . "grep SigIgn /proc/self/status > $folder/signals; id -u > $folder/user; cat $keyring");
like($node->safe_psql('postgres', $mask), qr/^t1\.k2\./, 'a command that looks around');
my @files = slurp_file("$folder/files") =~ /\s(\d+) -> (.*)$/mg;
my %files = @files;
is(join(' ', sort { $a <=> $b } keys %files), '0 1 2 3', 'has no file of the server');
is($files{0},                                 '/dev/null', 'reads nothing');
is($files{2},                                 '/dev/null', 'says nothing');
unlike(join("\n", values %files), qr/socket/, 'does not hold the client');
is(slurp_file("$folder/user"), $> . "\n", q{runs as the server's account});
unlike(slurp_file("$folder/environment"), qr/\Q$k1\E|\Q$k2\E/, 'has no key in its environment');

# --- who may say what it is

$node->safe_psql('postgres', 'CREATE ROLE nobody LOGIN');
my $as_nobody = run_sql($node, q{SELECT sqs.version_to_int('1'); SET ROLE nobody; SHOW sqs_fdw.keyring_command;});
like($as_nobody->{err}, qr/42501/, 'only a superuser sees the command, once the library is loaded');
$as_nobody = run_sql($node, q{SELECT sqs.version_to_int('1'); SET sqs_fdw.keyring_command = 'true';});
like($as_nobody->{err}, qr/55P02.*cannot be changed now/, 'and nobody sets it in a session');

# --- back to a file

reload('sqs_fdw.keyring_command' => "''", 'sqs_fdw.keyring_file' => "'$keyring'");
write_keyring($node);
is((in_session($mask))[0], $known_mask, 'a session goes from a command to a file');
reload('sqs_fdw.keyring_command' => "'exit 1'", 'sqs_fdw.keyring_file' => "''");
($out, $err) = in_session($mask);
is($out, $known_mask, 'and keeps the ring of the file where a command fails');
like($err, qr/old keyring stays in force/, 'with a warning');
$session->quit;

# What a reload changes is logged by the server itself; what the commands printed is not.
my $log = join "\n", grep { !/parameter "sqs_fdw.keyring_command" changed/ } split /\n/, slurp_file($node->logfile);
unlike($log, qr/sesame|\Q$k1\E|\Q$k2\E/, 'nothing that a command printed is in the log');

done_testing();
