# The proof harness sees loss where messages are deleted before the commit, and doubles where no
# ledger is kept.

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Chaos qw(finish_chaos start_chaos);

my %options = (seed => 1, cycles => 4);
my %runs    = map { $_ => start_chaos(%options, sabotage => $_) } qw(delete-early no-ledger);
my %found   = map { $_ => finish_chaos($runs{$_}) } keys %runs;

my ($early, $without) = @found{qw(delete-early no-ledger)};
is($early->{status}, 1, 'deleting before the commit makes it fail');
cmp_ok($early->{counts}{lost} // 0, '>', 0, 'with lost messages') or diag($early->{output});
like($early->{output}, qr/^lost p\d-/m, 'which it names');

is($without->{status}, 1, 'keeping no ledger makes it fail');
cmp_ok($without->{counts}{doubled} // 0, '>', 0, 'with doubled messages') or diag($without->{output});
is($without->{counts}{lost}, 0, 'and none is lost');
like($without->{output}, qr/^doubled p\d-.*; /m, 'and it names them, and who wrote them');

done_testing();
