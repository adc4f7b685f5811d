# The queue server with scripted faults (test/faults), from a test: start, script, read its log.

package SqsFdw::Faults;

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use HTTP::Tiny;
use JSON::PP;

use SqsFdw::Server qw(launch stop_server);

my %running;    # by process id

my $program = abs_path(dirname(__FILE__) . '/../../faults/server.py');

# Options: folder, for its logs; upstream, the URL of a correct SQS; rules, as `script` takes them;
# tls, [certificate, key]: then it speaks https only, takes no script and answers no health check.
sub start
{
	my ($class, %options) = @_;
	my $log     = "$options{folder}/requests-" . int(rand(1e9)) . '.jsonl';
	my @command = ('/usr/bin/python3', $program, '--log', $log);
	push @command, '--upstream', $options{upstream} if defined $options{upstream};
	push @command, '--tls', @{ $options{tls} } if $options{tls};
	my $server = launch(
		kind        => 'faults',
		folder      => $options{folder},
		environment => { PYTHONDONTWRITEBYTECODE => 1 },
		tls         => defined $options{tls},
		command     => sub { return (@command, '--port', $_[0]) });
	my $self = bless { server => $server, log => $log }, $class;
	$running{ $server->{pid} } = $self;
	$self->script(@{ $options{rules} }) if $options{rules};
	return $self;
}

sub endpoint { return $_[0]{server}{endpoint}; }

sub _set
{
	my ($self, $scenario) = @_;
	my $reply = HTTP::Tiny->new->put("$self->{server}{endpoint}/scenario",
		{ content => encode_json($scenario) });
	croak "the scenario was refused: $reply->{content}" unless $reply->{success};
	return;
}

# Sets the rules, counts requests from 1 again, and forgets what the log holds so far.
sub script
{
	my ($self, @rules) = @_;
	$self->_set({ rules => \@rules });
	$self->{skip} = scalar $self->_lines;
	return;
}

sub _lines
{
	my ($self) = @_;
	open my $file, '<', $self->{log} or return ();
	my @lines = <$file>;
	return @lines;
}

# The requests since the latest script, in the order of their ends; of one action, if given.
sub requests
{
	my ($self, $action) = @_;
	my @lines    = $self->_lines;
	my @requests = map { decode_json($_) } @lines[ ($self->{skip} // 0) .. $#lines ];
	return grep { !defined $action || $_->{action} eq $action } @requests;
}

sub stop
{
	my ($self) = @_;
	stop_server($self->{server}) if delete $running{ $self->{server}{pid} };
	return;
}

# Those of a test that ended early; without touching the exit status.
END
{
	my $status = $?;
	$_->stop for values %running;
	$? = $status;
}

1;
