// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/model/entities.hpp"
#include "guidon/model/flag.hpp"
#include "guidon/model/value.hpp"

// Flags as flagd's definitions, {"flags": {…}, "$evaluators": {…}}, and back.
namespace guidon::flagd {

// What a conversion could not keep, for people.
struct Note {
  std::string flag_key;  // empty: the definitions as a whole
  std::string message;
  friend bool operator==(const Note&, const Note&) = default;
};

// What is there to be written.
struct Definitions {
  std::vector<model::Flag> flags;
  std::vector<model::Segment> segments = {};
  std::map<std::string, std::vector<model::Override>> overrides = {};  // by flag key
  std::vector<model::KillSwitch> kill_switches = {};
};

// Overrides that are written into one flag's expression at most.
inline constexpr std::size_t kExportedOverridesMax = 1000;

struct Export {
  model::Value document;
  std::vector<Note> notes;  // flags that were left out, and what flagd does differently with those that are there
};
// Rules become JsonLogic, segments `$evaluators`, splits `fractional`; prerequisites, overrides, expiry, the owning
// tenant and engaged kill switches go around them. A flagd expression is written as it is. A flag that flagd cannot
// express (regular expressions, networks, times) is left out, and a note says so: what is written never serves another
// audience.
Export ToFlagd(const Definitions& definitions);

struct Import {
  std::vector<model::FlagFields> flags;  // what flagd's definitions say; all else is as in a new FlagFields
  std::vector<Note> notes;
};
// Expressions are kept as they are, with the evaluators that they refer to. Errors: kInvalidArgument or kTooLarge with
// the path of the first thing that no flag can hold.
base::Result<Import> FromFlagd(const model::Value& document);

// `existing` with what flagd's definitions say in place of its own: state, type, variations, expression, metadata. What
// they say nothing about stays: owner, description, tags, tenant, expiry, off and kill variation where they still
// exist.
model::FlagFields Merge(const model::Flag& existing, const model::FlagFields& imported);

}  // namespace guidon::flagd
