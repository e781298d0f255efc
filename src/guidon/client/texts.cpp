// SPDX-License-Identifier: Apache-2.0
#include "guidon/client/texts.hpp"

#include <set>
#include <utility>

#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"
#include "guidon/model/field_path.hpp"
#include "guidon/model/flag_references.hpp"

namespace guidon::client {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;
using model::Object;
using model::Value;

constexpr std::size_t kAnswerBytesMax = 256UL * 1024 * 1024;
constexpr std::size_t kDepthMax = 64;

Result<model::Flag> ReadFlag(const Value& value, const std::string& environment) {
  GUIDON_ASSIGN(auto fields, json::FlagFromJson(value, {.environment = environment}));
  return model::Flag::Create(std::move(fields));
}
Result<model::Flag> ReadFlag(const std::string& text, const std::string& environment) {
  GUIDON_ASSIGN(const Value value, json::Parse(text, {.bytes_max = kAnswerBytesMax, .depth_max = kDepthMax}));
  return ReadFlag(value, environment);
}
Result<model::Segment> ReadSegment(const Value& value, const std::string& environment) {
  GUIDON_ASSIGN(auto fields, json::SegmentFromJson(value, {.environment = environment}));
  return model::Segment::Create(std::move(fields));
}
Result<model::Segment> ReadSegment(const std::string& text, const std::string& environment) {
  GUIDON_ASSIGN(const Value value, json::Parse(text, {.bytes_max = kAnswerBytesMax, .depth_max = kDepthMax}));
  return ReadSegment(value, environment);
}

std::optional<std::string> TextAt(const Value& part, std::string_view name) {
  const Value* value = part.AsObject() == nullptr ? nullptr : part.AsObject()->Find(name);
  if (value == nullptr || value->AsString() == nullptr) return std::nullopt;
  return *value->AsString();
}

Result<std::string> NeedText(const Value& part, std::string_view name) {
  if (auto text = TextAt(part, name)) return *std::move(text);
  return Fail(ErrorCode::kInvalidArgument, "is missing, or no string", std::string(name));
}

// Each item of the document's list; an error has its path. A list that is not there has none.
template <class Take>
Status ForEach(const Object& document, std::string_view name, Take take) {
  const Value* value = document.Find(name);
  if (value == nullptr) return {};
  if (value->AsList() == nullptr) return Fail(ErrorCode::kInvalidArgument, "must be a list", std::string(name));
  std::size_t index = 0;
  for (const Value& item : *value->AsList()) {
    auto status = take(item);
    if (!status) return model::At(name, index, std::unexpected(std::move(status).error()));
    ++index;
  }
  return {};
}

eval::BrokenFlag Broken(const std::string& key, const std::optional<std::string>& tenant) {
  return {.flag_key = key,
          .error = {.code = ErrorCode::kCorrupt, .message = "The definition of this flag cannot be read."},
          .tenant_id = tenant};
}
eval::BrokenSegment BrokenSegmentOf(const std::string& key) {
  return {.segment_key = key,
          .error = {.code = ErrorCode::kCorrupt, .message = "The definition of this segment cannot be read."}};
}

Result<model::Override> OverrideOf(const Texts& texts, const std::string& flag, const std::string& tenant,
                                   const std::string& variation) {
  return model::Override::Create(
      {.environment = texts.environment, .flag_key = flag, .tenant_id = tenant, .variation = variation});
}

Result<model::KillSwitch> KillSwitchOf(const Texts& texts, const std::string& scope, const std::string& reason) {
  GUIDON_ASSIGN(auto parsed, model::KillScope::Parse(scope));
  return model::KillSwitch::Create(
      {.environment = texts.environment, .scope = std::move(parsed), .reason = reason.empty() ? "-" : reason});
}

// Reads an answer into texts, and into a change set for the snapshot.
class AnswerReader {
 public:
  AnswerReader(const Object& document, Texts& texts) : document_(document), texts_(texts) {}

  Result<Applied> Read() {
    const Value* complete = document_.Find("complete");
    applied_.whole = complete == nullptr || (complete->AsBool() != nullptr && *complete->AsBool());
    if (applied_.whole) {
      last_good_flags_.swap(texts_.flags);
      last_good_segments_.swap(texts_.segments);
      texts_.overrides.clear();
      texts_.broken_flags.clear();
      texts_.broken_segments.clear();
    }
    GUIDON_TRY(ReadRemoved());
    GUIDON_TRY(ReadKillSwitches());
    GUIDON_TRY(ForEach(document_, "segments", [this](const Value& item) { return ReadOneSegment(item); }));
    GUIDON_TRY(ForEach(document_, "brokenSegments", [this](const Value& item) { return ReadBrokenSegment(item); }));
    GUIDON_TRY(ForEach(document_, "flags", [this](const Value& item) { return ReadOneFlag(item); }));
    GUIDON_TRY(ForEach(document_, "brokenFlags", [this](const Value& item) { return ReadBrokenFlag(item); }));
    GUIDON_TRY(ForEach(document_, "overrides", [this](const Value& item) { return ReadOverride(item); }));
    applied_.stream_uri = StreamUri();
    applied_.flags.assign(flags_.begin(), flags_.end());
    return std::move(applied_);
  }
  // After Read. Only for changes.
  eval::ChangeSet TakeChanges() { return std::move(changes_); }

 private:
  Status ReadRemoved() {
    const Value* removed = document_.Find("removed");
    if (removed == nullptr || removed->AsObject() == nullptr) return {};
    const Object& lists = *removed->AsObject();
    GUIDON_TRY(ForEach(lists, "flags", [this](const Value& item) -> Status {
      if (item.AsString() == nullptr) return Fail(ErrorCode::kInvalidArgument, "must be a key");
      texts_.flags.erase(*item.AsString());
      texts_.broken_flags.erase(*item.AsString());
      texts_.overrides.erase(*item.AsString());
      changes_.removed_flags.push_back(*item.AsString());
      flags_.insert(*item.AsString());
      return {};
    }));
    GUIDON_TRY(ForEach(lists, "segments", [this](const Value& item) -> Status {
      if (item.AsString() == nullptr) return Fail(ErrorCode::kInvalidArgument, "must be a key");
      texts_.segments.erase(*item.AsString());
      texts_.broken_segments.erase(*item.AsString());
      changes_.removed_segments.push_back(*item.AsString());
      applied_.surroundings = true;
      return {};
    }));
    return ForEach(lists, "overrides", [this](const Value& item) -> Status {
      GUIDON_ASSIGN(std::string flag, NeedText(item, "flagKey"));
      GUIDON_ASSIGN(std::string tenant, NeedText(item, "tenantId"));
      if (const auto of = texts_.overrides.find(flag); of != texts_.overrides.end()) of->second.erase(tenant);
      flags_.insert(flag);
      changes_.removed_overrides.emplace_back(std::move(flag), std::move(tenant));
      return {};
    });
  }

  // They are always whole. One that cannot be read refuses the answer: nobody may miss a switch.
  Status ReadKillSwitches() {
    std::map<std::string, std::string, std::less<>> engaged;
    GUIDON_TRY(ForEach(document_, "killSwitches", [&](const Value& item) -> Status {
      GUIDON_ASSIGN(std::string scope, NeedText(item, "scope"));
      std::string reason = TextAt(item, "reason").value_or("");
      GUIDON_ASSIGN(auto one, KillSwitchOf(texts_, scope, reason));
      const auto before = texts_.kill_switches.find(scope);
      if (before == texts_.kill_switches.end() || before->second != reason) {
        changes_.kill_switches.push_back(std::move(one));
        applied_.surroundings = true;
      }
      engaged.emplace(std::move(scope), std::move(reason));
      return {};
    }));
    for (const auto& [scope, reason] : texts_.kill_switches) {
      if (engaged.contains(scope)) continue;
      GUIDON_ASSIGN(auto parsed, model::KillScope::Parse(scope));
      changes_.released_kill_switches.push_back(std::move(parsed));
      applied_.surroundings = true;
    }
    texts_.kill_switches = std::move(engaged);
    return {};
  }

  Status ReadOneSegment(const Value& item) {
    GUIDON_ASSIGN(const std::string key, NeedText(item, "segmentKey"));
    applied_.surroundings = true;
    auto segment = ReadSegment(item, texts_.environment);
    if (!segment) return MarkSegment(key);
    texts_.segments.insert_or_assign(key, std::make_shared<const std::string>(json::Write(item)));
    texts_.broken_segments.erase(key);
    if (!applied_.whole) changes_.segments.push_back(*std::move(segment));
    return {};
  }
  Status ReadBrokenSegment(const Value& item) {
    GUIDON_ASSIGN(const std::string key, NeedText(item, "segmentKey"));
    applied_.surroundings = true;
    return MarkSegment(key);
  }
  Status MarkSegment(const std::string& key) {
    if (const auto good = last_good_segments_.find(key); good != last_good_segments_.end())
      texts_.segments.insert_or_assign(key, good->second);
    texts_.broken_segments.insert_or_assign(key, true);
    changes_.broken_segments.push_back(BrokenSegmentOf(key));
    return {};
  }

  Status ReadOneFlag(const Value& item) {
    GUIDON_ASSIGN(const std::string key, NeedText(item, "flagKey"));
    flags_.insert(key);
    auto flag = ReadFlag(item, texts_.environment);
    if (!flag) return MarkFlag(key, TextAt(item, "tenantId"));
    texts_.flags.insert_or_assign(key, std::make_shared<const std::string>(json::Write(item)));
    texts_.broken_flags.erase(key);
    if (!applied_.whole) changes_.flags.push_back(*std::move(flag));
    return {};
  }
  Status ReadBrokenFlag(const Value& item) {
    GUIDON_ASSIGN(const std::string key, NeedText(item, "flagKey"));
    flags_.insert(key);
    return MarkFlag(key, TextAt(item, "tenantId"));
  }
  Status MarkFlag(const std::string& key, std::optional<std::string> tenant) {
    if (const auto good = last_good_flags_.find(key); good != last_good_flags_.end())
      texts_.flags.insert_or_assign(key, good->second);
    changes_.broken_flags.push_back(Broken(key, tenant));
    texts_.broken_flags.insert_or_assign(key, std::move(tenant));
    return {};
  }

  // Documents that people write may say `enabled` in place of a variation.
  Result<std::string> VariationOf(const Value& item, const std::string& flag_key) const {
    const Value* enabled = item.AsObject()->Find("enabled");
    const auto text = texts_.flags.find(flag_key);
    if (enabled == nullptr || enabled->AsBool() == nullptr || text == texts_.flags.end())
      return NeedText(item, "variation");
    GUIDON_ASSIGN(const model::Flag flag, ReadFlag(*text->second, texts_.environment));
    return *enabled->AsBool() ? flag->default_variation : flag->off_variation;
  }

  // One that cannot be read has no effect, here as on the server.
  Status ReadOverride(const Value& item) {
    GUIDON_ASSIGN(std::string flag, NeedText(item, "flagKey"));
    GUIDON_ASSIGN(std::string tenant, NeedText(item, "tenantId"));
    GUIDON_ASSIGN(std::string variation, VariationOf(item, flag));
    auto one = OverrideOf(texts_, flag, tenant, variation);
    if (!one) return {};
    flags_.insert(flag);
    texts_.overrides[flag].insert_or_assign(std::move(tenant), std::move(variation));
    if (!applied_.whole) changes_.overrides.push_back(*std::move(one));
    return {};
  }

  std::string StreamUri() const {
    const Value* streams = document_.Find("eventStreams");
    if (streams == nullptr || streams->AsList() == nullptr) return {};
    for (const Value& stream : *streams->AsList()) {
      if (TextAt(stream, "type") != "sse") continue;
      if (const Value* endpoint = stream.AsObject()->Find("endpoint")) {
        if (auto uri = TextAt(*endpoint, "requestUri")) return *std::move(uri);
      }
    }
    return {};
  }

  const Object& document_;
  Texts& texts_;
  Applied applied_;
  eval::ChangeSet changes_;
  std::set<std::string> flags_;
  Texts::ByKey last_good_flags_;  // of before, where the answer is whole
  Texts::ByKey last_good_segments_;
};

void AddSwitches(const Texts& texts, eval::Definitions& definitions) {
  for (const auto& [scope, reason] : texts.kill_switches) {
    if (auto one = KillSwitchOf(texts, scope, reason)) definitions.kill_switches.push_back(*std::move(one));
  }
}

void AddOverrides(const Texts& texts, const std::string& flag, eval::Definitions& definitions) {
  const auto of = texts.overrides.find(flag);
  if (of == texts.overrides.end()) return;
  for (const auto& [tenant, variation] : of->second) {
    if (auto one = OverrideOf(texts, flag, tenant, variation)) definitions.overrides.push_back(*std::move(one));
  }
}

// What is broken goes on with its last good text, so it is laid over that. Sequences mean nothing here.
std::shared_ptr<const eval::Snapshot> BuildOver(eval::Definitions definitions, eval::ChangeSet broken,
                                                const eval::Snapshot* last_good) {
  auto built = last_good == nullptr ? eval::Snapshot::Build(std::move(definitions))
                                    : eval::Snapshot::Build(std::move(definitions), *last_good);
  if (broken.broken_flags.empty() && broken.broken_segments.empty()) return built;
  return built->Apply(std::move(broken));
}

// A flag and what it depends on.
struct Closure {
  eval::Definitions definitions;
  eval::ChangeSet broken;
  std::set<std::string> flags;
  std::set<std::string> segments;
};

void AddFlag(const Texts& texts, const std::string& key, Closure& closure) {
  if (!closure.flags.insert(key).second) return;
  if (const auto broken = texts.broken_flags.find(key); broken != texts.broken_flags.end())
    closure.broken.broken_flags.push_back(Broken(key, broken->second));
  const auto text = texts.flags.find(key);
  if (text == texts.flags.end()) return;
  auto flag = ReadFlag(*text->second, texts.environment);
  if (!flag) {
    closure.broken.broken_flags.push_back(Broken(key, std::nullopt));
    return;
  }
  AddOverrides(texts, key, closure.definitions);
  for (std::string& segment : model::SegmentsOf(*flag)) closure.segments.insert(std::move(segment));
  std::vector<std::string> prerequisites;
  for (const model::Prerequisite& one : (*flag)->prerequisites) prerequisites.push_back(one.flag_key);
  closure.definitions.flags.push_back(*std::move(flag));
  for (const std::string& one : prerequisites) AddFlag(texts, one, closure);
}

}  // namespace

Result<Applied> ApplyAnswer(std::string_view body, std::string etag, Texts& texts, const eval::Snapshot* before) {
  GUIDON_ASSIGN(const Value document, json::Parse(body, {.bytes_max = kAnswerBytesMax, .depth_max = kDepthMax}));
  if (document.AsObject() == nullptr)
    return Fail(ErrorCode::kInvalidArgument, "The definitions must be a JSON object.");
  GUIDON_ASSIGN(const std::string environment, NeedText(document, "environment"));
  if (!texts.environment.empty() && environment != texts.environment)
    return Fail(ErrorCode::kInvalidArgument, "is " + environment + ", where " + texts.environment + " was asked for",
                "environment");
  Texts next = texts;
  next.environment = environment;
  next.tenant = TextAt(document, "tenantId").value_or("");
  next.etag = std::move(etag);
  AnswerReader reader(*document.AsObject(), next);
  GUIDON_ASSIGN(Applied applied, reader.Read());
  if (!applied.whole && before == nullptr)
    return Fail(ErrorCode::kInvalidArgument, "These are changes of definitions that are not here.", "complete");
  applied.snapshot = applied.whole ? CompileAll(next, before) : before->Apply(reader.TakeChanges());
  if (applied.whole) applied.flags.clear();
  texts = std::move(next);
  return applied;
}

std::shared_ptr<const eval::Snapshot> CompileAll(const Texts& texts, const eval::Snapshot* last_good) {
  eval::Definitions definitions{.environment = texts.environment};
  eval::ChangeSet broken;
  definitions.flags.reserve(texts.flags.size());
  for (const auto& [key, text] : texts.flags) {
    if (auto flag = ReadFlag(*text, texts.environment)) {
      definitions.flags.push_back(*std::move(flag));
    } else {
      broken.broken_flags.push_back(Broken(key, std::nullopt));
    }
    AddOverrides(texts, key, definitions);
  }
  for (const auto& [key, tenant] : texts.broken_flags) broken.broken_flags.push_back(Broken(key, tenant));
  for (const auto& [key, text] : texts.segments) {
    if (auto segment = ReadSegment(*text, texts.environment)) definitions.segments.push_back(*std::move(segment));
  }
  for (const auto& [key, is_broken] : texts.broken_segments) broken.broken_segments.push_back(BrokenSegmentOf(key));
  AddSwitches(texts, definitions);
  return BuildOver(std::move(definitions), std::move(broken), last_good);
}

std::shared_ptr<const eval::Snapshot> CompileOne(const Texts& texts, std::string_view flag_key) {
  Closure closure;
  closure.definitions.environment = texts.environment;
  AddFlag(texts, std::string(flag_key), closure);
  for (const std::string& key : closure.segments) {
    const auto text = texts.segments.find(key);
    if (text == texts.segments.end()) continue;
    if (auto segment = ReadSegment(*text->second, texts.environment))
      closure.definitions.segments.push_back(*std::move(segment));
  }
  AddSwitches(texts, closure.definitions);
  return BuildOver(std::move(closure.definitions), std::move(closure.broken), nullptr);
}

}  // namespace guidon::client
