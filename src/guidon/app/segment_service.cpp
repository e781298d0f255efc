// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <utility>

#include "guidon/app/change.hpp"
#include "guidon/app/services.hpp"
#include "guidon/eval/compile_check.hpp"
#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using base::Result;
using OptionalRecord = std::optional<store::IdempotencyRecord>;

constexpr std::size_t kNamesShownMax = 10;

std::string PathOf(const model::Environment& env, const model::SegmentKey& segment) {
  return env.str() + "/" + segment.str();
}

// Segments are nobody's own: whoever is bound to a tenant sees none.
Result<model::Segment> VisibleSegment(const Services& services, const Principal& principal,
                                      const model::Environment& env, const model::SegmentKey& key) {
  GUIDON_TRY(CheckEnvironment(services, env.str()));
  if (principal.tenant_id) return std::unexpected(NotFound("segment", key.str()));
  GUIDON_ASSIGN(auto found, services.repository.GetSegment(env, key));
  if (!found) return std::unexpected(NotFound("segment", key.str()));
  return *std::move(found);
}

ChangeNote NoteOf(std::string_view action, const model::Segment& segment) {
  return {.action = action,
          .scope = segment->environment,
          .entity = "segment",
          .resource = segment->segment_key,
          .version = segment->version};
}

Result<Changed<model::Segment>> ReplaySegment(const Services& services, const RequestInfo& request,
                                              const model::Environment& env, const model::SegmentKey& key,
                                              const store::IdempotencyRecord& record) {
  return Replay<model::Segment>(record, SegmentFromText,
                                [&] { return VisibleSegment(services, request.principal, env, key); });
}

Result<Changed<model::Segment>> CreateOnce(const Services& services, const RequestInfo& request,
                                           model::SegmentFields fields, const OptionalRecord& record) {
  GUIDON_TRY(CheckEnvironment(services, fields.environment));
  if (request.principal.tenant_id)
    return base::Fail(ErrorCode::kPermissionDenied, "This credential may not make segments.");
  fields.version = 1;
  fields.created_at = fields.updated_at = services.clock.Now();
  fields.updated_by = request.principal.id;
  GUIDON_ASSIGN(model::Segment segment, model::Segment::Create(std::move(fields)));
  GUIDON_TRY(eval::CheckCompiles(segment));
  ChangeNote note = NoteOf("segment.create", segment);
  note.after = TextOf(segment);
  PreparedChange change = Prepare(request, std::move(note), record);
  change.operations.emplace_back(store::PutSegment(segment, std::nullopt));
  change.effect.segments.push_back(segment);
  change.explain = [key = segment->segment_key](std::size_t, const auto&) { return AlreadyExists("segment", key); };
  return Commit(services, std::move(change), std::move(segment));
}

using MakeFields = std::function<Result<model::SegmentFields>(const model::Segment& current)>;

struct SaveRequest {
  const RequestInfo& request;
  std::string_view action;
  const model::Environment& env;
  const model::SegmentKey& key;
  const IfMatch& if_match;
  const MakeFields& make;
};

Result<Changed<model::Segment>> SaveOnce(const Services& services, const SaveRequest& save,
                                         const OptionalRecord& record) {
  GUIDON_ASSIGN(const model::Segment current, VisibleSegment(services, save.request.principal, save.env, save.key));
  GUIDON_TRY(CheckIfMatch(save.if_match, current->version));
  GUIDON_ASSIGN(model::SegmentFields fields, save.make(current));
  fields.environment = current->environment;
  fields.segment_key = current->segment_key;
  fields.version = current->version + 1;
  fields.created_at = current->created_at;
  fields.updated_at = services.clock.Now();
  fields.updated_by = save.request.principal.id;
  GUIDON_ASSIGN(model::Segment segment, model::Segment::Create(std::move(fields)));
  GUIDON_TRY(eval::CheckCompiles(segment));
  ChangeNote note = NoteOf(save.action, segment);
  note.before = TextOf(current);
  note.after = TextOf(segment);
  PreparedChange change = Prepare(save.request, std::move(note), record);
  change.operations.emplace_back(store::PutSegment(segment, current->version));
  change.effect.segments.push_back(segment);
  change.explain = [if_match = save.if_match](std::size_t, const auto& existing) {
    return LostRace("segment", existing, if_match);
  };
  return Commit(services, std::move(change), std::move(segment));
}

Result<Changed<model::Segment>> Save(const Services& services, const SaveRequest& save) {
  return Once(
      services, save.request, save.action, PathOf(save.env, save.key),
      [&](const OptionalRecord& record) {
        return RetryRaces(save.if_match, [&](int) { return SaveOnce(services, save, record); });
      },
      [&](const auto& record) { return ReplaySegment(services, save.request, save.env, save.key, record); });
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
  GUIDON_ASSIGN(const model::Segment current, VisibleSegment(services, request.principal, env, key));
  GUIDON_TRY(CheckIfMatch(if_match, current->version));
  ChangeNote note = NoteOf("segment.delete", current);
  note.before = TextOf(current);
  note.removes = true;
  PreparedChange change = Prepare(request, std::move(note), record);
  change.operations.emplace_back(store::DeleteSegment(current));
  change.effect.removed_segments.push_back(key.str());
  change.guard = [key](const eval::Snapshot&, const References& references) {
    return RefuseInUse(references, key.str());
  };
  change.explain = [if_match](std::size_t, const auto& existing) { return LostRace("segment", existing, if_match); };
  return CommitRemoval(services, std::move(change));
}

}  // namespace

Result<store::Page<model::Segment>> SegmentService::List(const RequestInfo& request, const model::Environment& env,
                                                         const store::PageRequest& page) {
  GUIDON_TRY(CheckEnvironment(s_, env.str()));
  if (request.principal.tenant_id) return store::Page<model::Segment>{};
  return s_.repository.ListSegments(env, page);
}

Result<model::Segment> SegmentService::Get(const RequestInfo& request, const model::Environment& env,
                                           const model::SegmentKey& segment) {
  return VisibleSegment(s_, request.principal, env, segment);
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
                                                        const IfMatch& if_match) {
  GUIDON_TRY(RequireIfMatch(if_match));
  GUIDON_ASSIGN(const auto env, model::Environment::Parse(fields.environment));
  GUIDON_ASSIGN(const auto key, model::SegmentKey::Parse(fields.segment_key));
  const MakeFields make = [&](const model::Segment&) -> Result<model::SegmentFields> { return fields; };
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
  const MakeFields make = [&](const model::Segment& current) {
    return json::SegmentFromJson(json::MergePatch(json::SegmentToJson(current), patch),
                                 {.environment = env.str(), .key = segment.str()});
  };
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
