# One SQS queue, as a test or the demo sees it: fill it, count what is in it, look at it, empty it.

package SqsFdw::Queue;

use strict;
use warnings;

use Carp qw(croak);

# What SQS allows in one batch.
use constant MAX_BATCH => 10;

# Creates the queue, or takes the one that is there. Attributes have SQS's names.
sub create
{
	my ($class, $client, $name, %attributes) = @_;
	my %request = (QueueName => $name);
	$request{Attributes} = { map { $_ => "$attributes{$_}" } keys %attributes } if %attributes;
	my $reply = $client->call('CreateQueue', \%request);
	return bless { client => $client, name => $name, url => $reply->{QueueUrl} }, $class;
}

sub find
{
	my ($class, $client, $name) = @_;
	my $reply = $client->call('GetQueueUrl', { QueueName => $name });
	return bless { client => $client, name => $name, url => $reply->{QueueUrl} }, $class;
}

sub name   { return $_[0]{name}; }
sub url    { return $_[0]{url}; }
sub client { return $_[0]{client}; }

sub _call
{
	my ($self, $action, %request) = @_;
	return $self->{client}->call($action, { QueueUrl => $self->{url}, %request });
}

# Sends bodies (character strings), ten a request. Returns their message ids in the same order.
sub send
{
	my ($self, @bodies) = @_;
	my @ids;
	while (my @batch = splice @bodies, 0, MAX_BATCH)
	{
		my $position = 0;
		my @entries  = map { { Id => "e" . $position++, MessageBody => $_ } } @batch;
		my $reply    = $self->_call('SendMessageBatch', Entries => \@entries);
		croak 'SendMessageBatch: entries failed' if @{ $reply->{Failed} // [] };
		my %id_of = map { $_->{Id} => $_->{MessageId} } @{ $reply->{Successful} };
		push @ids, map { $id_of{"e$_"} } 0 .. $#batch;
	}
	return @ids;
}

# One message, with what a batch entry can't be given briefly: MessageAttributes, DelaySeconds, ….
sub send_one
{
	my ($self, $body, %parameters) = @_;
	return $self->_call('SendMessage', MessageBody => $body, %parameters)->{MessageId};
}

sub attributes
{
	my ($self) = @_;
	return $self->_call('GetQueueAttributes', AttributeNames => ['All'])->{Attributes};
}

# How many messages a receive could return, are held by someone, or wait for their delay to end.
sub counts
{
	my ($self) = @_;
	my $attributes = $self->attributes;
	return {
		visible   => $attributes->{ApproximateNumberOfMessages} + 0,
		in_flight => $attributes->{ApproximateNumberOfMessagesNotVisible} + 0,
		delayed   => $attributes->{ApproximateNumberOfMessagesDelayed} + 0,
	};
}

# Receives at most that many messages and holds them. Parameters have SQS's names.
sub receive
{
	my ($self, $most, %parameters) = @_;
	my @messages;
	while (@messages < $most)
	{
		my $left  = $most - @messages;
		my $reply = $self->_call(
			'ReceiveMessage',
			MaxNumberOfMessages => $left < MAX_BATCH ? $left : MAX_BATCH,
			WaitTimeSeconds     => 0,
			AttributeNames      => ['All'],
			%parameters);
		my @received = @{ $reply->{Messages} // [] } or last;
		push @messages, @received;
	}
	return @messages;
}

# Makes received messages visible again.
sub release
{
	my ($self, @messages) = @_;
	while (my @batch = splice @messages, 0, MAX_BATCH)
	{
		my $position = 0;
		my @entries  = map {
			{ Id => "e" . $position++, ReceiptHandle => $_->{ReceiptHandle}, VisibilityTimeout => 0 }
		} @batch;
		my $reply = $self->_call('ChangeMessageVisibilityBatch', Entries => \@entries);
		croak 'ChangeMessageVisibilityBatch: entries failed' if @{ $reply->{Failed} // [] };
	}
	return;
}

sub delete_messages
{
	my ($self, @messages) = @_;
	$self->_call('DeleteMessage', ReceiptHandle => $_->{ReceiptHandle}) for @messages;
	return;
}

# How often each visible message was received before this look, by message id. The look itself
# counts as a receive, too.
sub receive_counts
{
	my ($self)   = @_;
	my @messages = $self->receive($self->counts->{visible});
	my %count_of = map { $_->{MessageId} => $_->{Attributes}{ApproximateReceiveCount} - 1 } @messages;
	$self->release(@messages);
	return \%count_of;
}

# The bodies of the visible messages, which stay visible.
sub bodies
{
	my ($self)   = @_;
	my @messages = $self->receive($self->counts->{visible});
	$self->release(@messages);
	return map { $_->{Body} } @messages;
}

sub purge
{
	my ($self) = @_;
	$self->_call('PurgeQueue');
	return;
}

sub drop
{
	my ($self) = @_;
	$self->_call('DeleteQueue');
	return;
}

1;
