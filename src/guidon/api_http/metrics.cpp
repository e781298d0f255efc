// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/metrics.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include "guidon/api_http/route.hpp"

namespace guidon::api_http {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<std::pair<std::string_view, std::string>>;

class Families {
 public:
  MetricFamily& Add(std::string name, std::string help, MetricType type) {
    MetricFamily& family = families_.emplace_back();
    family.name = std::move(name);
    family.help = std::move(help);
    family.type = type;
    return family;
  }
  void AddValue(std::string name, std::string help, MetricType type, double value) {
    Put(Add(std::move(name), std::move(help), type), value, {});
  }
  static void Put(MetricFamily& family, double value, const Labels& labels) {
    ClientMetric& metric = family.metric.emplace_back();
    for (const auto& [name, text] : labels) metric.label.push_back({std::string(name), text});
    if (family.type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
  }
  template <class Bounds, class Counts>
  static void PutHistogram(MetricFamily& family, const Bounds& bounds, const Counts& counts, double sum,
                           const Labels& labels) {
    ClientMetric& metric = family.metric.emplace_back();
    for (const auto& [name, text] : labels) metric.label.push_back({std::string(name), text});
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      total += counts[i];
      metric.histogram.bucket.push_back({total, bounds[i]});
    }
    total += counts[bounds.size()];
    metric.histogram.bucket.push_back({total, std::numeric_limits<double>::infinity()});
    metric.histogram.sample_count = total;
    metric.histogram.sample_sum = sum;
  }
  std::string Serialize() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  std::vector<MetricFamily> families_;
};

double Number(std::uint64_t value) { return static_cast<double>(value); }

template <class Get>
std::uint64_t Sum(const std::vector<const IoCounters*>& io, Get get) {
  std::uint64_t sum = 0;
  for (const IoCounters* counters : io) sum += get(*counters);
  return sum;
}

Labels RouteLabels(std::size_t index) {
  if (index >= Routes().size()) return {{"route", "none"}, {"method", "none"}};
  const Route& route = Routes()[index];
  return {{"route", std::string(route.path)}, {"method", std::string(NameOf(route.method))}};
}

void AddRequests(Families& families, const std::vector<const IoCounters*>& io) {
  MetricFamily requests;
  requests.name = "guidon_http_requests_total";
  requests.help = "Requests answered, by route, method and class of status.";
  requests.type = MetricType::Counter;
  MetricFamily seconds;
  seconds.name = "guidon_http_request_duration_seconds";
  seconds.help = "From the first byte of a request to its answer being ready.";
  seconds.type = MetricType::Histogram;
  for (std::size_t route = 0; route < kRoutesMax; ++route) {
    std::array<std::uint64_t, kRequestBounds.size() + 1> latency{};
    for (std::size_t i = 0; i < latency.size(); ++i)
      latency[i] = Sum(io, [&](const IoCounters& c) { return c.routes[route].latency[i].value(); });
    if (std::ranges::all_of(latency, [](std::uint64_t n) { return n == 0; })) continue;
    const auto ns = Sum(io, [&](const IoCounters& c) { return c.routes[route].nanoseconds.value(); });
    Families::PutHistogram(seconds, kRequestBounds, latency, Number(ns) / 1e9, RouteLabels(route));
    for (std::size_t status = 1; status < 6; ++status) {
      const auto count = Sum(io, [&](const IoCounters& c) { return c.routes[route].by_class[status].value(); });
      if (count == 0) continue;
      Labels labels = RouteLabels(route);
      labels.emplace_back("status", std::to_string(status) + "xx");
      Families::Put(requests, Number(count), labels);
    }
  }
  families.Add(requests.name, requests.help, requests.type).metric = std::move(requests.metric);
  families.Add(seconds.name, seconds.help, seconds.type).metric = std::move(seconds.metric);
}

void AddEvaluations(Families& families, const std::vector<const IoCounters*>& io) {
  MetricFamily& reasons =
      families.Add("guidon_evaluations_total", "Flags evaluated over HTTP, by reason.", MetricType::Counter);
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    const auto count = Sum(io, [&](const IoCounters& c) { return c.evaluations[i].value(); });
    Families::Put(reasons, Number(count), {{"reason", std::string(model::NameOf(static_cast<model::Reason>(i)))}});
  }
  MetricFamily& errors =
      families.Add("guidon_evaluation_errors_total", "Evaluations that gave an error code.", MetricType::Counter);
  for (std::size_t i = 1; i < kEvaluationErrorCount; ++i) {
    const auto count = Sum(io, [&](const IoCounters& c) { return c.evaluation_errors[i].value(); });
    Families::Put(errors, Number(count),
                  {{"code", std::string(model::NameOf(static_cast<model::EvaluationError>(i)))}});
  }
  families.AddValue("guidon_bulk_not_modified_total", "Bulk evaluations answered 304.", MetricType::Counter,
                    Number(Sum(io, [](const IoCounters& c) { return c.bulk_not_modified.value(); })));
}

void AddUsage(Families& families, const app::UsageService& usage) {
  MetricFamily& counts = families.Add("guidon_flag_evaluations_total",
                                      "Evaluations by environment, flag and variation, of this server and reported by "
                                      "its clients: the first combinations that "
                                      "occurred. `source` is evaluation (asked for by name) or bulk.",
                                      MetricType::Counter);
  for (const app::UsageSeries& series : usage.Series()) {
    for (const auto& [source, count] :
         {std::pair{"evaluation", series.totals.evaluations}, std::pair{"bulk", series.totals.bulk}}) {
      if (count == 0) continue;
      Families::Put(counts, Number(count),
                    {{"environment", series.environment},
                     {"flag", series.flag_key},
                     {"variation", series.variation},
                     {"source", source}});
    }
  }
  families.AddValue("guidon_usage_dropped_total", "Evaluations that were not counted for usage figures.",
                    MetricType::Counter, Number(usage.dropped()));
}

void AddConnections(Families& families, const std::vector<const IoCounters*>& io) {
  families.AddValue("guidon_http_connections", "Open connections.", MetricType::Gauge,
                    Number(Sum(io, [](const IoCounters& c) { return c.connections_open.value(); })));
  families.AddValue("guidon_http_connections_total", "Connections accepted.", MetricType::Counter,
                    Number(Sum(io, [](const IoCounters& c) { return c.connections_opened.value(); })));
  families.AddValue("guidon_http_connections_refused_total", "Connections over the limit.", MetricType::Counter,
                    Number(Sum(io, [](const IoCounters& c) { return c.connections_refused.value(); })));
  families.AddValue("guidon_http_timeouts_total", "Requests and answers that took the client too long.",
                    MetricType::Counter, Number(Sum(io, [](const IoCounters& c) { return c.timeouts.value(); })));
}

void AddStreams(Families& families, const std::vector<const IoCounters*>& io) {
  const auto add = [&](std::string name, std::string help, MetricType type, Count IoCounters::* count) {
    families.AddValue(std::move(name), std::move(help), type,
                      Number(Sum(io, [&](const IoCounters& c) { return (c.*count).value(); })));
  };
  add("guidon_streams", "Open event streams.", MetricType::Gauge, &IoCounters::streams_open);
  add("guidon_streams_total", "Event streams opened.", MetricType::Counter, &IoCounters::streams_opened);
  add("guidon_streams_dropped_total", "Event streams closed since their clients did not read.", MetricType::Counter,
      &IoCounters::streams_dropped);
  add("guidon_streams_revoked_total", "Event streams closed since their keys no longer work.", MetricType::Counter,
      &IoCounters::streams_revoked);
  add("guidon_stream_replays_total", "Clients that had missed something and were told so.", MetricType::Counter,
      &IoCounters::stream_replays);
  add("guidon_stream_events_total", "Events sent.", MetricType::Counter, &IoCounters::stream_events);
  add("guidon_stream_events_serialised_total", "Events written down, once for all streams of a scope.",
      MetricType::Counter, &IoCounters::stream_events_made);
  std::array<std::uint64_t, kRequestBounds.size() + 1> delivery{};
  for (std::size_t i = 0; i < delivery.size(); ++i)
    delivery[i] = Sum(io, [&](const IoCounters& c) { return c.stream_delivery[i].value(); });
  MetricFamily& family =
      families.Add("guidon_stream_delivery_seconds",
                   "From a snapshot's publication to an event being handed to the system.", MetricType::Histogram);
  const auto ns = Sum(io, [](const IoCounters& c) { return c.stream_delivery_nanoseconds.value(); });
  Families::PutHistogram(family, kRequestBounds, delivery, Number(ns) / 1e9, {});
}

void AddStore(Families& families, const store::MeteredTable& table) {
  MetricFamily calls{
      .name = "guidon_store_calls_total", .help = "Calls of the table.", .type = MetricType::Counter, .metric = {}};
  MetricFamily errors{
      .name = "guidon_store_errors_total", .help = "Calls that failed.", .type = MetricType::Counter, .metric = {}};
  MetricFamily conditions{.name = "guidon_store_conditions_failed_total",
                          .help = "Writes whose condition did not hold.",
                          .type = MetricType::Counter,
                          .metric = {}};
  MetricFamily units{.name = "guidon_store_capacity_units_total",
                     .help = "Capacity units by DynamoDB's rules.",
                     .type = MetricType::Counter,
                     .metric = {}};
  MetricFamily seconds{.name = "guidon_store_call_duration_seconds",
                       .help = "How long calls took.",
                       .type = MetricType::Histogram,
                       .metric = {}};
  for (std::size_t i = 0; i < store::kTableOperationCount; ++i) {
    const auto operation = static_cast<store::TableOperation>(i);
    const store::TableOperationFigures figures = table.FiguresOf(operation);
    const Labels labels = {{"operation", std::string(store::NameOf(operation))}};
    Families::Put(calls, Number(figures.calls), labels);
    Families::Put(errors, Number(figures.errors), labels);
    Families::Put(conditions, Number(figures.conditions_failed), labels);
    Families::Put(units, figures.read_units, {labels[0], {"kind", "read"}});
    Families::Put(units, figures.write_units, {labels[0], {"kind", "write"}});
    Families::PutHistogram(seconds, store::kLatencyBounds, figures.latency, figures.seconds, labels);
  }
  for (MetricFamily* family : {&calls, &errors, &conditions, &units, &seconds})
    families.Add(family->name, family->help, family->type).metric = std::move(family->metric);
}

void AddApplication(Families& families, app::Application& app) {
  const auto committed = app.committer().figures();
  families.AddValue("guidon_changes_total", "Changes committed.", MetricType::Counter, Number(committed.changes));
  families.AddValue("guidon_change_transactions_total", "Transactions that carried them.", MetricType::Counter,
                    Number(committed.transactions));
  families.AddValue("guidon_change_head_conflicts_total", "Transactions tried again since another writer won.",
                    MetricType::Counter, Number(committed.head_conflicts));
  families.AddValue("guidon_audit_refusals_dropped_total", "Refusals that the audit queue had no room for.",
                    MetricType::Counter, Number(app.audit().dropped_refusals()));
  const auto audit = app.audit().check_figures();
  families.AddValue("guidon_audit_chain_broken", "Audit chains that this node found broken at its last check.",
                    MetricType::Gauge, Number(audit.broken_chains));
  families.AddValue("guidon_audit_checks_total", "Times that this node verified the newest day of the audit.",
                    MetricType::Counter, Number(audit.checks));
  families.AddValue("guidon_api_keys", "API keys known to this node.", MetricType::Gauge,
                    Number(app.keys().ring().Get()->size()));
  MetricFamily sequence{.name = "guidon_snapshot_sequence",
                        .help = "Change that the published snapshot includes.",
                        .type = MetricType::Gauge,
                        .metric = {}};
  MetricFamily flags{.name = "guidon_snapshot_flags",
                     .help = "Flags in the published snapshot.",
                     .type = MetricType::Gauge,
                     .metric = {}};
  MetricFamily age{.name = "guidon_snapshot_age_seconds",
                   .help = "Since the snapshot was loaded or changed.",
                   .type = MetricType::Gauge,
                   .metric = {}};
  MetricFamily problems{.name = "guidon_snapshot_problems",
                        .help = "Flags that cannot be compiled.",
                        .type = MetricType::Gauge,
                        .metric = {}};
  MetricFamily switches{.name = "guidon_kill_switches_engaged",
                        .help = "Engaged kill switches.",
                        .type = MetricType::Gauge,
                        .metric = {}};
  for (const model::Environment& environment : app.snapshots().environments()) {
    const auto* published = app.snapshots().Find(environment.str());
    if (published == nullptr) continue;
    const auto snapshot = published->Get();
    const Labels labels = {{"environment", environment.str()}};
    const auto elapsed = app.clock().Now() - app.snapshots().LoadedAt(environment.str());
    Families::Put(sequence, Number(snapshot->sequence()), labels);
    Families::Put(flags, Number(snapshot->flag_count()), labels);
    Families::Put(age, std::chrono::duration<double>(elapsed).count(), labels);
    Families::Put(problems, Number(snapshot->problems().size()), labels);
    Families::Put(switches, Number(snapshot->kill_switches().size()), labels);
  }
  for (MetricFamily* family : {&sequence, &flags, &age, &problems, &switches})
    families.Add(family->name, family->help, family->type).metric = std::move(family->metric);
}

// How fast changes come to this node and to its clients, and who lacks one.
void AddPropagation(Families& families, app::Application& app) {
  const app::Propagation& receipts = app.receipts();
  const auto add = [&](std::string name, std::string help, const app::Propagation::Histogram& times) {
    MetricFamily& family = families.Add(std::move(name), std::move(help), MetricType::Histogram);
    Families::PutHistogram(family, app::kPropagationBounds, times.counts, times.seconds, {});
  };
  add("guidon_change_served_seconds", "From a change's commit to this node serving it.", receipts.served_times());
  add("guidon_change_converged_seconds", "From a change's commit to a client of this node having it.",
      receipts.converged_times());
  MetricFamily& waiting =
      families.Add("guidon_clients_not_converged", "Clients that lack a change that concerns them.", MetricType::Gauge);
  for (const model::Environment& environment : app.snapshots().environments())
    Families::Put(waiting, Number(receipts.Behind(environment.str())), {{"environment", environment.str()}});
}

void AddMore(Families& families, const std::vector<MetricGroup>& groups) {
  for (const MetricGroup& group : groups) {
    if (!group.bounds.empty()) {
      MetricFamily& family = families.Add(group.name, group.help, MetricType::Histogram);
      Families::PutHistogram(family, group.bounds, group.counts, group.sum, {});
      continue;
    }
    MetricFamily& family =
        families.Add(group.name, group.help, group.counter ? MetricType::Counter : MetricType::Gauge);
    for (const MetricSample& sample : group.samples)
      Families::Put(family, sample.value, {sample.labels.begin(), sample.labels.end()});
  }
}

// How old what this node serves is, and what was found that no change log explains.
void AddFreshness(Families& families, app::Application& app) {
  const app::StoreContact& contact = app.contact();
  if (contact.following()) {
    const auto silent = std::max(app.clock().Now() - contact.heard_at(), std::chrono::milliseconds(0));
    families.AddValue("guidon_store_in_touch", "Whether the last look at the change logs succeeded.", MetricType::Gauge,
                      contact.last_error().empty() ? 1 : 0);
    families.AddValue("guidon_store_silence_seconds",
                      "Since everything served was last known to be what the store has.", MetricType::Gauge,
                      std::chrono::duration<double>(silent).count());
  }
  const auto found = app.out_of_band();
  MetricFamily& edits =
      families.Add("guidon_out_of_band_edits_total", "Edits of the store past the change log, found by full resyncs.",
                   MetricType::Counter);
  Families::Put(edits, Number(found.flags), {{"entity", "flag"}});
  Families::Put(edits, Number(found.kill_switches), {{"entity", "kill"}});
}

// Field `index` of /proc/self/stat, counted after the command's closing parenthesis (state is 3, as in proc(5)).
double StatField(std::size_t index) {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t after = text.rfind(')');
  if (after == std::string::npos) return 0;
  std::istringstream fields(text.substr(after + 1));
  std::string field;
  for (std::size_t i = 3; i <= index && fields >> field; ++i) {
  }
  return fields ? std::strtod(field.c_str(), nullptr) : 0;
}

double BootTime() {
  std::ifstream file("/proc/stat");
  for (std::string name; file >> name;) {
    double value = 0;
    if (name == "btime" && file >> value) return value;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

void AddProcess(Families& families) {
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  std::error_code error;
  const auto descriptors = std::filesystem::directory_iterator("/proc/self/fd", error);
  const auto open = error ? 0 : std::distance(begin(descriptors), end(descriptors));
  families.AddValue("process_resident_memory_bytes", "Resident memory.", MetricType::Gauge, StatField(24) * page);
  families.AddValue("process_open_fds", "Open file descriptors.", MetricType::Gauge, static_cast<double>(open));
  families.AddValue("process_cpu_seconds_total", "CPU time, user and system.", MetricType::Counter,
                    (StatField(14) + StatField(15)) / ticks);
  families.AddValue("process_start_time_seconds", "Start, in seconds since 1970.", MetricType::Gauge,
                    BootTime() + StatField(22) / ticks);
  Families::Put(families.Add("guidon_build_info", "Always 1; the version is a label.", MetricType::Gauge), 1,
                {{"version", GUIDON_VERSION}});
}

}  // namespace

namespace {

std::size_t BucketOf(std::chrono::nanoseconds duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  std::size_t bucket = 0;
  while (bucket < kRequestBounds.size() && seconds > kRequestBounds[bucket]) ++bucket;
  return bucket;
}

}  // namespace

void IoCounters::NoteRequest(std::size_t route, int status, std::chrono::nanoseconds duration) {
  RouteCounters& counters = routes[route];
  counters.by_class[static_cast<std::size_t>(status / 100) % counters.by_class.size()].Add();
  counters.nanoseconds.Add(static_cast<std::uint64_t>(duration.count()));
  counters.latency[BucketOf(duration)].Add();
}

void IoCounters::NoteDelivery(std::chrono::nanoseconds duration) {
  stream_delivery_nanoseconds.Add(static_cast<std::uint64_t>(duration.count()));
  stream_delivery[BucketOf(duration)].Add();
}

void Metrics::AddIo(const IoCounters* counters) {
  const std::lock_guard lock(mutex_);
  io_.push_back(counters);
}

void Metrics::RemoveIo(const IoCounters* counters) {
  const std::lock_guard lock(mutex_);
  std::erase(io_, counters);
}

void Metrics::SetWorkers(std::function<WorkerFigures()> figures) {
  const std::lock_guard lock(mutex_);
  workers_ = std::move(figures);
}

std::string Metrics::Serialize() const {
  const std::lock_guard lock(mutex_);
  Families families;
  AddRequests(families, io_);
  AddEvaluations(families, io_);
  AddUsage(families, app_.usage());
  AddConnections(families, io_);
  AddStreams(families, io_);
  if (workers_) {
    const WorkerFigures figures = workers_();
    families.AddValue("guidon_workers", "Threads for storage work.", MetricType::Gauge, Number(figures.threads));
    families.AddValue("guidon_worker_queue", "Storage work that waits for a thread.", MetricType::Gauge,
                      Number(figures.queued));
    families.AddValue("guidon_worker_refused_total", "Requests refused since the queue was full.", MetricType::Counter,
                      Number(figures.refused));
  }
  AddStore(families, table_);
  AddApplication(families, app_);
  AddFreshness(families, app_);
  AddPropagation(families, app_);
  if (more_) AddMore(families, more_());
  AddProcess(families);
  return families.Serialize();
}

}  // namespace guidon::api_http
