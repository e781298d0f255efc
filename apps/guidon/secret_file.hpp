// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "apps/guidon/failure.hpp"

// The secret under which API keys are stored as hashes.
namespace guidon::cli {

// 64 characters with 256 random bits.
std::string NewSecret();

// Errors: kUsage naming the file, where it is not readable or holds fewer than 32 characters.
Outcome<std::string> ReadSecretFile(const std::filesystem::path& file);

// Makes the file with a new secret, readable by its owner only. It is there whole or not at all, also after a crash.
// Errors: kUnavailable.
Outcome<std::string> MakeSecretFile(const std::filesystem::path& file);

}  // namespace guidon::cli
