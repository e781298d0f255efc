// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/node_report.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "guidon/json/json.hpp"

namespace guidon::app {
namespace {

using model::List;
using model::Object;
using model::Value;
using std::chrono::microseconds;

constexpr std::array kKinds = {ClientKind::kEvaluation, ClientKind::kManagement, ClientKind::kFlagd,
                               ClientKind::kNamed};

std::int64_t Signed(std::uint64_t number) { return static_cast<std::int64_t>(number); }

Value WaitingToJson(const WaitingClients& clients) {
  Object out;
  out.Set("kind", NameOf(clients.kind));
  const auto set = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) out.Set(name, text);
  };
  set("name", clients.name);
  set("address", clients.address);
  set("key", clients.key_id);
  set("tenant", clients.tenant);
  out.Set("waiting", Signed(clients.waiting));
  out.Set("connected", Signed(clients.connected));
  return out;
}

Value ChangeToJson(const ChangeReport& change) {
  Object out;
  out.Set("first", Signed(change.first));
  out.Set("last", Signed(change.last));
  out.Set("servedAfter", std::int64_t{change.served_after.count()});
  if (change.connected == 0) return out;
  out.Set("connected", Signed(change.connected));
  out.Set("converged", Signed(change.converged));
  List curve;
  for (const auto& [bucket, count] : change.curve.buckets())
    curve.emplace_back(List{std::int64_t{bucket}, Signed(count)});
  out.Set("curve", std::move(curve));
  out.Set("slowest", std::int64_t{change.curve.last().count()});
  List waiting;
  for (const WaitingClients& clients : change.waiting) waiting.push_back(WaitingToJson(clients));
  if (!waiting.empty()) out.Set("waiting", std::move(waiting));
  if (change.waiting_others > 0) out.Set("waitingOthers", Signed(change.waiting_others));
  return out;
}

std::uint64_t NumberAt(const Object& object, std::string_view name) {
  const Value* value = object.Find(name);
  if (value == nullptr || value->AsInteger() == nullptr || *value->AsInteger() < 0) return 0;
  return static_cast<std::uint64_t>(*value->AsInteger());
}

std::string TextAt(const Object& object, std::string_view name) {
  const Value* value = object.Find(name);
  return value == nullptr || value->AsString() == nullptr ? std::string() : *value->AsString();
}

// Objects of a list; others are left out.
template <class Visit>
void ForEach(const Object& object, std::string_view name, const Visit& visit) {
  const Value* value = object.Find(name);
  if (value == nullptr || value->AsList() == nullptr) return;
  for (const Value& one : *value->AsList()) {
    if (one.AsObject() != nullptr) visit(*one.AsObject());
  }
}

WaitingClients WaitingOf(const Object& object) {
  WaitingClients clients{.name = TextAt(object, "name"),
                         .address = TextAt(object, "address"),
                         .key_id = TextAt(object, "key"),
                         .tenant = TextAt(object, "tenant"),
                         .waiting = NumberAt(object, "waiting"),
                         .connected = NumberAt(object, "connected")};
  const std::string kind = TextAt(object, "kind");
  const auto* const known = std::ranges::find(kKinds, kind, [](ClientKind one) { return NameOf(one); });
  if (known != kKinds.end()) clients.kind = *known;
  return clients;
}

LatencyCurve CurveOf(const Object& object) {
  std::vector<LatencyCurve::Bucket> buckets;
  const Value* value = object.Find("curve");
  if (value != nullptr && value->AsList() != nullptr) {
    for (const Value& one : *value->AsList()) {
      const List* pair = one.AsList();
      if (pair == nullptr || pair->size() != 2) continue;
      const std::int64_t* bucket = pair->front().AsInteger();
      const std::int64_t* count = pair->back().AsInteger();
      if (bucket == nullptr || count == nullptr || *bucket < 0 || *count < 0) continue;
      buckets.emplace_back(static_cast<std::uint32_t>(*bucket), static_cast<std::uint64_t>(*count));
    }
  }
  return LatencyCurve::FromBuckets(buckets, microseconds(NumberAt(object, "slowest")));
}

ChangeReport ChangeOf(const Object& object) {
  ChangeReport change{.first = NumberAt(object, "first"),
                      .last = NumberAt(object, "last"),
                      .served_after = microseconds(NumberAt(object, "servedAfter")),
                      .connected = NumberAt(object, "connected"),
                      .converged = NumberAt(object, "converged"),
                      .curve = CurveOf(object),
                      .waiting_others = NumberAt(object, "waitingOthers")};
  ForEach(object, "waiting", [&](const Object& clients) { change.waiting.push_back(WaitingOf(clients)); });
  return change;
}

}  // namespace

ChangeReport ReportOf(ChangeProgress progress) {
  return {.first = progress.first,
          .last = progress.sequence,
          .served_after = progress.served_after,
          .connected = progress.connected,
          .converged = progress.converged,
          .curve = std::move(progress.curve),
          .waiting = std::move(progress.waiting),
          .waiting_others = progress.waiting_others};
}

const ChangeReport* EnvironmentReport::Find(std::uint64_t sequence_of_change) const {
  const auto found = std::ranges::find_if(changes, [&](const ChangeReport& change) {
    return change.first <= sequence_of_change && sequence_of_change <= change.last;
  });
  return found == changes.end() ? nullptr : &*found;
}

std::string WriteNodeReport(const NodeReport& report) {
  Object environments;
  for (const auto& [name, environment] : report.environments) {
    Object one;
    one.Set("sequence", Signed(environment.sequence));
    if (environment.behind > 0) one.Set("behind", Signed(environment.behind));
    List changes;
    for (const ChangeReport& change : environment.changes) changes.push_back(ChangeToJson(change));
    if (!changes.empty()) one.Set("changes", std::move(changes));
    environments.Set(name, std::move(one));
  }
  Object out;
  out.Set("environments", std::move(environments));
  return json::Write(out);
}

base::Result<NodeReport> ParseNodeReport(std::string_view text) {
  GUIDON_ASSIGN(const Value value, json::Parse(text));
  const Value* environments = value.AsObject() == nullptr ? nullptr : value.AsObject()->Find("environments");
  if (environments == nullptr || environments->AsObject() == nullptr)
    return base::Fail(base::ErrorCode::kCorrupt, "is no report of a node", "report");
  NodeReport report;
  for (const auto& [name, environment] : *environments->AsObject()) {
    const Object* object = environment.AsObject();
    if (object == nullptr) continue;
    EnvironmentReport& one = report.environments[name];
    one.sequence = NumberAt(*object, "sequence");
    one.behind = NumberAt(*object, "behind");
    ForEach(*object, "changes", [&](const Object& change) { one.changes.push_back(ChangeOf(change)); });
  }
  return report;
}

}  // namespace guidon::app
