// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "guidon/api_http/api.hpp"
#include "guidon/api_http/handler_support.hpp"
#include "guidon/api_http/handlers.hpp"
#include "guidon/flagd/flagd.hpp"
#include "guidon/json/model_json.hpp"
#include "guidon/model/field_path.hpp"

namespace guidon::api_http::handlers {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using model::List;
using model::Object;
using model::Value;

enum class Format : std::uint8_t { kGuidon, kFlagd };

Result<Format> FormatOf(const Query& query) {
  const std::string* name = query.Find("format");
  if (name == nullptr || *name == "guidon") return Format::kGuidon;
  if (*name == "flagd") return Format::kFlagd;
  return Fail(ErrorCode::kInvalidArgument, "must be guidon or flagd", "format");
}

Result<bool> SwitchOf(const Query& query, std::string_view name) {
  const std::string* text = query.Find(name);
  if (text == nullptr || *text == "false") return false;
  if (*text == "true") return true;
  return Fail(ErrorCode::kInvalidArgument, "must be true or false", std::string(name));
}

// Every page of a list.
template <class Entity, class ReadPage>
Result<std::vector<Entity>> ReadAll(ReadPage read_page) {
  std::vector<Entity> all;
  store::PageRequest request{.limit = store::kPageLimitMax};
  for (;;) {
    GUIDON_ASSIGN(store::Page<Entity> page, read_page(request));
    for (Entity& entity : page.items) all.push_back(std::move(entity));
    if (!page.next_cursor) return all;
    request.cursor = *page.next_cursor;
  }
}

// Overrides of the flags that have some. Of a flag with more than are exported, one more: the export says so.
base::Status ReadOverrides(const Call& call, const model::Environment& env, flagd::Definitions& definitions) {
  const auto snapshot = call.app.snapshots().Find(env.str())->Get();
  for (const model::Flag& flag : definitions.flags) {
    if (snapshot->override_count(flag->flag_key) == 0) continue;
    GUIDON_ASSIGN(const auto key, model::FlagKey::Parse(flag->flag_key));
    std::vector<model::Override>& overrides = definitions.overrides[flag->flag_key];
    store::PageRequest request{.limit = store::kPageLimitMax};
    while (overrides.size() <= flagd::kExportedOverridesMax) {
      GUIDON_ASSIGN(auto page, call.app.overrides().List(call.info, env, key, request));
      for (model::Override& one : page.items) overrides.push_back(std::move(one));
      if (!page.next_cursor) break;
      request.cursor = *page.next_cursor;
    }
  }
  return {};
}

Value NotesToJson(const std::vector<flagd::Note>& notes) {
  List list;
  for (const flagd::Note& note : notes) {
    Object entry;
    if (!note.flag_key.empty()) entry.Set("flagKey", note.flag_key);
    entry.Set("message", note.message);
    list.push_back(Value(std::move(entry)));
  }
  return list;
}

Response Exported(std::string_view format, Value document, Value notes) {
  Object body;
  body.Set("format", format);
  body.Set("document", std::move(document));
  body.Set("notes", std::move(notes));
  Response response;
  json::Append(response.body, Value(std::move(body)));
  return response;
}

// Entries for the import, and what could not be kept.
struct Entries {
  std::vector<app::ImportEntry> entries;
  std::vector<flagd::Note> notes;
};

Result<Entries> FlagdEntries(const Value& body, const std::string& owner) {
  GUIDON_ASSIGN(flagd::Import import, flagd::FromFlagd(body));
  Entries made{.entries = {}, .notes = std::move(import.notes)};
  for (model::FlagFields& fields : import.flags) {
    const std::string key = fields.flag_key;
    made.entries.push_back(
        {.flag_key = key,
         .make = [fields = std::move(fields), owner](const model::Flag* existing) -> Result<model::FlagFields> {
           if (existing != nullptr) return flagd::Merge(*existing, fields);
           model::FlagFields created = fields;
           created.owner = owner;
           return created;
         }});
  }
  return made;
}

Result<Entries> GuidonEntries(const Value& body, const model::Environment& env) {
  GUIDON_TRY(RefuseUnknown(*body.AsObject(), {"flags"}));
  const Value* flags = body.AsObject()->Find("flags");
  if (flags == nullptr || flags->AsList() == nullptr)
    return Fail(ErrorCode::kInvalidArgument, "must be a list of flags", "flags");
  Entries made;
  for (const Value& document : *flags->AsList()) {
    Value here = document;
    // A flag of another environment is imported into this one.
    if (Object* members = here.MutableObject()) members->Set("environment", env.str());
    auto fields = json::FlagFromJson(here, {.environment = env.str()});
    if (!fields)
      return std::unexpected(
          model::Below("flags[" + std::to_string(made.entries.size()) + "]", std::move(fields).error()));
    const std::string key = fields->flag_key;
    made.entries.push_back(
        {.flag_key = key,
         .make = [fields = *std::move(fields)](const model::Flag*) -> Result<model::FlagFields> { return fields; }});
  }
  return made;
}

std::string_view NameOf(app::ImportedFlag::Action action) {
  switch (action) {
    case app::ImportedFlag::Action::kCreated: return "created";
    case app::ImportedFlag::Action::kUpdated: return "updated";
    case app::ImportedFlag::Action::kUnchanged: return "unchanged";
  }
  return "unchanged";
}

Value OutcomeToJson(const app::ImportOutcome& outcome, bool dry_run, const std::vector<flagd::Note>& notes) {
  List flags;
  for (const app::ImportedFlag& one : outcome.flags) {
    Object entry;
    entry.Set("flagKey", one.flag_key);
    entry.Set("action", NameOf(one.action));
    entry.Set("version", static_cast<std::int64_t>(one.version));
    flags.push_back(Value(std::move(entry)));
  }
  Object body;
  body.Set("dryRun", dry_run);
  body.Set("flags", Value(std::move(flags)));
  body.Set("transactions", static_cast<std::int64_t>(outcome.transactions));
  body.Set("notes", NotesToJson(notes));
  return body;
}

}  // namespace

Result<Response> ExportFlags(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const Format format, FormatOf(call.query));
  flagd::Definitions definitions;
  GUIDON_ASSIGN(definitions.flags, ReadAll<model::Flag>([&](const store::PageRequest& page) {
                  return call.app.flags().List(call.info, env, {}, page);
                }));
  if (format == Format::kGuidon) {
    List flags;
    for (const model::Flag& flag : definitions.flags) flags.push_back(json::FlagToJson(flag));
    Object document;
    document.Set("flags", Value(std::move(flags)));
    return Exported("guidon", Value(std::move(document)), List());
  }
  GUIDON_ASSIGN(definitions.segments, ReadAll<model::Segment>([&](const store::PageRequest& page) {
                  return call.app.segments().List(call.info, env, page);
                }));
  for (model::Segment& segment : definitions.segments) {
    if (!segment->kept_apart) continue;
    GUIDON_ASSIGN(const auto key, model::SegmentKey::Parse(segment->segment_key));
    GUIDON_ASSIGN(segment, call.app.segments().GetWhole(call.info, env, key));
  }
  GUIDON_ASSIGN(definitions.kill_switches, call.app.kill_switches().List(call.info, env));
  GUIDON_TRY(ReadOverrides(call, env, definitions));
  flagd::Export out = flagd::ToFlagd(definitions);
  return Exported("flagd", std::move(out.document), NotesToJson(out.notes));
}

Result<Response> ImportFlags(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const Format format, FormatOf(call.query));
  GUIDON_ASSIGN(const bool dry_run, SwitchOf(call.query, "dryRun"));
  GUIDON_ASSIGN(const bool portions, SwitchOf(call.query, "portions"));
  const std::string* owner = call.query.Find("owner");
  if (owner != nullptr) GUIDON_TRY(model::Owner::Parse(*owner, "owner"));
  GUIDON_ASSIGN(const Value body, FlagBodyOf(call));
  GUIDON_ASSIGN(const Entries entries, format == Format::kGuidon
                                           ? GuidonEntries(body, env)
                                           : FlagdEntries(body, owner == nullptr ? call.info.principal.id : *owner));
  GUIDON_ASSIGN(
      const app::ImportOutcome outcome,
      call.app.flags().Import(call.info, env, entries.entries, {.dry_run = dry_run, .in_portions = portions}));
  Response response;
  json::Append(response.body, OutcomeToJson(outcome, dry_run, entries.notes));
  if (outcome.sequence > 0) AddChange(response, outcome.sequence, outcome.replayed);
  return response;
}

}  // namespace guidon::api_http::handlers
