// The input is a message body.
//
// Under test: aws/body aws/field_tree
#include "body_check.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sqs_fdw::fuzz::CheckBody({reinterpret_cast<const char *>(data), size});
	return 0;
}
