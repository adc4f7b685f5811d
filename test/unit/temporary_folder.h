// Tests with a folder of their own, which is gone after each.
#pragma once

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace sqs_fdw {

class InTemporaryFolder : public testing::Test {
protected:
	void SetUp() override
	{
		std::string pattern = std::filesystem::temp_directory_path() / "sqs_fdw_unit.XXXXXX";
		ASSERT_NE(mkdtemp(pattern.data()), nullptr);
		folder_ = pattern;
	}

	void TearDown() override { std::filesystem::remove_all(folder_); }

	std::filesystem::path folder_;
};

}  // namespace sqs_fdw
