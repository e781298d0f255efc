// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/lint_file.hpp"

#include <optional>
#include <utility>

#include "apps/guidon/document.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/json/model_json.hpp"

namespace guidon::cli {
namespace {

using model::List;
using model::Value;

// What only answers of a server hold is dropped; what the file leaves open is the environment's.
Value InEnvironment(Value document, const std::string& environment) {
  model::Object* members = document.MutableObject();
  if (members == nullptr) return document;
  members->Erase("warnings");
  if (members->Find("environment") == nullptr) members->Set("environment", environment);
  return document;
}

template <class Entity, class Decode>
base::Result<Entity> Read(const Value& document, const std::string& environment, Decode decode) {
  GUIDON_ASSIGN(auto fields, decode(InEnvironment(document, environment), json::DocumentScope{}));
  return Entity::Create(std::move(fields));
}

LintedFlag Invalid(const Value& document, const std::string& environment, base::Error error) {
  return {.flag_key = TextAt(document, "flagKey", "?"),
          .environment = TextAt(document, "environment", environment),
          .findings = {{.severity = eval::Severity::kError,
                        .code = "invalid",
                        .field = std::move(error.field),
                        .message = std::move(error.message)}}};
}

const List* ListAt(const Value& document, std::string_view name) {
  const Value* found = At(document, name);
  return found == nullptr ? nullptr : found->AsList();
}

// The flags of the document, and whether it holds everything around them.
struct Source {
  List flags = {};
  List segments = {};
  bool whole = false;
};
std::optional<Source> SourceOf(const Value& document) {
  if (document.AsList() != nullptr) return Source{.flags = *document.AsList()};
  if (const List* items = ListAt(document, "items")) return Source{.flags = *items};
  if (const List* flags = ListAt(document, "flags")) {
    const List* segments = ListAt(document, "segments");
    return Source{.flags = *flags, .segments = segments == nullptr ? List() : *segments, .whole = true};
  }
  if (At(document, "flagKey") != nullptr) return Source{.flags = {document}};
  return std::nullopt;
}

}  // namespace

Outcome<std::vector<LintedFlag>> LintDocument(const Value& document, const std::string& environment,
                                              base::Timestamp now) {
  const auto source = SourceOf(document);
  if (!source)
    return UsageError("The file holds no flags",
                      "give one flag, a list of flags, or {\"flags\": [...], \"segments\": [...]}");
  eval::Definitions definitions{.environment = environment};
  for (const Value& one : source->segments) {
    auto segment = Read<model::Segment>(one, environment, json::SegmentFromJson);
    if (!segment) return Refuse(FromError(segment.error(), "Cannot read segment " + TextAt(one, "segmentKey", "?")));
    definitions.segments.push_back(*std::move(segment));
  }
  std::vector<LintedFlag> linted;
  for (const Value& one : source->flags) {
    auto flag = Read<model::Flag>(one, environment, json::FlagFromJson);
    if (!flag) {
      linted.push_back(Invalid(one, environment, std::move(flag).error()));
      continue;
    }
    linted.push_back({.flag_key = (*flag)->flag_key, .environment = (*flag)->environment, .findings = {}});
    definitions.flags.push_back(*std::move(flag));
  }
  const std::vector<model::Flag> flags = definitions.flags;
  const auto snapshot = eval::Snapshot::Build(std::move(definitions));
  auto flag = flags.begin();
  for (LintedFlag& one : linted) {
    if (!one.findings.empty()) continue;
    one.findings = eval::CheckFlag(
        *flag, source->whole ? eval::SurroundingsIn(*snapshot, *flag, now) : eval::Surroundings{.now = now});
    ++flag;
  }
  return linted;
}

}  // namespace guidon::cli
