// Masks one value many times, for counting instructions: two runs under
// `valgrind --tool=callgrind mask_cost <bytes> <count>` differ by (count2 - count1) masks.
#include "base/secret.h"
#include "masking/mask.h"

#include <cstdio>
#include <cstdlib>
#include <string>

using sqs_fdw::Secret;
using namespace sqs_fdw::masking;

int main(int argc, char **argv)
{
	if (argc != 3) {
		std::fprintf(stderr, "usage: %s <bytes> <count>\n", argv[0]);
		return 2;
	}
	const Key key("k1", KeyState::kActive, Secret(std::string(kKeySize, 'k')));
	const std::string value(std::strtoul(argv[1], nullptr, 10), 'v');
	std::string mask(MaskedTextSize(key, value.size()), '\0');
	const unsigned long count = std::strtoul(argv[2], nullptr, 10);
	for (unsigned long i = 0; i < count; ++i)
		MaskText(key, "device_id", value, mask.data());
	std::printf("%s\n", mask.c_str());
	return 0;
}
