// SPDX-License-Identifier: Apache-2.0
#include "guidon/flagd_service/answers.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "guidon/json/json.hpp"
#include "guidon/library/explanation.hpp"
#include "guidon/model/ids.hpp"

namespace guidon::flagd_service {
namespace {

using base::ErrorCode;
using base::Fail;
using eval::Evaluation;
using model::EvaluationError;

// Takes the text out of the attributes; nothing where it is not there. Errors: kInvalidArgument where it is no text.
base::Result<std::optional<std::string>> TakeText(model::Object& attributes, std::string_view name) {
  const model::Value* value = attributes.Find(name);
  if (value == nullptr || value->IsNull()) {
    attributes.Erase(name);
    return std::nullopt;
  }
  if (value->AsString() == nullptr) return Fail(ErrorCode::kInvalidArgument, "must be a string", std::string(name));
  std::string text = *value->AsString();
  attributes.Erase(name);
  if (text.empty()) return std::nullopt;
  return text;
}

}  // namespace

base::Result<model::Context> ContextOf(model::Object fields, std::string_view tenant) {
  model::Context::Fields context;
  GUIDON_ASSIGN(context.targeting_key, TakeText(fields, "targetingKey"));
  GUIDON_ASSIGN(context.tenant_id, TakeText(fields, "tenantId"));
  if (!tenant.empty()) {
    if (context.tenant_id && *context.tenant_id != tenant)
      return Fail(ErrorCode::kPermissionDenied, "This call is bound to one tenant, and the context names another.",
                  "tenantId");
    context.tenant_id = std::string(tenant);
  }
  context.attributes = std::move(fields);
  return model::Context::Create(std::move(context));
}

std::string_view TenantOf(const model::Context& context) {
  if (context.tenant_id() == nullptr || !model::TenantId::Parse(*context.tenant_id())) return {};
  return *context.tenant_id();
}

bool MaySee(const app::Principal& principal, const eval::CompiledFlag& flag) {
  return principal.kind != app::PrincipalKind::kClient || eval::IsClientVisible(flag);
}

Evaluation Resolve(const eval::Snapshot& snapshot, std::string_view flag_key, const model::Context& context,
                   const app::Principal& principal, base::Timestamp now) {
  const eval::CompiledFlag* flag = snapshot.Find(flag_key);
  if (flag == nullptr || !MaySee(principal, *flag))
    return {.reason = model::Reason::kError, .error = EvaluationError::kFlagNotFound};
  return eval::Evaluate(snapshot, *flag, context, now);
}

bool Fits(Kind kind, const model::Value& value) {
  switch (kind) {
    case Kind::kBoolean: return value.AsBool() != nullptr;
    case Kind::kString: return value.AsString() != nullptr;
    case Kind::kFloat: return value.IsNumber();
    case Kind::kInt: return value.IsNumber() && IntegerOf(value).has_value();
    case Kind::kObject: return value.AsObject() != nullptr;
  }
  return false;
}

double NumberOf(const model::Value& value) {
  return value.AsDouble() != nullptr ? *value.AsDouble() : static_cast<double>(*value.AsInteger());
}

std::optional<std::int64_t> IntegerOf(const model::Value& value) {
  if (value.AsInteger() != nullptr) return *value.AsInteger();
  const double whole = std::trunc(*value.AsDouble());
  if (std::abs(whole) >= static_cast<double>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return static_cast<std::int64_t>(whole);
}

bool IsLeftOut(const Evaluation& evaluation, Version version) {
  if (evaluation.error != EvaluationError::kNone) return true;
  return version == Version::kV1 && evaluation.variation == nullptr;
}

model::Object MetadataOf(const Evaluation& evaluation) {
  if (!library::HasMetadata(evaluation)) return {};
  std::string text = "{";
  library::AppendMetadata(text, evaluation);
  text += '}';
  auto metadata = json::Parse(text);
  if (!metadata || metadata->MutableObject() == nullptr) return {};
  return std::move(*metadata->MutableObject());
}

}  // namespace guidon::flagd_service
