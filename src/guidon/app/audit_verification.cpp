// SPDX-License-Identifier: Apache-2.0
// Whether the audit is whole, in portions.
#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "guidon/app/audit_check.hpp"
#include "guidon/app/services.hpp"
#include "guidon/store/audit_chain.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;

// Together far below the 15 s that a request may take: each day costs a query for each shard. The 31 days that are
// verified where nothing else is asked for are one portion.
constexpr int kDaysPerPortion = 36;
constexpr std::size_t kEntriesPerPortion = 2000;
constexpr std::size_t kEntriesPerPortionMax = 8000;  // where clocks differ so much that gaps wait to be filled
constexpr std::chrono::seconds kPortionTakes{4};
constexpr std::size_t kProblemsPerPortion = 100;

// The chains that there are, as their heads say.
Status ReadHeads(const Services& services, AuditCheck& check) {
  std::set<std::string, std::less<>> scopes;
  if (check.options().scope.empty()) {
    for (const auto& environment : services.snapshots.environments()) scopes.insert(environment.str());
    scopes.emplace(store::kSystemScope);
    GUIDON_ASSIGN(const auto heads, services.repository.ChangeHeads());
    for (const auto& [scope, sequence] : heads) scopes.insert(scope);
  } else {
    scopes.insert(check.options().scope);
  }
  for (const std::string& scope : scopes) {
    GUIDON_ASSIGN(const store::LogHead head, services.repository.ReadLogHead(scope));
    check.SetHead(scope, head);
  }
  return {};
}

Status ReadEnds(const Services& services, AuditCheck& check) {
  for (const auto& [scope, at] : check.NewestElsewhere()) {
    const store::AuditPlace place{.date = base::FormatDate(at), .sort = base::FormatTimestamp(at)};
    store::AuditReader reader(services.repository.table(), place, at);
    std::vector<store::Item> all;
    std::vector<store::Item> moment;
    while (true) {
      GUIDON_ASSIGN(const bool more, reader.Next(moment));
      if (!more) break;
      std::ranges::move(moment, std::back_inserter(all));
    }
    check.SetNewest(scope, all);
  }
  for (const std::string& scope : check.Ahead()) {
    GUIDON_ASSIGN(const store::LogHead head, services.repository.ReadLogHead(scope));
    check.SetHeadNow(scope, head.sequence);
  }
  return {};
}

base::Timestamp TimeOf(const store::AuditPlace& place) {
  constexpr std::size_t kTimeCharacters = 24;
  if (const auto at = base::ParseTimestamp(place.sort.substr(0, kTimeCharacters))) return *at;
  return base::ParseDate(place.date).value_or(base::Timestamp{});
}

}  // namespace

Result<AuditReport> AuditService::Verify(const RequestInfo& request, AuditVerification wanted) {
  const Principal& principal = request.principal;
  if (principal.tenant_id)
    return base::Fail(ErrorCode::kPermissionDenied,
                      "This key is for one tenant. The audit is chained over all tenants, so that a part of it proves "
                      "nothing: verify with a key that is not bound to a tenant.");
  if (principal.environment) {
    if (!wanted.scope.empty() && wanted.scope != *principal.environment)
      return base::Fail(ErrorCode::kPermissionDenied, "This credential is for another environment.", "environment");
    wanted.scope = *principal.environment;
  }
  return VerifyPortion(wanted);
}

Result<AuditReport> AuditService::VerifyPortion(const AuditVerification& wanted) {
  if (!wanted.cursor.empty()) {
    GUIDON_ASSIGN(auto saved, AuditCheck::Load(seal_, wanted.cursor));
    if (saved.check.options().scope != wanted.scope)
      return base::Fail(ErrorCode::kInvalidArgument, "belongs to another environment", "cursor");
    return Continue(std::move(saved.check), std::move(saved.place));
  }
  const base::Timestamp now = s_.clock.Now();
  const bool to_end = !wanted.to || *wanted.to >= now;
  AuditCheck check(seal_,
                   {.from = wanted.from, .to = to_end ? now : *wanted.to, .to_end = to_end, .scope = wanted.scope});
  if (check.options().to < wanted.from) return base::Fail(ErrorCode::kInvalidArgument, "must not be after to", "from");
  GUIDON_TRY(ReadHeads(s_, check));
  store::AuditPlace place{.date = base::FormatDate(check.read_from()),
                          .sort = base::FormatTimestamp(check.read_from())};
  return Continue(std::move(check), std::move(place));
}

Result<AuditReport> AuditService::Continue(AuditCheck check, store::AuditPlace place) {
  const base::Timestamp began = s_.clock.Now();
  store::AuditReader reader(s_.repository.table(), std::move(place), check.read_to());
  std::vector<store::Item> items;
  std::size_t entries = 0;
  int days = 0;
  bool more = true;
  const auto enough = [&] {
    if (days >= kDaysPerPortion || entries >= kEntriesPerPortionMax) return true;
    return check.settled() && (entries >= kEntriesPerPortion || s_.clock.Now() - began >= kPortionTakes);
  };
  while (more && !enough()) {
    GUIDON_ASSIGN(more, reader.Next(items));
    if (items.empty()) ++days;
    entries += items.size();
    for (const store::Item& item : items) check.Add(item);
  }
  AuditReport report;
  report.from = check.options().from;
  report.to = check.options().to_end ? began : check.options().to;
  report.checked_to = std::clamp(more ? TimeOf(reader.place()) : report.to, report.from, report.to);
  report.to_end = check.options().to_end;
  if (more) {
    GUIDON_ASSIGN(report.next_cursor, check.Save(reader.place()));
  } else {
    GUIDON_TRY(ReadEnds(s_, check));
    check.Finish();
  }
  report.chains = check.Chains();
  report.problems = check.TakeProblems();
  if (report.problems.size() > kProblemsPerPortion) {
    report.problems_left_out = report.problems.size() - kProblemsPerPortion;
    report.problems.resize(kProblemsPerPortion);
  }
  return report;
}

}  // namespace guidon::app
