# The proof harness (test/chaos), from a test: start runs side by side, wait for what they say.

package SqsFdw::Chaos;

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Spec;
use IPC::Run qw(finish start);
use PostgreSQL::Test::Utils;

our @EXPORT_OK = qw(chaos_plan finish_chaos start_chaos);

my $program = abs_path(dirname(__FILE__) . '/../../chaos/chaos.py');

# Where the PostgreSQL under test has its programs: first in PATH.
sub _programs
{
	foreach my $folder (File::Spec->path)
	{
		return $folder if -x "$folder/postgres" && -x "$folder/initdb";
	}
	croak 'postgres is not in PATH';
}

sub _command
{
	my ($folder, %options) = @_;
	return (
		'/usr/bin/python3', '-B', $program, '--folder', $folder, '--programs', _programs(),
		map { ("--$_", $options{$_}) } sort keys %options);
}

# Starts a run. Options are those of chaos.py: cycles, seed, queue, sabotage.
sub start_chaos
{
	my (%options) = @_;
	my %run = (output => '', options => \%options);
	my @command = _command(PostgreSQL::Test::Utils::tempdir_short(), %options);
	$run{handle} = start(\@command, '<', File::Spec->devnull, '>', \$run{output}, '2>&1');
	return \%run;
}

# Waits for its end. Returns its exit status, what it printed, and the counts of its last line by name.
sub finish_chaos
{
	my ($run) = @_;
	finish($run->{handle});
	my ($summary) = $run->{output} =~ /^chaos: (.*)$/m;
	my %counts = ($summary // '') =~ /([\w-]+)[=:](\w+)/g;
	return { status => $run->{handle}->result(0), output => $run->{output}, counts => \%counts };
}

# What a seed chooses, as text.
sub chaos_plan
{
	my (%options) = @_;
	my $output = '';
	my $run = start([ _command('.', %options), '--show-plan' ], '<', File::Spec->devnull, '>', \$output);
	finish($run);
	return $output;
}

1;
