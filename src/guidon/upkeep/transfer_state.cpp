// SPDX-License-Identifier: Apache-2.0
#include "guidon/upkeep/transfer_state.hpp"

#include <utility>

#include "guidon/json/json.hpp"

namespace guidon::upkeep {
namespace {

using base::ErrorCode;
using base::Result;
using model::Object;
using model::Value;

constexpr std::int64_t kFormat = 1;
constexpr std::string_view kStateAttribute = "state";

std::string TextAt(const Object& object, std::string_view name) {
  const Value* value = object.Find(name);
  return value != nullptr && value->AsString() != nullptr ? *value->AsString() : std::string();
}

std::uint64_t CountAt(const Object& object, std::string_view name) {
  const Value* value = object.Find(name);
  const std::int64_t* number = value != nullptr ? value->AsInteger() : nullptr;
  return number != nullptr && *number > 0 ? static_cast<std::uint64_t>(*number) : 0;
}

const Value& At(const Object& object, std::string_view name) {
  static const Value kNull;
  const Value* value = object.Find(name);
  return value != nullptr ? *value : kNull;
}

}  // namespace

std::string TransferState::ToText() const {
  Object head_counters;
  for (const auto& [scope, sequence] : heads) head_counters.Set(scope, static_cast<std::int64_t>(sequence));
  Object out;
  out.Set("format", kFormat);
  out.Set("kind", kind);
  out.Set("source", source);
  out.Set("startedAt", base::FormatTimestamp(started_at));
  out.Set("positions", PositionsToValue(positions));
  out.Set("fileBytes", static_cast<std::int64_t>(file_bytes));
  out.Set("lines", static_cast<std::int64_t>(lines));
  out.Set("sums", sums.ToValue());
  out.Set("read", read.ToValue());
  out.Set("shortLived", static_cast<std::int64_t>(short_lived));
  out.Set("heads", std::move(head_counters));
  return json::Write(Value(std::move(out)));
}

Result<TransferState> TransferState::From(std::string_view text) {
  GUIDON_ASSIGN(const Value value, json::Parse(text));
  const Object* object = value.AsObject();
  if (object == nullptr) return base::Fail(ErrorCode::kCorrupt, "the state of the transfer is not readable");
  if (const Value* format = object->Find("format"); format == nullptr || *format != Value(kFormat))
    return base::Fail(ErrorCode::kUnsupported, "the transfer was begun by another version of Guidon; go on with that");
  TransferState state{.kind = TextAt(*object, "kind"),
                      .source = TextAt(*object, "source"),
                      .file_bytes = CountAt(*object, "fileBytes"),
                      .lines = CountAt(*object, "lines"),
                      .short_lived = CountAt(*object, "shortLived")};
  GUIDON_ASSIGN(state.started_at, base::ParseTimestamp(TextAt(*object, "startedAt"), "startedAt"));
  if (state.kind != "import") {
    GUIDON_ASSIGN(state.positions, PositionsFrom(At(*object, "positions")));
  }
  GUIDON_ASSIGN(state.sums, Sums::From(At(*object, "sums")));
  GUIDON_ASSIGN(state.read, Sums::From(At(*object, "read")));
  if (const Object* counters = At(*object, "heads").AsObject()) {
    for (const auto& [scope, sequence] : *counters) state.heads[scope] = CountAt(*counters, scope);
  }
  return state;
}

Result<std::optional<TransferState>> LoadState(store::Table& target) {
  GUIDON_ASSIGN(const store::GetResult found, target.Get(TransferKey(), store::Consistency::kStrong));
  if (!found.item) return std::optional<TransferState>{};
  const store::AttributeValue* text = found.item->Find(kStateAttribute);
  if (text == nullptr || text->AsString() == nullptr)
    return base::Fail(ErrorCode::kCorrupt, "the item TRANSFER / METADATA of the target holds no state");
  GUIDON_ASSIGN(TransferState state, TransferState::From(*text->AsString()));
  return std::optional(std::move(state));
}

base::Status SaveState(store::Table& target, const TransferState& state) {
  const store::Key key = TransferKey();
  GUIDON_TRY(target.PutItem({.item = {{"PK", key.pk}, {"SK", key.sk}, {kStateAttribute.data(), state.ToText()}}}));
  return {};
}

base::Status ClearState(store::Table& target) {
  GUIDON_TRY(target.DeleteItem({.key = TransferKey()}));
  return {};
}

}  // namespace guidon::upkeep
