// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/app/audit_seal.hpp"
#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/store/audit_chain.hpp"
#include "guidon/store/records.hpp"

// Whether chains of audit entries are whole (docs/adr/0023).
namespace guidon::app {

// What is wrong with a chain.
enum class AuditProblemKind : std::uint8_t {
  kChanged,     // the entry is not as it was written, or was not written by a node with this secret
  kNotChained,  // the entry has no hash, though its chain had begun
  kBrokenLink,  // the entry names another one before it than there is
  kMissing,     // entries are gone between two that are there
  kMissingEnd,  // the newest entries are gone
  kHead,        // the head of the chain contradicts its entries
  kTwice,       // two entries have one number
  kUnreadable,  // what is there is no entry, or of a form that this version does not know
};
std::string_view NameOf(AuditProblemKind kind);  // "changed", "notChained" …

struct AuditProblem {
  AuditProblemKind kind = AuditProblemKind::kChanged;
  std::string scope = {};  // "" = it does not say
  std::string run = {};    // of refusals: which run of a node
  // Of the change log, or of the run; `last` is `first` where it is one. 0: unknown.
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::optional<base::Timestamp> at = std::nullopt;  // of the entry, or of the one after what is missing
  std::string request_id = {};
  friend bool operator==(const AuditProblem&, const AuditProblem&) = default;
};
// One sentence for an operator.
std::string DescriptionOf(const AuditProblem& problem);

// What is known of one scope's changes, or of its refusals (all runs together).
struct AuditChain {
  enum class Kind : std::uint8_t { kChanges, kRefusals };
  enum class State : std::uint8_t { kOk, kBroken, kUnchained };
  struct Point {
    std::uint64_t sequence = 0;  // 0 with refusals
    base::Timestamp at = {};
    friend bool operator==(const Point&, const Point&) = default;
  };

  std::string scope;
  Kind kind = Kind::kChanges;
  std::uint64_t entries = 0;                  // that were looked at
  std::uint64_t unchained = 0;                // of them: from before there were chains
  std::uint64_t problems = 0;                 // found so far
  std::optional<Point> first = std::nullopt;  // of the entries
  std::optional<Point> last = std::nullopt;
  // With changes: how far the chain had come at the beginning, and the hash of its newest entry ("" = none). Who keeps
  // them elsewhere can see later that nothing up to there was taken back.
  std::uint64_t head = 0;
  std::string head_hash = {};

  State state() const;
  friend bool operator==(const AuditChain&, const AuditChain&) = default;
};

// Looks at audit entries in any order, in portions: what is known in between is a short text, so that another node can
// go on. Not thread-safe. `seal` must outlive it.
class AuditCheck {
 public:
  struct Options {
    base::Timestamp from = {};
    base::Timestamp to = {};  // inclusive
    // Whether `to` is now: then the newest entries must be those that the heads name.
    bool to_end = true;
    std::string scope = {};  // "" = all
    friend bool operator==(const Options&, const Options&) = default;
  };
  AuditCheck(const AuditSeal& seal, Options options);

  const Options& options() const { return options_; }
  // Entries are read from `from` less this, and until `to` plus this: clocks of nodes differ.
  static constexpr std::chrono::minutes kClocksDiffer{10};
  base::Timestamp read_from() const;
  base::Timestamp read_to() const;

  // Before the first entry: how far the scope's chain has come. Entries beyond are of later, and not looked at.
  void SetHead(std::string_view scope, const store::LogHead& head);
  void Add(const store::Item& item);

  // Whether the text is short as far as the entries go that were added: none of them waits for many others.
  bool settled() const;
  // To be asked when all entries were added. Scopes whose newest entry must be looked for at the time of their head,
  // which is outside of what was read; and what is there at that time.
  std::map<std::string, base::Timestamp> NewestElsewhere() const;
  void SetNewest(std::string_view scope, const std::vector<store::Item>& items);
  // Scopes with entries beyond the head that was given; and what the head is now.
  std::vector<std::string> Ahead() const;
  void SetHeadNow(std::string_view scope, std::uint64_t sequence);
  // After all of it: what is missing.
  void Finish();

  std::vector<AuditProblem> TakeProblems();
  std::vector<AuditChain> Chains() const;

  // At most kStateBytesMax. Error: kTooLarge where there are too many environments to be looked at in portions.
  base::Result<std::string> Save(const store::AuditPlace& place);
  struct Saved;
  // Error: kInvalidArgument naming "cursor".
  static base::Result<Saved> Load(const AuditSeal& seal, std::string_view text);
  static constexpr std::size_t kStateBytesMax = 6000;  // of a request's target of 8 KB

 private:
  // The start of a hash is enough to compare by: each entry's own covers the whole one of the entry before. "" =
  // unknown, kNone = there is none.
  using Mark = std::string;
  static constexpr std::size_t kMarkCharacters = 22;  // 132 bits
  static constexpr std::string_view kNone = "-";

  struct Entry {
    std::uint64_t number = 0;
    base::Timestamp at = {};
    std::string request_id = {};
    Mark previous;
    Mark hash;
    bool chained = true;
  };
  // Entries without a gap among them.
  struct Part {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    base::Timestamp first_at = {};
    base::Timestamp last_at = {};
    Mark first_previous;
    Mark last_hash;
  };
  using Parts = std::vector<Part>;  // ascending
  struct Scope {
    store::LogHead head;
    std::uint64_t ahead = 0;  // the highest number beyond the head
    bool newest_found = false;
    std::optional<base::Timestamp> chained_since;  // of what was seen
    Parts changes;
    std::map<std::string, Parts> runs;
    AuditChain change_chain;
    AuditChain refusal_chain;
  };
  class Reader;

  Scope* ScopeOf(const std::string& name);
  bool InRange(base::Timestamp at) const { return at >= options_.from && at <= options_.to; }
  void Report(AuditProblem problem, AuditChain* chain);
  void ReportEntry(AuditChain& chain, AuditProblemKind kind, const std::string& run, const Entry& entry);
  void AddUnreadable(const store::Item& item);
  void AddChange(Scope& scope, const store::AuditRecord& record, Entry entry, bool holds);
  void AddRefusal(Scope& scope, const store::AuditRecord& record, Entry entry, bool holds);
  void Count(AuditChain& chain, const Entry& entry) const;
  void CheckHead(Scope& scope, const store::AuditRecord& record, const Entry& entry);
  void Insert(AuditChain& chain, const std::string& run, Parts& parts, Entry entry);
  // False where the later one of the two is at fault, and was reported.
  bool CheckLink(AuditChain& chain, const std::string& run, const Mark& hash, Entry& entry);
  void ReportGap(AuditChain& chain, const std::string& run, const Part& below, const Part& above);
  void CloseGaps(AuditChain& chain, const std::string& run, Parts& parts, std::size_t keep);
  void CloseRuns(Scope& scope, std::size_t keep);
  std::string Text(const store::AuditPlace& place) const;

  const AuditSeal* seal_;
  Options options_;
  std::map<std::string, Scope> scopes_;
  std::vector<AuditProblem> problems_;
};

struct AuditCheck::Saved {
  AuditCheck check;
  store::AuditPlace place;
};

}  // namespace guidon::app
