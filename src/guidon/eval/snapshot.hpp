// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "guidon/base/error.hpp"
#include "guidon/model/entities.hpp"
#include "guidon/model/flag.hpp"

namespace guidon::eval {

// One variation as it is served. `annotation` is what the compiler's caller computed from name and value (for example
// their bytes on the wire), so that serving needs no work; the evaluator never looks at it.
struct CompiledVariation {
  std::string name;
  model::Value value;
  std::string annotation;
};

// A flag ready to be evaluated. Immutable; lives as long as a snapshot that holds it.
class CompiledFlag;

// What evaluation hands out of a CompiledFlag.
std::string_view KeyOf(const CompiledFlag& flag);
std::string_view AnnotationOf(const CompiledFlag& flag);
// What the definition says about itself, for whoever evaluates it; nullptr where it says nothing.
using FlagMetadata = std::map<std::string, model::Value>;
const FlagMetadata* MetadataOf(const CompiledFlag& flag);
model::FlagType TypeOf(const CompiledFlag& flag);
bool IsClientVisible(const CompiledFlag& flag);
// Different for any two definitions of a flag: for entity tags. Stable over restarts and nodes for the same definition.
std::uint64_t FingerprintOf(const CompiledFlag& flag);

// A flag that is there and cannot be read or compiled (spec 3, "Errors never escape").
struct BrokenFlag {
  std::string flag_key;
  base::Error error;
  std::optional<std::string> tenant_id = std::nullopt;
};

// A segment that is there and cannot be read. Its last good definition goes on; without one, no condition that names it
// holds, whatever the condition says.
struct BrokenSegment {
  std::string segment_key;
  base::Error error;
};

// A segment that changes by a few keys: all but the lists as it is to be, and how the lists differ from those of
// `from_version`, which the snapshot has. Where it has another version, the segment counts as one that cannot be read,
// unless that is the later one.
struct SegmentEdit {
  model::Segment segment;  // its lists are not looked at
  std::uint64_t from_version = 0;
  std::vector<std::string> included_added = {};
  std::vector<std::string> included_removed = {};
  std::vector<std::string> excluded_added = {};
  std::vector<std::string> excluded_removed = {};
};

// Everything of one environment, for a full build.
struct Definitions {
  std::string environment;
  std::uint64_t sequence = 0;  // of the change log, as of when this was read
  std::vector<model::Flag> flags = {};
  std::vector<BrokenFlag> broken_flags = {};
  std::vector<model::Override> overrides = {};
  std::vector<model::Segment> segments = {};
  std::vector<SegmentEdit> segment_edits = {};  // of those in `last_good`
  std::vector<BrokenSegment> broken_segments = {};
  std::vector<model::KillSwitch> kill_switches = {};
};

// What changed since a snapshot. Removals happen before additions.
struct ChangeSet {
  std::uint64_t sequence = 0;
  std::vector<model::Flag> flags = {};
  std::vector<BrokenFlag> broken_flags = {};
  std::vector<std::string> removed_flags = {};  // with their overrides
  std::vector<model::Override> overrides = {};
  std::vector<std::pair<std::string, std::string>> removed_overrides = {};  // flag key, tenant id
  std::vector<model::Segment> segments = {};
  std::vector<SegmentEdit> segment_edits = {};
  std::vector<BrokenSegment> broken_segments = {};
  std::vector<std::string> removed_segments = {};
  std::vector<model::KillSwitch> kill_switches = {};
  std::vector<model::KillScope> released_kill_switches = {};
};

struct CompileOptions {
  // Bytes to keep with each variation and each flag key; may be empty functions.
  std::function<std::string(std::string_view name, const model::Value& value)> annotate_variation = {};
  std::function<std::string(std::string_view flag_key)> annotate_flag = {};
};

// A definition that did not compile, for health and metrics. `stale`: the last good definition answers instead.
struct CompileProblem {
  std::string flag_key;
  base::Error error;
  bool stale = false;
};

// The whole of one environment at one moment: what evaluation reads. Immutable and thread-safe. A snapshot made from
// another shares with it all that did not change.
class Snapshot {
 public:
  // Never fails: what does not compile answers ERROR / PARSE_ERROR and is listed in problems().
  static std::shared_ptr<const Snapshot> Build(Definitions definitions, const CompileOptions& options = {});
  // As Build, but a flag that does not compile now answers with its definition in `last_good` (reason STALE).
  static std::shared_ptr<const Snapshot> Build(Definitions definitions, const Snapshot& last_good,
                                               const CompileOptions& options = {});
  // The next snapshot. Costs what changed, not what there is.
  std::shared_ptr<const Snapshot> Apply(ChangeSet changes, const CompileOptions& options = {}) const;

  const std::string& environment() const;
  std::uint64_t sequence() const;
  std::size_t flag_count() const;
  const CompiledFlag* Find(std::string_view flag_key) const;
  // In the order of their keys.
  std::span<const CompiledFlag* const> flags() const;
  std::size_t override_count(std::string_view flag_key) const;
  // Which variation the tenant's override names; empty where there is none.
  std::string_view OverrideOf(std::string_view flag_key, std::string_view tenant_id) const;
  std::vector<model::KillSwitch> kill_switches() const;
  // Of the definition that is evaluated; nothing where there is none.
  std::optional<std::uint64_t> SegmentVersion(std::string_view segment_key) const;
  std::span<const CompileProblem> problems() const;

  struct Impl;
  const Impl& impl() const { return *impl_; }

  explicit Snapshot(std::unique_ptr<const Impl> impl);
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot();

 private:
  std::unique_ptr<const Impl> impl_;
};

// Prerequisites of `flags` that lead back to where they started; empty where there are none. For refusing cycles when
// saving: pass the environment's flags with the one to be saved replaced. Returns the keys along the first cycle.
std::vector<std::string> FindPrerequisiteCycle(const Snapshot& snapshot, const model::Flag& candidate);

}  // namespace guidon::eval
