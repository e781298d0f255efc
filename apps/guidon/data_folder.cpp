// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/data_folder.hpp"

#include <system_error>

#include <fmt/format.h>

namespace guidon::cli {

Outcome<void> MakeDataFolder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return {};
  std::filesystem::create_directories(folder, error);
  // Nobody but the owner: it holds the key hash secret and all flags.
  if (!error) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  if (!error) return {};
  return Refuse({.exit = ExitCode::kUnavailable,
                 .what = fmt::format("The data folder {} cannot be made", folder.string()),
                 .why = error.message(),
                 .next = "make it, with write access for this user, or name another with --data",
                 .field = "data"});
}

}  // namespace guidon::cli
