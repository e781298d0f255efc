// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/propagation_json.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "guidon/base/time.hpp"
#include "guidon/model/ids.hpp"

namespace guidon::api_http {
namespace {

using model::List;
using model::Object;
using model::Value;

constexpr double kMedian = 0.5;
constexpr double kP99 = 0.99;

std::int64_t Signed(std::uint64_t number) { return static_cast<std::int64_t>(number); }

std::string_view NameOf(app::NodeState state) {
  switch (state) {
    case app::NodeState::kServing: return "serving";
    case app::NodeState::kBehind: return "behind";
    case app::NodeState::kOutOfTouch: return "outOfTouch";
  }
  return "unknown";
}

Value NodeToJson(const app::NodeProgress& node) {
  Object out;
  out.Set("node", node.node);
  out.Set("self", node.self);
  out.Set("state", NameOf(node.state));
  if (node.sequence) out.Set("sequence", Signed(*node.sequence));
  if (node.served_after)
    out.Set("servedAfterMs", std::chrono::duration<double, std::milli>(*node.served_after).count());
  if (node.reported_at) out.Set("reportedAt", base::FormatTimestamp(*node.reported_at));
  if (node.clients) out.Set("clients", ConvergenceToJson(*node.clients));
  return out;
}

Value WaitingToJson(const app::WaitingOnNode& waiting) {
  const app::WaitingClients& clients = waiting.clients;
  Object out;
  out.Set("node", waiting.node);
  out.Set("kind", app::NameOf(clients.kind));
  const auto set = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) out.Set(name, text);
  };
  set("client", clients.name);
  set("address", clients.address);
  set("keyId", clients.key_id);
  if (model::TenantId::Parse(clients.tenant)) set("tenantId", clients.tenant);
  out.Set("waiting", Signed(clients.waiting));
  out.Set("connected", Signed(clients.connected));
  return out;
}

}  // namespace

Value ConvergenceToJson(const app::Convergence& clients) {
  Object out;
  out.Set("connected", Signed(clients.connected));
  out.Set("converged", Signed(clients.converged));
  out.Set("waiting", Signed(clients.connected - std::min(clients.connected, clients.converged)));
  if (clients.curve.count() > 0) {
    out.Set("p50Ms", clients.curve.PercentileMs(kMedian));
    out.Set("p99Ms", clients.curve.PercentileMs(kP99));
    out.Set("lastMs", clients.curve.LastMs());
  }
  return out;
}

Value PropagationToJson(const app::PropagationStatus& status) {
  Object out;
  out.Set("environment", status.environment);
  out.Set("sequence", Signed(status.sequence));
  if (status.committed_at) out.Set("committedAt", base::FormatTimestamp(*status.committed_at));
  if (status.change) {
    Object change;
    change.Set("action", status.change->action);
    change.Set("entity", status.change->entity);
    change.Set("resource", status.change->resource);
    out.Set("change", std::move(change));
  }
  out.Set("complete", status.complete);
  List nodes;
  for (const app::NodeProgress& node : status.nodes) nodes.push_back(NodeToJson(node));
  out.Set("nodes", std::move(nodes));
  out.Set("clients", ConvergenceToJson(status.clients));
  List waiting;
  for (const app::WaitingOnNode& clients : status.waiting) waiting.push_back(WaitingToJson(clients));
  out.Set("waiting", std::move(waiting));
  if (status.waiting_others > 0) out.Set("waitingOthers", Signed(status.waiting_others));
  return out;
}

}  // namespace guidon::api_http
