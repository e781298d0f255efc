// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/definitions_view.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "guidon/json/json.hpp"

namespace guidon::api_http {
namespace {

using app::KeptDefinitions;
using app::KeptFlag;
using app::KeptRemoval;
using app::Ownership;

// Appends lists of JSON texts.
class ListWriter {
 public:
  ListWriter(std::string& out, std::string_view name) : out_(out) {
    out_ += out_.ends_with('{') ? "\"" : ",\"";
    out_ += name;
    out_ += "\":[";
  }
  ListWriter(const ListWriter&) = delete;
  ListWriter& operator=(const ListWriter&) = delete;
  ~ListWriter() { out_ += ']'; }
  // To which one item is appended.
  std::string& Item() {
    if (!std::exchange(first_, false)) out_ += ',';
    return out_;
  }

 private:
  std::string& out_;
  bool first_ = true;
};

// What the view has of the definitions.
class Selection {
 public:
  Selection(const DefinitionsView& view, const KeptDefinitions& kept) : view_(view), kept_(kept) {
    if (view.flags.empty()) {
      for (const auto& [key, flag] : kept.flags) AddFlag(key);
    } else {
      for (const std::string& key : view.flags) AddFlag(key);
    }
    // All conditions of an unbound credential may name any segment.
    if (view.tenant.empty() && view.flags.empty()) {
      for (const auto& [key, segment] : kept.segments) segments_.emplace(key, false);
    }
    // What a changed flag refers to may be new to the view, though it did not change itself.
    for (const auto& [key, flag] : flags_) {
      if (IsNews(flag->changed_at)) AddReferred(*flag);
    }
  }

  bool IsNews(std::uint64_t changed_at) const { return !view_.since || changed_at > *view_.since; }
  bool Sees(const Ownership& tenant) const { return view_.tenant.empty() || !tenant || *tenant == view_.tenant; }
  bool HasFlag(const std::string& key) const { return flags_.contains(key); }
  const std::map<std::string, const KeptFlag*>& flags() const { return flags_; }
  bool IsTold(const std::string& key, const KeptFlag& flag) const {
    return IsNews(flag.changed_at) || referred_flags_.contains(key);
  }
  // Keys of segments, with whether they are told of although they did not change.
  const std::map<std::string, bool>& segments() const { return segments_; }

 private:
  void AddFlag(const std::string& key) {
    const auto flag = kept_.flags.find(key);
    if (flag == kept_.flags.end() || !Sees(flag->second.tenant_id)) return;
    if (!flags_.emplace(key, &flag->second).second) return;
    for (const std::string& segment : flag->second.segments) {
      if (kept_.segments.contains(segment)) segments_.emplace(segment, false);
    }
    for (const std::string& prerequisite : flag->second.prerequisites) AddFlag(prerequisite);
  }

  void AddReferred(const KeptFlag& flag) {
    if (!view_.since || (view_.tenant.empty() && view_.flags.empty())) return;
    for (const std::string& segment : flag.segments) {
      if (const auto at = segments_.find(segment); at != segments_.end()) at->second = true;
    }
    for (const std::string& key : flag.prerequisites) {
      const auto at = flags_.find(key);
      if (at != flags_.end() && referred_flags_.insert(key).second) AddReferred(*at->second);
    }
  }

  const DefinitionsView& view_;
  const KeptDefinitions& kept_;
  std::map<std::string, const KeptFlag*> flags_;
  std::map<std::string, bool> segments_;
  std::set<std::string> referred_flags_;
};

void AppendFlag(std::string& out, const KeptFlag& flag, const std::string& tenant) {
  out += flag.text;
  bool first = true;
  for (const auto& [of, enabled] : flag.tenant_overrides) {
    if (!tenant.empty() && of != tenant) continue;
    if (first) out.pop_back();
    out += std::exchange(first, false) ? ",\"tenantOverrides\":{" : ",";
    json::AppendQuoted(out, of);
    out += enabled ? ":true" : ":false";
  }
  if (!first) out += "}}";
}

void AppendFlags(std::string& out, const Selection& selection, const DefinitionsView& view, bool readable) {
  ListWriter list(out, readable ? "flags" : "brokenFlags");
  for (const auto& [key, flag] : selection.flags()) {
    if (flag->readable == readable && selection.IsTold(key, *flag)) AppendFlag(list.Item(), *flag, view.tenant);
  }
}

void AppendSegments(std::string& out, const Selection& selection, const KeptDefinitions& kept, bool readable) {
  ListWriter list(out, readable ? "segments" : "brokenSegments");
  for (const auto& [key, told] : selection.segments()) {
    const app::KeptSegment& segment = kept.segments.find(key)->second;
    if (segment.readable == readable && (told || selection.IsNews(segment.changed_at))) list.Item() += segment.text;
  }
}

void AppendOverride(std::string& out, const std::string& flag, const std::string& tenant,
                    const std::string* variation) {
  out += "{\"flagKey\":";
  json::AppendQuoted(out, flag);
  out += ",\"tenantId\":";
  json::AppendQuoted(out, tenant);
  if (variation != nullptr) {
    out += ",\"variation\":";
    json::AppendQuoted(out, *variation);
  }
  out += '}';
}

void AppendOverrides(std::string& out, const Selection& selection, const DefinitionsView& view,
                     const KeptDefinitions& kept) {
  ListWriter list(out, "overrides");
  for (const auto& [key, flag] : selection.flags()) {
    const auto overrides = kept.overrides.find(key);
    if (overrides == kept.overrides.end()) continue;
    const bool told = selection.IsTold(key, *flag);
    if (!told && !selection.IsNews(overrides->second.changed_at)) continue;
    const auto append = [&](const std::string& tenant, const app::KeptOverride& one) {
      if (told || selection.IsNews(one.changed_at)) AppendOverride(list.Item(), key, tenant, &one.variation);
    };
    if (view.tenant.empty()) {
      for (const auto& [tenant, one] : overrides->second.of) append(tenant, one);
    } else if (const auto own = overrides->second.of.find(view.tenant); own != overrides->second.of.end()) {
      append(own->first, own->second);
    }
  }
}

// A switch for an owner or a flag that a tenant does not see would tell of a thing of another's.
bool SeesSwitch(const Selection& selection, const DefinitionsView& view, const model::KillScope& scope) {
  using Kind = model::KillScope::Kind;
  if (view.tenant.empty() && view.flags.empty()) return true;
  switch (scope.kind()) {
    case Kind::kGlobal: return true;
    case Kind::kTenant: return view.tenant.empty() || scope.id() == view.tenant;
    case Kind::kFlag: return selection.HasFlag(scope.id());
    case Kind::kOwner:
      return std::ranges::any_of(selection.flags(),
                                 [&](const auto& entry) { return entry.second->owner == scope.id(); });
  }
  return false;
}

void AppendSwitches(std::string& out, const Selection& selection, const DefinitionsView& view,
                    const KeptDefinitions& kept) {
  ListWriter list(out, "killSwitches");
  for (const auto& [scope, one] : kept.kill_switches) {
    if (SeesSwitch(selection, view, one.scope)) list.Item() += one.text;
  }
}

void AppendRemoved(std::string& out, const Selection& selection, const DefinitionsView& view,
                   const KeptDefinitions& kept) {
  std::set<std::string> flags;
  std::set<std::string> segments;
  std::set<std::pair<std::string, std::string>> overrides;
  // The later ones come last, and what is asked for is most often little.
  for (auto one = kept.removed.rbegin(); one != kept.removed.rend() && one->sequence > *view.since; ++one) {
    switch (one->kind) {
      case KeptRemoval::Kind::kFlag:
        if (std::ranges::any_of(one->owners, [&](const auto& owner) { return selection.Sees(owner); }))
          flags.insert(one->key);
        break;
      case KeptRemoval::Kind::kSegment:
        // Of segments that no flag of theirs used, a tenant has not heard; by now nothing says which these were.
        if (view.tenant.empty()) segments.insert(one->key);
        break;
      case KeptRemoval::Kind::kOverride:
        if (selection.HasFlag(one->key) && (view.tenant.empty() || one->tenant == view.tenant))
          overrides.emplace(one->key, one->tenant);
        break;
    }
  }
  // What became another's is gone for this one.
  for (const auto& [key, flag] : kept.flags) {
    if (selection.IsNews(flag.changed_at) && !selection.Sees(flag.tenant_id) &&
        std::ranges::any_of(flag.former_tenants, [&](const auto& owner) { return selection.Sees(owner); }))
      flags.insert(key);
  }
  out += ",\"removed\":{";
  const auto append = [&](std::string_view name, const std::set<std::string>& keys) {
    ListWriter list(out, name);
    for (const std::string& key : keys) json::AppendQuoted(list.Item(), key);
  };
  append("flags", flags);
  append("segments", segments);
  {
    ListWriter list(out, "overrides");
    for (const auto& [flag, tenant] : overrides) AppendOverride(list.Item(), flag, tenant, nullptr);
  }
  out += '}';
}

}  // namespace

base::Result<std::string> WriteDefinitions(const DefinitionsView& view, const KeptDefinitions& kept) {
  const Selection selection(view, kept);
  std::string out = "{\"environment\":";
  json::AppendQuoted(out, view.environment);
  if (!view.tenant.empty()) {
    out += ",\"tenantId\":";
    json::AppendQuoted(out, view.tenant);
  }
  out += view.since ? ",\"complete\":false" : ",\"complete\":true";
  if (view.since) AppendRemoved(out, selection, view, kept);
  AppendSwitches(out, selection, view, kept);
  AppendSegments(out, selection, kept, true);
  AppendSegments(out, selection, kept, false);
  AppendFlags(out, selection, view, true);
  AppendFlags(out, selection, view, false);
  AppendOverrides(out, selection, view, kept);
  if (out.size() <= kDefinitionsBytesMax) return out;
  return base::Fail(base::ErrorCode::kTooLarge,
                    "The definitions are over 128 MiB. Ask for the flags that the program evaluates, with `flags`.",
                    "flags");
}

}  // namespace guidon::api_http
