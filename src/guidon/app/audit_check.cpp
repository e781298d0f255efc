// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/audit_check.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "guidon/store/codec.hpp"

namespace guidon::app {
namespace {

// Forged entries may name any number of environments; what is beyond has its problems reported without a chain.
constexpr std::size_t kScopesMax = 64;
// Gaps that wait to be filled by entries whose node had a clock that differs.
constexpr std::size_t kPartsKeptMax = 4;
constexpr std::chrono::hours kFuture{24};  // a clock may be wrong by as much until entries of it are not read

constexpr std::array<std::string_view, 8> kNames = {"changed",    "notChained", "brokenLink", "missing",
                                                    "missingEnd", "head",       "twice",      "unreadable"};

std::string NumbersOf(const AuditProblem& problem) {
  const std::string_view what = problem.run.empty() ? "change" : "refusal";
  if (problem.first == problem.last) return fmt::format("{} {}", what, problem.first);
  return fmt::format("{}s {} to {}", what, problem.first, problem.last);
}

// Says that it is in a chain, if not truly.
bool ClaimsChain(const store::AuditRecord& record) {
  return record.hash_version > 0 || !record.hash.empty() || !record.previous_hash.empty() || !record.run.empty() ||
         record.run_number > 0;
}

}  // namespace

std::string_view NameOf(AuditProblemKind kind) { return kNames.at(static_cast<std::size_t>(kind)); }

std::string DescriptionOf(const AuditProblem& problem) {
  switch (problem.kind) {
    case AuditProblemKind::kChanged:
      return fmt::format("The entry of {} is not as it was written, or was made with another secret.",
                         NumbersOf(problem));
    case AuditProblemKind::kNotChained:
      return fmt::format("The entry of {} has no hash, though the entries before it have.",
                         problem.first == 0 ? std::string("a refusal") : NumbersOf(problem));
    case AuditProblemKind::kBrokenLink:
      return fmt::format("The entry of {} follows another one than the one that is there before it.",
                         NumbersOf(problem));
    case AuditProblemKind::kMissing: return fmt::format("The audit has no entry of {}.", NumbersOf(problem));
    case AuditProblemKind::kMissingEnd:
      return fmt::format("The newest entries are gone: the audit has none of {}.", NumbersOf(problem));
    case AuditProblemKind::kHead:
      return fmt::format("The head of the chain contradicts the entry of {}.", NumbersOf(problem));
    case AuditProblemKind::kTwice: return fmt::format("There are two entries of {}.", NumbersOf(problem));
    case AuditProblemKind::kUnreadable:
      return problem.first == 0
                 ? "An item among the audit entries cannot be read as one."
                 : fmt::format("The entry of {} is of a form that this version does not know.", NumbersOf(problem));
  }
  return {};
}

AuditChain::State AuditChain::state() const {
  if (problems > 0) return State::kBroken;
  return entries > 0 && unchained == entries ? State::kUnchained : State::kOk;
}

AuditCheck::AuditCheck(const AuditSeal& seal, Options options) : seal_(&seal), options_(std::move(options)) {
  if (options_.to_end) options_.to += kFuture;
}

base::Timestamp AuditCheck::read_from() const {
  return std::max(options_.from, base::Timestamp{kClocksDiffer}) - kClocksDiffer;
}

base::Timestamp AuditCheck::read_to() const { return options_.to_end ? options_.to : options_.to + kClocksDiffer; }

AuditCheck::Scope* AuditCheck::ScopeOf(const std::string& name) {
  if (const auto found = scopes_.find(name); found != scopes_.end()) return &found->second;
  if (scopes_.size() >= kScopesMax) return nullptr;
  Scope scope;
  scope.change_chain = {.scope = name, .kind = AuditChain::Kind::kChanges};
  scope.refusal_chain = {.scope = name, .kind = AuditChain::Kind::kRefusals};
  return &scopes_.emplace(name, std::move(scope)).first->second;
}

void AuditCheck::SetHead(std::string_view scope, const store::LogHead& head) {
  Scope* state = ScopeOf(std::string(scope));
  if (state == nullptr) return;
  state->head = head;
  state->change_chain.head = head.sequence;
  state->change_chain.head_hash = head.audit_hash;
}

void AuditCheck::Report(AuditProblem problem, AuditChain* chain) {
  if (problem.at && !InRange(*problem.at)) return;
  if (chain != nullptr) {
    problem.scope = chain->scope;
    ++chain->problems;
  }
  problems_.push_back(std::move(problem));
}

void AuditCheck::ReportEntry(AuditChain& chain, AuditProblemKind kind, const std::string& run, const Entry& entry) {
  Report({.kind = kind,
          .run = run,
          .first = entry.number,
          .last = entry.number,
          .at = entry.at,
          .request_id = entry.request_id},
         &chain);
}

void AuditCheck::AddUnreadable(const store::Item& item) {
  const auto text = [&](std::string_view name) {
    const store::AttributeValue* value = item.Find(name);
    return value != nullptr && value->AsString() != nullptr ? *value->AsString() : std::string{};
  };
  const std::string scope = text("environment");
  if (!options_.scope.empty() && scope != options_.scope) return;
  AuditProblem problem{.kind = AuditProblemKind::kUnreadable, .scope = scope, .request_id = text("requestId")};
  if (const auto at = base::ParseTimestamp(text("at"))) problem.at = *at;
  Scope* state = scope.empty() ? nullptr : ScopeOf(scope);
  Report(std::move(problem), state == nullptr ? nullptr : &state->change_chain);
}

void AuditCheck::Add(const store::Item& item) {
  auto record = store::DecodeAudit(item);
  if (!record) return AddUnreadable(item);
  if (!options_.scope.empty() && record->scope != options_.scope) return;
  const bool refusal = record->sequence == 0;
  const std::uint64_t number = refusal ? record->run_number : record->sequence;
  Scope* scope = ScopeOf(record->scope);
  if (scope == nullptr) return Report({.kind = AuditProblemKind::kUnreadable, .scope = record->scope}, nullptr);
  AuditChain& chain = refusal ? scope->refusal_chain : scope->change_chain;
  Entry entry{.number = number, .at = record->at, .request_id = record->request_id, .previous = {}, .hash = {}};
  entry.chained = ClaimsChain(*record);
  bool holds = false;
  if (!entry.chained) {
    entry.previous = entry.hash = kNone;
  } else if (record->hash_version > kAuditHashVersion) {
    ReportEntry(chain, AuditProblemKind::kUnreadable, record->run, entry);
  } else if (!seal_->Holds(item)) {
    ReportEntry(chain, AuditProblemKind::kChanged, record->run, entry);
  } else {
    holds = true;
    const auto mark = [](const std::string& hash) {
      return hash.empty() ? Mark(kNone) : hash.substr(0, kMarkCharacters);
    };
    entry.previous = mark(record->previous_hash);
    entry.hash = mark(record->hash);
    if (!scope->chained_since || entry.at < *scope->chained_since) scope->chained_since = entry.at;
  }
  if (refusal) return AddRefusal(*scope, *record, std::move(entry), holds);
  AddChange(*scope, *record, std::move(entry), holds);
}

void AuditCheck::Count(AuditChain& chain, const Entry& entry) const {
  if (!InRange(entry.at)) return;
  ++chain.entries;
  if (!entry.chained) ++chain.unchained;
  const AuditChain::Point point{.sequence = chain.kind == AuditChain::Kind::kChanges ? entry.number : 0,
                                .at = entry.at};
  const auto before = [](const AuditChain::Point& a, const AuditChain::Point& b) {
    return a.sequence == b.sequence ? a.at < b.at : a.sequence < b.sequence;
  };
  if (!chain.first || before(point, *chain.first)) chain.first = point;
  if (!chain.last || before(*chain.last, point)) chain.last = point;
}

void AuditCheck::AddChange(Scope& scope, const store::AuditRecord& record, Entry entry, bool holds) {
  const bool beyond = options_.to_end && entry.number > scope.head.sequence;
  if (beyond && holds) {
    scope.ahead = std::max(scope.ahead, entry.number);
    return;
  }
  if (beyond) {
    const bool forged = !entry.chained && !scope.head.audit_hash.empty();
    if (forged) ReportEntry(scope.change_chain, AuditProblemKind::kNotChained, {}, entry);
    return;
  }
  Count(scope.change_chain, entry);
  if (holds) CheckHead(scope, record, entry);
  const bool lost_hash = !entry.chained && options_.to_end && entry.number == scope.head.sequence;
  if (lost_hash && !scope.head.audit_hash.empty()) {
    ReportEntry(scope.change_chain, AuditProblemKind::kNotChained, {}, entry);
    entry.previous.clear();
  }
  Insert(scope.change_chain, {}, scope.changes, std::move(entry));
}

void AuditCheck::CheckHead(Scope& scope, const store::AuditRecord& record, const Entry& entry) {
  if (!options_.to_end || entry.number != scope.head.sequence || record.hash == scope.head.audit_hash) return;
  ReportEntry(scope.change_chain, AuditProblemKind::kHead, {}, entry);
}

void AuditCheck::AddRefusal(Scope& scope, const store::AuditRecord& record, Entry entry, bool holds) {
  Count(scope.refusal_chain, entry);
  if (!entry.chained) {
    if (!scope.chained_since || entry.at <= *scope.chained_since) return;
    Report({.kind = AuditProblemKind::kNotChained, .at = entry.at, .request_id = entry.request_id},
           &scope.refusal_chain);
    return;
  }
  // The number of an entry that was changed says nothing; if it was another, that one is missing.
  if (holds || entry.number > 0) Insert(scope.refusal_chain, record.run, scope.runs[record.run], std::move(entry));
}

bool AuditCheck::CheckLink(AuditChain& chain, const std::string& run, const Mark& hash, Entry& entry) {
  if (hash.empty() || entry.previous.empty() || hash == entry.previous) return true;
  ReportEntry(chain, entry.chained ? AuditProblemKind::kBrokenLink : AuditProblemKind::kNotChained, run, entry);
  // It is at fault, and not the one that follows it.
  if (!entry.chained) entry.hash.clear();
  return false;
}

void AuditCheck::Insert(AuditChain& chain, const std::string& run, Parts& parts, Entry entry) {
  const auto above = std::ranges::upper_bound(parts, entry.number, {}, &Part::first);
  const auto below = above == parts.begin() ? parts.end() : std::prev(above);
  if (below != parts.end() && entry.number <= below->last)
    return ReportEntry(chain, AuditProblemKind::kTwice, run, entry);
  const bool joins_below = below != parts.end() && below->last + 1 == entry.number;
  const bool joins_above = above != parts.end() && above->first == entry.number + 1;
  bool blamed = joins_below && !CheckLink(chain, run, below->last_hash, entry);
  if (joins_above && !entry.hash.empty() && !above->first_previous.empty() && entry.hash != above->first_previous) {
    // One without a hash before one that names a hash has lost it.
    const bool lost = !entry.chained;
    if (!lost || !blamed)
      Report({.kind = lost ? AuditProblemKind::kNotChained : AuditProblemKind::kBrokenLink,
              .run = run,
              .first = lost ? entry.number : above->first,
              .last = lost ? entry.number : above->first,
              .at = lost ? entry.at : above->first_at,
              .request_id = lost ? entry.request_id : std::string{}},
             &chain);
  }
  if (joins_below && joins_above) {
    below->last = above->last;
    below->last_at = above->last_at;
    below->last_hash = std::move(above->last_hash);
    parts.erase(above);
  } else if (joins_below) {
    below->last = entry.number;
    below->last_at = entry.at;
    below->last_hash = std::move(entry.hash);
  } else if (joins_above) {
    above->first = entry.number;
    above->first_at = entry.at;
    above->first_previous = std::move(entry.previous);
  } else {
    parts.insert(above, {.first = entry.number,
                         .last = entry.number,
                         .first_at = entry.at,
                         .last_at = entry.at,
                         .first_previous = std::move(entry.previous),
                         .last_hash = std::move(entry.hash)});
  }
}

void AuditCheck::ReportGap(AuditChain& chain, const std::string& run, const Part& below, const Part& above) {
  // What is missing at the edge of the range may lie just outside of it.
  if (below.last_at > options_.to) return;
  Report({.kind = AuditProblemKind::kMissing,
          .run = run,
          .first = below.last + 1,
          .last = above.first - 1,
          .at = above.first_at},
         &chain);
}

void AuditCheck::CloseGaps(AuditChain& chain, const std::string& run, Parts& parts, std::size_t keep) {
  while (parts.size() > keep) {
    ReportGap(chain, run, parts[0], parts[1]);
    parts[1].first = parts[0].first;
    parts[1].first_at = parts[0].first_at;
    parts[1].first_previous = std::move(parts[0].first_previous);
    parts.erase(parts.begin());
  }
}

// The runs that were heard of least recently are over.
void AuditCheck::CloseRuns(Scope& scope, std::size_t keep) {
  for (auto& [run, parts] : scope.runs) CloseGaps(scope.refusal_chain, run, parts, kPartsKeptMax);
  while (scope.runs.size() > keep) {
    const auto oldest = std::ranges::min_element(scope.runs, {}, [](const auto& run) {
      return run.second.empty() ? base::Timestamp{} : run.second.back().last_at;
    });
    if (!oldest->second.empty()) CloseGaps(scope.refusal_chain, oldest->first, oldest->second, 1);
    scope.runs.erase(oldest);
  }
}

bool AuditCheck::settled() const {
  return std::ranges::all_of(scopes_, [](const auto& scope) { return scope.second.changes.size() <= kPartsKeptMax; });
}

std::map<std::string, base::Timestamp> AuditCheck::NewestElsewhere() const {
  std::map<std::string, base::Timestamp> elsewhere;
  if (!options_.to_end) return elsewhere;
  for (const auto& [name, scope] : scopes_) {
    const bool reached = !scope.changes.empty() && scope.changes.back().last >= scope.head.sequence;
    if (scope.head.audit_hash.empty() || reached) continue;
    if (scope.head.audit_at < read_from() || scope.head.audit_at > read_to())
      elsewhere.emplace(name, scope.head.audit_at);
  }
  return elsewhere;
}

void AuditCheck::SetNewest(std::string_view name, const std::vector<store::Item>& items) {
  Scope* scope = ScopeOf(std::string(name));
  if (scope == nullptr) return;
  for (const store::Item& item : items) {
    const auto record = store::DecodeAudit(item);
    if (!record || record->scope != name || record->sequence != scope->head.sequence) continue;
    scope->newest_found = true;
    if (seal_->Holds(item) && record->hash == scope->head.audit_hash) return;
    // Outside of the range, and yet what the head says is of now.
    AuditProblem problem{.kind = seal_->Holds(item) ? AuditProblemKind::kHead : AuditProblemKind::kChanged,
                         .scope = scope->change_chain.scope,
                         .first = record->sequence,
                         .last = record->sequence,
                         .at = record->at,
                         .request_id = record->request_id};
    ++scope->change_chain.problems;
    problems_.push_back(std::move(problem));
    return;
  }
}

std::vector<std::string> AuditCheck::Ahead() const {
  std::vector<std::string> names;
  for (const auto& [name, scope] : scopes_) {
    if (scope.ahead > scope.head.sequence) names.push_back(name);
  }
  return names;
}

void AuditCheck::SetHeadNow(std::string_view name, std::uint64_t sequence) {
  Scope* scope = ScopeOf(std::string(name));
  if (scope == nullptr || sequence >= scope->ahead) return;
  Report({.kind = AuditProblemKind::kHead, .first = scope->ahead, .last = scope->ahead}, &scope->change_chain);
}

void AuditCheck::Finish() {
  for (auto& [name, scope] : scopes_) {
    if (!scope.changes.empty()) CloseGaps(scope.change_chain, {}, scope.changes, 1);
    CloseRuns(scope, 0);
    const std::uint64_t last = scope.changes.empty() ? 0 : scope.changes.back().last;
    if (!options_.to_end || scope.newest_found || last >= scope.head.sequence) continue;
    // Without entries and hash it is a chain that has not begun, and was quiet in this range.
    if (scope.changes.empty() && scope.head.audit_hash.empty()) continue;
    Report({.kind = AuditProblemKind::kMissingEnd,
            .first = scope.changes.empty() ? scope.head.sequence : last + 1,
            .last = scope.head.sequence},
           &scope.change_chain);
  }
}

std::vector<AuditProblem> AuditCheck::TakeProblems() { return std::exchange(problems_, {}); }

std::vector<AuditChain> AuditCheck::Chains() const {
  std::vector<AuditChain> chains;
  for (const auto& [name, scope] : scopes_) {
    chains.push_back(scope.change_chain);
    if (scope.refusal_chain.entries > 0 || scope.refusal_chain.problems > 0) chains.push_back(scope.refusal_chain);
  }
  return chains;
}

}  // namespace guidon::app
