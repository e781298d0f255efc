// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "guidon/model/flag.hpp"

namespace guidon::eval {

// A 64-bit hash of a sequence of values, the same on every node and after every restart. Each value is added with its
// length or tag, so that ("ab", "c") differs from ("a", "bc"). Not for secrets.
class Fingerprint {
 public:
  Fingerprint& Add(std::string_view text);
  Fingerprint& Add(const std::string& text) { return Add(std::string_view(text)); }
  template <std::integral Integer>
  Fingerprint& Add(Integer number) {
    return AddWord(static_cast<std::uint64_t>(number));
  }
  Fingerprint& Add(double number) { return AddWord(std::bit_cast<std::uint64_t>(number)); }
  Fingerprint& Add(base::Timestamp time) { return Add(time.time_since_epoch().count()); }
  template <class T>
  Fingerprint& Add(const std::optional<T>& value) {
    Add(value.has_value());
    return value ? Add(*value) : *this;
  }
  std::uint64_t Finish() const;

 private:
  Fingerprint& AddWord(std::uint64_t word);
  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

// Of everything in a definition that can change an answer, and its version.
std::uint64_t FingerprintOfDefinition(const model::FlagFields& flag);

}  // namespace guidon::eval
