# Waiting on a condition instead of on the clock.

package SqsFdw::Wait;

use strict;
use warnings;

use Carp qw(croak);
use Exporter qw(import);
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(wait_for);

# How long a condition may take before the test is called broken, and how often it is asked.
use constant {
	TIMEOUT_SECONDS  => 30,
	INTERVAL_SECONDS => 0.02,
};

# wait_for { condition } 'what is awaited', $timeout_seconds
#
# Returns the first true value of the block; dies when there is none in time.
sub wait_for (&;$$)
{
	my ($condition, $what, $timeout) = @_;
	my $deadline = time() + ($timeout // TIMEOUT_SECONDS);
	while (1)
	{
		my $value = $condition->();
		return $value if $value;
		last if time() > $deadline;
		sleep(INTERVAL_SECONDS);
	}
	croak 'timed out waiting for ' . ($what // 'a condition');
}

1;
