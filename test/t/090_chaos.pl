# Nothing is lost and nothing is doubled, whatever is killed and whatever the queue does.
#
# The harness in test/chaos runs here for a short time; `make check-long` runs it for a long one. A
# failure prints the seed, which repeats the choices: test/chaos/run --seed SEED --cycles N.

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Chaos qw(chaos_plan finish_chaos start_chaos);
use SqsFdw::Test;

use constant {
	FIXED_SEED     => 1,
	CYCLES         => 15,
	ELASTIC_CYCLES => 3,
};

my $random_seed = int(rand(1e9));
$ENV{SQS_ENDPOINT} = sqs()->endpoint;

# Side by side, since they mostly wait.
my %runs = (
	'a fixed seed'  => start_chaos(seed => FIXED_SEED,   cycles => CYCLES),
	'a random seed' => start_chaos(seed => $random_seed, cycles => CYCLES),
	'ElasticMQ'     =>
	  start_chaos(seed => $random_seed, cycles => ELASTIC_CYCLES, queue => 'elasticmq'),
);

is(chaos_plan(seed => 7, cycles => 5), chaos_plan(seed => 7, cycles => 5), 'a seed repeats the choices');
isnt(chaos_plan(seed => 7, cycles => 5), chaos_plan(seed => 8, cycles => 5), 'another one does not');

foreach my $name (sort keys %runs)
{
	my $run    = finish_chaos($runs{$name});
	my $counts = $run->{counts};
	my $whole  = $run->{status} == 0 && defined $counts->{seed};
	note($run->{output});
	ok($whole, "$name (seed $runs{$name}{options}{seed}): the harness finds nothing wrong")
	  or diag($run->{output});
	is($counts->{lost},    0, "$name: nothing is lost");
	is($counts->{doubled}, 0, "$name: nothing is doubled");
	cmp_ok($counts->{duplicates} // 0, '>', 0, "$name: and messages came again after their commit");
}

done_testing();
