// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <utility>
#include <variant>

#include "guidon/app/change.hpp"
#include "guidon/app/flag_checks.hpp"
#include "guidon/app/override_cleanup.hpp"
#include "guidon/app/services.hpp"
#include "guidon/eval/compile_check.hpp"
#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using base::Result;

// What one call of List looks at: enough for a page of a rare match, little enough to answer quickly.
constexpr std::size_t kFilterItemsMax = 2000;
constexpr std::size_t kFilterQueriesMax = 50;
constexpr std::size_t kSearchBytesMax = 200;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool ContainsIgnoringCase(std::string_view text, std::string_view part) {
  return !std::ranges::search(text, part, {}, Lower, Lower).empty() || part.empty();
}

bool Matches(const model::Flag& flag, const FlagFilter& filter) {
  const auto& tags = flag->tags;
  if (!filter.owner.empty() && flag->owner != filter.owner) return false;
  if (!filter.tenant_id.empty() && flag->tenant_id != filter.tenant_id) return false;
  if (filter.state && flag->state != *filter.state) return false;
  if (!filter.tag.empty() && std::ranges::find(tags, filter.tag) == tags.end()) return false;
  if (filter.q.empty()) return true;
  return ContainsIgnoringCase(flag->flag_key, filter.q) || ContainsIgnoringCase(flag->description, filter.q) ||
         ContainsIgnoringCase(flag->owner, filter.q) ||
         std::ranges::any_of(tags, [&](const auto& tag) { return ContainsIgnoringCase(tag, filter.q); });
}

using ListPage = std::function<Result<store::Page<store::StoredFlag>>(const store::PageRequest&)>;

// The narrowest index. A tenant's administrator reads nothing but its tenant's items, so that not even the time it
// takes tells of others.
Result<ListPage> ChooseIndex(const Services& services, const model::Environment& env, const FlagFilter& filter,
                             bool tenant_bound) {
  store::Repository& repository = services.repository;
  if (!filter.tenant_id.empty() && (tenant_bound || filter.owner.empty())) {
    GUIDON_ASSIGN(const auto tenant, model::TenantId::Parse(filter.tenant_id));
    return ListPage(
        [&repository, env, tenant](const auto& page) { return repository.ListFlagsOfTenant(env, tenant, page); });
  }
  if (!filter.owner.empty()) {
    GUIDON_ASSIGN(const auto owner, model::Owner::Parse(filter.owner));
    return ListPage(
        [&repository, env, owner](const auto& page) { return repository.ListFlagsOfOwner(env, owner, page); });
  }
  return ListPage([&repository, env](const auto& page) { return repository.ListFlags(env, page); });
}

Result<store::Page<model::Flag>> ReadMatching(const ListPage& list, const FlagFilter& filter,
                                              const store::PageRequest& request) {
  store::Page<model::Flag> found;
  store::PageRequest next = request;
  std::size_t looked_at = 0;
  for (std::size_t queries = 0; queries < kFilterQueriesMax && looked_at < kFilterItemsMax; ++queries) {
    // Never more than are still wanted: a cursor points behind a whole page.
    next.limit = request.limit - found.items.size();
    GUIDON_ASSIGN(auto page, list(next));
    looked_at += page.items.size();
    for (auto& stored : page.items) {
      auto* flag = std::get_if<model::Flag>(&stored);
      if (flag != nullptr && Matches(*flag, filter)) found.items.push_back(std::move(*flag));
    }
    found.next_cursor = std::move(page.next_cursor);
    if (!found.next_cursor || found.items.size() >= request.limit) break;
    next.cursor = *found.next_cursor;
  }
  return found;
}

struct FlagIds {
  model::Environment env;
  model::FlagKey key;
};

Result<FlagIds> ParseIds(const model::FlagFields& fields) {
  GUIDON_ASSIGN(auto env, model::Environment::Parse(fields.environment));
  GUIDON_ASSIGN(auto key, model::FlagKey::Parse(fields.flag_key));
  return FlagIds{.env = std::move(env), .key = std::move(key)};
}

std::string PathOf(const model::Environment& env, const model::FlagKey& flag) { return env.str() + "/" + flag.str(); }

ChangeNote NoteOf(std::string_view action, const model::Flag& flag) {
  return {.action = action,
          .scope = flag->environment,
          .entity = "flag",
          .resource = flag->flag_key,
          .tenant_id = flag->tenant_id,
          .version = flag->version};
}

void Stamp(model::FlagFields& fields, const RequestInfo& request, base::Timestamp now) {
  fields.updated_at = now;
  fields.updated_by = request.principal.id;
}

Result<Changed<model::Flag>> ReplayFlag(const Services& services, const RequestInfo& request, const FlagIds& ids,
                                        const store::IdempotencyRecord& record) {
  return Replay<model::Flag>(record, FlagFromText,
                             [&] { return VisibleFlag(services, request.principal, ids.env, ids.key); });
}

using OptionalRecord = std::optional<store::IdempotencyRecord>;

Result<Changed<model::Flag>> CreateOnce(const Services& services, const RequestInfo& request, std::string_view action,
                                        model::FlagFields fields, const OptionalRecord& record) {
  GUIDON_TRY(CheckEnvironment(services, fields.environment));
  GUIDON_TRY(BindTenant(request.principal, fields.tenant_id));
  fields.version = 1;
  fields.created_at = services.clock.Now();
  Stamp(fields, request, fields.created_at);
  GUIDON_ASSIGN(model::Flag flag, model::Flag::Create(std::move(fields)));
  GUIDON_TRY(eval::CheckCompiles(flag));
  GUIDON_TRY(CheckPrerequisites(services, request.principal, flag));

  ChangeNote note = NoteOf(action, flag);
  note.after = TextOf(flag);
  PreparedChange change = Prepare(request, note, record);
  change.operations.emplace_back(store::PutFlag(flag, std::nullopt));
  change.effect.flags.push_back(flag);
  change.guard = GuardSave(request.principal, flag);
  change.explain = [key = flag->flag_key](std::size_t, const auto&) { return AlreadyExists("flag", key); };
  return Commit(services, std::move(change), std::move(flag));
}

using MakeFields = std::function<Result<model::FlagFields>(const model::Flag& current)>;

struct SaveRequest {
  const RequestInfo& request;
  std::string_view action;
  const FlagIds& ids;
  const IfMatch& if_match;
  const MakeFields& make;
  bool check_references = true;
};

Result<Changed<model::Flag>> SaveOnce(const Services& services, const SaveRequest& save, const OptionalRecord& record) {
  const Principal& principal = save.request.principal;
  GUIDON_ASSIGN(const model::Flag current, VisibleFlag(services, principal, save.ids.env, save.ids.key));
  GUIDON_TRY(CheckIfMatch(save.if_match, current->version));
  GUIDON_ASSIGN(model::FlagFields fields, save.make(current));
  GUIDON_TRY(BindTenant(principal, fields.tenant_id));
  fields.environment = current->environment;
  fields.flag_key = current->flag_key;
  fields.version = current->version + 1;
  fields.created_at = current->created_at;
  Stamp(fields, save.request, services.clock.Now());
  GUIDON_ASSIGN(model::Flag flag, model::Flag::Create(std::move(fields)));
  GUIDON_TRY(eval::CheckCompiles(flag));
  if (save.check_references) GUIDON_TRY(CheckPrerequisites(services, principal, flag));

  ChangeNote note = NoteOf(save.action, flag);
  note.before = TextOf(current);
  note.after = TextOf(flag);
  PreparedChange change = Prepare(save.request, note, record);
  change.operations.emplace_back(store::PutFlag(flag, current->version));
  change.effect.flags.push_back(flag);
  if (save.check_references) change.guard = GuardSave(principal, flag);
  change.explain = [if_match = save.if_match](std::size_t, const auto& existing) {
    return LostRace("flag", existing, if_match);
  };
  return Commit(services, std::move(change), std::move(flag));
}

Result<Changed<model::Flag>> Save(const Services& services, const SaveRequest& save) {
  return Once(
      services, save.request, save.action, PathOf(save.ids.env, save.ids.key),
      [&](const OptionalRecord& record) {
        return RetryRaces(save.if_match, [&](int) { return SaveOnce(services, save, record); });
      },
      [&](const auto& record) { return ReplayFlag(services, save.request, save.ids, record); });
}

Result<Removed> DeleteOnce(const Services& services, const RequestInfo& request, const FlagIds& ids,
                           const IfMatch& if_match, const OptionalRecord& record) {
  GUIDON_ASSIGN(const model::Flag current, VisibleFlag(services, request.principal, ids.env, ids.key));
  GUIDON_TRY(CheckIfMatch(if_match, current->version));
  ChangeNote note = NoteOf("flag.delete", current);
  note.before = TextOf(current);
  note.removes = true;
  PreparedChange change = Prepare(request, note, record);
  change.operations.emplace_back(store::DeleteFlag(current));
  change.effect.removed_flags.push_back(current->flag_key);
  change.guard = GuardDelete(request.principal, ids.key);
  change.explain = [if_match](std::size_t, const auto& existing) { return LostRace("flag", existing, if_match); };
  GUIDON_ASSIGN(const Removed removed, CommitRemoval(services, std::move(change)));
  RemoveOverridesOf(services.repository.table(), ids.env, ids.key, current->created_at);
  return removed;
}

}  // namespace

Result<store::Page<model::Flag>> FlagService::List(const RequestInfo& request, const model::Environment& env,
                                                   const FlagFilter& filter, const store::PageRequest& page) {
  GUIDON_TRY(CheckEnvironment(s_, env.str()));
  if (filter.q.size() > kSearchBytesMax)
    return base::Fail(ErrorCode::kInvalidArgument, "At most 200 bytes can be searched for.", "q");
  FlagFilter narrowed = filter;
  if (request.principal.tenant_id) {
    if (!filter.tenant_id.empty() && filter.tenant_id != *request.principal.tenant_id)
      return store::Page<model::Flag>{};
    narrowed.tenant_id = *request.principal.tenant_id;
  }
  GUIDON_ASSIGN(const ListPage list, ChooseIndex(s_, env, narrowed, request.principal.tenant_id.has_value()));
  return ReadMatching(list, narrowed, page);
}

Result<model::Flag> FlagService::Get(const RequestInfo& request, const model::Environment& env,
                                     const model::FlagKey& flag) {
  return VisibleFlag(s_, request.principal, env, flag);
}

Result<std::vector<eval::Finding>> FlagService::Lint(const RequestInfo& request, const model::Environment& env,
                                                     const model::FlagKey& flag) {
  GUIDON_ASSIGN(const model::Flag found, VisibleFlag(s_, request.principal, env, flag));
  return Check(request, found);
}

std::vector<eval::Finding> FlagService::Check(const RequestInfo& request, const model::Flag& flag) const {
  const auto snapshot = s_.snapshots.Find(flag->environment)->Get();
  return eval::CheckFlag(flag, eval::SurroundingsIn(*snapshot, flag, s_.clock.Now(), request.principal.tenant_id));
}

Result<Changed<model::Flag>> FlagService::Create(const RequestInfo& request, model::FlagFields fields) {
  GUIDON_ASSIGN(const FlagIds ids, ParseIds(fields));
  return Once(
      s_, request, "flag.create", PathOf(ids.env, ids.key),
      [&](const OptionalRecord& record) { return CreateOnce(s_, request, "flag.create", fields, record); },
      [&](const auto& record) { return ReplayFlag(s_, request, ids, record); });
}

Result<Changed<model::Flag>> FlagService::Replace(const RequestInfo& request, model::FlagFields fields,
                                                  const IfMatch& if_match) {
  GUIDON_TRY(RequireIfMatch(if_match));
  GUIDON_ASSIGN(const FlagIds ids, ParseIds(fields));
  const MakeFields make = [&](const model::Flag&) -> Result<model::FlagFields> { return fields; };
  return Save(s_, {.request = request, .action = "flag.replace", .ids = ids, .if_match = if_match, .make = make});
}

Result<Changed<model::Flag>> FlagService::Patch(const RequestInfo& request, const model::Environment& env,
                                                const model::FlagKey& flag, const model::Value& patch,
                                                const IfMatch& if_match) {
  GUIDON_TRY(RequireIfMatch(if_match));
  if (patch.AsObject() == nullptr)
    return base::Fail(ErrorCode::kInvalidArgument, "A merge patch of a flag is a JSON object.");
  const FlagIds ids{.env = env, .key = flag};
  const MakeFields make = [&](const model::Flag& current) {
    return json::FlagFromJson(json::MergePatch(json::FlagToJson(current), patch),
                              {.environment = env.str(), .key = flag.str()});
  };
  return Save(s_, {.request = request, .action = "flag.patch", .ids = ids, .if_match = if_match, .make = make});
}

Result<Changed<model::Flag>> FlagService::Archive(const RequestInfo& request, const model::Environment& env,
                                                  const model::FlagKey& flag, const IfMatch& if_match) {
  const FlagIds ids{.env = env, .key = flag};
  const MakeFields make = [](const model::Flag& read) -> Result<model::FlagFields> {
    model::FlagFields fields = read.fields();
    fields.state = model::FlagState::kArchived;
    return fields;
  };
  // A flag whose prerequisites have gone can still be put away.
  const SaveRequest save{.request = request,
                         .action = "flag.archive",
                         .ids = ids,
                         .if_match = if_match,
                         .make = make,
                         .check_references = false};
  const auto archive = [&](const OptionalRecord& record) -> Result<Changed<model::Flag>> {
    GUIDON_ASSIGN(model::Flag current, VisibleFlag(s_, request.principal, env, flag));
    GUIDON_TRY(CheckIfMatch(if_match, current->version));
    if (current->state != model::FlagState::kArchived) return SaveOnce(s_, save, record);
    return Changed<model::Flag>{.entity = std::move(current),
                                .sequence = s_.snapshots.SequenceOf(env.str()).value_or(0)};
  };
  return Once(
      s_, request, save.action, PathOf(env, flag),
      [&](const OptionalRecord& record) { return RetryRaces(if_match, [&](int) { return archive(record); }); },
      [&](const auto& record) { return ReplayFlag(s_, request, ids, record); });
}

Result<Removed> FlagService::Delete(const RequestInfo& request, const model::Environment& env,
                                    const model::FlagKey& flag, const IfMatch& if_match) {
  const FlagIds ids{.env = env, .key = flag};
  return Once(
      s_, request, "flag.delete", PathOf(env, flag),
      [&](const OptionalRecord& record) {
        return RetryRaces(if_match, [&](int) { return DeleteOnce(s_, request, ids, if_match, record); });
      },
      ReplayRemoval);
}

Result<Changed<model::Flag>> FlagService::Copy(const RequestInfo& request, const model::Environment& env,
                                               const model::FlagKey& flag, const model::Environment& to_env,
                                               const model::FlagKey& to_key) {
  // Only the environment that is read has been checked before.
  if (request.principal.environment && request.principal.environment != to_env.str())
    return base::Fail(ErrorCode::kPermissionDenied, "This credential is for another environment.", "environment");
  const FlagIds ids{.env = to_env, .key = to_key};
  return Once(
      s_, request, "flag.copy", PathOf(env, flag) + " to " + PathOf(to_env, to_key),
      [&](const OptionalRecord& record) -> Result<Changed<model::Flag>> {
        GUIDON_ASSIGN(const model::Flag source, VisibleFlag(s_, request.principal, env, flag));
        model::FlagFields fields = source.fields();
        fields.environment = to_env.str();
        fields.flag_key = to_key.str();
        fields.tenant_overrides.clear();
        return CreateOnce(s_, request, "flag.copy", std::move(fields), record);
      },
      [&](const auto& record) { return ReplayFlag(s_, request, ids, record); });
}

}  // namespace guidon::app
