# What the TAP tests share: a server with the extension, a queue, the tables of the README's example.
#
# Queues and rows are counted by these helpers alone, never by the code under test.

package SqsFdw::Test;

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Client;
use SqsFdw::Queue;
use SqsFdw::Server qw(start_elasticmq start_moto stop_server);
use SqsFdw::Wait qw(wait_for);

our @EXPORT = qw(
  $TAKE
  bodies_of
  check_counts
  check_error
  create_extension
  create_login_tables
  create_server
  kill_server
  logins
  moto_client
  new_queue
  run_sql
  session
  sqs
  start_node
  starts_waiting
  stranger
  wait_for
  wait_for_counts
  wait_for_recovery
  write_keyring
);

# The statement of the README.
our $TAKE = <<'END';
INSERT INTO user_logins
SELECT user_id, device_type, sqs.mask_ip(ip), sqs.mask(device_id, 'device_id'),
       locale, sqs.version_to_int(app_version), coalesce(create_date, sent_at::date)
FROM   login_queue
END

my $docker       = abs_path(dirname(__FILE__) . '/../../../docker');
my $fixture      = "$docker/sample/logins.jsonl";
my $login_tables = "$docker/initdb/20-tables.sql";
my @servers;
my $sqs;
my $queues = 0;

# Servers that no runner started for us; after the tests, without touching the exit status.
END
{
	my $status = $?;
	stop_server($_) for @servers;
	$? = $status;
}

# The client of the local SQS: SQS_ENDPOINT's, or that of an ElasticMQ started for this file.
sub sqs
{
	return $sqs if $sqs;
	my $endpoint = $ENV{SQS_ENDPOINT};
	if (!defined $endpoint)
	{
		my $server = start_elasticmq(folder => PostgreSQL::Test::Utils::tempdir('sqs'));
		push @servers, $server;
		$endpoint = $server->{endpoint};
	}
	return $sqs = SqsFdw::Client->new(endpoint => $endpoint);
}

# A client of moto with a user of its own, whose keys may do everything with SQS, IAM and STS.
sub moto_client
{
	my $endpoint = $ENV{MOTO_ENDPOINT};
	if (!defined $endpoint)
	{
		my $server = start_moto(folder => PostgreSQL::Test::Utils::tempdir('moto'));
		push @servers, $server;
		$endpoint = $server->{endpoint};
	}
	my $user = 'tester' . ++$queues . "_$$";
	# The number of actions that moto lets pass unchecked from now on: these three.
	HTTP::Tiny->new->post("$endpoint/moto-api/reset-auth", { content => 3 })->{success}
	  or croak 'moto did not take the reset';
	my $nobody = SqsFdw::Client->new(endpoint => $endpoint);
	my @iam    = ('iam', Version => '2010-05-08', UserName => $user);
	$nobody->query(@iam, Action => 'CreateUser');
	$nobody->query(
		@iam,
		Action         => 'PutUserPolicy',
		PolicyName     => 'all',
		PolicyDocument => encode_json({
			Version   => '2012-10-17',
			Statement => [ { Effect => 'Allow', Action => '*', Resource => '*' } ],
		}));
	my $keys = $nobody->query(@iam, Action => 'CreateAccessKey');
	my ($id)     = $keys =~ m{<AccessKeyId>(.*?)</AccessKeyId>};
	my ($secret) = $keys =~ m{<SecretAccessKey>(.*?)</SecretAccessKey>};
	return SqsFdw::Client->new(
		endpoint          => $endpoint,
		access_key_id     => $id,
		secret_access_key => $secret);
}

# An empty queue that no other test knows. Attributes have SQS's names.
sub new_queue
{
	my ($purpose, %attributes) = @_;
	return SqsFdw::Queue->create(sqs(), "$purpose-$$-" . ++$queues, %attributes);
}

sub _fixture
{
	open my $file, '<', $fixture or croak "$fixture: $!";
	chomp(my @lines = <$file>);
	return @lines;
}

# That many login messages, in the fixture's order.
sub logins
{
	my ($count) = @_;
	my @logins = grep { /"user_id"/ } _fixture();
	croak 'the fixture has ' . @logins . ' logins' if $count > @logins;
	return @logins[ 0 .. $count - 1 ];
}

# The fixture's message that is no login.
sub stranger
{
	return (grep { !/"user_id"/ } _fixture())[0];
}

# Decoded bodies.
sub bodies_of
{
	return map { decode_json($_) } @_;
}

# Writes a key ring, by default the one of the documented known answers (k1, the bytes 00 to 3f).
# Returns its path, outside the data directory.
sub write_keyring
{
	my ($node, @lines) = @_;
	my $path = $node->basedir . '/keyring';
	@lines = ('k1 active ' . encode_base64(join('', map { chr } 0 .. 63), '')) unless @lines;
	# A file of its own moved into place: the server never sees half a ring.
	open my $file, '>', "$path.new" or croak "$path.new: $!";
	print $file "$_\n" for @lines;
	close $file or croak "$path.new: $!";
	chmod 0600, "$path.new" or croak "$path.new: $!";
	rename "$path.new", $path or croak "$path: $!";
	return $path;
}

# A running server with a key ring, and in database postgres the extension, a server `aws` for the
# local SQS, and a user mapping. Options: conf, lines of postgresql.conf; bare, no extension yet;
# init, more options of PostgreSQL::Test::Cluster's init.
sub start_node
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--locale=C', '--encoding=UTF8' ], %{ $options{init} // {} });
	my $keyring = write_keyring($node);
	$node->append_conf('postgresql.conf', "sqs_fdw.keyring_file = '$keyring'");
	$node->append_conf('postgresql.conf', $options{conf}) if defined $options{conf};
	$node->start;
	if (!$options{bare})
	{
		create_extension($node);
		create_server($node, 'aws', endpoint => sqs()->endpoint);
	}
	return $node;
}

sub create_extension
{
	my ($node) = @_;
	$node->safe_psql('postgres', 'CREATE EXTENSION sqs_fdw');
	return;
}

sub _option_list
{
	my (%options) = @_;
	return '' unless %options;
	my @pairs = map { (my $value = $options{$_}) =~ s/'/''/g; "$_ '$value'" } sort keys %options;
	return 'OPTIONS (' . join(', ', @pairs) . ')';
}

# A foreign server and a mapping of the current user. Options of the mapping are recognised by name.
sub create_server
{
	my ($node, $name, %options) = @_;
	my %mapping = (access_key_id => 'test', secret_access_key => 'test');
	foreach my $option (qw(access_key_id secret_access_key session_token))
	{
		$mapping{$option} = delete $options{$option} if exists $options{$option};
	}
	$options{region} //= 'us-east-1';
	my ($server, $user) = (_option_list(%options), _option_list(%mapping));
	$node->safe_psql('postgres',
		"CREATE SERVER $name FOREIGN DATA WRAPPER sqs_fdw $server;
		 CREATE USER MAPPING FOR CURRENT_USER SERVER $name $user");
	return;
}

# Replaces login_queue, as the README defines it, and user_logins. Table options beside `queue`;
# `server` names another server than aws.
sub create_login_tables
{
	my ($node, $queue, %options) = @_;
	my $server = delete $options{server} // 'aws';
	my $name   = ref $queue ? $queue->name : $queue;
	my $list   = _option_list(queue => $name, %options);
	my $tables = slurp_file($login_tables);
	$tables =~ s/SERVER aws OPTIONS \([^)]*\)/SERVER $server $list/ or croak "$login_tables: no server";
	$node->safe_psql('postgres', <<"END");
SET client_min_messages = warning;
DROP FOREIGN TABLE IF EXISTS login_queue;
DROP TABLE IF EXISTS user_logins;
$tables
END
	return;
}

# Runs statements in one session, past errors, and returns what came of them: ok, out, err. The
# messages are verbose: "ERROR:  08006: …", DETAIL and HINT.
sub run_sql
{
	my ($node, $sql) = @_;
	my ($out, $err) = ('', '');
	my $status = $node->psql(
		'postgres', $sql,
		stdout        => \$out,
		stderr        => \$err,
		on_error_stop => 0,
		extra_params  => [ '-v', 'VERBOSITY=verbose' ]);
	return { ok => $status == 0 && $err !~ /^(psql:[^\n]*?)?(ERROR|FATAL):/m, out => $out, err => $err };
}

# The statements end with that SQLSTATE, and the message, detail and hint match the pattern.
sub check_error
{
	my ($node, $sql, $sqlstate, $pattern, $name) = @_;
	my $result = run_sql($node, $sql);
	my ($found) = $result->{err} =~ /ERROR:\s+(\w{5}):/;
	my $as_expected = ($found // '') eq $sqlstate && $result->{err} =~ $pattern;
	ok($as_expected, $name)
	  or diag("expected SQLSTATE $sqlstate and $pattern, got:\n$result->{err}");
	return $result->{err};
}

sub _counts
{
	my ($node, $queue) = @_;
	my $counts = $queue->counts;
	return {
		visible   => $counts->{visible},
		in_flight => $counts->{in_flight},
		rows      => $node->safe_psql('postgres', 'SELECT count(*) FROM user_logins'),
	};
}

# What is in the queue, visible and in flight, and in user_logins, right now.
sub check_counts
{
	my ($node, $queue, $expected, $name) = @_;
	return is_deeply(_counts($node, $queue), $expected, $name);
}

# The same, once it is so: for what another process does in its own time.
sub wait_for_counts
{
	my ($node, $queue, $expected, $name) = @_;
	my $is = sub {
		my $counts = _counts($node, $queue);
		return !grep { $counts->{$_} != $expected->{$_} } keys %$expected;
	};
	eval { wait_for { $is->() } $name };
	return check_counts($node, $queue, $expected, $name);
}

# Kills the postmaster. Its backends end themselves once they notice; until then they would keep the shared
# memory from the next start.
sub kill_server
{
	my ($node, @backends) = @_;
	$node->kill9;
	foreach my $pid (@backends)
	{
		wait_for { !kill 0, $pid } 'an orphaned backend to end';
	}
	return;
}

# After this backend was killed: the server has noticed it, and takes sessions again. The statement is an
# argument, since psql does not read its input where it finds no server, and writing to it fails then.
sub wait_for_recovery
{
	my ($node, $pid) = @_;
	wait_for { !kill 0, $pid } 'the killed backend to be missed';
	my @probe = ('psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', 'SELECT');
	return wait_for { PostgreSQL::Test::Utils::run_log(\@probe) } 'the server to recover';
}

# A psql session in the background that goes on after errors.
sub session
{
	my ($node) = @_;
	return $node->background_psql('postgres', on_error_stop => 0);
}

# Sends a statement to a background session without waiting for its end, and returns the process id
# of its backend once the scan has received that many messages and waits for more.
sub starts_waiting
{
	my ($node, $session, $queue, $sql, $received) = @_;
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	$session->query_until(qr/sent/, "\\echo sent\n$sql;\n");
	wait_for { $queue->counts->{in_flight} == $received } "$received messages in flight";
	wait_for {
		$node->safe_psql('postgres',
			"SELECT state = 'active' FROM pg_stat_activity WHERE pid = $pid") eq 't'
	}
	'the statement to run';
	return $pid;
}

1;
