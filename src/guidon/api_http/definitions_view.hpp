// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "guidon/app/definitions_keeper.hpp"
#include "guidon/base/result.hpp"

namespace guidon::api_http {

// Which part of an environment's definitions somebody is to have.
struct DefinitionsView {
  std::string environment;
  std::string tenant = {};  // the only one whose flags, overrides and kill switches are seen; "" = all
  // Keys: these flags and whatever they depend on; empty = all flags. Sorted, each once.
  std::vector<std::string> flags = {};
  // What came after this sequence, for somebody who has all up to it; absent = everything.
  std::optional<std::uint64_t> since = std::nullopt;
};

// A document is held in memory by both sides. More than this (for example some segments of a million keys) is to be
// asked for in parts, by flags.
inline constexpr std::size_t kDefinitionsBytesMax = 128UL * 1024 * 1024;

// The document (library::ParseDefinitions reads it where it is complete) without its last brace, so that what differs
// for each caller can follow. With `since`: `complete` is false, kill switches are whole, and `removed` names what is
// gone, which comes before what is there. Of another tenant it shows nothing. Error: kTooLarge.
base::Result<std::string> WriteDefinitions(const DefinitionsView& view, const app::KeptDefinitions& kept);

}  // namespace guidon::api_http
