// AWS's partitions: which regions belong to which, and under which domains their services live.
//
// Source: partitions.json, and SQS's endpoint rule set, which the AWS SDKs share.
#pragma once

#include <string>
#include <string_view>

namespace sqs_fdw::aws {

struct Partition {
	std::string_view name;
	std::string_view region_prefix;     // empty: regions that no other partition has
	std::string_view suffix;            // of sqs.<region>.<suffix>
	std::string_view dualstack_suffix;  // IPv4 and IPv6
	bool plain_is_fips = false;         // sqs.<region>.<suffix> is the FIPS endpoint, too
};

// The partition of a region by its name; "aws" for a region that this table does not know yet.
const Partition &PartitionOf(std::string_view region) noexcept;

// Whether a name has the form of AWS's regions: us-east-1, us-gov-west-1. Stricter than
// IsRegionName: other first labels of AWS's domains, such as s3 and s3-us-west-2, are no regions.
bool HasRegionForm(std::string_view name) noexcept;

// The region in a host name of SQS, or of a server that imitates one: sqs.<region>.…,
// <region>.queue.…, vpce-….sqs.<region>.vpce.…; empty where it names none.
std::string_view RegionOfHost(std::string_view host) noexcept;

// Whether AWS serves SQS or STS under this host name, in any partition: plain, FIPS, dual-stack or
// as a VPC endpoint.
bool IsSqsOrStsHost(std::string_view host) noexcept;

}  // namespace sqs_fdw::aws
