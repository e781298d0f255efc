// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_grpc/evaluation_service.hpp"

#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <flagd/evaluation/v1/evaluation.grpc.pb.h>
#include <flagd/evaluation/v2/evaluation.grpc.pb.h>

#include "guidon/api_grpc/event_stream.hpp"
#include "guidon/api_grpc/status.hpp"
#include "guidon/api_grpc/values.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/json/json.hpp"
#include "guidon/library/explanation.hpp"

namespace guidon::api_grpc {
namespace {

using eval::Evaluation;
using model::EvaluationError;

namespace v1 = ::flagd::evaluation::v1;
namespace v2 = ::flagd::evaluation::v2;

struct Version1 {
  using Service = v1::Evaluation;
  using AllRequest = v1::ResolveAllRequest;
  using AllResponse = v1::ResolveAllResponse;
  using BooleanRequest = v1::ResolveBooleanRequest;
  using BooleanResponse = v1::ResolveBooleanResponse;
  using StringRequest = v1::ResolveStringRequest;
  using StringResponse = v1::ResolveStringResponse;
  using FloatRequest = v1::ResolveFloatRequest;
  using FloatResponse = v1::ResolveFloatResponse;
  using IntRequest = v1::ResolveIntRequest;
  using IntResponse = v1::ResolveIntResponse;
  using ObjectRequest = v1::ResolveObjectRequest;
  using ObjectResponse = v1::ResolveObjectResponse;
  using EventRequest = v1::EventStreamRequest;
  using EventResponse = v1::EventStreamResponse;
};
struct Version2 {
  using Service = v2::Evaluation;
  using AllRequest = v2::ResolveAllRequest;
  using AllResponse = v2::ResolveAllResponse;
  using BooleanRequest = v2::ResolveBooleanRequest;
  using BooleanResponse = v2::ResolveBooleanResponse;
  using StringRequest = v2::ResolveStringRequest;
  using StringResponse = v2::ResolveStringResponse;
  using FloatRequest = v2::ResolveFloatRequest;
  using FloatResponse = v2::ResolveFloatResponse;
  using IntRequest = v2::ResolveIntRequest;
  using IntResponse = v2::ResolveIntResponse;
  using ObjectRequest = v2::ResolveObjectRequest;
  using ObjectResponse = v2::ResolveObjectResponse;
  using EventRequest = v2::EventStreamRequest;
  using EventResponse = v2::EventStreamResponse;
};

// Puts the value into the response; false where it is of another type.
struct PutBoolean {
  static bool Put(auto& response, const model::Value& value) {
    if (value.AsBool() == nullptr) return false;
    response.set_value(*value.AsBool());
    return true;
  }
};
struct PutString {
  static bool Put(auto& response, const model::Value& value) {
    if (value.AsString() == nullptr) return false;
    response.set_value(*value.AsString());
    return true;
  }
};
struct PutFloat {
  static bool Put(auto& response, const model::Value& value) {
    if (!value.IsNumber()) return false;
    response.set_value(value.AsDouble() != nullptr ? *value.AsDouble() : static_cast<double>(*value.AsInteger()));
    return true;
  }
};
struct PutInt {
  static bool Put(auto& response, const model::Value& value) {
    if (!value.IsNumber()) return false;
    if (value.AsInteger() != nullptr) {
      response.set_value(*value.AsInteger());
      return true;
    }
    // As flagd: the fraction is cut off. What no integer can hold is not one.
    const double whole = std::trunc(*value.AsDouble());
    if (std::abs(whole) >= static_cast<double>(std::numeric_limits<std::int64_t>::max())) return false;
    response.set_value(static_cast<std::int64_t>(whole));
    return true;
  }
};
struct PutObject {
  static bool Put(auto& response, const model::Value& value) {
    if (value.AsObject() == nullptr) return false;
    Fill(*response.mutable_value(), *value.AsObject());
    return true;
  }
};

void PutMetadata(auto& response, const Evaluation& evaluation) {
  if (!library::HasMetadata(evaluation)) return;
  std::string text = "{";
  library::AppendMetadata(text, evaluation);
  text += '}';
  const auto metadata = json::Parse(text);
  if (metadata && metadata->AsObject() != nullptr) Fill(*response.mutable_metadata(), *metadata->AsObject());
}

void PutAnswer(auto& response, const Evaluation& evaluation) {
  response.set_reason(std::string(model::NameOf(evaluation.reason)));
  if (evaluation.variation != nullptr) response.set_variant(evaluation.variation->name);
  PutMetadata(response, evaluation);
}

void PutAny(auto& flag, const model::Value& value) {
  if (value.AsBool() != nullptr) {
    flag.set_bool_value(*value.AsBool());
  } else if (value.AsString() != nullptr) {
    flag.set_string_value(*value.AsString());
  } else if (value.AsObject() != nullptr) {
    Fill(*flag.mutable_object_value(), *value.AsObject());
  } else if (value.IsNumber()) {
    flag.set_double_value(value.AsDouble() != nullptr ? *value.AsDouble() : static_cast<double>(*value.AsInteger()));
  }
}

template <class Version>
class EvaluationService final
    : public Version::Service::template WithCallbackMethod_ResolveAll<
          typename Version::Service::template WithCallbackMethod_ResolveBoolean<
              typename Version::Service::template WithCallbackMethod_ResolveString<
                  typename Version::Service::template WithCallbackMethod_ResolveFloat<
                      typename Version::Service::template WithCallbackMethod_ResolveInt<
                          typename Version::Service::template WithCallbackMethod_ResolveObject<
                              typename Version::Service::template WithCallbackMethod_EventStream<
                                  typename Version::Service::Service>>>>>>> {
 public:
  EvaluationService(app::Application& app, const Gate& gate, StreamHub& hub) : app_(app), gate_(gate), hub_(hub) {}

  grpc::ServerUnaryReactor* ResolveBoolean(grpc::CallbackServerContext* context,
                                           const typename Version::BooleanRequest* request,
                                           typename Version::BooleanResponse* response) override {
    return Done(context, Resolve<PutBoolean>(*context, *request, *response));
  }
  grpc::ServerUnaryReactor* ResolveString(grpc::CallbackServerContext* context,
                                          const typename Version::StringRequest* request,
                                          typename Version::StringResponse* response) override {
    return Done(context, Resolve<PutString>(*context, *request, *response));
  }
  grpc::ServerUnaryReactor* ResolveFloat(grpc::CallbackServerContext* context,
                                         const typename Version::FloatRequest* request,
                                         typename Version::FloatResponse* response) override {
    return Done(context, Resolve<PutFloat>(*context, *request, *response));
  }
  grpc::ServerUnaryReactor* ResolveInt(grpc::CallbackServerContext* context,
                                       const typename Version::IntRequest* request,
                                       typename Version::IntResponse* response) override {
    return Done(context, Resolve<PutInt>(*context, *request, *response));
  }
  grpc::ServerUnaryReactor* ResolveObject(grpc::CallbackServerContext* context,
                                          const typename Version::ObjectRequest* request,
                                          typename Version::ObjectResponse* response) override {
    return Done(context, Resolve<PutObject>(*context, *request, *response));
  }
  grpc::ServerUnaryReactor* ResolveAll(grpc::CallbackServerContext* context,
                                       const typename Version::AllRequest* request,
                                       typename Version::AllResponse* response) override {
    return Done(context, All(*context, *request, *response));
  }
  grpc::ServerWriteReactor<typename Version::EventResponse>* EventStream(
      grpc::CallbackServerContext* context, const typename Version::EventRequest*) override {
    using Stream = api_grpc::EventStream<typename Version::EventResponse>;
    auto caller = gate_.Admit(*context, Purpose::kEvaluate);
    if (!caller) return Stream::Refuse(StatusOf(caller.error()));
    const auto stream = std::make_shared<Stream>(app_, gate_, hub_, *std::move(caller));
    Stream::Begin(stream);
    return stream.get();
  }

 private:
  static grpc::ServerUnaryReactor* Done(grpc::CallbackServerContext* context, const grpc::Status& status) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(status);
    return reactor;
  }

  struct Question {
    Caller caller;
    model::Context context;
    std::shared_ptr<const eval::Snapshot> snapshot;
  };
  base::Result<Question> Ask(const grpc::CallbackServerContext& context, const google::protobuf::Struct& fields) const {
    Question question;
    GUIDON_ASSIGN(question.caller, gate_.Admit(context, Purpose::kEvaluate));
    auto read = ContextOf(fields, question.caller.tenant);
    if (!read) {
      if (read.error().code == base::ErrorCode::kPermissionDenied) gate_.Record(question.caller, "tenant");
      return std::unexpected(std::move(read).error());
    }
    question.context = *std::move(read);
    question.snapshot = app_.snapshots().Find(question.caller.environment)->Get();
    return question;
  }
  static bool MaySee(const Question& question, const eval::CompiledFlag& flag) {
    return question.caller.info.principal.kind != app::PrincipalKind::kClient || eval::IsClientVisible(flag);
  }

  template <class Putter>
  grpc::Status Resolve(const grpc::CallbackServerContext& context, const auto& request, auto& response) const {
    const auto question = Ask(context, request.context());
    if (!question) return StatusOf(question.error());
    const eval::CompiledFlag* flag = question->snapshot->Find(request.flag_key());
    if (flag == nullptr || !MaySee(*question, *flag)) return StatusOf(EvaluationError::kFlagNotFound);
    const Evaluation evaluation = eval::Evaluate(*question->snapshot, *flag, question->context, app_.clock().Now());
    NoteUsage(*question, evaluation, app::UsageKind::kEvaluation);
    if (evaluation.error != EvaluationError::kNone) return StatusOf(evaluation.error);
    if (evaluation.variation != nullptr && !Putter::Put(response, evaluation.variation->value))
      return StatusOf(EvaluationError::kTypeMismatch);
    PutAnswer(response, evaluation);
    return grpc::Status::OK;
  }

  grpc::Status All(const grpc::CallbackServerContext& context, const auto& request, auto& response) const {
    const auto question = Ask(context, request.context());
    if (!question) return StatusOf(question.error());
    std::vector<const eval::CompiledFlag*> flags;
    for (const eval::CompiledFlag* flag : question->snapshot->flags()) {
      if (MaySee(*question, *flag)) flags.push_back(flag);
    }
    std::vector<Evaluation> evaluations;
    eval::EvaluateAll(*question->snapshot, flags, question->context, app_.clock().Now(), evaluations);
    for (const Evaluation& evaluation : evaluations) {
      NoteUsage(*question, evaluation, app::UsageKind::kBulk);
      if (evaluation.error != EvaluationError::kNone) continue;
      auto& flag = (*response.mutable_flags())[std::string(eval::KeyOf(*evaluation.flag))];
      if (evaluation.variation != nullptr) PutAny(flag, evaluation.variation->value);
      PutAnswer(flag, evaluation);
    }
    model::Object metadata;
    metadata.Set("environment", question->caller.environment);
    Fill(*response.mutable_metadata(), metadata);
    return grpc::Status::OK;
  }

  void NoteUsage(const Question& question, const Evaluation& evaluation, app::UsageKind kind) const {
    const std::string* tenant = question.context.tenant_id();
    const bool known = tenant != nullptr && model::TenantId::Parse(*tenant);
    app_.usage().Note(question.caller.environment, known ? std::string_view(*tenant) : std::string_view(), evaluation,
                      kind);
  }

  app::Application& app_;
  const Gate& gate_;
  StreamHub& hub_;
};

}  // namespace

std::unique_ptr<grpc::Service> EvaluationServiceV1(app::Application& app, const Gate& gate, StreamHub& hub) {
  return std::make_unique<EvaluationService<Version1>>(app, gate, hub);
}

std::unique_ptr<grpc::Service> EvaluationServiceV2(app::Application& app, const Gate& gate, StreamHub& hub) {
  return std::make_unique<EvaluationService<Version2>>(app, gate, hub);
}

}  // namespace guidon::api_grpc
