// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"

namespace guidon::aws {

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token = {};  // "" = none
  std::optional<base::Timestamp> expires_at = std::nullopt;
  friend bool operator==(const Credentials&, const Credentials&) = default;
};

// One place where credentials may come from. Thread-safe; Fetch may block on files, programs and the network.
class CredentialSource {
 public:
  CredentialSource() = default;
  CredentialSource(const CredentialSource&) = delete;
  CredentialSource& operator=(const CredentialSource&) = delete;
  virtual ~CredentialSource() = default;

  // Nothing where this place is not configured; an error where it is and does not give any (kUnauthenticated,
  // kUnavailable). Errors never hold a secret.
  virtual base::Result<std::optional<Credentials>> Fetch() = 0;
};

}  // namespace guidon::aws
