// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "guidon/aws/machine.hpp"
#include "guidon/base/result.hpp"

namespace guidon::aws {

// Settings of one section by lower-case name; one nested below another is "outer.inner".
using ProfileSection = std::map<std::string, std::string, std::less<>>;

// What the shared configuration and credentials files say (~/.aws/config and ~/.aws/credentials, or the files that
// AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name).
struct ProfileFiles {
  std::map<std::string, ProfileSection, std::less<>> profiles = {};
  std::map<std::string, ProfileSection, std::less<>> services = {};  // of "[services NAME]"
  std::string chosen = "default";                                    // AWS_PROFILE, AWS_DEFAULT_PROFILE
  bool chosen_by_name = false;                                       // not by default

  // nullptr where there is no such profile.
  const ProfileSection* Find(std::string_view name) const;
  // A setting of the chosen profile; "" where it is absent.
  std::string Get(std::string_view setting) const;
};

// Missing files are empty. Where both files have a setting, the credentials file's counts. Errors: kUnavailable (a file
// cannot be read), kMalformed naming file and line.
base::Result<ProfileFiles> LoadProfiles(const Machine& machine);

}  // namespace guidon::aws
