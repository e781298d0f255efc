// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"

namespace guidon::eval {

// A compiled regular expression in RE2 syntax: time linear in the text, memory bounded. Immutable and thread-safe; the
// library caches automaton states inside, behind its own lock.
class Regex {
 public:
  // Error: kInvalidArgument with the library's explanation, also where the pattern would need too much memory.
  static base::Result<Regex> Compile(const std::string& pattern);

  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

  // Whether it matches anywhere in `text`; anchor with ^ and $ to match all of it.
  bool Matches(std::string_view text) const;

 private:
  struct Impl;
  explicit Regex(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace guidon::eval
