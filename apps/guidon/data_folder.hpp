// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "apps/guidon/failure.hpp"

namespace guidon::cli {

// Makes the data folder where it is absent, for nobody but its owner. Error: kUnavailable naming the setting.
Outcome<void> MakeDataFolder(const std::filesystem::path& folder);

}  // namespace guidon::cli
