// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/snapshot.hpp"

#include <algorithm>
#include <utility>

#include "guidon/eval/snapshot_impl.hpp"

namespace guidon::eval {

Snapshot::Snapshot(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Snapshot::~Snapshot() = default;

const std::string& Snapshot::environment() const { return impl_->environment; }
std::uint64_t Snapshot::sequence() const { return impl_->sequence; }
std::size_t Snapshot::flag_count() const { return impl_->sorted_flags.size(); }
std::span<const CompiledFlag* const> Snapshot::flags() const { return impl_->sorted_flags; }
std::span<const CompileProblem> Snapshot::problems() const { return impl_->problems; }
std::vector<model::KillSwitch> Snapshot::kill_switches() const { return impl_->kill_switches.All(); }

std::optional<std::uint64_t> Snapshot::SegmentVersion(std::string_view segment_key) const {
  const auto* segment = impl_->segments.Find(segment_key);
  if (segment == nullptr) return std::nullopt;
  return (*segment)->version;
}

const CompiledFlag* Snapshot::Find(std::string_view flag_key) const {
  const auto* flag = impl_->flags.Find(flag_key);
  return flag == nullptr ? nullptr : flag->get();
}

std::size_t Snapshot::override_count(std::string_view flag_key) const {
  const CompiledFlag* flag = Find(flag_key);
  if (flag == nullptr) {
    const OverrideTable* orphans = impl_->orphans.Find(flag_key);
    return orphans == nullptr ? 0 : orphans->size();
  }
  const auto only_in_item = std::ranges::count_if(
      flag->body().tenant_overrides, [&](const auto& entry) { return !flag->overrides().Find(entry.first); });
  return flag->overrides().size() + static_cast<std::size_t>(only_in_item);
}

std::string_view Snapshot::OverrideOf(std::string_view flag_key, std::string_view tenant_id) const {
  const CompiledFlag* flag = Find(flag_key);
  const OverrideTable* items = flag == nullptr ? impl_->orphans.Find(flag_key) : &flag->overrides();
  if (items == nullptr) return {};
  if (const auto number = items->Find(tenant_id)) return items->names()[*number].text;
  const CompiledVariation* variation = flag == nullptr ? nullptr : flag->body().FindTenantOverride(tenant_id);
  return variation == nullptr ? std::string_view() : std::string_view(variation->name);
}

}  // namespace guidon::eval
