// SPDX-License-Identifier: Apache-2.0
#include "guidon/upkeep/verify_state.hpp"

#include <utility>

#include <fmt/format.h>

#include "guidon/json/json.hpp"

namespace guidon::upkeep {
namespace {

using base::ErrorCode;
using base::Result;
using model::List;
using model::Object;
using model::Value;

constexpr std::int64_t kFormat = 1;
constexpr std::size_t kStateBytesMax = 256UL * 1024 * 1024;  // a hundred thousand keys of items that can be mended

std::string TextAt(const Object& object, std::string_view name) {
  const Value* value = object.Find(name);
  return value != nullptr && value->AsString() != nullptr ? *value->AsString() : std::string();
}

std::int64_t IntegerAt(const Object& object, std::string_view name) {
  const Value* value = object.Find(name);
  return value != nullptr && value->AsInteger() != nullptr ? *value->AsInteger() : 0;
}

std::uint64_t CountAt(const Object& object, std::string_view name) {
  return static_cast<std::uint64_t>(IntegerAt(object, name));
}

const Object& ObjectAt(const Object& object, std::string_view name) {
  static const Object kNone;
  const Value* value = object.Find(name);
  return value != nullptr && value->AsObject() != nullptr ? *value->AsObject() : kNone;
}

const List& ListAt(const Object& object, std::string_view name) {
  static const List kNone;
  const Value* value = object.Find(name);
  return value != nullptr && value->AsList() != nullptr ? *value->AsList() : kNone;
}

Value ToValue(std::uint64_t count) { return static_cast<std::int64_t>(count); }

Value ToValue(const store::Key& key) { return List{Value(key.pk), Value(key.sk)}; }

store::Key KeyFrom(const Value& value) {
  const List* list = value.AsList();
  if (list == nullptr || list->size() != 2 || (*list)[0].AsString() == nullptr || (*list)[1].AsString() == nullptr)
    return {};
  return {*(*list)[0].AsString(), *(*list)[1].AsString()};
}

Value ToValue(const Finding& finding) {
  Object out;
  out.Set("severity", static_cast<std::int64_t>(finding.severity));
  out.Set("code", finding.code);
  out.Set("key", ToValue(finding.key));
  out.Set("message", finding.message);
  out.Set("repairable", finding.repairable);
  return out;
}

Finding FindingFrom(const Object& object) {
  const Value* repairable = object.Find("repairable");
  const Value* key = object.Find("key");
  Finding finding{.severity = static_cast<Severity>(IntegerAt(object, "severity")),
                  .code = TextAt(object, "code"),
                  .key = key != nullptr ? KeyFrom(*key) : store::Key{},
                  .message = TextAt(object, "message"),
                  .repairable = repairable != nullptr && repairable->AsBool() != nullptr && *repairable->AsBool()};
  finding.entity = EntityOf(finding.key);
  return finding;
}

template <class Map, class Name>
Object CountsOf(const Map& counts, const Name& name) {
  Object out;
  for (const auto& [key, count] : counts) out.Set(name(key), ToValue(count));
  return out;
}

Object LogsOf(const std::map<std::string, LogSeen, std::less<>>& logs) {
  Object out;
  for (const auto& [scope, log] : logs) {
    Object one;
    one.Set("entries", ToValue(log.entries));
    one.Set("first", ToValue(log.first));
    one.Set("last", ToValue(log.last));
    if (log.head) one.Set("head", ToValue(*log.head));
    out.Set(scope, std::move(one));
  }
  return out;
}

void ReadReport(const Object& object, VerifyReport& report) {
  for (const auto& [name, count] : ObjectAt(object, "items")) {
    if (const auto entity = EntityNamed(name)) report.items[*entity] = CountAt(ObjectAt(object, "items"), name);
  }
  for (const auto& [code, count] : ObjectAt(object, "counts"))
    report.counts[code] = CountAt(ObjectAt(object, "counts"), code);
  for (const Severity severity : {Severity::kAdvice, Severity::kWarning, Severity::kProblem}) {
    const std::uint64_t count = CountAt(ObjectAt(object, "severities"), NameOf(severity));
    if (count > 0) report.severities[severity] = count;
  }
  for (const Value& finding : ListAt(object, "findings")) {
    if (finding.AsObject() != nullptr) report.findings.push_back(FindingFrom(*finding.AsObject()));
  }
  for (const Value& key : ListAt(object, "repairable")) report.repairable.push_back(KeyFrom(key));
}

}  // namespace

std::string VerifyState::ToText(std::string_view table_name) const {
  List findings;
  for (const Finding& finding : report.findings) findings.push_back(ToValue(finding));
  List repairable;
  for (const store::Key& key : report.repairable) repairable.push_back(ToValue(key));
  Object out;
  out.Set("format", kFormat);
  out.Set("kind", "verify");
  out.Set("table", table_name);
  out.Set("positions", PositionsToValue(positions));
  out.Set("items", CountsOf(report.items, [](Entity entity) { return NameOf(entity); }));
  out.Set("counts", CountsOf(report.counts, [](const std::string& code) { return std::string_view(code); }));
  out.Set("severities", CountsOf(report.severities, [](Severity severity) { return NameOf(severity); }));
  out.Set("findings", std::move(findings));
  out.Set("repairable", std::move(repairable));
  out.Set("logs", LogsOf(logs));
  return json::Write(Value(std::move(out)));
}

Result<VerifyState> VerifyState::From(std::string_view text, std::string_view table_name) {
  GUIDON_ASSIGN(const Value value, json::Parse(text, {.bytes_max = kStateBytesMax}));
  const Object* object = value.AsObject();
  if (object == nullptr || TextAt(*object, "kind") != "verify")
    return base::Fail(ErrorCode::kCorrupt, "is no checkpoint of a check");
  if (IntegerAt(*object, "format") != kFormat)
    return base::Fail(ErrorCode::kUnsupported, "was written by another version of Guidon");
  if (TextAt(*object, "table") != table_name)
    return base::Fail(ErrorCode::kConflict, fmt::format("belongs to a check of the {}", TextAt(*object, "table")));
  VerifyState state;
  GUIDON_ASSIGN(state.positions,
                PositionsFrom(object->Find("positions") != nullptr ? *object->Find("positions") : Value()));
  ReadReport(*object, state.report);
  for (const auto& [scope, seen] : ObjectAt(*object, "logs")) {
    if (seen.AsObject() == nullptr) continue;
    LogSeen log{.entries = CountAt(*seen.AsObject(), "entries"),
                .first = CountAt(*seen.AsObject(), "first"),
                .last = CountAt(*seen.AsObject(), "last")};
    if (seen.AsObject()->Find("head") != nullptr) log.head = CountAt(*seen.AsObject(), "head");
    state.logs[scope] = log;
  }
  return state;
}

}  // namespace guidon::upkeep
