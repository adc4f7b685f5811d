# Starts and stops the local SQS servers, on free loopback ports, by process id.
#
# A server is a hash: kind, pid, started (the kernel's start time of that process, so that another
# process that got its id is never stopped), endpoint, log.

package SqsFdw::Server;

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use HTTP::Tiny;
use IO::Socket::INET;
use POSIX qw(WNOHANG setsid);

use SqsFdw::Wait qw(wait_for);

our @EXPORT_OK = qw(free_port launch start_elasticmq start_moto stop_server);

use constant {
	# Java on a busy machine; 2 s on an idle one.
	START_SECONDS => 60,
	STOP_SECONDS  => 10,
	# Another process may take the port between the choice and the bind.
	ATTEMPTS => 3,
};

my $checkout = abs_path(dirname(__FILE__) . '/../../..');

sub _cache
{
	return $ENV{SQS_FDW_CACHE} // "$checkout/.cache";
}

sub free_port
{
	my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1)
	  or croak "no free port: $!";
	return $socket->sockport;
}

sub _write_file
{
	my ($path, $text) = @_;
	open my $file, '>', $path or croak "$path: $!";
	print $file $text;
	close $file or croak "$path: $!";
	return;
}

sub _read_file
{
	my ($path) = @_;
	open my $file, '<', $path or return '';
	local $/;
	return <$file> // '';
}

# The kernel's start time of a process, in clock ticks; undef when there is none, or only its
# unreaped remains.
sub _start_time
{
	my ($pid) = @_;
	# The command's name, the second field, may hold blanks and parentheses: read from its end.
	my ($fields) = _read_file("/proc/$pid/stat") =~ /.*\)\s+(.*)/s or return;
	my @fields = split ' ', $fields;
	return $fields[0] eq 'Z' ? undef : $fields[19];
}

# Runs a command in a session of its own, its output in a log. Returns its process id.
sub _spawn
{
	my ($log, $environment, @command) = @_;
	my $pid = fork() // croak "fork: $!";
	return $pid if $pid;

	setsid();
	open STDIN,  '<',  '/dev/null'  or POSIX::_exit(127);
	open STDOUT, '>>', $log         or POSIX::_exit(127);
	open STDERR, '>&', \*STDOUT     or POSIX::_exit(127);
	# Not the pipes of the caller: whoever reads them would wait for the server's end.
	POSIX::close($_) for 3 .. 63;
	@ENV{ keys %$environment } = values %$environment;
	{ no warnings 'exec'; exec { $command[0] } @command; }
	print STDERR "$command[0]: $!\n";
	POSIX::_exit(127);
}

# Any reply will do, an error too; where TLS is spoken, that someone listens.
sub _answers
{
	my ($port, $tls) = @_;
	return defined IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) if $tls;
	my $reply = HTTP::Tiny->new(timeout => 5)->get("http://127.0.0.1:$port/health");
	return $reply->{status} != 599;
}

# launch(kind => …, folder => …, command => sub ($port) { … }, environment => {…}, tls => bool)
#
# Runs the command that the sub returns, and returns once it answers on that port. The folder takes
# the log.
sub launch
{
	my (%how) = @_;
	my $log = "$how{folder}/$how{kind}.log";
	for (1 .. ATTEMPTS)
	{
		my $port   = free_port();
		my $pid    = _spawn($log, $how{environment} // {}, $how{command}->($port));
		my %server = (
			kind     => $how{kind},
			pid      => $pid,
			started  => _start_time($pid),
			endpoint => ($how{tls} ? 'https' : 'http') . "://127.0.0.1:$port",
			log      => $log,
		);
		my $state = eval {
			wait_for {
				waitpid($pid, WNOHANG) == $pid ? 'ended' : _answers($port, $how{tls}) ? 'up' : ''
			}
			"$how{kind} to answer", START_SECONDS;
		};
		return \%server if defined $state && $state eq 'up';
		stop_server(\%server);
	}
	croak "$how{kind} did not start; its log:\n" . _read_file($log);
}

# ElasticMQ: everything but signatures. Queues are in memory, and gone with the process.
# Options: folder, for its configuration and log; limits, 'strict' (as AWS) or 'relaxed'.
sub start_elasticmq
{
	my (%options) = @_;
	my $jars = _cache() . '/elasticmq/lib';
	croak "ElasticMQ is missing from $jars: run test/setup demo" unless -d $jars;
	my $limits        = $options{limits} // 'strict';
	my $configuration = "$options{folder}/elasticmq.conf";

	return launch(
		kind    => 'elasticmq',
		folder  => $options{folder},
		command => sub {
			my ($port) = @_;
			_write_file($configuration, _elasticmq_configuration($port, $limits));
			return (
				'java', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1',
				"-Djava.io.tmpdir=$options{folder}",
				"-Dconfig.file=$configuration", '-cp', "$jars/*", 'org.elasticmq.server.Main');
		});
}

sub _elasticmq_configuration
{
	my ($port, $limits) = @_;
	return <<"END";
include classpath("application.conf")
node-address { protocol = http, host = 127.0.0.1, port = $port, context-path = "" }
rest-sqs { enabled = true, bind-hostname = "127.0.0.1", bind-port = $port, sqs-limits = $limits }
rest-stats { enabled = false }
aws { region = us-east-1, accountId = 000000000000 }
queues-storage { enabled = false }
messages-storage { enabled = false }
END
}

# moto: checks signatures, tokens and permissions of every request, its own set-up excepted.
sub start_moto
{
	my (%options) = @_;
	my $program = _cache() . '/moto/bin/moto_server';
	croak "moto is missing from $program: run test/setup check" unless -x $program;
	return launch(
		kind        => 'moto',
		folder      => $options{folder},
		environment => { INITIAL_NO_AUTH_ACTION_COUNT => 0, PYTHONDONTWRITEBYTECODE => 1 },
		command     => sub { return ($program, '-H', '127.0.0.1', '-p', $_[0]) });
}

# Ends the server and returns once its process is gone.
sub stop_server
{
	my ($server) = @_;
	my $is_ours = sub {
		waitpid($server->{pid}, WNOHANG);
		my $started = _start_time($server->{pid});
		return defined $started && $started == $server->{started};
	};
	return unless defined $server->{started} && $is_ours->();
	kill 'TERM', $server->{pid};
	return if eval {
		wait_for { !$is_ours->() } "$server->{kind} to end", STOP_SECONDS;
	};
	kill 'KILL', $server->{pid};
	wait_for { !$is_ours->() } "$server->{kind} to be killed", STOP_SECONDS;
	return;
}

1;
