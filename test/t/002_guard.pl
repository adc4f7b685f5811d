# The border between C++ and PostgreSQL: exceptions become errors, and leave nothing behind.

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('guard', bare => 1);

# The order of enum Fault.
my @sqlstates = (
	cancelled    => '57014',
	unreachable  => '08006',
	untrusted    => '08004',
	forbidden    => '42501',
	denied       => '28000',
	throttled    => '53000',
	invalid      => '22023',
	unsupported  => '0A000',
	no_queue     => 'HV00R',
	bad_reply    => '08P01',
	too_large    => '54000',
	keyring      => 'F0000',
	bad_mask     => '22000',
	crypto       => '22000',
	out_of_memory => '53200',
	internal     => 'XX000');

$node->safe_psql('postgres', <<'END');
CREATE FUNCTION guard_throw_fault(int) RETURNS void LANGUAGE C AS '$libdir/guard_test';
CREATE FUNCTION guard_throw_foreign(text) RETURNS void LANGUAGE C AS '$libdir/guard_test';
CREATE FUNCTION guard_exhaust_memory() RETURNS void LANGUAGE C AS '$libdir/guard_test';
CREATE FUNCTION guard_wait() RETURNS void LANGUAGE C AS '$libdir/guard_test';
CREATE FUNCTION guard_long_message() RETURNS void LANGUAGE C AS '$libdir/guard_test';
CREATE FUNCTION guard_no_raise() RETURNS text LANGUAGE C AS '$libdir/guard_test';
CREATE FUNCTION guard_leftovers() RETURNS int LANGUAGE C AS '$libdir/guard_test';
END

# Runs one statement and then asks the same session what it left behind.
sub leftovers_after
{
	my ($statement) = @_;
	my ($code, $out, $err) = $node->psql('postgres',
		"\\set VERBOSITY verbose\n$statement;\nSELECT guard_leftovers()",
		on_error_stop => 0);
	return ($err, $out =~ /^0$/m ? 'nothing' : $out);
}

for (my $fault = 0; $fault < @sqlstates / 2; $fault++)
{
	my ($name, $sqlstate) = @sqlstates[ 2 * $fault, 2 * $fault + 1 ];
	my ($err, $left) = leftovers_after("SELECT guard_throw_fault($fault)");
	like($err, qr/ERROR:  $sqlstate: it failed\nDETAIL:  A detail\.\nHINT:  A hint\./,
		"fault_${name}_becomes_$sqlstate");
	is($left, 'nothing', "fault_${name}_leaves_nothing_behind");
}

for my $case (
	[ "SELECT guard_throw_foreign('s')" => qr/XX000: unexpected C\+\+ exception\nDETAIL:  standard/ ],
	[ "SELECT guard_throw_foreign('i')" => qr/XX000: unexpected C\+\+ exception/ ],
	[ 'SELECT guard_exhaust_memory()'   => qr/53200: out of memory/ ],
	[ 'SELECT guard_long_message()'     => qr/22023: m{511}$/m ])
{
	my ($statement, $expected) = @$case;
	my ($err, $left) = leftovers_after($statement);
	like($err, $expected, "$statement is an error");
	is($left, 'nothing', "$statement leaves nothing behind");
}

my ($err, $left) = leftovers_after("SET statement_timeout = '100ms'; SELECT guard_wait()");
like($err, qr/57014: canceling statement due to statement timeout/, 'cancel_inside_guard_is_a_cancel');
is($left, 'nothing', 'cancel_inside_guard_leaves_nothing_behind');

is($node->safe_psql('postgres', 'SELECT guard_no_raise()'), 'kept', 'no_raise_keeps_the_failure');

# An error inside a subtransaction is caught there, and the session goes on.
is($node->safe_psql('postgres', <<'END'), '200', 'errors_in_a_loop_leave_the_session_usable');
CREATE FUNCTION count_errors() RETURNS int LANGUAGE plpgsql AS $$
DECLARE n int := 0;
BEGIN
	FOR i IN 1 .. 200 LOOP
		BEGIN
			PERFORM guard_throw_fault(6);
		EXCEPTION WHEN invalid_parameter_value THEN
			n := n + 1;
		END;
	END LOOP;
	RETURN n + guard_leftovers();
END $$;
SELECT count_errors();
END

$node->stop;
done_testing();
