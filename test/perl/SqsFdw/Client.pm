# A small SQS client of its own, so that tests ask the queue itself and not the code under test.
#
# JSON protocol, signed with Signature Version 4. Core Perl only.

package SqsFdw::Client;

use strict;
use warnings;

use Carp qw(croak);
use Digest::SHA qw(hmac_sha256 hmac_sha256_hex sha256_hex);
use HTTP::Tiny;
use JSON::PP;
use POSIX qw(strftime);

use constant REQUEST_TIMEOUT_SECONDS => 60;

my $json = JSON::PP->new->utf8->canonical;

# Options: endpoint, region, access_key_id, secret_access_key, session_token; the defaults are those
# of AWS's environment variables, then values that a server without a signature check takes.
sub new
{
	my ($class, %options) = @_;
	my $self = {
		endpoint          => $options{endpoint} // croak('an endpoint is needed'),
		region            => $options{region} // $ENV{AWS_REGION} // 'us-east-1',
		access_key_id     => $options{access_key_id} // $ENV{AWS_ACCESS_KEY_ID} // 'test',
		secret_access_key => $options{secret_access_key} // $ENV{AWS_SECRET_ACCESS_KEY} // 'test',
		session_token     => $options{session_token} // $ENV{AWS_SESSION_TOKEN},
		http              => SqsFdw::Client::Http->new(timeout => REQUEST_TIMEOUT_SECONDS, keep_alive => 1),
	};
	$self->{endpoint} =~ s{/+$}{};
	return bless $self, $class;
}

sub endpoint { return $_[0]{endpoint}; }
sub region   { return $_[0]{region}; }

# One action; returns the decoded reply, or dies with the code that the server gave.
sub call
{
	my ($self, $action, $request) = @_;
	my $reply = $self->try_call($action, $request);
	croak "$action: $reply->{status} $reply->{code}" unless $reply->{ok};
	return $reply->{body};
}

# The same without dying: ok, status, code, body.
sub try_call
{
	my ($self, $action, $request) = @_;
	my $content = $json->encode($request // {});
	my $target  = "AmazonSQS.$action";
	my $reply   = $self->{http}->post(
		"$self->{endpoint}/",
		{
			content => $content,
			headers => {
				'Content-Type' => 'application/x-amz-json-1.0',
				'X-Amz-Target' => $target,
				%{ $self->_signature('sqs', $content, 'x-amz-target' => $target) },
			},
		});
	return _outcome($reply);
}

sub _outcome
{
	my ($reply) = @_;
	my $body = eval { $json->decode($reply->{content}) };
	my $code = ref $body eq 'HASH' && $body->{__type} // $reply->{reason} // '';
	$code = $reply->{content} if $reply->{status} == 599;    # HTTP::Tiny's own errors
	$code =~ s/^.*#//;
	return {
		ok     => $reply->{success},
		status => $reply->{status},
		code   => $code,
		body   => $body // {},
	};
}

# An action of another service's Query protocol (moto's IAM), unparsed.
sub query
{
	my ($self, $service, %form) = @_;
	my $content = $self->{http}->www_form_urlencode(\%form);
	my $reply   = $self->{http}->post(
		"$self->{endpoint}/",
		{
			content => $content,
			headers => {
				'Content-Type' => 'application/x-www-form-urlencoded',
				%{ $self->_signature($service, $content) },
			},
		});
	croak "$form{Action}: $reply->{status} $reply->{reason}" unless $reply->{success};
	return $reply->{content};
}

# Temporary keys, from moto: those of a new role that may do everything with SQS.
sub assumed_role
{
	my ($self, $role) = @_;
	my $policy = sub { return $json->encode({ Version => '2012-10-17', Statement => [ {@_} ] }) };
	my @iam    = ('iam', Version => '2010-05-08', RoleName => $role);
	$self->query(
		@iam,
		Action                   => 'CreateRole',
		AssumeRolePolicyDocument => $policy->(
			Effect => 'Allow', Action => 'sts:AssumeRole', Principal => { AWS => '*' }));
	$self->query(
		@iam,
		Action         => 'PutRolePolicy',
		PolicyName     => 'sqs',
		PolicyDocument => $policy->(Effect => 'Allow', Action => 'sqs:*', Resource => '*'));
	my $reply = $self->query(
		'sts',
		Version         => '2011-06-15',
		Action          => 'AssumeRole',
		RoleSessionName => 'test',
		RoleArn         => "arn:aws:iam::123456789012:role/$role");
	my ($id)     = $reply =~ m{<AccessKeyId>(.*?)</AccessKeyId>};
	my ($secret) = $reply =~ m{<SecretAccessKey>(.*?)</SecretAccessKey>};
	my ($token)  = $reply =~ m{<SessionToken>(.*?)</SessionToken>};
	return { access_key_id => $id, secret_access_key => $secret, session_token => $token };
}

# Signature Version 4 of a POST to "/" (AWS General Reference, "Signing AWS API requests"): the
# headers to add. Those given are signed, too.
sub _signature
{
	my ($self, $service, $content, %signed) = @_;
	my @now  = gmtime;
	my $date = strftime('%Y%m%d', @now);
	my $time = strftime('%Y%m%dT%H%M%SZ', @now);
	my ($host) = $self->{endpoint} =~ m{^https?://([^/]+)};

	$signed{host}                   = $host;
	$signed{'x-amz-date'}           = $time;
	$signed{'x-amz-security-token'} = $self->{session_token} if defined $self->{session_token};
	my @names  = sort keys %signed;
	my $listed = join ';', @names;

	my $canonical = join "\n", 'POST', '/', '', (map { "$_:$signed{$_}" } @names), '', $listed,
	  sha256_hex($content);
	my $scope   = "$date/$self->{region}/$service/aws4_request";
	my $to_sign = join "\n", 'AWS4-HMAC-SHA256', $time, $scope, sha256_hex($canonical);
	my $key     = "AWS4$self->{secret_access_key}";
	$key = hmac_sha256($_, $key) for split m{/}, $scope;

	my %headers = (
		'X-Amz-Date'  => $time,
		Authorization => "AWS4-HMAC-SHA256 Credential=$self->{access_key_id}/$scope, "
		  . "SignedHeaders=$listed, Signature=" . hmac_sha256_hex($to_sign, $key));
	$headers{'X-Amz-Security-Token'} = $self->{session_token} if defined $self->{session_token};
	return \%headers;
}

# HTTP::Tiny writes a request in two pieces. On a kept connection the second would wait for the
# acknowledgement of the first, which the other side delays by 40 ms.
package SqsFdw::Client::Http;

use Socket qw(IPPROTO_TCP TCP_NODELAY);

our @ISA = ('HTTP::Tiny');

sub _open_handle
{
	my ($self, @arguments) = @_;
	my $handle = $self->SUPER::_open_handle(@arguments);
	setsockopt($handle->{fh}, IPPROTO_TCP, TCP_NODELAY, 1);
	return $handle;
}

1;
