// AWS's partitions, and what a host name in their domains says.
#include "aws/partition.h"

#include <algorithm>
#include <array>

namespace sqs_fdw::aws {

namespace {

constexpr std::string_view kVpcePrefix = "vpce-";

// "aws" comes last: its empty prefix fits every region.
constexpr Partition kPartitions[] = {
    {"aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
    {"aws-us-gov", "us-gov-", "amazonaws.com", "api.aws", true},
    {"aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
    {"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
    {"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
    {"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
    {"aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
    {"aws", "", "amazonaws.com", "api.aws"},
};

bool StartsWith(std::string_view text, std::string_view prefix) noexcept
{
	return text.substr(0, prefix.size()) == prefix;
}

// Cuts the first label off, with its dot.
std::string_view NextLabel(std::string_view &host) noexcept
{
	const size_t dot = host.find('.');
	const std::string_view label = host.substr(0, dot);
	host.remove_prefix(dot == std::string_view::npos ? host.size() : dot + 1);
	return label;
}

bool IsSqs(std::string_view label) noexcept
{
	return label == "sqs" || label == "sqs-fips";
}

bool IsSqsOrSts(std::string_view label) noexcept
{
	return IsSqs(label) || label == "sts" || label == "sts-fips";
}

bool AllOf(std::string_view text, bool (*predicate)(char)) noexcept
{
	return std::all_of(text.begin(), text.end(), predicate);
}

}  // namespace

const Partition &PartitionOf(std::string_view region) noexcept
{
	return *std::find_if(std::begin(kPartitions), std::end(kPartitions) - 1,
	    [region](const Partition &p) { return StartsWith(region, p.region_prefix); });
}

// Two to four letters, one or two words of letters, a number; hyphens between them.
bool HasRegionForm(std::string_view name) noexcept
{
	const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
	const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
	std::array<std::string_view, 4> words;
	size_t count = 0;
	for (std::string_view rest = name;; ++count) {
		const size_t hyphen = rest.find('-');
		if (count == words.size() || hyphen == 0 || rest.empty())
			return false;
		words[count] = rest.substr(0, hyphen);
		if (hyphen == std::string_view::npos)
			break;
		rest.remove_prefix(hyphen + 1);
	}
	if (count < 2 || words[0].size() < 2 || words[0].size() > 4)
		return false;
	return std::all_of(words.begin(), words.begin() + count, [&](std::string_view word) {
		return AllOf(word, is_letter);
	}) && AllOf(words[count], is_digit);
}

std::string_view RegionOfHost(std::string_view host) noexcept
{
	if (host == "queue.amazonaws.com")
		return "us-east-1";
	std::string_view first = NextLabel(host);
	if (StartsWith(first, kVpcePrefix))
		first = NextLabel(host);
	const std::string_view second = NextLabel(host);
	if (IsSqs(first) && HasRegionForm(second))
		return second;
	return second == "queue" && HasRegionForm(first) ? first : std::string_view();
}

bool IsSqsOrStsHost(std::string_view host) noexcept
{
	std::string_view service = NextLabel(host);
	const bool vpce = StartsWith(service, kVpcePrefix);
	if (vpce)
		service = NextLabel(host);
	const std::string_view region = NextLabel(host);
	if (!IsSqsOrSts(service) || !HasRegionForm(region))
		return false;
	const Partition &partition = PartitionOf(region);
	if (vpce)
		return NextLabel(host) == "vpce" && host == partition.suffix;
	return host == partition.suffix || host == partition.dualstack_suffix;
}

}  // namespace sqs_fdw::aws
