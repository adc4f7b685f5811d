-- The extension, the server that stands for SQS, and the role that moves messages.

\getenv endpoint SQS_ENDPOINT

CREATE EXTENSION sqs_fdw;

-- For AWS itself, leave out the endpoint. ElasticMQ takes any region and any keys.
CREATE SERVER aws FOREIGN DATA WRAPPER sqs_fdw
    OPTIONS (region 'us-east-1', endpoint :'endpoint');

CREATE ROLE etl LOGIN;
CREATE USER MAPPING FOR etl SERVER aws
    OPTIONS (access_key_id 'demo', secret_access_key 'demo');
