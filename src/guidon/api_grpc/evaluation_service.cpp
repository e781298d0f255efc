// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_grpc/evaluation_service.hpp"

#include <string>
#include <utility>
#include <vector>

#include <flagd/evaluation/v1/evaluation.grpc.pb.h>
#include <flagd/evaluation/v2/evaluation.grpc.pb.h>

#include "guidon/api_grpc/event_stream.hpp"
#include "guidon/api_grpc/status.hpp"
#include "guidon/api_grpc/values.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/flagd_service/answers.hpp"

namespace guidon::api_grpc {
namespace {

using eval::Evaluation;
using flagd_service::Kind;
using model::EvaluationError;

namespace v1 = ::flagd::evaluation::v1;
namespace v2 = ::flagd::evaluation::v2;

struct Version1 {
  static constexpr flagd_service::Version kVersion = flagd_service::Version::kV1;
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
  static constexpr flagd_service::Version kVersion = flagd_service::Version::kV2;
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

// Put the value, which fits the kind of call, into the response.
struct PutBoolean {
  static constexpr Kind kKind = Kind::kBoolean;
  static void Put(auto& response, const model::Value& value) { response.set_value(*value.AsBool()); }
};
struct PutString {
  static constexpr Kind kKind = Kind::kString;
  static void Put(auto& response, const model::Value& value) { response.set_value(*value.AsString()); }
};
struct PutFloat {
  static constexpr Kind kKind = Kind::kFloat;
  static void Put(auto& response, const model::Value& value) { response.set_value(flagd_service::NumberOf(value)); }
};
struct PutInt {
  static constexpr Kind kKind = Kind::kInt;
  static void Put(auto& response, const model::Value& value) { response.set_value(*flagd_service::IntegerOf(value)); }
};
struct PutObject {
  static constexpr Kind kKind = Kind::kObject;
  static void Put(auto& response, const model::Value& value) { Fill(*response.mutable_value(), *value.AsObject()); }
};

void PutAnswer(auto& response, const Evaluation& evaluation) {
  response.set_reason(std::string(model::NameOf(evaluation.reason)));
  if (evaluation.variation != nullptr) response.set_variant(evaluation.variation->name);
  const model::Object metadata = flagd_service::MetadataOf(evaluation);
  if (!metadata.empty()) Fill(*response.mutable_metadata(), metadata);
}

void PutAny(auto& flag, const model::Value& value) {
  if (value.AsBool() != nullptr) {
    flag.set_bool_value(*value.AsBool());
  } else if (value.AsString() != nullptr) {
    flag.set_string_value(*value.AsString());
  } else if (value.AsObject() != nullptr) {
    Fill(*flag.mutable_object_value(), *value.AsObject());
  } else if (value.IsNumber()) {
    flag.set_double_value(flagd_service::NumberOf(value));
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
    auto read = flagd_service::ContextOf(ObjectOf(fields), question.caller.tenant);
    if (!read) {
      if (read.error().code == base::ErrorCode::kPermissionDenied) gate_.Record(question.caller, "tenant");
      return std::unexpected(std::move(read).error());
    }
    question.context = *std::move(read);
    question.snapshot = app_.snapshots().Find(question.caller.environment)->Get();
    return question;
  }

  template <class Putter>
  grpc::Status Resolve(const grpc::CallbackServerContext& context, const auto& request, auto& response) const {
    const auto question = Ask(context, request.context());
    if (!question) return StatusOf(question.error());
    const Evaluation evaluation = flagd_service::Resolve(*question->snapshot, request.flag_key(), question->context,
                                                         question->caller.info.principal, app_.clock().Now());
    NoteUsage(*question, evaluation, app::UsageKind::kEvaluation);
    if (evaluation.error != EvaluationError::kNone) return StatusOf(flagd_service::FailureOf(evaluation.error));
    if (evaluation.variation != nullptr) {
      if (!flagd_service::Fits(Putter::kKind, evaluation.variation->value))
        return StatusOf(flagd_service::FailureOf(EvaluationError::kTypeMismatch));
      Putter::Put(response, evaluation.variation->value);
    }
    PutAnswer(response, evaluation);
    return grpc::Status::OK;
  }

  grpc::Status All(const grpc::CallbackServerContext& context, const auto& request, auto& response) const {
    const auto question = Ask(context, request.context());
    if (!question) return StatusOf(question.error());
    std::vector<const eval::CompiledFlag*> flags;
    for (const eval::CompiledFlag* flag : question->snapshot->flags()) {
      if (flagd_service::MaySee(question->caller.info.principal, *flag)) flags.push_back(flag);
    }
    std::vector<Evaluation> evaluations;
    eval::EvaluateAll(*question->snapshot, flags, question->context, app_.clock().Now(), evaluations);
    for (const Evaluation& evaluation : evaluations) {
      NoteUsage(*question, evaluation, app::UsageKind::kBulk);
      if (flagd_service::IsLeftOut(evaluation, Version::kVersion)) continue;
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
    app_.usage().Note(question.caller.environment, flagd_service::TenantOf(question.context), evaluation, kind);
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
