// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "guidon/app/change.hpp"
#include "guidon/app/key_set_digest.hpp"
#include "guidon/app/segment_commit.hpp"
#include "guidon/app/services.hpp"
#include "guidon/eval/compile_check.hpp"
#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using base::Result;
using store::SegmentHead;
using OptionalRecord = std::optional<store::IdempotencyRecord>;

constexpr std::size_t kNamesShownMax = 10;

std::string PathOf(const model::Environment& env, const model::SegmentKey& segment) {
  return env.str() + "/" + segment.str();
}

// Segments are nobody's own: whoever is bound to a tenant sees none.
base::Status CheckSees(const Services& services, const Principal& principal, const model::Environment& env,
                       const model::SegmentKey& key) {
  GUIDON_TRY(CheckEnvironment(services, env.str()));
  if (principal.tenant_id) return std::unexpected(NotFound("segment", key.str()));
  return {};
}

Result<SegmentHead> VisibleSegment(const Services& services, const Principal& principal, const model::Environment& env,
                                   const model::SegmentKey& key) {
  GUIDON_TRY(CheckSees(services, principal, env, key));
  GUIDON_ASSIGN(auto found, services.repository.GetSegmentHead(env, key));
  if (!found) return std::unexpected(NotFound("segment", key.str()));
  return *std::move(found);
}

ChangeNote NoteOf(std::string_view action, const SegmentHead& segment) {
  return {.action = action,
          .scope = segment->environment,
          .entity = "segment",
          .resource = segment->segment_key,
          .version = segment->version};
}

model::Value CountsJson(const model::SegmentKeyCounts& counts) {
  model::Object object;
  object.Set("included", static_cast<std::int64_t>(counts.included));
  object.Set("excluded", static_cast<std::int64_t>(counts.excluded));
  return object;
}

model::SegmentKeyCounts AddedBy(const store::SegmentPlan& plan) {
  return {.included = plan.included.added.size(), .excluded = plan.excluded.added.size()};
}
model::SegmentKeyCounts RemovedBy(const store::SegmentPlan& plan) {
  return {.included = plan.included.removed.size(), .excluded = plan.excluded.removed.size()};
}

// For the audit: of keys that are kept apart, how many there are, what set they are, and how many came and went.
std::string StateText(const SegmentHead& segment, const store::SegmentPlan* plan = nullptr) {
  if (!segment.index) return TextOf(segment.segment);
  model::Value document = json::SegmentToJson(segment.segment);
  model::Object& object = *document.MutableObject();
  object.Set("includedDigest", segment.index->included.digest);
  object.Set("excludedDigest", segment.index->excluded.digest);
  if (plan != nullptr) {
    object.Set("keysAdded", CountsJson(AddedBy(*plan)));
    object.Set("keysRemoved", CountsJson(RemovedBy(*plan)));
  }
  return json::Write(document);
}

std::string DigestOf(const std::string* known, const std::vector<std::string>& before, const store::KeysDelta& delta) {
  return KeySetDigestAfter(known != nullptr ? *known : KeySetDigest(before), delta.added, delta.removed);
}

void SetDigests(store::SegmentPlan& plan, const SegmentHead* before) {
  if (!plan.head.index) return;
  static const std::vector<std::string> kNone;
  const auto* index = before != nullptr && before->index ? &*before->index : nullptr;
  plan.head.index->included.digest = DigestOf(index != nullptr ? &index->included.digest : nullptr,
                                              before != nullptr ? (*before)->included : kNone, plan.included);
  plan.head.index->excluded.digest = DigestOf(index != nullptr ? &index->excluded.digest : nullptr,
                                              before != nullptr ? (*before)->excluded : kNone, plan.excluded);
}

store::KeysChange ReplaceBy(std::vector<std::string> keys) {
  return {.kind = store::KeysChange::Kind::kReplace, .add = std::move(keys)};
}

Result<Changed<model::Segment>> ReplaySegment(const Services& services, const RequestInfo& request,
                                              const model::Environment& env, const model::SegmentKey& key,
                                              const store::IdempotencyRecord& record) {
  return Replay<model::Segment>(record, SegmentFromText, [&]() -> Result<model::Segment> {
    GUIDON_ASSIGN(SegmentHead head, VisibleSegment(services, request.principal, env, key));
    return std::move(head.segment);
  });
}

// The segment with all keys, of a plan whose lists are wholly new.
Result<model::Segment> WholeOf(const store::SegmentPlan& plan) {
  if (!plan.head.index) return plan.head.segment;
  model::SegmentFields fields = *plan.head.segment;
  fields.kept_apart.reset();
  fields.included = plan.included.added;
  fields.excluded = plan.excluded.added;
  return model::Segment::Create(std::move(fields));
}

Result<Changed<model::Segment>> CreateOnce(const Services& services, const RequestInfo& request,
                                           model::SegmentFields fields, const OptionalRecord& record) {
  GUIDON_TRY(CheckEnvironment(services, fields.environment));
  if (request.principal.tenant_id)
    return base::Fail(ErrorCode::kPermissionDenied, "This credential may not make segments.");
  if (fields.kept_apart)
    return base::Fail(ErrorCode::kInvalidArgument,
                      "is only told, never set: a new segment needs the keys themselves, here or with PUT .../keys",
                      "includedCount");
  fields.version = 1;
  fields.created_at = fields.updated_at = services.clock.Now();
  fields.updated_by = request.principal.id;
  // Checks the keys as well, and puts them in order.
  GUIDON_ASSIGN(const model::Segment segment, model::Segment::Create(std::move(fields)));
  GUIDON_TRY(eval::CheckCompiles(segment));
  GUIDON_ASSIGN(store::SegmentPlan plan,
                store::PlanSegment(services.repository.table(), nullptr, *segment,
                                   {.included = ReplaceBy(segment->included), .excluded = ReplaceBy(segment->excluded)},
                                   services.clock.Now()));
  SetDigests(plan, nullptr);
  ChangeNote note = NoteOf("segment.create", plan.head);
  note.after = StateText(plan.head, &plan);
  note.result = TextOf(plan.head.segment);
  PreparedChange change = Prepare(request, note, record);
  change.operations.emplace_back(store::PutSegment(plan.head, std::nullopt));
  change.effect.segments.push_back(segment);
  change.explain = [key = segment->segment_key](std::size_t, const auto&) { return AlreadyExists("segment", key); };
  GUIDON_ASSIGN(const Committed committed, CommitSegment(services, std::move(change), plan));
  return Changed<model::Segment>{.entity = std::move(plan.head.segment), .sequence = committed.sequence};
}

// What a change makes of a segment: everything but the keys (its lists are not looked at), and what becomes of those.
struct SegmentDraft {
  model::SegmentFields fields;
  store::SegmentChanges changes;
};
using MakeDraft = std::function<Result<SegmentDraft>(const SegmentHead& current)>;

struct SaveRequest {
  const RequestInfo& request;
  std::string_view action;
  const model::Environment& env;
  const model::SegmentKey& key;
  const IfMatch& if_match;
  const MakeDraft& make;
  bool skip_unchanged = false;                                        // writes nothing where no key changes
  std::function<std::string(const store::SegmentPlan&)> result = {};  // for idempotency; empty: the segment's JSON
};

struct Saved {
  store::SegmentPlan plan;
  std::uint64_t sequence = 0;
};

// A part that is missing means that the segment has changed since it was read, or that it is damaged.
base::Error Missed(const Services& services, const SaveRequest& save, const SegmentHead& current, base::Error error) {
  if (error.code != ErrorCode::kCorrupt || error.field != "keys") return error;
  const auto now = services.repository.GetSegmentHead(save.env, save.key);
  if (!now) return now.error();
  if (!*now) return NotFound("segment", save.key.str());
  const bool same = (*now)->index && current.index && (*now)->index->revision == current.index->revision;
  if (same) return error;
  return {.code = ErrorCode::kConflict,
          .message = "Somebody else changed the segment at the same time. Read it again and repeat the change.",
          .current_version = (**now)->version};
}

// The plan, and whether the lists are wholly new (then nothing is known of what they replace).
Result<std::pair<store::SegmentPlan, bool>> PlanOf(const Services& services, const SaveRequest& save,
                                                   const SegmentHead& current, const SegmentDraft& draft) {
  using Kind = store::KeysChange::Kind;
  store::Table& table = services.repository.table();
  auto plan = store::PlanSegment(table, &current, draft.fields, draft.changes, services.clock.Now());
  if (plan) return std::pair(*std::move(plan), false);
  base::Error error = Missed(services, save, current, std::move(plan).error());
  const bool whole = draft.changes.included.kind == Kind::kReplace && draft.changes.excluded.kind == Kind::kReplace;
  if (error.code != ErrorCode::kCorrupt || !whole) return std::unexpected(std::move(error));
  GUIDON_ASSIGN(auto anew, store::PlanSegment(table, nullptr, draft.fields, draft.changes, services.clock.Now()));
  anew.replaced_parts = store::PartKeysOf(current);
  return std::pair(std::move(anew), true);
}

std::vector<std::string> After(const std::vector<std::string>& before, const store::KeysDelta& delta) {
  std::vector<std::string> rest;
  std::ranges::set_difference(before, delta.removed, std::back_inserter(rest));
  std::vector<std::string> after;
  std::ranges::merge(rest, delta.added, std::back_inserter(after));
  return after;
}

// The segment with all keys after the plan, for a snapshot that does not have what is there before it.
Result<model::Segment> LoadAfter(const Services& services, const SaveRequest& save, const SegmentHead& current,
                                 const store::SegmentPlan& plan) {
  const auto loaded = store::LoadSegmentKeys(services.repository.table(), current);
  if (!loaded) return std::unexpected(Missed(services, save, current, loaded.error()));
  const model::Segment& before = *loaded;
  model::SegmentFields fields = *plan.head.segment;
  fields.kept_apart.reset();
  fields.included = After(before->included, plan.included);
  fields.excluded = After(before->excluded, plan.excluded);
  return model::Segment::Create(std::move(fields));
}

// Whether the snapshot has what a change by a few keys starts from is only known when it is its turn.
enum class Effect : std::uint8_t { kEdit, kWhole };

Result<Saved> SaveAs(const Services& services, const SaveRequest& save, const OptionalRecord& record, Effect effect,
                     bool& unknown_before) {
  GUIDON_ASSIGN(const SegmentHead current, VisibleSegment(services, save.request.principal, save.env, save.key));
  GUIDON_TRY(CheckIfMatch(save.if_match, current->version));
  GUIDON_ASSIGN(SegmentDraft draft, save.make(current));
  draft.fields.environment = current->environment;
  draft.fields.segment_key = current->segment_key;
  draft.fields.version = current->version + 1;
  draft.fields.created_at = current->created_at;
  draft.fields.updated_at = services.clock.Now();
  draft.fields.updated_by = save.request.principal.id;
  GUIDON_ASSIGN(auto planned, PlanOf(services, save, current, draft));
  auto& [plan, anew] = planned;
  if (save.skip_unchanged && plan.included.empty() && plan.excluded.empty() && !anew) {
    plan.head = current;
    return Saved{.plan = std::move(plan), .sequence = services.snapshots.SequenceOf(save.env.str()).value_or(0)};
  }
  SetDigests(plan, anew ? nullptr : &current);
  GUIDON_TRY(eval::CheckCompiles(plan.head.segment));
  ChangeNote note = NoteOf(save.action, plan.head);
  note.before = StateText(current);
  note.after = StateText(plan.head, &plan);
  note.result = save.result ? save.result(plan) : TextOf(plan.head.segment);
  PreparedChange change = Prepare(save.request, note, record);
  change.operations.emplace_back(store::PutSegment(plan.head, current->version, current.index));
  if (!plan.head.index || anew) {
    GUIDON_ASSIGN(model::Segment whole, WholeOf(plan));
    change.effect.segments.push_back(std::move(whole));
  } else if (effect == Effect::kWhole) {
    GUIDON_ASSIGN(model::Segment whole, LoadAfter(services, save, current, plan));
    change.effect.segments.push_back(std::move(whole));
  } else {
    change.effect.segment_edits.push_back({.segment = plan.head.segment,
                                           .from_version = current->version,
                                           .included_added = plan.included.added,
                                           .included_removed = plan.included.removed,
                                           .excluded_added = plan.excluded.added,
                                           .excluded_removed = plan.excluded.removed});
    change.guard = [&unknown_before, key = save.key.str(), version = current->version](
                       const eval::Snapshot& snapshot, const References&) -> base::Status {
      unknown_before = snapshot.SegmentVersion(key) != version;
      if (!unknown_before) return {};
      return base::Fail(ErrorCode::kConflict, "The segment was changed past the change log. Try again.");
    };
  }
  change.explain = [if_match = save.if_match](std::size_t, const auto& existing) {
    return LostRace("segment", existing, if_match);
  };
  GUIDON_ASSIGN(const Committed committed, CommitSegment(services, std::move(change), plan));
  return Saved{.plan = std::move(plan), .sequence = committed.sequence};
}

Result<Saved> SaveOnce(const Services& services, const SaveRequest& save, const OptionalRecord& record) {
  bool unknown_before = false;
  auto saved = SaveAs(services, save, record, Effect::kEdit, unknown_before);
  if (saved || !unknown_before) return saved;
  return SaveAs(services, save, record, Effect::kWhole, unknown_before);
}

Result<Changed<model::Segment>> Save(const Services& services, const SaveRequest& save) {
  return Once(
      services, save.request, save.action, PathOf(save.env, save.key),
      [&](const OptionalRecord& record) -> Result<Changed<model::Segment>> {
        GUIDON_ASSIGN(Saved saved, RetryRaces(save.if_match, [&](int) { return SaveOnce(services, save, record); }));
        return Changed<model::Segment>{.entity = std::move(saved.plan.head.segment), .sequence = saved.sequence};
      },
      [&](const auto& record) { return ReplaySegment(services, save.request, save.env, save.key, record); });
}

model::SegmentKeyCounts CountsOf(const SegmentHead& head) {
  if (head->kept_apart) return *head->kept_apart;
  return {.included = head->included.size(), .excluded = head->excluded.size()};
}

SegmentKeysOutcome OutcomeOf(const store::SegmentPlan& plan) {
  return {.environment = plan.head->environment,
          .segment_key = plan.head->segment_key,
          .version = plan.head->version,
          .count = CountsOf(plan.head),
          .added = AddedBy(plan),
          .removed = RemovedBy(plan)};
}

std::string OutcomeText(const store::SegmentPlan& plan) {
  const SegmentKeysOutcome outcome = OutcomeOf(plan);
  model::Object object;
  object.Set("version", static_cast<std::int64_t>(outcome.version));
  object.Set("count", CountsJson(outcome.count));
  object.Set("added", CountsJson(outcome.added));
  object.Set("removed", CountsJson(outcome.removed));
  return json::Write(object);
}

std::size_t NumberAt(const model::Value& document, std::string_view name) {
  const model::Value* value = document.AsObject() != nullptr ? document.AsObject()->Find(name) : nullptr;
  return value != nullptr && value->AsInteger() != nullptr ? static_cast<std::size_t>(*value->AsInteger()) : 0;
}

model::SegmentKeyCounts CountsAt(const model::Value& document, std::string_view name) {
  const model::Value* value = document.AsObject() != nullptr ? document.AsObject()->Find(name) : nullptr;
  if (value == nullptr) return {};
  return {.included = NumberAt(*value, "included"), .excluded = NumberAt(*value, "excluded")};
}

Result<Changed<SegmentKeysOutcome>> SaveKeys(const Services& services, const SaveRequest& save) {
  return Once(
      services, save.request, save.action, PathOf(save.env, save.key),
      [&](const OptionalRecord& record) -> Result<Changed<SegmentKeysOutcome>> {
        GUIDON_ASSIGN(const Saved saved,
                      RetryRaces(save.if_match, [&](int) { return SaveOnce(services, save, record); }));
        return Changed<SegmentKeysOutcome>{.entity = OutcomeOf(saved.plan), .sequence = saved.sequence};
      },
      [&](const store::IdempotencyRecord& record) -> Result<Changed<SegmentKeysOutcome>> {
        GUIDON_ASSIGN(const model::Value done, json::Parse(record.result));
        return Changed<SegmentKeysOutcome>{.entity = {.environment = save.env.str(),
                                                      .segment_key = save.key.str(),
                                                      .version = NumberAt(done, "version"),
                                                      .count = CountsAt(done, "count"),
                                                      .added = CountsAt(done, "added"),
                                                      .removed = CountsAt(done, "removed")},
                                           .sequence = record.sequence,
                                           .replayed = true};
      });
}

// All but the keys, of a segment that is there.
model::SegmentFields WithoutKeys(const SegmentHead& head) {
  model::SegmentFields fields = *head.segment;
  fields.included.clear();
  fields.excluded.clear();
  return fields;
}

Result<std::vector<std::string>> KeysFrom(const model::Value& list, std::string_view field) {
  std::vector<std::string> keys;
  if (list.IsNull()) return keys;
  if (list.AsList() == nullptr) return base::Fail(ErrorCode::kInvalidArgument, "must be a list", std::string(field));
  for (const model::Value& key : *list.AsList()) {
    if (key.AsString() == nullptr)
      return base::Fail(ErrorCode::kInvalidArgument, "must hold strings", std::string(field));
    keys.push_back(*key.AsString());
  }
  GUIDON_TRY(model::CheckSegmentKeys(keys, field));
  return keys;
}

// Checks the lists that the fields have and makes them replace those that are there.
Result<SegmentDraft> ReplaceLists(model::SegmentFields fields) {
  GUIDON_TRY(model::CheckSegmentKeys(fields.included, "included"));
  GUIDON_TRY(model::CheckSegmentKeys(fields.excluded, "excluded"));
  SegmentDraft draft;
  draft.changes = {.included = ReplaceBy(std::move(fields.included)),
                   .excluded = ReplaceBy(std::move(fields.excluded))};
  fields.included.clear();
  fields.excluded.clear();
  draft.fields = std::move(fields);
  return draft;
}

Result<SegmentDraft> Replacement(const SegmentHead& current, const model::SegmentFields& fields,
                                 const SegmentListsGiven& given) {
  if (fields.kept_apart) {
    if (!fields.included.empty() || !fields.excluded.empty())
      return base::Fail(ErrorCode::kInvalidArgument, "must be left out where the keys themselves are given",
                        "includedCount");
    return SegmentDraft{.fields = fields, .changes = {}};
  }
  if (current.index && (!given.included || !given.excluded)) {
    const model::SegmentKeyCounts there = CountsOf(current);
    return base::Fail(ErrorCode::kInvalidArgument,
                      fmt::format("must be given: the segment has {} included and {} excluded keys, which answers do "
                                  "not show. Give both lists ([] removes all keys), or includedCount and "
                                  "excludedCount as they were read to leave the keys as they are.",
                                  there.included, there.excluded),
                      given.included ? "excluded" : "included");
  }
  return ReplaceLists(fields);
}

Result<SegmentDraft> Patched(const SegmentHead& current, const model::Value& patch, const json::DocumentScope& scope) {
  if (!current.index) {
    GUIDON_ASSIGN(auto fields,
                  json::SegmentFromJson(json::MergePatch(json::SegmentToJson(current.segment), patch), scope));
    return Replacement(current, fields, {});
  }
  model::Object rest = *patch.AsObject();
  SegmentDraft draft;
  if (const model::Value* included = patch.AsObject()->Find("included")) {
    GUIDON_ASSIGN(auto keys, KeysFrom(*included, "included"));
    draft.changes.included = ReplaceBy(std::move(keys));
    rest.Erase("included");
  }
  if (const model::Value* excluded = patch.AsObject()->Find("excluded")) {
    GUIDON_ASSIGN(auto keys, KeysFrom(*excluded, "excluded"));
    draft.changes.excluded = ReplaceBy(std::move(keys));
    rest.Erase("excluded");
  }
  for (const std::string_view told : {"includedCount", "excludedCount"}) {
    if (rest.Find(told) != nullptr)
      return base::Fail(ErrorCode::kInvalidArgument, "is only told, never set", std::string(told));
  }
  GUIDON_ASSIGN(draft.fields,
                json::SegmentFromJson(json::MergePatch(json::SegmentToJson(current.segment), rest), scope));
  return draft;
}

base::Status CheckEdit(SegmentKeysEdit& edit) {
  const std::size_t count =
      edit.add_included.size() + edit.add_excluded.size() + edit.remove_included.size() + edit.remove_excluded.size();
  if (count == 0) return base::Fail(ErrorCode::kInvalidArgument, "Give keys to add or to remove.", "add");
  if (count > kSegmentKeysPerChangeMax)
    return base::Fail(ErrorCode::kTooLarge,
                      fmt::format("The request has {} keys; at most {} are taken at once. Send them in portions, or "
                                  "the whole list with PUT.",
                                  count, kSegmentKeysPerChangeMax),
                      "add");
  GUIDON_TRY(model::CheckSegmentKeys(edit.add_included, "add.included"));
  GUIDON_TRY(model::CheckSegmentKeys(edit.add_excluded, "add.excluded"));
  GUIDON_TRY(model::CheckSegmentKeys(edit.remove_included, "remove.included"));
  GUIDON_TRY(model::CheckSegmentKeys(edit.remove_excluded, "remove.excluded"));
  const auto apart = [](const auto& add, const auto& remove, std::string_view field) -> base::Status {
    std::vector<std::string> both;
    std::ranges::set_intersection(add, remove, std::back_inserter(both));
    if (both.empty()) return {};
    return base::Fail(ErrorCode::kInvalidArgument, "names \"" + both.front() + "\", which is also to be added",
                      std::string(field));
  };
  GUIDON_TRY(apart(edit.add_included, edit.remove_included, "remove.included"));
  return apart(edit.add_excluded, edit.remove_excluded, "remove.excluded");
}

store::KeysChange EditBy(const std::vector<std::string>& add, const std::vector<std::string>& remove) {
  return {.kind = store::KeysChange::Kind::kEdit, .add = add, .remove = remove};
}

base::Status RefuseInUse(const References& references, const std::string& key) {
  const auto users = references.UsersOfSegment(key);
  if (users.empty()) return {};
  std::string names;
  for (std::size_t i = 0; i < users.size() && i < kNamesShownMax; ++i) names += (i == 0 ? "" : ", ") + users[i];
  if (users.size() > kNamesShownMax) names += " and more";
  return base::Fail(ErrorCode::kConflict, "Flags use this segment: " + names + ". Change them first.");
}

Result<Removed> DeleteOnce(const Services& services, const RequestInfo& request, const model::Environment& env,
                           const model::SegmentKey& key, const IfMatch& if_match, const OptionalRecord& record) {
  GUIDON_ASSIGN(const SegmentHead current, VisibleSegment(services, request.principal, env, key));
  GUIDON_TRY(CheckIfMatch(if_match, current->version));
  ChangeNote note = NoteOf("segment.delete", current);
  note.before = StateText(current);
  note.removes = true;
  PreparedChange change = Prepare(request, note, record);
  change.operations.emplace_back(store::DeleteSegment(current));
  change.effect.removed_segments.push_back(key.str());
  change.guard = [key](const eval::Snapshot&, const References& references) {
    return RefuseInUse(references, key.str());
  };
  change.explain = [if_match](std::size_t, const auto& existing) { return LostRace("segment", existing, if_match); };
  const store::SegmentPlan plan{
      .head = current, .included = {}, .excluded = {}, .replaced_parts = store::PartKeysOf(current)};
  GUIDON_ASSIGN(const Committed committed, CommitSegment(services, std::move(change), plan));
  return Removed{.sequence = committed.sequence};
}

}  // namespace

Result<store::Page<model::Segment>> SegmentService::List(const RequestInfo& request, const model::Environment& env,
                                                         const store::PageRequest& page) {
  GUIDON_TRY(CheckEnvironment(s_, env.str()));
  store::Page<model::Segment> segments;
  if (request.principal.tenant_id) return segments;
  GUIDON_ASSIGN(auto found, s_.repository.ListSegments(env, page));
  for (SegmentHead& head : found.items) segments.items.push_back(std::move(head.segment));
  segments.next_cursor = std::move(found.next_cursor);
  segments.unreadable = found.unreadable;
  return segments;
}

Result<model::Segment> SegmentService::Get(const RequestInfo& request, const model::Environment& env,
                                           const model::SegmentKey& segment) {
  GUIDON_ASSIGN(SegmentHead head, VisibleSegment(s_, request.principal, env, segment));
  return std::move(head.segment);
}

Result<model::Segment> SegmentService::GetWhole(const RequestInfo& request, const model::Environment& env,
                                                const model::SegmentKey& segment) {
  GUIDON_TRY(CheckSees(s_, request.principal, env, segment));
  GUIDON_ASSIGN(auto found, s_.repository.GetSegment(env, segment));
  if (!found) return std::unexpected(NotFound("segment", segment.str()));
  return *std::move(found);
}

Result<store::Page<std::string>> SegmentService::ListKeys(const RequestInfo& request, const model::Environment& env,
                                                          const model::SegmentKey& segment, store::SegmentList list,
                                                          std::string_view prefix, const store::PageRequest& page) {
  GUIDON_TRY(CheckSees(s_, request.principal, env, segment));
  GUIDON_ASSIGN(auto found, s_.repository.ListSegmentKeys(env, segment, list, prefix, page));
  if (!found) return std::unexpected(NotFound("segment", segment.str()));
  return *std::move(found);
}

std::mutex& SegmentService::LockOf(const model::Environment& env, const model::SegmentKey& segment) {
  return locks_[std::hash<std::string>{}(PathOf(env, segment)) % locks_.size()];
}

Result<Changed<SegmentKeysOutcome>> SegmentService::EditKeys(const RequestInfo& request, const model::Environment& env,
                                                             const model::SegmentKey& segment, SegmentKeysEdit edit,
                                                             const IfMatch& if_match) {
  GUIDON_TRY(CheckSees(s_, request.principal, env, segment));
  GUIDON_TRY(CheckEdit(edit));
  const MakeDraft make = [&](const SegmentHead& current) -> Result<SegmentDraft> {
    return SegmentDraft{.fields = WithoutKeys(current),
                        .changes = {.included = EditBy(edit.add_included, edit.remove_included),
                                    .excluded = EditBy(edit.add_excluded, edit.remove_excluded)}};
  };
  const std::lock_guard one_by_one(LockOf(env, segment));
  return SaveKeys(s_, {.request = request,
                       .action = "segment.keys.edit",
                       .env = env,
                       .key = segment,
                       .if_match = if_match,
                       .make = make,
                       .skip_unchanged = true,
                       .result = OutcomeText});
}

Result<Changed<SegmentKeysOutcome>> SegmentService::UploadKeys(const RequestInfo& request,
                                                               const model::Environment& env,
                                                               const model::SegmentKey& segment,
                                                               SegmentKeysUpload upload, const IfMatch& if_match) {
  GUIDON_TRY(CheckSees(s_, request.principal, env, segment));
  GUIDON_TRY(RequireIfMatch(if_match));
  if (!upload.included && !upload.excluded)
    return base::Fail(ErrorCode::kInvalidArgument, "Give at least one of the lists included and excluded.", "included");
  if (upload.included) GUIDON_TRY(model::CheckSegmentKeys(*upload.included, "included"));
  if (upload.excluded) GUIDON_TRY(model::CheckSegmentKeys(*upload.excluded, "excluded"));
  const MakeDraft make = [&](const SegmentHead& current) -> Result<SegmentDraft> {
    SegmentDraft draft{.fields = WithoutKeys(current), .changes = {}};
    if (upload.included) draft.changes.included = ReplaceBy(*upload.included);
    if (upload.excluded) draft.changes.excluded = ReplaceBy(*upload.excluded);
    return draft;
  };
  const std::lock_guard one_by_one(LockOf(env, segment));
  return SaveKeys(s_, {.request = request,
                       .action = "segment.keys.upload",
                       .env = env,
                       .key = segment,
                       .if_match = if_match,
                       .make = make,
                       .skip_unchanged = true,
                       .result = OutcomeText});
}

Result<Changed<model::Segment>> SegmentService::Create(const RequestInfo& request, model::SegmentFields fields) {
  GUIDON_ASSIGN(const auto env, model::Environment::Parse(fields.environment));
  GUIDON_ASSIGN(const auto key, model::SegmentKey::Parse(fields.segment_key));
  return Once(
      s_, request, "segment.create", PathOf(env, key),
      [&](const OptionalRecord& record) { return CreateOnce(s_, request, fields, record); },
      [&](const auto& record) { return ReplaySegment(s_, request, env, key, record); });
}

Result<Changed<model::Segment>> SegmentService::Replace(const RequestInfo& request, model::SegmentFields fields,
                                                        const IfMatch& if_match, SegmentListsGiven given) {
  GUIDON_TRY(RequireIfMatch(if_match));
  GUIDON_ASSIGN(const auto env, model::Environment::Parse(fields.environment));
  GUIDON_ASSIGN(const auto key, model::SegmentKey::Parse(fields.segment_key));
  const MakeDraft make = [&](const SegmentHead& current) { return Replacement(current, fields, given); };
  return Save(
      s_,
      {.request = request, .action = "segment.replace", .env = env, .key = key, .if_match = if_match, .make = make});
}

Result<Changed<model::Segment>> SegmentService::Patch(const RequestInfo& request, const model::Environment& env,
                                                      const model::SegmentKey& segment, const model::Value& patch,
                                                      const IfMatch& if_match) {
  GUIDON_TRY(RequireIfMatch(if_match));
  if (patch.AsObject() == nullptr)
    return base::Fail(ErrorCode::kInvalidArgument, "A merge patch of a segment is a JSON object.");
  const json::DocumentScope scope{.environment = env.str(), .key = segment.str()};
  const MakeDraft make = [&](const SegmentHead& current) { return Patched(current, patch, scope); };
  return Save(
      s_,
      {.request = request, .action = "segment.patch", .env = env, .key = segment, .if_match = if_match, .make = make});
}

Result<Removed> SegmentService::Delete(const RequestInfo& request, const model::Environment& env,
                                       const model::SegmentKey& segment, const IfMatch& if_match) {
  return Once(
      s_, request, "segment.delete", PathOf(env, segment),
      [&](const OptionalRecord& record) {
        return RetryRaces(if_match, [&](int) { return DeleteOnce(s_, request, env, segment, if_match, record); });
      },
      ReplayRemoval);
}

}  // namespace guidon::app
