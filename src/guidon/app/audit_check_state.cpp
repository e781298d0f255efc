// SPDX-License-Identifier: Apache-2.0
// What is known between two portions, as text: tokens with a space after each, in base64url as a whole.
#include <charconv>
#include <chrono>
#include <utility>

#include "guidon/app/audit_check.hpp"
#include "guidon/base/text.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using base::Result;
using base::Timestamp;

constexpr std::uint64_t kForm = 1;
// Runs of nodes whose refusals go on in the next portion, of each scope; fewer where the text gets too long.
constexpr std::size_t kRunsKeptMax = 4;
constexpr std::size_t kListMax = 256;      // in a text that is read
constexpr std::size_t kSortBytesMax = 64;  // a time and a little

void Put(std::string& out, std::uint64_t number) { out += std::to_string(number) + ' '; }
void Put(std::string& out, Timestamp at) { out += std::to_string(at.time_since_epoch().count()) + ' '; }
// Empty texts are tokens, too.
void Put(std::string& out, std::string_view text) { out += base::ToBase64Url(text) + ' '; }

void Put(std::string& out, const std::optional<AuditChain::Point>& point) {
  Put(out, std::uint64_t{point.has_value()});
  if (!point) return;
  Put(out, point->sequence);
  Put(out, point->at);
}

void Put(std::string& out, const AuditChain& chain) {
  for (const std::uint64_t number : {chain.entries, chain.unchained, chain.problems}) Put(out, number);
  Put(out, chain.first);
  Put(out, chain.last);
}

std::unexpected<base::Error> NotACursor() {
  return base::Fail(ErrorCode::kInvalidArgument, "is none that this server has given", "cursor");
}

}  // namespace

// Takes the tokens; after the first that is none of what was asked for, all else is empty.
class AuditCheck::Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool whole() const { return good_ && rest_.empty(); }
  bool good() const { return good_; }

  std::uint64_t Number() { return As<std::uint64_t>(); }
  std::size_t Count() {
    const std::uint64_t count = Number();
    if (count > kListMax) good_ = false;
    return good_ ? count : 0;
  }
  Timestamp Time() {
    const Timestamp at{std::chrono::milliseconds{As<std::int64_t>()}};
    // As far as times can be written.
    if (at < Timestamp{} || at >= std::chrono::sys_days{std::chrono::year{10000} / 1 / 1}) good_ = false;
    return good_ ? at : Timestamp{};
  }
  std::string Text() {
    auto text = base::FromBase64Url(Token());
    if (!text) good_ = false;
    return good_ ? *std::move(text) : std::string{};
  }
  std::optional<AuditChain::Point> Point() {
    if (Number() == 0) return std::nullopt;
    AuditChain::Point point;
    point.sequence = Number();
    point.at = Time();
    return point;
  }
  void Into(AuditChain& chain) {
    chain.entries = Number();
    chain.unchained = Number();
    chain.problems = Number();
    chain.first = Point();
    chain.last = Point();
  }
  void Into(Parts& parts) {
    for (std::size_t left = Count(); left > 0 && good_; --left) {
      Part part;
      part.first = Number();
      part.last = Number();
      part.first_at = Time();
      part.last_at = Time();
      part.first_previous = Text();
      part.last_hash = Text();
      const bool after = parts.empty() || parts.back().last < part.first;
      if (!after || part.last < part.first) good_ = false;
      parts.push_back(std::move(part));
    }
  }

 private:
  std::string_view Token() {
    const std::size_t end = rest_.find(' ');
    if (end == std::string_view::npos) {
      good_ = false;
      return {};
    }
    const std::string_view token = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return token;
  }
  template <class T>
  T As() {
    const std::string_view token = Token();
    T number{};
    const auto read = std::from_chars(token.data(), token.data() + token.size(), number);
    if (read.ec != std::errc{} || read.ptr != token.data() + token.size()) good_ = false;
    return good_ ? number : T{};
  }

  std::string_view rest_;
  bool good_ = true;
};

std::string AuditCheck::Text(const store::AuditPlace& place) const {
  std::string out;
  const auto put_parts = [&out](const Parts& parts) {
    Put(out, parts.size());
    for (const Part& part : parts) {
      Put(out, part.first);
      Put(out, part.last);
      Put(out, part.first_at);
      Put(out, part.last_at);
      Put(out, std::string_view(part.first_previous));
      Put(out, std::string_view(part.last_hash));
    }
  };
  Put(out, kForm);
  Put(out, options_.from);
  Put(out, options_.to);
  Put(out, std::uint64_t{options_.to_end});
  for (const std::string& text : {options_.scope, place.date, place.sort}) Put(out, std::string_view(text));
  Put(out, scopes_.size());
  for (const auto& [name, scope] : scopes_) {
    Put(out, std::string_view(name));
    Put(out, scope.head.sequence);
    Put(out, std::string_view(scope.head.audit_hash));
    Put(out, scope.head.audit_at);
    Put(out, scope.ahead);
    Put(out, scope.chained_since.value_or(Timestamp{}));
    put_parts(scope.changes);
    Put(out, scope.runs.size());
    for (const auto& [run, parts] : scope.runs) {
      Put(out, std::string_view(run));
      put_parts(parts);
    }
    Put(out, scope.change_chain);
    Put(out, scope.refusal_chain);
  }
  return base::ToBase64Url(out);
}

Result<std::string> AuditCheck::Save(const store::AuditPlace& place) {
  for (auto& [name, scope] : scopes_) CloseGaps(scope.change_chain, {}, scope.changes, kListMax);
  for (std::size_t runs = kRunsKeptMax;; --runs) {
    for (auto& [name, scope] : scopes_) CloseRuns(scope, runs);
    std::string text = Text(place);
    if (text.size() <= kStateBytesMax) return text;
    if (runs == 0) break;
  }
  for (auto& [name, scope] : scopes_) CloseGaps(scope.change_chain, {}, scope.changes, 1);
  std::string text = Text(place);
  if (text.size() <= kStateBytesMax) return text;
  return base::Fail(ErrorCode::kTooLarge,
                    "There are too many environments to verify them all at once. Verify one after the other.",
                    "environment");
}

Result<AuditCheck::Saved> AuditCheck::Load(const AuditSeal& seal, std::string_view text) {
  const auto plain = text.size() <= kStateBytesMax ? base::FromBase64Url(text) : std::nullopt;
  if (!plain) return NotACursor();
  Reader in(*plain);
  if (in.Number() != kForm) return NotACursor();
  Options options;
  options.from = in.Time();
  options.to = in.Time();
  options.to_end = in.Number() != 0;
  options.scope = in.Text();
  const bool to_end = std::exchange(options.to_end, false);
  Saved saved{.check = AuditCheck(seal, std::move(options)), .place = {}};
  saved.check.options_.to_end = to_end;
  saved.place.date = in.Text();
  saved.place.sort = in.Text();
  for (std::size_t left = in.Count(); left > 0 && in.good(); --left) {
    Scope* scope = saved.check.ScopeOf(in.Text());
    if (scope == nullptr) return NotACursor();
    scope->head.sequence = in.Number();
    scope->head.audit_hash = in.Text();
    scope->head.audit_at = in.Time();
    scope->ahead = in.Number();
    if (const Timestamp since = in.Time(); since != Timestamp{}) scope->chained_since = since;
    in.Into(scope->changes);
    for (std::size_t runs = in.Count(); runs > 0 && in.good(); --runs) in.Into(scope->runs[in.Text()]);
    in.Into(scope->change_chain);
    in.Into(scope->refusal_chain);
    scope->change_chain.head = scope->head.sequence;
    scope->change_chain.head_hash = scope->head.audit_hash;
  }
  const Options& loaded = saved.check.options_;
  const bool placed = base::ParseDate(saved.place.date).has_value() && saved.place.sort.size() <= kSortBytesMax &&
                      base::IsUtf8(saved.place.sort);
  if (!in.whole() || !placed || loaded.to < loaded.from) return NotACursor();
  return saved;
}

}  // namespace guidon::app
