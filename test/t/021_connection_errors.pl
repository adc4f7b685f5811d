# Whatever is wrong between here and the queue: its own SQLSTATE, a hint, in time, and nothing kept.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use SqsFdw::Faults;
use SqsFdw::Server qw(free_port);
use SqsFdw::Test;

my $node   = start_node('connection');
my $folder = PostgreSQL::Test::Utils::tempdir('faults');
my $proxy  = SqsFdw::Faults->start(folder => $folder, upstream => sqs()->endpoint, rules => []);
my %quick  = (connect_timeout => 1, request_timeout => 1, max_attempts => 2);
create_server($node, 'faulty', endpoint => $proxy->endpoint, %quick);

# --- nothing was received yet

create_login_tables($node, "no-such-queue-$$");
check_error($node, $TAKE, 'HV00R', qr/HINT:.*no-such-queue-$$/s, 'a queue that does not exist');

$node->safe_psql('postgres', 'CREATE ROLE stranger; GRANT SELECT ON login_queue TO stranger');
check_error($node, 'SET ROLE stranger; SELECT user_id FROM login_queue',
	'42704', qr/user mapping.*HINT:/s, 'no user mapping');
$node->safe_psql('postgres', 'CREATE USER MAPPING FOR stranger SERVER aws');
check_error($node, 'SET ROLE stranger; SELECT user_id FROM login_queue',
	'28000', qr/HINT:/, 'a user mapping without credentials');

sub check_server
{
	my ($name, $options, $sqlstate, $pattern, $what) = @_;
	create_server($node, $name, %quick, %$options);
	create_login_tables($node, new_queue('connection'), server => $name);
	my $begun = time();
	my $err   = check_error($node, $TAKE, $sqlstate, $pattern, $what);
	cmp_ok(time() - $begun, '<', 10, "$what: within the time-outs");
	return $err;
}

check_server('closed', { endpoint => 'http://127.0.0.1:' . free_port() },
	'08006', qr/HINT:/, 'a port where nobody listens');
check_server('nowhere', { endpoint => 'https://sqs.us-east-1.amazonaws.com.invalid' },
	'42501', qr/HINT:.*allowed_endpoints/s, 'a host outside the fence');
check_server('plain', { endpoint => 'http://sqs.us-east-1.amazonaws.com' },
	'42501', qr/HINT:/, 'plain http to a host that is not here');

# A certificate of its own making, right in all but who vouches for it.
PostgreSQL::Test::Utils::system_or_bail(
	'openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj',
	'/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1',
	'-keyout', "$folder/key.pem", '-out', "$folder/certificate.pem");
my $tls = SqsFdw::Faults->start(
	folder   => $folder,
	upstream => sqs()->endpoint,
	tls      => [ "$folder/certificate.pem", "$folder/key.pem" ]);
check_server('untrusted', { endpoint => $tls->endpoint },
	'08004', qr/certificate.*HINT:/s, 'a certificate that is not trusted');
is(scalar $tls->requests, 0, 'no request reaches a server that is not trusted');
check_server('not_http', { endpoint => $tls->endpoint =~ s/https/http/r },
	'08006', qr/HINT:/, 'a server that does not speak http');
$tls->stop;

# The region of a moto queue is part of its place; elsewhere there is no such queue.
my $moto = moto_client();
my $there = SqsFdw::Queue->create($moto, "elsewhere-$$");
my %keys  = (access_key_id => $moto->{access_key_id}, secret_access_key => $moto->{secret_access_key});
create_server($node, 'wrong_region', endpoint => $moto->endpoint, region => 'eu-west-1', %keys);
create_login_tables($node, $there, server => 'wrong_region');
check_error($node, $TAKE, 'HV00R', qr/HINT:.*region/s, 'the wrong region');

create_server($node, 'wrong_secret', endpoint => $moto->endpoint, %keys, secret_access_key => 'wrong');
create_login_tables($node, $there, server => 'wrong_secret');
check_error($node, $TAKE, '28000', qr/HINT:/, 'the wrong secret');

create_server($node, 'wrong_key', endpoint => $moto->endpoint, %keys, access_key_id => 'AKIANOBODY');
create_login_tables($node, $there, server => 'wrong_key');
check_error($node, $TAKE, '28000', qr/HINT:/, 'a key that does not exist');

# --- some messages were received already: all of them are released

sub check_fault
{
	my ($rule, $sqlstate, $pattern, $what) = @_;
	my $queue = new_queue('connection', VisibilityTimeout => 600);
	create_login_tables($node, $queue, server => 'faulty');
	$queue->send(logins(15));
	$proxy->script({ action => 'ReceiveMessage', from => 2, %$rule });
	my $begun = time();
	check_error($node, $TAKE, $sqlstate, $pattern, $what);
	cmp_ok(time() - $begun, '<', 20, "$what: within the time-outs");
	wait_for_counts($node, $queue, { visible => 15, in_flight => 0, rows => 0 },
		"$what: everything received is released");
	return;
}

check_fault({ fault => 'not_json' }, '08P01', qr/HINT:/, 'a reply that is not JSON');
check_fault({ fault => 'not_json', body => '{"Messages": 7}' }, '08P01', qr/HINT:/,
	'a reply that is JSON and no receive');
check_fault({ fault => 'not_json', status => 307, headers => { Location => sqs()->endpoint } },
	'08P01', qr/HINT:/, 'a redirect, which is not followed');
check_fault({ fault => 'huge' }, '54000', qr/HINT:/, 'a reply over the cap');
check_fault({ fault => 'hang' }, '08006', qr/HINT:/, 'a server that does not answer');
check_fault({ fault => 'reset' }, '08006', qr/HINT:/, 'a connection that is reset each time');
check_fault({ fault => 'error', status => 503, code => 'ServiceUnavailable' },
	'08006', qr/ServiceUnavailable.*HINT:/s, 'a service that stays unavailable');
check_fault({ fault => 'error', status => 403, code => 'RequestThrottled' },
	'53000', qr/RequestThrottled.*HINT:/s, 'throttling that does not end');
check_fault({ fault => 'error', status => 403, code => 'AccessDeniedException' },
	'28000', qr/AccessDenied.*HINT:/s, 'a permission that is missing');
check_fault({ fault => 'error', status => 400, code => 'QueueDoesNotExist' },
	'HV00R', qr/HINT:/, 'a queue that was deleted meanwhile');
check_fault({ fault => 'error', status => 400, code => 'ExpiredToken' },
	'28000', qr/HINT:/, 'a token that expired');

$proxy->script({ action => 'GetQueueUrl', fault => 'error', code => 'AccessDenied', status => 403 });
create_login_tables($node, new_queue('connection'), server => 'faulty');
like(
	check_error($node, 'SELECT user_id FROM login_queue', '28000', qr/AccessDenied/, 'an error in words'),
	qr/fa17-0000/, 'names the request, for the support of AWS');

$proxy->stop;
done_testing();
