// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/usage_service.hpp"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <set>
#include <tuple>
#include <utility>

#include "guidon/app/snapshots.hpp"
#include "guidon/base/random.hpp"
#include "guidon/model/field_path.hpp"
#include "guidon/store/cursor.hpp"
#include "guidon/store/keys.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Timestamp;

// Counts that wait to be sorted in: two seconds of what threads can count, and some more.
constexpr std::size_t kPendingMax = 16 * UsageCounter::kEntriesMax;
// Flags and hours that are kept at a time. Where the store takes nothing for hours, the newest are left out.
constexpr std::size_t kBucketsMax = 100'000;
// Tenants that one of them tells apart in memory.
constexpr std::size_t kTenantsMax = 1000;
// Hours of a flag are read from the store by so many items.
constexpr std::size_t kItemsPerRead = store::kPageLimitMax;

using BucketKey = std::tuple<std::string, std::string, Timestamp>;  // environment, flag, hour

struct Bucket {
  store::UsageRecord record;
  std::uint64_t changes = 0;
  std::uint64_t written = 0;  // of `changes`
  bool asked_for = false;     // since it was written; else it was only among the answers for all flags
};

// Evaluations of clients have an hour of their own.
struct Counted {
  UsageCount count;
  Timestamp hour;
};

void AddTo(store::UsageByTenant& usage, const UsageCount& count) {
  auto tenant = usage.find(count.tenant_id);
  if (tenant == usage.end()) {
    const bool full = usage.size() >= kTenantsMax && !count.tenant_id.empty();
    tenant = usage.try_emplace(full ? std::string(store::kOtherTenants) : count.tenant_id).first;
  }
  tenant->second[count.variation] += count.count;
}

std::uint64_t& TotalOf(UsageTotals& totals, UsageKind kind) {
  return kind == UsageKind::kBulk ? totals.bulk : totals.evaluations;
}

Timestamp PeriodOf(Timestamp hour, UsagePeriod period) {
  return period == UsagePeriod::kDay ? Timestamp(std::chrono::floor<std::chrono::days>(hour)) : hour;
}

// Sums records up as they are asked for.
class Summary {
 public:
  explicit Summary(const UsageQuery& query) : query_(query) {}

  void Add(const store::UsageRecord& record) {
    if (record.hour < query_.from || record.hour >= query_.to) return;
    AddKind(record.hour, record.evaluations, UsageKind::kEvaluation);
    AddKind(record.hour, record.bulk, UsageKind::kBulk);
  }
  UsageFigures Done() && {
    for (auto& [from, variations] : periods_)
      figures_.periods.push_back({.from = from, .variations = std::move(variations)});
    return std::move(figures_);
  }

 private:
  void AddKind(Timestamp hour, const store::UsageByTenant& usage, UsageKind kind) {
    for (const auto& [tenant, variations] : usage) {
      if (!query_.tenant_id.empty() && tenant != query_.tenant_id) continue;
      for (const auto& [variation, count] : variations) {
        TotalOf(figures_.total, kind) += count;
        TotalOf(figures_.variations[variation], kind) += count;
        TotalOf(figures_.tenants[tenant], kind) += count;
        TotalOf(periods_[PeriodOf(hour, query_.period)][variation], kind) += count;
      }
    }
  }

  const UsageQuery& query_;
  UsageFigures figures_;
  std::map<Timestamp, UsageByName> periods_;
};

base::Status CheckQuery(const UsageQuery& query) {
  if (query.from >= query.to) return Fail(ErrorCode::kInvalidArgument, "must be before to", "from");
  if (query.to - query.from > kUsageRangeMax)
    return Fail(ErrorCode::kInvalidArgument, "at most 90 days can be asked for, which is how long figures are kept",
                "from");
  if (query.period == UsagePeriod::kHour && query.to - query.from > kUsageHoursRangeMax)
    return Fail(ErrorCode::kInvalidArgument, "by hours at most 7 days can be asked for; ask by days", "from");
  return {};
}

base::Status CheckReport(const UsageReport& report, Timestamp now) {
  GUIDON_TRY(model::FlagKey::Parse(report.flag_key, "flagKey"));
  if (!report.variation.empty()) GUIDON_TRY(model::VariationName::Parse(report.variation, "variation"));
  if (!report.tenant_id.empty()) GUIDON_TRY(model::TenantId::Parse(report.tenant_id, "tenantId"));
  if (report.count < 1 || report.count > kUsageReportCountMax)
    return Fail(ErrorCode::kInvalidArgument, "must be 1 to 1000000000", "count");
  if (report.minute > now + kUsageReportAheadMax)
    return Fail(ErrorCode::kInvalidArgument, "is in the future: check the client's clock", "minute");
  if (report.minute < now - kUsageReportAgeMax)
    return Fail(ErrorCode::kInvalidArgument, "is more than 7 days ago", "minute");
  return {};
}

bool Later(const std::optional<Timestamp>& time, const std::optional<Timestamp>& than) {
  return time && (!than || *time > *than);
}

void Raise(std::optional<Timestamp>& time, const std::optional<Timestamp>& to) {
  if (Later(to, time)) time = to;
}

// What threads hand over, under a lock that is never held for long: I/O threads wait for it.
struct Intake {
  mutable std::mutex mutex;
  std::vector<Counted> pending;
  UsageCounter shared;  // of threads that come and go
  std::shared_ptr<const SampleRates> sampling = std::make_shared<SampleRates>();
  std::vector<store::EvaluationLogRecord> samples;
  EvaluationSampler shared_sampler;
  std::uint64_t dropped = 0;

  void Take(std::vector<UsageCount> counts, Timestamp hour) {
    for (UsageCount& count : counts) {
      if (pending.size() >= kPendingMax) {
        dropped += count.count;
      } else {
        pending.push_back({.count = std::move(count), .hour = hour});
      }
    }
  }
  void AddSamples(std::vector<store::EvaluationLogRecord> more, std::uint64_t left_out) {
    const std::size_t room = kEvaluationsWaitingMax - std::min(samples.size(), kEvaluationsWaitingMax);
    const std::size_t taken = std::min(room, more.size());
    dropped += left_out + (more.size() - taken);
    samples.insert(samples.end(), std::make_move_iterator(more.begin()),
                   std::make_move_iterator(more.begin() + static_cast<std::ptrdiff_t>(taken)));
  }
};

}  // namespace

struct UsageService::Counts {
  Intake intake;

  mutable std::mutex mutex;  // of what follows; never taken by an I/O thread
  std::map<BucketKey, Bucket> buckets;
  // By environment and flag: what the store knows from us, and what it does not know yet.
  struct Last {
    store::LastUsage known;
    store::LastUsage now;
  };
  std::map<std::pair<std::string, std::string>, Last> last;
  std::map<std::tuple<std::string, std::string, std::string>, UsageTotals> series;
  std::uint64_t dropped = 0;
  const std::string process = base::RandomId();
  std::uint64_t parts = 0;

  std::mutex flush_mutex;  // one flush at a time; taken before `mutex`
  std::chrono::steady_clock::time_point flushed = std::chrono::steady_clock::now();

  void Sort(Timestamp now);
  void SortOne(Counted&& counted);
  std::vector<store::UsageRecord> Due(Timestamp now, bool all) const;
  void Written(const std::vector<store::UsageRecord>& records, const std::vector<std::uint64_t>& changes,
               Timestamp now);
};

void UsageService::Counts::SortOne(Counted&& counted) {
  const auto& [count, hour] = counted;
  const std::tuple key(count.environment, count.flag_key, count.variation);
  if (const auto known = series.find(key); known != series.end()) {
    TotalOf(known->second, count.kind) += count.count;
  } else if (series.size() < kUsageSeriesMax) {
    TotalOf(series[key], count.kind) += count.count;
  }
  auto found = buckets.find({count.environment, count.flag_key, hour});
  if (found == buckets.end()) {
    if (buckets.size() >= kBucketsMax) {
      dropped += count.count;
      return;
    }
    found = buckets.try_emplace({count.environment, count.flag_key, hour}).first;
    found->second.record = {.environment = count.environment,
                            .flag_key = count.flag_key,
                            .hour = hour,
                            .part = process + "-" + std::to_string(++parts)};
  }
  Bucket& bucket = found->second;
  ++bucket.changes;
  const bool bulk = count.kind == UsageKind::kBulk;
  bucket.asked_for = bucket.asked_for || !bulk;
  AddTo(bulk ? bucket.record.bulk : bucket.record.evaluations, count);
  store::LastUsage& now = last[{count.environment, count.flag_key}].now;
  Raise(bulk ? now.bulk_at : now.evaluated_at, hour);
}

void UsageService::Counts::Sort(Timestamp now) {
  std::vector<Counted> taken;
  {
    const std::lock_guard lock(intake.mutex);
    intake.Take(intake.shared.Take(), store::HourOf(now));
    taken = std::exchange(intake.pending, {});
  }
  for (Counted& counted : taken) SortOne(std::move(counted));
}

// What changed and is to be written. Each web client asks for all flags, whoever uses them: such counts wait until
// their hour is over, or every flag there is would cost a write each interval.
std::vector<store::UsageRecord> UsageService::Counts::Due(Timestamp now, bool all) const {
  std::vector<store::UsageRecord> due;
  for (const auto& [key, bucket] : buckets) {
    if (bucket.written == bucket.changes) continue;
    if (all || bucket.asked_for || bucket.record.hour < store::HourOf(now)) due.push_back(bucket.record);
  }
  return due;
}

// What nobody will add to any more is forgotten; something that comes late gets a part of its own.
void UsageService::Counts::Written(const std::vector<store::UsageRecord>& records,
                                   const std::vector<std::uint64_t>& changes, Timestamp now) {
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto found = buckets.find({records[i].environment, records[i].flag_key, records[i].hour});
    if (found == buckets.end()) continue;
    Bucket& bucket = found->second;
    bucket.written = changes[i];
    if (bucket.written == bucket.changes) bucket.asked_for = false;
  }
  std::erase_if(buckets, [&](const auto& entry) {
    return entry.second.written == entry.second.changes && entry.second.record.hour < store::HourOf(now);
  });
}

UsageService::UsageService(Services services, std::chrono::seconds interval)
    : s_(services), interval_(interval), counts_(std::make_unique<Counts>()) {}
UsageService::~UsageService() = default;

void UsageService::Add(std::vector<UsageCount> counts) {
  const Timestamp hour = store::HourOf(s_.clock.Now());
  const std::lock_guard lock(counts_->intake.mutex);
  counts_->intake.Take(std::move(counts), hour);
}

void UsageService::Note(std::string_view environment, std::string_view tenant, const eval::Evaluation& evaluation,
                        UsageKind kind) {
  if (!enabled()) return;
  Intake& intake = counts_->intake;
  const std::lock_guard lock(intake.mutex);
  intake.shared.Note(intake.shared.AskerOf(environment, tenant), evaluation, kind);
  if (kind == UsageKind::kEvaluation && intake.shared_sampler.active())
    intake.shared_sampler.Note(environment, tenant, evaluation, s_.clock.Now());
}

void UsageService::SetSampling(SampleRates rates) {
  auto shared = std::make_shared<const SampleRates>(std::move(rates));
  const std::lock_guard lock(counts_->intake.mutex);
  counts_->intake.sampling = shared;
  counts_->intake.shared_sampler.Use(std::move(shared));
}

std::shared_ptr<const SampleRates> UsageService::sampling() const {
  const std::lock_guard lock(counts_->intake.mutex);
  return counts_->intake.sampling;
}

void UsageService::AddSamples(std::vector<store::EvaluationLogRecord> samples, std::uint64_t left_out) {
  const std::lock_guard lock(counts_->intake.mutex);
  counts_->intake.AddSamples(std::move(samples), left_out);
}

base::Status UsageService::Report(const RequestInfo& request, const model::Environment& env,
                                  std::vector<UsageReport> reports) {
  if (reports.size() > kUsageReportsMax)
    return Fail(ErrorCode::kTooLarge, "must hold at most 1000 records; send several requests", "records");
  const Timestamp now = s_.clock.Now();
  const auto snapshot = s_.snapshots.Find(env.str())->Get();
  const Principal& principal = request.principal;
  std::vector<Counted> counted;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    UsageReport& report = reports[i];
    const std::string place = "records[" + std::to_string(i) + "]";
    if (auto status = CheckReport(report, now); !status)
      return std::unexpected(model::Below(place, std::move(status).error()));
    if (principal.tenant_id) {
      if (report.tenant_id.empty()) report.tenant_id = *principal.tenant_id;
      if (report.tenant_id != *principal.tenant_id)
        return Fail(ErrorCode::kPermissionDenied, "the credential belongs to another tenant", place + ".tenantId");
    }
    const eval::CompiledFlag* flag = snapshot->Find(report.flag_key);
    if (flag == nullptr || (principal.kind == PrincipalKind::kClient && !eval::IsClientVisible(*flag))) continue;
    counted.push_back({.count = {.environment = env.str(),
                                 .flag_key = std::move(report.flag_key),
                                 .variation = std::move(report.variation),
                                 .tenant_id = std::move(report.tenant_id),
                                 .kind = UsageKind::kEvaluation,
                                 .count = report.count},
                       .hour = store::HourOf(report.minute)});
  }
  if (!enabled()) return {};
  const std::lock_guard lock(counts_->mutex);
  for (Counted& one : counted) counts_->SortOne(std::move(one));
  return {};
}

base::Status UsageService::FlushSamples() {
  std::vector<store::EvaluationLogRecord> samples;
  {
    Intake& intake = counts_->intake;
    const std::lock_guard lock(intake.mutex);
    intake.AddSamples(intake.shared_sampler.Take(), intake.shared_sampler.TakeLeftOut());
    samples = std::exchange(intake.samples, {});
  }
  base::Status status = s_.repository.PutEvaluations(samples);
  if (!status) AddSamples(std::move(samples), 0);
  return status;
}

base::Status UsageService::Flush(bool all) {
  const std::lock_guard one_at_a_time(counts_->flush_mutex);
  GUIDON_TRY(FlushSamples());
  const Timestamp now = s_.clock.Now();
  const auto interval = interval_.load();
  std::vector<store::UsageRecord> records;
  std::vector<std::uint64_t> changes;
  std::vector<std::pair<std::string, store::LastUsage>> touched;
  {
    const std::lock_guard lock(counts_->mutex);
    counts_->Sort(now);
    if (!all && std::chrono::steady_clock::now() - counts_->flushed < interval) return {};
    counts_->flushed = std::chrono::steady_clock::now();
    records = counts_->Due(now, all);
    for (const store::UsageRecord& record : records)
      changes.push_back(counts_->buckets.at({record.environment, record.flag_key, record.hour}).changes);
    for (const auto& [key, last] : counts_->last) {
      const bool evaluated = Later(last.now.evaluated_at, last.known.evaluated_at);
      const bool bulk = Later(last.now.bulk_at, last.known.bulk_at);
      if (!evaluated && !bulk) continue;
      touched.emplace_back(key.first, store::LastUsage{.flag_key = key.second,
                                                       .evaluated_at = evaluated ? last.now.evaluated_at : std::nullopt,
                                                       .bulk_at = bulk ? last.now.bulk_at : std::nullopt});
    }
  }
  GUIDON_TRY(s_.repository.PutUsage(records));
  {
    const std::lock_guard lock(counts_->mutex);
    counts_->Written(records, changes, now);
  }
  for (const auto& [environment, last] : touched) {
    GUIDON_ASSIGN(const auto env, model::Environment::Parse(environment));
    GUIDON_ASSIGN(const auto flag, model::FlagKey::Parse(last.flag_key));
    GUIDON_TRY(s_.repository.table().UpdateItem(store::TouchLastUsage(env, flag, last)));
    const std::lock_guard lock(counts_->mutex);
    store::LastUsage& known = counts_->last[{environment, last.flag_key}].known;
    Raise(known.evaluated_at, last.evaluated_at);
    Raise(known.bulk_at, last.bulk_at);
  }
  return {};
}

base::Status UsageService::CheckVisible(const RequestInfo& request, const model::Environment& env,
                                        const model::FlagKey& flag) const {
  const auto& bound = request.principal.tenant_id;
  const auto owner = s_.snapshots.TenantOf(env.str(), flag.str());
  const bool there = s_.snapshots.Find(env.str())->Get()->Find(flag.str()) != nullptr;
  if (there && (!bound || !owner || *owner == *bound)) return {};
  return Fail(ErrorCode::kNotFound, "There is no such flag.");
}

Result<store::Page<store::EvaluationLogRecord>> UsageService::Log(const RequestInfo& request,
                                                                  const model::Environment& env,
                                                                  const model::FlagKey& flag, Timestamp from,
                                                                  Timestamp to, const store::PageRequest& page) {
  GUIDON_TRY(CheckVisible(request, env, flag));
  if (from > to) return Fail(ErrorCode::kInvalidArgument, "must not be after to", "from");
  GUIDON_ASSIGN(auto log, s_.repository.ListEvaluationsOfFlag(env, flag, from, to, page));
  if (const auto& bound = request.principal.tenant_id)
    std::erase_if(log.items, [&](const auto& entry) { return entry.tenant_id != *bound; });
  return log;
}

Result<UsageFigures> UsageService::Of(const RequestInfo& request, const model::Environment& env,
                                      const model::FlagKey& flag, UsageQuery query) {
  GUIDON_TRY(CheckVisible(request, env, flag));
  const auto& bound = request.principal.tenant_id;
  if (bound) {
    if (!query.tenant_id.empty() && query.tenant_id != *bound) return UsageFigures{};
    query.tenant_id = *bound;
  }
  query.from = store::HourOf(query.from);
  GUIDON_TRY(CheckQuery(query));

  Summary summary(query);
  std::set<std::string> parts;
  std::optional<store::LastUsage> last;
  {
    const std::lock_guard lock(counts_->mutex);
    counts_->Sort(s_.clock.Now());
    for (auto at = counts_->buckets.lower_bound({env.str(), flag.str(), query.from}); at != counts_->buckets.end();
         ++at) {
      const store::UsageRecord& record = at->second.record;
      if (record.environment != env.str() || record.flag_key != flag.str()) break;
      parts.insert(record.part);
      summary.Add(record);
    }
    const auto known = counts_->last.find({env.str(), flag.str()});
    if (known != counts_->last.end()) last = known->second.now;
  }
  store::PageRequest next{.limit = kItemsPerRead, .cursor = {}};
  while (true) {
    GUIDON_ASSIGN(auto page, s_.repository.ListUsage(env, flag, query.from, query.to, next));
    for (const store::UsageRecord& record : page.items) {
      if (!parts.contains(record.part)) summary.Add(record);
    }
    if (!page.next_cursor) break;
    next.cursor = *std::move(page.next_cursor);
  }
  UsageFigures figures = std::move(summary).Done();
  // The tenants of one flag together: a tenant's own credential does not learn of the others.
  if (!bound) {
    GUIDON_ASSIGN(figures.last, s_.repository.GetLastUsage(env, flag));
    if (last) {
      if (!figures.last) figures.last = store::LastUsage{.flag_key = flag.str()};
      Raise(figures.last->evaluated_at, last->evaluated_at);
      Raise(figures.last->bulk_at, last->bulk_at);
    }
  }
  return figures;
}

Result<store::Page<FlagUsage>> UsageService::List(const RequestInfo& request, const model::Environment& env,
                                                  std::optional<Timestamp> unused_since,
                                                  const store::PageRequest& page) {
  if (page.limit < 1 || page.limit > store::kPageLimitMax)
    return Fail(ErrorCode::kInvalidArgument, "must be 1 to 1000", "limit");
  const std::string partition = store::LastUsageIndexPartition(env);
  std::string after;
  if (!page.cursor.empty()) {
    GUIDON_ASSIGN(const store::Position position, store::DecodeCursor(page.cursor, store::Index::kTable, partition));
    after = position.key.sk;
  }
  const auto snapshot = s_.snapshots.Find(env.str())->Get();
  const auto flags = snapshot->flags();
  auto at = std::ranges::upper_bound(flags, std::string_view(after), {},
                                     [](const eval::CompiledFlag* flag) { return eval::KeyOf(*flag); });
  if (after.empty()) at = flags.begin();
  const auto end = at + std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(page.limit), flags.end() - at);
  store::Page<FlagUsage> out;
  if (at == end) return out;

  std::map<std::string, store::LastUsage, std::less<>> known;
  GUIDON_ASSIGN(const auto first, model::FlagKey::Parse(eval::KeyOf(**at)));
  GUIDON_ASSIGN(const auto final, model::FlagKey::Parse(eval::KeyOf(**(end - 1))));
  store::PageRequest next{.limit = kItemsPerRead, .cursor = {}};
  while (true) {
    GUIDON_ASSIGN(auto read, s_.repository.ListLastUsage(env, first, final, next));
    for (store::LastUsage& last : read.items) known.insert_or_assign(last.flag_key, last);
    if (!read.next_cursor) break;
    next.cursor = *std::move(read.next_cursor);
  }
  {
    const std::lock_guard lock(counts_->mutex);
    counts_->Sort(s_.clock.Now());
    for (auto here = counts_->last.lower_bound({env.str(), first.str()});
         here != counts_->last.end() && here->first <= std::pair(env.str(), final.str()); ++here) {
      store::LastUsage& last = known[here->first.second];
      Raise(last.evaluated_at, here->second.now.evaluated_at);
      Raise(last.bulk_at, here->second.now.bulk_at);
    }
  }
  const auto& bound = request.principal.tenant_id;
  for (; at != end; ++at) {
    const std::string key(eval::KeyOf(**at));
    if (bound && s_.snapshots.TenantOf(env.str(), key) != bound) continue;  // when others use a shared flag is theirs
    const store::LastUsage last = known[key];
    if (unused_since && last.evaluated_at && *last.evaluated_at >= store::HourOf(*unused_since)) continue;
    out.items.push_back({.flag_key = key, .evaluated_at = last.evaluated_at, .bulk_at = last.bulk_at});
  }
  if (end != flags.end()) {
    const std::string key(eval::KeyOf(**(end - 1)));
    out.next_cursor = store::EncodeCursor(store::Index::kTable, partition, {.key = {partition, key}});
  }
  return out;
}

std::vector<UsageSeries> UsageService::Series() const {
  const std::lock_guard lock(counts_->mutex);
  std::vector<UsageSeries> series;
  for (const auto& [key, totals] : counts_->series) {
    const auto& [environment, flag_key, variation] = key;
    series.push_back({.environment = environment, .flag_key = flag_key, .variation = variation, .totals = totals});
  }
  return series;
}

std::uint64_t UsageService::dropped() const {
  const std::scoped_lock both(counts_->mutex, counts_->intake.mutex);
  return counts_->dropped + counts_->intake.dropped + counts_->intake.shared.dropped();
}

}  // namespace guidon::app
