// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/definitions_answers.hpp"

#include <algorithm>
#include <utility>

#include "guidon/api_http/stream_offers.hpp"
#include "guidon/api_http/stream_request.hpp"
#include "guidon/api_http/text.hpp"
#include "guidon/base/log.hpp"

namespace guidon::api_http {
namespace {

// Of one environment. Most callers ask for the same two things (all, and what is new since the last change).
constexpr std::size_t kBodiesMax = 256;
constexpr std::size_t kBodiesBytesMax = 2 * kDefinitionsBytesMax;
// Between the id of an event and the revision in an entity tag; in no id.
constexpr char kRevisionMark = '.';

std::string KeyOf(const DefinitionsView& view) {
  std::string key = view.tenant + '\n' + (view.since ? std::to_string(*view.since) : "all");
  for (const std::string& flag : view.flags) key += '\n' + flag;
  return key;
}

// Whether something concerned the tenant after `since` and up to `end`, as far as the feed remembers; true where it
// does not.
bool MayConcern(const app::ChangeFeed& feed, std::string_view tenant, std::uint64_t since, std::uint64_t end) {
  const auto number = feed.NumberAt(since);
  if (!number) return true;
  const auto read = feed.After(*number);
  if (!read.complete) return true;
  return std::ranges::any_of(read.entries, [&](const auto& entry) {
    return entry->sequence > since && entry->sequence <= end && (entry->audience.Has(tenant) || entry->changes.empty());
  });
}

}  // namespace

std::optional<DefinitionsAnswers::Had> DefinitionsAnswers::Read(const DefinitionsRequest& request,
                                                                std::string_view tag) const {
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  if (tag.size() < 2 || !tag.starts_with('"') || !tag.ends_with('"')) return std::nullopt;
  tag = tag.substr(1, tag.size() - 2);
  const std::size_t mark = std::min(tag.find(kRevisionMark), tag.size());
  // An answer's own tag, or an event's of the stream that the answer names.
  for (const std::string& tenant : {request.tenant, std::string(app::kEveryTenant)}) {
    const std::string scope = StreamScopeOf(StreamKind::kEvaluation, request.environment.str(), tenant);
    if (const auto sequence = app_.stream_tokens().SequenceOf(scope, tag.substr(0, mark)))
      return Had{.sequence = *sequence, .revision = std::string(mark < tag.size() ? tag.substr(mark + 1) : "")};
    if (!request.tenant.empty()) break;
  }
  return std::nullopt;
}

std::string DefinitionsAnswers::TagOf(const DefinitionsRequest& request, const app::KeptDefinitions& kept,
                                      std::uint64_t sequence) const {
  const std::string scope = StreamScopeOf(StreamKind::kEvaluation, request.environment.str(), request.tenant);
  std::string tag = '"' + app_.stream_tokens().EventId(scope, sequence);
  if (!kept.revision.empty()) tag += kRevisionMark + kept.revision;
  return tag + '"';
}

// From which state on the caller is to be told what changed; absent: it is told everything.
std::optional<std::uint64_t> DefinitionsAnswers::SinceOf(const DefinitionsRequest& request,
                                                         const app::KeptDefinitions& kept) const {
  if (request.since.empty()) return std::nullopt;
  const auto had = Read(request, request.since);
  // What is ahead of the change log is of another table.
  if (!had || had->sequence > kept.sequence) return std::nullopt;
  if (had->sequence == kept.sequence || !kept.revision.empty()) {
    if (had->revision != kept.revision) return std::nullopt;
    if (had->sequence == kept.sequence) return had->sequence;
  }
  if (had->sequence >= kept.floor && had->revision.empty()) return had->sequence;
  // A tenant's tag names the last change that concerned the tenant, which may be long ago.
  const app::ChangeFeed& feed = *app_.snapshots().FeedOf(request.environment.str());
  const bool nothing = !request.tenant.empty() && had->revision.empty() && kept.floor <= kept.sequence &&
                       !MayConcern(feed, request.tenant, had->sequence, kept.floor);
  return nothing ? std::optional(kept.floor) : std::nullopt;
}

void DefinitionsAnswers::CatchUp(const DefinitionsRequest& request) const {
  std::uint64_t sequence = 0;
  for (const std::string* tag : {&request.since, &request.announced}) {
    if (const auto had = Read(request, *tag)) sequence = std::max(sequence, had->sequence);
  }
  if (sequence == 0) return;
  if (const auto status = app_.CatchUpTo(request.environment.str(), sequence); !status)
    base::Log(base::LogLevel::kWarn, "another node's change cannot be read; definitions are answered as they are here",
              {{"environment", std::string_view(request.environment.str())},
               {"error", std::string_view(status.error().message)}});
}

base::Result<DefinitionsAnswers::Body> DefinitionsAnswers::BodyOf(const DefinitionsView& view,
                                                                  const app::KeptDefinitions& kept) {
  const std::string state = std::to_string(kept.sequence) + kRevisionMark + kept.revision;
  const std::string key = KeyOf(view);
  const std::lock_guard lock(mutex_);
  Bodies& bodies = bodies_[view.environment];
  if (bodies.state != state) bodies = {.state = state, .by_view = {}};
  if (const auto found = bodies.by_view.find(key); found != bodies.by_view.end()) return found->second;
  GUIDON_ASSIGN(std::string text, WriteDefinitions(view, kept));
  auto body = std::make_shared<const DefinitionsBody>(std::move(text));
  if (bodies.by_view.size() >= kBodiesMax || bodies.bytes + body->size() > kBodiesBytesMax)
    bodies = {.state = state, .by_view = {}};
  bodies.bytes += body->size();
  bodies.by_view.emplace(key, body);
  return body;
}

std::string DefinitionsAnswers::EndOf(const DefinitionsRequest& request, std::uint64_t sequence) const {
  const std::string_view tenant = request.tenant.empty() ? app::kEveryTenant : std::string_view(request.tenant);
  StreamOffers offers(app_);
  std::string end = ",";
  end += offers.Text(request.environment.str(), tenant, request.key_id, sequence);
  end += '}';
  return end;
}

base::Result<Response> DefinitionsAnswers::Answer(const DefinitionsRequest& request) {
  CatchUp(request);
  const app::ChangeFeed* feed = app_.snapshots().FeedOf(request.environment.str());
  if (feed == nullptr) return base::Fail(base::ErrorCode::kNotFound, "There is no such environment.", "environment");
  // Before the definitions are looked at, so that it claims nothing that they may not have.
  const std::uint64_t concerning = request.tenant.empty() ? 0 : feed->LastConcerning(request.tenant);
  Response response;
  Body body;
  std::uint64_t sequence = 0;
  const auto use = [&](const app::KeptDefinitions& kept) -> base::Status {
    sequence = request.tenant.empty() ? kept.sequence : std::min(concerning, kept.sequence);
    std::string tag = TagOf(request, kept, sequence);
    const bool same = !request.if_none_match.empty() && IfNoneMatchHas(request.if_none_match, tag);
    response.headers.emplace_back("ETag", std::move(tag));
    if (same) {
      response.status = 304;
      return {};
    }
    const DefinitionsView view{.environment = request.environment.str(),
                               .tenant = request.tenant,
                               .flags = request.flags,
                               .since = SinceOf(request, kept)};
    GUIDON_ASSIGN(body, BodyOf(view, kept));
    return {};
  };
  GUIDON_TRY(app_.definitions().Read(request.environment, use));
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (body == nullptr) return response;
  const std::string end = EndOf(request, sequence);
  if (!request.gzip) {
    response.body = body->Plain(end);
    return response;
  }
  GUIDON_ASSIGN(response.body, body->Gzip(end));
  response.headers.emplace_back("Content-Encoding", "gzip");
  return response;
}

}  // namespace guidon::api_http
