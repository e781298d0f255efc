// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/model/value.hpp"

namespace guidon::client {

// What the client has of an environment, as texts: what goes to disk and what snapshots are made of. Flags and segments
// that cannot be read are left in their last good state, and named.
struct Texts {
  using Text = std::shared_ptr<const std::string>;  // shared by one state and the next
  using ByKey = std::map<std::string, Text, std::less<>>;

  std::string environment = {};
  std::string tenant = {};  // of the credential; "" = none
  std::string etag = {};    // of the answer that made it so; "" = a file
  ByKey flags = {};
  ByKey segments = {};
  std::map<std::string, std::optional<std::string>, std::less<>> broken_flags = {};  // with their tenant
  std::map<std::string, bool, std::less<>> broken_segments = {};
  std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>> overrides = {};  // flag → tenant
  std::map<std::string, std::string, std::less<>> kill_switches = {};                                  // scope → reason
};

// What an answer did.
struct Applied {
  bool whole = false;                   // everything may be different
  bool surroundings = false;            // segments or kill switches changed, which may concern any flag
  std::vector<std::string> flags = {};  // keys of those that changed or went; empty where whole
  std::shared_ptr<const eval::Snapshot> snapshot = nullptr;
  std::string stream_uri = {};  // of the answer's eventStreams; "" = none
};

// The state after a definitions answer (whole or changes) with this entity tag. A flag that cannot be read here (an
// operator of a newer server) counts as broken and keeps its last good definition. `texts` is left alone where the
// answer is none: kMalformed or kInvalidArgument with the path. `before`: the snapshot of `texts`; may be null.
base::Result<Applied> ApplyAnswer(std::string_view body, std::string etag, Texts& texts, const eval::Snapshot* before);

// Everything compiled. Takes some microseconds for each flag.
std::shared_ptr<const eval::Snapshot> CompileAll(const Texts& texts, const eval::Snapshot* last_good);
// A snapshot with the flag and all it depends on, and nothing else: how the first evaluations are answered while
// everything is compiled.
std::shared_ptr<const eval::Snapshot> CompileOne(const Texts& texts, std::string_view flag_key);

}  // namespace guidon::client
