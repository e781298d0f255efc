// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/stream_events.hpp"

#include <chrono>
#include <vector>

#include "guidon/api_http/propagation_json.hpp"
#include "guidon/api_http/stream_request.hpp"
#include "guidon/api_http/text.hpp"
#include "guidon/base/time.hpp"
#include "guidon/json/json.hpp"
#include "guidon/model/value.hpp"

namespace guidon::api_http {
namespace {

void AppendEvent(std::string& out, std::string_view type, std::string_view id, std::string_view data) {
  if (!id.empty()) {
    out += "id: ";
    out += id;
    out += '\n';
  }
  out += "event: ";
  out += type;
  out += "\ndata: ";
  out += data;
  out += "\n\n";
}

std::int64_t Signed(std::uint64_t number) { return static_cast<std::int64_t>(number); }

// A tenant's administrator sees what is the tenant's own, here as everywhere: nothing shared, no segments.
bool IsVisible(const ManagementView& view, const app::FeedChange& change) {
  return view.tenant.empty() || change.audience.Names(view.tenant);
}

model::Value ChangeToJson(const ManagementView& view, const store::ChangeRecord& record) {
  model::Object out;
  out.Set("environment", std::string(view.environment));
  if (view.tenant.empty()) out.Set("sequence", Signed(record.sequence));
  out.Set("at", base::FormatTimestamp(record.at));
  out.Set("action", record.action);
  out.Set("kind", record.kind == store::ChangeKind::kPut ? "put" : "remove");
  out.Set("entity", record.entity);
  out.Set("resource", record.resource);
  if (!record.tenants.empty()) {
    model::List tenants;
    for (const std::string& tenant : record.tenants) {
      if (view.tenant.empty() || tenant == view.tenant) tenants.emplace_back(tenant);
    }
    out.Set("tenants", std::move(tenants));
  }
  if (record.version != 0) out.Set("version", Signed(record.version));
  out.Set("requestId", record.request_id);
  return out;
}

}  // namespace

std::string StreamScopeOf(StreamKind kind, const std::string& environment, const std::string& tenant) {
  const std::string_view prefix = kind == StreamKind::kEvaluation   ? "e/"
                                  : kind == StreamKind::kManagement ? "m/"
                                                                    : "f/";
  return std::string(prefix) + environment + '/' + tenant;
}

std::string RefetchEvent(std::string_view id, base::Timestamp at) {
  std::string data = R"({"type":"refetchEvaluation","etag":"\")";
  data += id;
  data += R"(\"","lastModified":)";
  data += std::to_string(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
  data += '}';
  std::string out;
  AppendEvent(out, "message", id, data);
  return out;
}

std::string ChangeEvents(const ManagementView& view, std::string_view id, const app::FeedEntry& entry) {
  if (entry.changes.empty()) {
    const bool concerned = view.tenant.empty() || entry.audience.Has(view.tenant);
    return concerned ? ResyncEvent(view, id, entry.served) : std::string();
  }
  std::vector<const app::FeedChange*> visible;
  for (const app::FeedChange& change : entry.changes) {
    if (IsVisible(view, change)) visible.push_back(&change);
  }
  std::string out;
  for (const app::FeedChange* change : visible) {
    // Who goes on in the middle would miss the rest: only the last one has the id.
    AppendEvent(out, "change", change == visible.back() ? id : std::string_view(),
                json::Write(ChangeToJson(view, change->record)));
  }
  return out;
}

std::string ResyncEvent(const ManagementView& view, std::string_view id, std::uint64_t sequence) {
  model::Object data;
  data.Set("environment", std::string(view.environment));
  if (view.tenant.empty()) data.Set("sequence", Signed(sequence));
  std::string out;
  AppendEvent(out, "resync", id, json::Write(data));
  return out;
}

std::string NodeEvent(const ManagementView& view, std::string_view id, std::string_view node, std::string_view state,
                      std::uint64_t sequence) {
  model::Object data;
  data.Set("environment", std::string(view.environment));
  data.Set("node", std::string(node));
  data.Set("state", std::string(state));
  if (view.tenant.empty()) data.Set("sequence", Signed(sequence));
  std::string out;
  AppendEvent(out, "node", id, json::Write(data));
  return out;
}

std::string ProgressEvent(const ManagementView& view, std::string_view node, const app::ChangeProgress& progress) {
  model::Object data;
  data.Set("environment", std::string(view.environment));
  data.Set("node", std::string(node));
  data.Set("sequence", Signed(progress.sequence));
  data.Set("complete", progress.waiting_count() == 0);
  data.Set("clients", ConvergenceToJson(
                          {.connected = progress.connected, .converged = progress.converged, .curve = progress.curve}));
  std::string out;
  AppendEvent(out, "propagation", "", json::Write(data));
  return out;
}

}  // namespace guidon::api_http
