# Cases of section "When does a message leave the queue?": one statement each, on a fresh queue, with
# what is in the queue and in the table before, during and after it.
#
# Each case works in the schema `work`, which is made anew: foreign table q (id, name) over a queue of
# messages 1, 2, 3 …, and table t (id, name). Rows are those of t, and of `copy` where a case makes one.
# A case is one assertion over all its numbers, and one line of the list that the tests print:
#
#   | statement | visible | in flight | receive count | rows |
#
# where 10, 0, 0 is before the statement, in its transaction and after its commit, and 1 (10) says that
# ten messages were received once.

package SqsFdw::Cases;

use strict;
use warnings;

use Carp qw(croak);
use Test::More;
use Time::HiRes qw(sleep time);

use SqsFdw::Test;

use constant {
	MESSAGES   => 10,
	LONG_BYTES => 20_000,
	# What a settlement may need on a busy machine before the numbers are final.
	SETTLE_SECONDS => 10,
	MOMENT_SECONDS => 0.02,
};

# Options: server, the foreign server of q.
sub new
{
	my ($class, $node, %options) = @_;
	# A busy machine may need more than a second for releases, which few cases are about.
	$node->safe_psql('postgres', "ALTER DATABASE postgres SET search_path = work, public;
		ALTER DATABASE postgres SET sqs_fdw.release_timeout = '10s'");
	my $self = bless {
		node   => $node,
		server => $options{server} // 'aws',
		queues => [],
	}, $class;
	_line('statement', 'visible', 'in flight', 'receive count', 'rows');
	_line(("---") x 5);
	return $self;
}

sub finish
{
	my ($self) = @_;
	$self->forget_sessions;
	$self->{node}->stop;
	return;
}

# The sessions that the cases share: `session` runs their statements, `observer` sees what others see.
# They are kept, since a psql of its own for each question would cost more than all else.
sub _session
{
	my ($self, $name) = @_;
	return $self->{$name} //= do
	{
		my $session = session($self->{node});
		$session->set_query_timer_restart;    # its limit is for a statement, not for the test
		$session->query_safe("\\set VERBOSITY verbose\n");
		$session;
	};
}

# After a crash of the server.
sub forget_sessions
{
	my ($self) = @_;
	foreach my $name (qw(session observer))
	{
		my $session = delete $self->{$name};
		eval { $session->quit } if $session;
	}
	return;
}

sub _ask
{
	my ($self, $name, $sql) = @_;
	my $session = $self->_session($name);
	$session->{stderr} = '';
	my $out = $session->query($sql);
	return { out => $out, err => $session->{stderr} };
}

sub node  { return $_[0]{node}; }
sub queue { return $_[0]{queues}[0]; }

sub _line
{
	return note('| ' . join(' | ', @_) . ' |');
}

# The row of the table that the following cases belong to.
sub row
{
	my ($self, $text) = @_;
	_line("**$text**", ('') x 4);
	return;
}

# The body of message number $_[0].
sub body { return qq({"id": $_[0], "name": "name $_[0]"}); }

# Statements in the session that the cases share: out and err.
sub in_session { return $_[0]->_ask('session', $_[1]); }

# The value of a query, as another session sees it.
sub value
{
	my ($self, $query) = @_;
	my $answer = $self->_ask('observer', $query);
	croak "$query: $answer->{err}" if $answer->{err} =~ /ERROR|FATAL/;
	return $answer->{out};
}

sub _options
{
	my ($queue, %options) = @_;
	%options = (queue => $queue->name, wait_time_seconds => 0, %options);
	return join ', ', map { "$_ '$options{$_}'" } sort keys %options;
}

# What a case starts from. Takes of it: messages, their number; bodies, other messages; more, bodies
# beside them; second, the number of messages in a second queue, q2; known, the number of rows that t
# has already, from 1 on; options of q and its server; before, statements to run.
sub fresh
{
	my ($self, %case) = @_;
	$_->drop for @{ $self->{queues} };
	my @names  = $case{second} ? qw(q q2) : qw(q);
	my @queues = map { new_queue($_, VisibilityTimeout => 600) } @names;
	my @bodies = $case{bodies} ? @{ $case{bodies} } : map { body($_) } 1 .. $case{messages} // MESSAGES;
	my @sent   = [ @bodies, @{ $case{more} // [] } ];
	push @sent, [ map { body(100 + $_) } 1 .. $case{second} ] if $case{second};

	my $columns = $case{columns} // 'id int NOT NULL, name text';
	my $server  = $case{server} // $self->{server};
	my $tables  = join '', map {
		my $list = _options($queues[$_], %{ $case{options} // {} });
		"CREATE FOREIGN TABLE $names[$_] ($columns) SERVER $server OPTIONS ($list);\n"
	} 0 .. $#names;
	my $known = $case{known} // 0;
	$self->value(<<"END");
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS work CASCADE;
CREATE SCHEMA work;
$tables
CREATE TABLE t (id int, name text);
INSERT INTO t SELECT i, 'old' FROM generate_series(1, $known) i;
CREATE FUNCTION rows() RETURNS bigint LANGUAGE plpgsql AS \$\$
DECLARE n bigint;
BEGIN
	SELECT count(*) INTO n FROM t;
	IF to_regclass('work.copy') IS NOT NULL THEN
		EXECUTE 'SELECT \$1 + count(*) FROM copy' INTO n USING n;
	END IF;
	RETURN n;
END \$\$;
${\($case{before} // '')}
END
	$self->{queues} = \@queues;
	foreach my $number (0 .. $#queues)
	{
		# Long ones one by one: a batch has its limit, too.
		my @long = grep { length($_) > LONG_BYTES } @{ $sent[$number] };
		$queues[$number]->send($_) for @long;
		$queues[$number]->send(grep { length($_) <= LONG_BYTES } @{ $sent[$number] });
	}
	$self->in_session('DISCARD ALL') if $self->{session};
	return map { scalar @$_ } @sent;
}

# visible, in flight, rows; the rows that others see.
sub counts
{
	my ($self) = @_;
	my ($visible, $in_flight) = (0, 0);
	foreach my $queue (@{ $self->{queues} })
	{
		my $counts = $queue->counts;
		$visible   += $counts->{visible};
		$in_flight += $counts->{in_flight};
	}
	return [ $visible, $in_flight, $self->value('SELECT rows()') + 0 ];
}

# The same once it is as expected, or when it will not become so any more.
sub counts_like
{
	my ($self, $expected) = @_;
	my $deadline = time() + SETTLE_SECONDS;
	while (1)
	{
		my $counts = $self->counts;
		return $counts if "@$counts" eq "@$expected" || time() > $deadline;
		sleep(MOMENT_SECONDS);
	}
}

# How many of the messages that are visible were received how often: { 1 => 10 }.
sub received
{
	my ($self) = @_;
	my %number_of;
	foreach my $queue (@{ $self->{queues} })
	{
		$number_of{$_}++ for values %{ $queue->receive_counts };
	}
	return \%number_of;
}

# { 1 => 10 } for ten messages that were all received once; those that were not are counted, too.
# Instead of [1, 2], once or twice each, what there is if it is so.
sub _histogram
{
	my ($received, $messages, $got) = @_;
	if (ref $received eq 'ARRAY')
	{
		my %allowed = map { $_ => 1 } @$received;
		return (grep { !$allowed{$_} } keys %$got) ? { "one of @$received" => $messages } : $got;
	}
	return $received if ref $received;
	my %number_of = (0 => $messages - $received, 1 => $received);
	return { map { $_ => $number_of{$_} } grep { $number_of{$_} } keys %number_of };
}

sub _times
{
	my ($received) = @_;
	return '-' unless ref $received && %$received;
	return join ', ', map { "$_ ($received->{$_})" } sort { $a <=> $b } keys %$received;
}

# The case's assertion and its line of the list. The two hashes have the same keys: for each moment
# (before, during, …) the three counts; received; and what else a case looks at.
sub outcome
{
	my ($self, $name, $got, $expected, @moments) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $column = sub {
		my ($which) = @_;
		return join ', ', map { $got->{$_}[$which] // '?' } @moments;
	};
	_line($name, $column->(0), $column->(1), _times($got->{received}), $column->(2));
	return is_deeply($got, $expected, $name) || diag(explain($got));
}

# What the statements said beside their result: nothing, where nothing is expected.
sub _said
{
	my ($case, $errors) = @_;
	my ($trouble) = $errors =~ /((?:ERROR|FATAL|WARNING|NOTICE|server closed).*)/s;
	return $trouble // '' unless $case->{says};
	return $errors =~ $case->{says} ? 'as expected' : "not $case->{says}: $errors";
}

sub _output
{
	my ($out) = @_;
	return [ sort split /\n/, $out ];
}

# Messages and output of statements against those that the case expects.
sub _compare
{
	my ($did, $case, $got, $expected) = @_;
	$got->{said}      = _said($case, $did->{err});
	$expected->{said} = $case->{says} ? 'as expected' : '';
	return unless $case->{out};
	$got->{out}      = _output($did->{out});
	$expected->{out} = [ sort @{ $case->{out} } ];
	return;
}

# A query of one value, after the case.
sub _also
{
	my ($self, $case, $got, $expected) = @_;
	return unless $case->{also};
	my ($query, $value) = @{ $case->{also} };
	$got->{also}      = $self->value($query);
	$expected->{also} = $value;
	return;
}

# The statements take: held while their transaction lasts, visible again if it is rolled back, gone
# when it commits. Takes, beside what `fresh` takes: left, how many messages stay in the queue (0);
# held, how many are in flight before the commit (all but those); rows afterwards (one more for each
# message that is gone); received, how many were received (all), or how many how often; commits, true
# for statements that end their own transaction; says, a pattern for warnings, where there are any;
# out, the lines of output in any order; also, [query, value].
sub takes
{
	my ($self, $name, $sql, %case) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $all;
	$all += $_ for $self->fresh(%case);
	my ($known, $left) = ($case{known} // 0, $case{left} // 0);
	my $rows = $case{rows} // $known + $all - $left;
	my $held = $case{held} // $all - $left;

	my %got      = (before => $self->counts);
	my %expected = (before => [ $all, 0, $known ], after => [ $left, 0, $rows ]);
	my @moments  = qw(before after);
	if (!$case{commits})
	{
		@moments        = qw(before during after);
		$expected{during}   = [ $all - $held, $held, $known ];
		$expected{rollback} = [ $all, 0, $known ];
		$self->in_session("BEGIN;\n$sql");
		$got{during} = $self->counts_like($expected{during});
		$self->in_session('ROLLBACK');
		$got{rollback} = $self->counts_like($expected{rollback});
		$got{received} = $self->received;
		$expected{received} = _histogram($case{received} // $all, $all, $got{received});
	}
	_compare(run_sql($self->{node}, $sql), \%case, \%got, \%expected);
	$got{after} = $self->counts_like($expected{after});
	$self->_also(\%case, \%got, \%expected);
	return $self->outcome($name, \%got, \%expected, @moments);
}

# The statements look: messages are held while their transaction lasts, and visible after it. Takes
# the same, but left; rows and held count what there is afterwards (known) and meanwhile (all, or
# 'any').
sub looks
{
	my ($self, $name, $sql, %case) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $all;
	$all += $_ for $self->fresh(%case);
	my $known = $case{known} // 0;
	my $held  = $case{held} // $all;
	my %got      = (before => $self->counts);
	my %expected = (
		before   => [ $all, 0, $known ],
		after    => [ $all, 0, $case{rows} // $known ]);
	my @moments = qw(before after);
	if ($case{commits})
	{
		_compare(run_sql($self->{node}, $sql), \%case, \%got, \%expected);
	}
	else
	{
		@moments = qw(before during after);
		my $did = $self->in_session("BEGIN;\n$sql");
		$expected{during} = $held eq 'any' ? $self->counts : [ $all - $held, $held, $known ];
		$got{during} = $held eq 'any' ? $expected{during} : $self->counts_like($expected{during});
		$did->{err} .= $self->in_session('COMMIT')->{err};
		_compare($did, \%case, \%got, \%expected);
	}
	$got{after}         = $self->counts_like($expected{after});
	$got{received}      = $self->received;
	$expected{received} = _histogram($case{received} // $all, $all, $got{received});
	$self->_also(\%case, \%got, \%expected);
	return $self->outcome($name, \%got, \%expected, @moments);
}

# The statements fail with that SQLSTATE, and everything is visible again. `error` is a pattern for
# the messages; received as above, or [1, 2]: where a scan ends while polls are open, they may bring
# what has just been released; prepare, a sub to call before it. What stays as it was is the table,
# too.
sub fails
{
	my ($self, $name, $sql, $sqlstate, %case) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $all;
	$all += $_ for $self->fresh(%case);
	my $known = $case{known} // 0;
	my %got      = (before => $self->counts);
	my %expected = (
		before   => [ $all, 0, $known ],
		after    => [ $all, 0, $case{rows} // $known ],
		error    => $sqlstate,
		words    => 'as expected');
	$case{prepare}->() if $case{prepare};
	my $did = run_sql($self->{node}, $sql);
	($got{error}) = $did->{err} =~ /ERROR:\s+(\w{5}):/;
	$got{words} = $did->{err} =~ ($case{error} // qr/./) ? 'as expected' : $did->{err};
	$got{after}    = $self->counts_like($expected{after});
	$got{received} = $self->received;
	$expected{received} = _histogram($case{received} // $all, $all, $got{received});
	$self->_also(\%case, \%got, \%expected);
	return $self->outcome("$name ($sqlstate)", \%got, \%expected, qw(before after));
}

# The same before anything is received; with a hint, unless `error` is another pattern.
sub refuses
{
	my ($self, $name, $sql, $sqlstate, %case) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return $self->fails("refused: $name", $sql, $sqlstate, error => qr/HINT:/, received => 0, %case);
}

# The statements run and receive nothing.
sub receives_nothing
{
	my ($self, $name, $sql, %case) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return $self->looks($name, $sql, received => 0, held => 0, %case);
}

1;
