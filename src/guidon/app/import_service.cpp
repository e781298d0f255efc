// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <span>
#include <utility>
#include <variant>

#include "guidon/app/change.hpp"
#include "guidon/app/flag_checks.hpp"
#include "guidon/app/services.hpp"
#include "guidon/eval/compile_check.hpp"
#include "guidon/model/field_path.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using base::Result;
using OptionalRecord = std::optional<store::IdempotencyRecord>;

// One flag that changes.
struct Write {
  model::Flag flag;
  std::optional<model::Flag> before;
};

struct Plan {
  std::vector<ImportedFlag> flags;
  std::vector<Write> writes;
};

std::string PathOf(const std::string& flag_key) { return "flags." + model::PathName(flag_key); }

base::Error At(const std::string& flag_key, base::Error error) {
  return model::Below(PathOf(flag_key), std::move(error));
}

// flagd takes any text as a flag's name.
base::Error BadName(const std::string& name, base::Error error) {
  error.message = "The flag \"" + model::PathName(name) + "\" cannot be imported under this name: a name " +
                  error.message +
                  ". Rename it in the document and in the programs that ask for it. Nothing was imported.";
  return error;
}

using Stored = std::map<std::string, store::StoredFlag>;

// The flags that are there. Error: one of them cannot be read, or is somebody else's.
Result<Stored> ReadExisting(const Services& services, const RequestInfo& request, const model::Environment& env,
                            const std::vector<ImportEntry>& entries) {
  std::vector<model::FlagKey> keys;
  for (const ImportEntry& entry : entries) {
    auto key = model::FlagKey::Parse(entry.flag_key, "");
    if (!key) return std::unexpected(At(entry.flag_key, BadName(entry.flag_key, std::move(key).error())));
    keys.push_back(*std::move(key));
  }
  GUIDON_ASSIGN(auto found, services.repository.GetFlags(env, keys));
  Stored stored;
  for (store::StoredFlag& one : found) {
    const auto* flag = std::get_if<model::Flag>(&one);
    const auto* unreadable = std::get_if<store::UnreadableFlag>(&one);
    std::string key = flag == nullptr ? unreadable->flag_key : (*flag)->flag_key;
    if (!Sees(request.principal, flag == nullptr ? unreadable->tenant_id : (*flag)->tenant_id))
      return std::unexpected(At(key, AlreadyExists("flag", key)));
    if (flag == nullptr) return std::unexpected(At(key, unreadable->error));
    stored.emplace(std::move(key), std::move(one));
  }
  return stored;
}

// What version and times do not make different.
bool SameDefinition(const model::Flag& a, const model::Flag& b) {
  model::FlagFields fields = b.fields();
  fields.version = a->version;
  fields.created_at = a->created_at;
  fields.updated_at = a->updated_at;
  fields.updated_by = a->updated_by;
  return fields == a.fields();
}

Result<model::Flag> MakeFlag(const Services& services, const RequestInfo& request, const model::Environment& env,
                             const ImportEntry& entry, const model::Flag* existing) {
  GUIDON_ASSIGN(model::FlagFields fields, entry.make(existing));
  GUIDON_TRY(BindTenant(request.principal, fields.tenant_id));
  fields.environment = env.str();
  fields.flag_key = entry.flag_key;
  fields.updated_at = services.clock.Now();
  fields.updated_by = request.principal.id;
  fields.created_at = existing == nullptr ? fields.updated_at : (*existing)->created_at;
  fields.version = existing == nullptr ? 1 : (*existing)->version + 1;
  GUIDON_ASSIGN(model::Flag flag, model::Flag::Create(std::move(fields)));
  GUIDON_TRY(eval::CheckCompiles(flag));
  return flag;
}

Result<Plan> MakePlan(const Services& services, const RequestInfo& request, const model::Environment& env,
                      const std::vector<ImportEntry>& entries) {
  GUIDON_TRY(CheckEnvironment(services, env.str()));
  GUIDON_ASSIGN(const Stored stored, ReadExisting(services, request, env, entries));
  Plan plan;
  for (const ImportEntry& entry : entries) {
    const auto found = stored.find(entry.flag_key);
    const auto* existing = found == stored.end() ? nullptr : std::get_if<model::Flag>(&found->second);
    auto flag = MakeFlag(services, request, env, entry, existing);
    if (!flag) return std::unexpected(At(entry.flag_key, std::move(flag).error()));
    ImportedFlag imported{.flag_key = entry.flag_key};
    if (existing != nullptr && SameDefinition(*existing, *flag)) {
      imported.version = (*existing)->version;
    } else {
      imported.action = existing == nullptr ? ImportedFlag::Action::kCreated : ImportedFlag::Action::kUpdated;
      imported.version = (*flag)->version;
      plan.writes.push_back(
          {.flag = *std::move(flag), .before = existing == nullptr ? std::nullopt : std::optional(*existing)});
    }
    plan.flags.push_back(std::move(imported));
  }
  return plan;
}

const model::Flag* Find(std::span<const Write> writes, const std::string& flag_key) {
  const auto found = std::ranges::find_if(writes, [&](const Write& one) { return one.flag->flag_key == flag_key; });
  return found == writes.end() ? nullptr : &found->flag;
}

// Prerequisites that come with the import are there afterwards; the others must be there now.
base::Status CheckReferences(const Services& services, const RequestInfo& request, std::span<const Write> writes) {
  for (const Write& write : writes) {
    model::FlagFields others = write.flag.fields();
    std::vector<model::Prerequisite> outside;
    for (std::size_t i = 0; i < others.prerequisites.size(); ++i) {
      const model::Prerequisite& one = others.prerequisites[i];
      const model::Flag* inside = Find(writes, one.flag_key);
      if (inside == nullptr) {
        outside.push_back(one);
        continue;
      }
      for (const std::string& variation : one.variations) {
        if ((*inside)->variations.contains(variation)) continue;
        const std::string path = PathOf(write.flag->flag_key) + ".prerequisites[" + std::to_string(i) + "].variations";
        return base::Fail(ErrorCode::kInvalidArgument,
                          "names '" + model::PathName(variation) + "', which the other flag does not have", path);
      }
    }
    others.prerequisites = std::move(outside);
    GUIDON_ASSIGN(const model::Flag rest, model::Flag::Create(std::move(others)));
    auto status = CheckPrerequisites(services, request.principal, rest);
    if (!status) return std::unexpected(At(write.flag->flag_key, std::move(status).error()));
  }
  return {};
}

// Each flag's own guard, asked of what will be there.
Guard GuardAll(const RequestInfo& request, std::span<const Write> writes) {
  std::vector<std::pair<std::string, Guard>> guards;
  eval::ChangeSet changes;
  for (const Write& write : writes) {
    changes.flags.push_back(write.flag);
    if (Guard guard = GuardSave(request.principal, write.flag))
      guards.emplace_back(write.flag->flag_key, std::move(guard));
  }
  if (guards.empty()) return {};
  return [guards = std::move(guards), changes = std::move(changes)](const eval::Snapshot& snapshot,
                                                                    const References& references) -> base::Status {
    eval::ChangeSet next = changes;
    next.sequence = snapshot.sequence();
    const auto after = snapshot.Apply(std::move(next));
    for (const auto& [flag_key, guard] : guards) {
      auto status = guard(*after, references);
      if (!status) return std::unexpected(At(flag_key, std::move(status).error()));
    }
    return {};
  };
}

ChangeNote NoteOf(const Write& write) {
  return {.action = "flag.import",
          .scope = write.flag->environment,
          .entity = "flag",
          .resource = write.flag->flag_key,
          .tenant_id = write.flag->tenant_id,
          .version = write.flag->version,
          .before = write.before ? TextOf(*write.before) : std::string(),
          .after = TextOf(write.flag)};
}

PreparedChange ChangeOf(const RequestInfo& request, std::span<const Write> writes) {
  PreparedChange change = Prepare(request, NoteOf(writes.front()), std::nullopt);
  std::vector<std::string> keys;
  for (const Write& write : writes) {
    if (&write != &writes.front()) {
      PreparedChange other = Prepare(request, NoteOf(write), std::nullopt);
      change.more.push_back({.audit = std::move(other.audit), .change = std::move(other.change)});
    }
    change.operations.emplace_back(
        store::PutFlag(write.flag, write.before ? std::optional((*write.before)->version) : std::nullopt));
    change.effect.flags.push_back(write.flag);
    keys.push_back(write.flag->flag_key);
  }
  change.guard = GuardAll(request, writes);
  change.explain = [keys = std::move(keys)](std::size_t index, const auto& existing) {
    return At(keys[index], LostRace("flag", existing));
  };
  return change;
}

Result<ImportOutcome> WriteAll(const Services& services, const RequestInfo& request, Plan plan,
                               const OptionalRecord& record) {
  ImportOutcome outcome{.flags = std::move(plan.flags)};
  const std::span<const Write> all(plan.writes);
  for (std::size_t done = 0; done < all.size();) {
    const auto portion = all.subspan(done, std::min(kChangeEntitiesMax, all.size() - done));
    PreparedChange change = ChangeOf(request, portion);
    const bool last = done + portion.size() == all.size();
    if (last && record) {
      change.idempotency = record;
      change.idempotency->result = "{}";
    }
    auto committed = services.committer.Commit(std::move(change));
    if (!committed) {
      base::Error error = std::move(committed).error();
      if (done > 0)
        error.message += " " + std::to_string(done) + " of " + std::to_string(all.size()) +
                         " flags were written; sending all again goes on.";
      return std::unexpected(std::move(error));
    }
    done += portion.size();
    ++outcome.transactions;
    outcome.sequence = committed->sequence;
  }
  return outcome;
}

Result<ImportOutcome> ImportOnce(const Services& services, const RequestInfo& request, const model::Environment& env,
                                 const std::vector<ImportEntry>& entries, const ImportOptions& options,
                                 const OptionalRecord& record) {
  GUIDON_ASSIGN(Plan plan, MakePlan(services, request, env, entries));
  GUIDON_TRY(CheckReferences(services, request, plan.writes));
  if (plan.writes.size() > kChangeEntitiesMax && !options.in_portions)
    return base::Fail(ErrorCode::kTooLarge, std::to_string(plan.writes.size()) +
                                                " flags would change; at most 32 are written as one unit. Import fewer "
                                                "at once, or allow portions.");
  if (!options.dry_run) return WriteAll(services, request, std::move(plan), record);
  if (Guard guard = GuardAll(request, plan.writes)) GUIDON_TRY(services.snapshots.Inspect(env.str(), guard));
  return ImportOutcome{.flags = std::move(plan.flags)};
}

}  // namespace

Result<ImportOutcome> FlagService::Import(const RequestInfo& request, const model::Environment& env,
                                          const std::vector<ImportEntry>& entries, const ImportOptions& options) {
  if (entries.size() > kImportFlagsMax)
    return base::Fail(ErrorCode::kTooLarge, "At most 10,000 flags are taken at once.", "flags");
  if (options.dry_run) return ImportOnce(s_, request, env, entries, options, std::nullopt);
  return Once(
      s_, request, "flag.import", env.str(),
      [&](const OptionalRecord& record) {
        return RetryRaces({}, [&](int) { return ImportOnce(s_, request, env, entries, options, record); });
      },
      [](const auto& record) -> Result<ImportOutcome> {
        return ImportOutcome{.flags = {}, .sequence = record.sequence, .replayed = true};
      });
}

}  // namespace guidon::app
