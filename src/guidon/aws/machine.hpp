// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "guidon/base/result.hpp"

namespace guidon::aws {

// What the configuration of AWS programs is read from: variables, files, and programs that give credentials.
// Thread-safe.
class Machine {
 public:
  Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  virtual ~Machine() = default;

  virtual std::optional<std::string> Variable(const std::string& name) const = 0;  // empty counts as absent
  // Nothing where there is no such file. Error: kUnavailable.
  virtual base::Result<std::optional<std::string>> ReadFile(const std::string& path) const = 0;
  // Standard output of a shell command. Errors: kUnavailable where it fails or takes too long; what it printed is left
  // out, since it may hold a secret.
  virtual base::Result<std::string> Run(const std::string& command) const = 0;
};

class SystemMachine final : public Machine {
 public:
  std::optional<std::string> Variable(const std::string& name) const override;
  base::Result<std::optional<std::string>> ReadFile(const std::string& path) const override;
  base::Result<std::string> Run(const std::string& command) const override;
};

}  // namespace guidon::aws
