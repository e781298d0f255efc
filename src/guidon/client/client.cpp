// SPDX-License-Identifier: Apache-2.0
#include "guidon/client/client.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <utility>

#include <pthread.h>
#include <unistd.h>

#include "guidon/base/random.hpp"
#include "guidon/client/core.hpp"
#include "guidon/client/disk_snapshot.hpp"
#include "guidon/client/worker.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/model/ids.hpp"

namespace guidon::client {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using std::chrono::milliseconds;

constexpr std::size_t kClientIdBytesMax = 128;
constexpr std::size_t kNamedFlagsMax = 1000;  // the server takes no more
// Compiling one flag at a time with the segments that it uses must not take longer than an evaluation may.
constexpr std::size_t kSegmentBytesOneByOneMax = 64UL * 1024;

// Times that this process came out of a fork(). Counted by the C library's own hook: asking for the process id with
// each evaluation would be a system call.
std::atomic<std::uint64_t> forks{0};

void WatchForks() {
  static std::once_flag once;
  std::call_once(once, [] { pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); }); });
}

bool MayBeCompiledOneByOne(const Texts& texts) {
  std::size_t bytes = 0;
  for (const auto& [key, text] : texts.segments) bytes += text->size();
  return bytes <= kSegmentBytesOneByOneMax;
}

base::Status CheckTimes(const Options& options) {
  const std::array<std::pair<std::string_view, milliseconds>, 5> times = {
      {{"poll_interval", options.poll_interval},
       {"stale_after", options.stale_after},
       {"request_timeout", options.request_timeout},
       {"usage_interval", options.usage_interval},
       {"shutdown_timeout", options.shutdown_timeout}}};
  for (const auto& [name, time] : times) {
    if (time <= milliseconds(0))
      return Fail(ErrorCode::kInvalidArgument, "must be more than nothing", std::string(name));
  }
  return {};
}

base::Status Check(const Options& options) {
  if (auto parsed = model::Environment::Parse(options.environment, "environment"); !parsed)
    return std::unexpected(std::move(parsed).error());
  if (options.url.empty() && options.bootstrap_path.empty() && options.snapshot_path.empty())
    return Fail(ErrorCode::kInvalidArgument, "must name the server, or there must be a file to begin with", "url");
  if (!options.url.empty() && !options.url.starts_with("http://") && !options.url.starts_with("https://"))
    return Fail(ErrorCode::kInvalidArgument, "must begin with https:// or http://", "url");
  if (options.client_id.size() > kClientIdBytesMax)
    return Fail(ErrorCode::kInvalidArgument, "must have at most 128 bytes", "client_id");
  if (options.flags.size() > kNamedFlagsMax)
    return Fail(ErrorCode::kInvalidArgument, "must name at most 1,000 flags; leave it empty to have all", "flags");
  for (const std::string& key : options.flags) {
    if (auto parsed = model::FlagKey::Parse(key, "flags"); !parsed) return std::unexpected(std::move(parsed).error());
  }
  const auto breaks = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
  if (std::ranges::any_of(options.api_key, breaks))
    return Fail(ErrorCode::kInvalidArgument, "must be one word", "api_key");
  return CheckTimes(options);
}

// What there is to begin with, and what was wrong with a file.
struct First {
  Definitions definitions;
  std::optional<milliseconds> age;
  std::string problem;
};

void ReadSnapshot(const Options& options, First& first) {
  if (options.snapshot_path.empty()) return;
  const auto bytes = ReadFileWhole(options.snapshot_path);
  if (!bytes) {
    if (bytes.error().code != ErrorCode::kNotFound) first.problem = bytes.error().message;
    return;
  }
  auto read = DecodeDiskSnapshot(*bytes);
  if (!read) {
    first.problem = options.snapshot_path + ": " + read.error().message + " It is not used, and will be written anew.";
    return;
  }
  if (read->texts.environment != options.environment) {
    first.problem = options.snapshot_path + " is of environment " + read->texts.environment + " and is not used.";
    return;
  }
  const auto now = std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
  first.age = std::max(milliseconds(0), now - read->confirmed_at);
  first.definitions.texts = std::make_shared<const Texts>(std::move(read->texts));
  if (!MayBeCompiledOneByOne(*first.definitions.texts))
    first.definitions.compiled = CompileAll(*first.definitions.texts, nullptr);
}

void ReadBootstrap(const Options& options, First& first) {
  if (options.bootstrap_path.empty() || first.definitions.texts != nullptr) return;
  const auto bytes = ReadFileWhole(options.bootstrap_path);
  if (!bytes) {
    first.problem = bytes.error().message;
    return;
  }
  Texts texts{.environment = options.environment};
  auto applied = ApplyAnswer(*bytes, "", texts, nullptr);
  if (!applied) {
    first.problem = options.bootstrap_path + ": " + applied.error().field + ' ' + applied.error().message;
    return;
  }
  first.definitions.compiled = applied->snapshot;
  first.definitions.texts = std::make_shared<const Texts>(std::move(texts));
}

std::string_view MessageOf(model::EvaluationError error) {
  switch (error) {
    case model::EvaluationError::kNone: return "";
    case model::EvaluationError::kFlagNotFound: return "There is no such flag for this context.";
    case model::EvaluationError::kTypeMismatch: return "The flag's value has another type.";
    case model::EvaluationError::kTargetingKeyMissing: return "The flag needs a targeting key.";
    case model::EvaluationError::kInvalidContext: return "The context names another tenant than the credential.";
    case model::EvaluationError::kParseError: return "The flag's definition cannot be read.";
    case model::EvaluationError::kGeneral: return "There are no definitions yet.";
  }
  return "";
}

constexpr eval::Evaluation kNoDefinitions{.reason = model::Reason::kError, .error = model::EvaluationError::kGeneral};

std::optional<bool> BoolOf(const model::Value& value) {
  return value.AsBool() == nullptr ? std::nullopt : std::optional(*value.AsBool());
}
std::optional<std::string> StringOf(const model::Value& value) {
  return value.AsString() == nullptr ? std::nullopt : std::optional(*value.AsString());
}
std::optional<double> NumberOf(const model::Value& value) {
  if (value.AsDouble() != nullptr) return *value.AsDouble();
  if (value.AsInteger() != nullptr) return static_cast<double>(*value.AsInteger());
  return std::nullopt;
}
std::optional<model::Value> AnyOf(const model::Value& value) { return value; }

}  // namespace

std::string_view NameOf(State state) {
  switch (state) {
    case State::kStarting: return "STARTING";
    case State::kReady: return "READY";
    case State::kStale: return "STALE";
    case State::kError: return "ERROR";
  }
  return "";
}

Core::Core(std::uint64_t fork, std::string id) : forks(fork), client_id(std::move(id)) {}
Core::~Core() = default;

std::optional<milliseconds> Core::Age() const {
  const std::int64_t at = confirmed_at.load();
  if (at == 0) return std::nullopt;
  const SteadyTime time{std::chrono::steady_clock::duration(at)};
  return std::max(milliseconds(0), std::chrono::floor<milliseconds>(std::chrono::steady_clock::now() - time));
}

Status Core::GetStatus() {
  Status out;
  {
    const std::lock_guard lock(mutex);
    out = status;
  }
  out.age = Age();
  out.usage_lost += usage.lost();
  return out;
}

struct Client::Impl {
  explicit Impl(Options given) : options(std::move(given)) {}
  ~Impl() {
    Core* const mine = core.load();
    // A child that never used it: its parent's thread is not here to be waited for.
    if (mine != nullptr && mine->forks == forks.load()) delete mine;
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Core& Current() {
    Core* const mine = core.load(std::memory_order_acquire);
    if (mine->forks == forks.load(std::memory_order_relaxed)) [[likely]]
      return *mine;
    return AfterFork(mine);
  }

  // The first to come in a child gives it a core of its own, with what the parent had; others may be as early.
  Core& AfterFork(Core* parent) {
    const Definitions* had = parent->served.current();
    auto fresh = std::make_unique<Core>(forks.load(), parent->client_id + '.' + std::to_string(::getpid()));
    if (had != nullptr) fresh->served.Publish(std::make_unique<const Definitions>(*had));
    fresh->confirmed_at.store(parent->confirmed_at.load());
    Core* expected = parent;
    if (!core.compare_exchange_strong(expected, fresh.get())) return *expected;
    Core* const mine = fresh.release();
    mine->worker = std::make_unique<Worker>(*mine, options, "");
    return *mine;
  }

  // Calls use(evaluation) while what it points into is there.
  template <class Use>
  void Evaluate(std::string_view flag_key, const model::Context& context, const Use& use) {
    Core& mine = Current();
    const Served<Definitions>::Reader reader(mine.served);
    const Definitions* definitions = reader.value();
    if (definitions == nullptr) return use(kNoDefinitions);
    const std::string& tenant = definitions->texts->tenant;
    if (!tenant.empty() && (context.tenant_id() == nullptr || *context.tenant_id() != tenant))
      return EvaluateForTenant(mine, *definitions, flag_key, context, use);
    EvaluateBound(mine, *definitions, flag_key, context, use);
  }

  // The credential fixes the tenant, as on the server.
  template <class Use>
  void EvaluateForTenant(Core& mine, const Definitions& definitions, std::string_view flag_key,
                         const model::Context& context, const Use& use) {
    if (context.tenant_id() != nullptr)
      return use({.reason = model::Reason::kError, .error = model::EvaluationError::kInvalidContext});
    model::Context::Fields fields{.tenant_id = definitions.texts->tenant, .attributes = context.attributes()};
    if (context.targeting_key() != nullptr) fields.targeting_key = *context.targeting_key();
    const auto bound = model::Context::Create(std::move(fields));
    if (!bound) return use({.reason = model::Reason::kError, .error = model::EvaluationError::kInvalidContext});
    EvaluateBound(mine, definitions, flag_key, *bound, use);
  }

  template <class Use>
  void EvaluateBound(Core& mine, const Definitions& definitions, std::string_view flag_key,
                     const model::Context& context, const Use& use) {
    const auto now = std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
    std::shared_ptr<const eval::Snapshot> one;
    const eval::Snapshot* snapshot = definitions.compiled.get();
    if (snapshot == nullptr) {
      one = CompileOne(*definitions.texts, flag_key);
      snapshot = one.get();
    }
    const eval::Evaluation evaluation = eval::Evaluate(*snapshot, flag_key, context, now);
    if (options.send_usage && evaluation.error != model::EvaluationError::kFlagNotFound)
      mine.usage.Count(std::chrono::floor<std::chrono::minutes>(now).time_since_epoch().count(), flag_key,
                       evaluation.variation == nullptr ? std::string_view() : evaluation.variation->name,
                       context.tenant_id() == nullptr ? std::string_view() : *context.tenant_id());
    use(evaluation);
  }

  template <class T, class Read>
  T Value(std::string_view flag_key, T fallback, const model::Context& context, const Read& read) noexcept {
    try {
      std::optional<T> value;
      Evaluate(flag_key, context, [&](const eval::Evaluation& evaluation) {
        if (evaluation.variation != nullptr) value = read(evaluation.variation->value);
      });
      if (value) return *std::move(value);
    } catch (...) {  // out of memory: the caller has a default for everything
    }
    return fallback;
  }

  template <class T, class Read>
  Details<T> Detailed(std::string_view flag_key, T fallback, const model::Context& context, const Read& read) noexcept {
    Details<T> details{.value = std::move(fallback), .error = model::EvaluationError::kGeneral};
    try {
      Evaluate(flag_key, context, [&](const eval::Evaluation& evaluation) {
        details.reason = evaluation.reason;
        details.error = evaluation.error;
        details.rule_id = evaluation.rule_id;
        details.kill_switch = evaluation.kill_switch;
        details.expired = evaluation.expired;
        details.stale = evaluation.stale;
        if (evaluation.variation != nullptr) {
          if (auto value = read(evaluation.variation->value)) {
            details.value = *std::move(value);
            details.variant = evaluation.variation->name;
          } else {
            details.reason = model::Reason::kError;
            details.error = model::EvaluationError::kTypeMismatch;
          }
        }
        details.error_message = MessageOf(details.error);
      });
    } catch (...) {
      details.reason = model::Reason::kError;
      details.error = model::EvaluationError::kGeneral;
    }
    return details;
  }

  const Options options;
  std::atomic<Core*> core{nullptr};
};

Result<std::unique_ptr<Client>> Client::Start(Options options) {
  GUIDON_TRY(Check(options));
  WatchForks();
  if (options.client_id.empty()) options.client_id = "cpp-" + base::RandomId();
  auto impl = std::make_unique<Impl>(std::move(options));
  First first;
  ReadSnapshot(impl->options, first);
  ReadBootstrap(impl->options, first);
  auto core = std::make_unique<Core>(forks.load(), impl->options.client_id);
  if (first.age) {
    const auto at = std::chrono::steady_clock::now() - *first.age;
    core->confirmed_at.store(at.time_since_epoch().count());
  }
  if (first.definitions.texts != nullptr)
    core->served.Publish(std::make_unique<const Definitions>(std::move(first.definitions)));
  Core* const mine = core.release();
  impl->core.store(mine);
  mine->worker = std::make_unique<Worker>(*mine, impl->options, std::move(first.problem));
  return std::unique_ptr<Client>(new Client(std::move(impl)));
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

bool Client::Bool(std::string_view flag_key, bool fallback, const model::Context& context) noexcept {
  return impl_->Value<bool>(flag_key, fallback, context, BoolOf);
}
std::string Client::String(std::string_view flag_key, std::string fallback, const model::Context& context) noexcept {
  return impl_->Value<std::string>(flag_key, std::move(fallback), context, StringOf);
}
double Client::Number(std::string_view flag_key, double fallback, const model::Context& context) noexcept {
  return impl_->Value<double>(flag_key, fallback, context, NumberOf);
}
model::Value Client::Object(std::string_view flag_key, model::Value fallback, const model::Context& context) noexcept {
  return impl_->Value<model::Value>(flag_key, std::move(fallback), context, AnyOf);
}

Details<bool> Client::BoolDetails(std::string_view flag_key, bool fallback, const model::Context& context) noexcept {
  return impl_->Detailed<bool>(flag_key, fallback, context, BoolOf);
}
Details<std::string> Client::StringDetails(std::string_view flag_key, std::string fallback,
                                           const model::Context& context) noexcept {
  return impl_->Detailed<std::string>(flag_key, std::move(fallback), context, StringOf);
}
Details<double> Client::NumberDetails(std::string_view flag_key, double fallback,
                                      const model::Context& context) noexcept {
  return impl_->Detailed<double>(flag_key, fallback, context, NumberOf);
}
Details<model::Value> Client::ObjectDetails(std::string_view flag_key, model::Value fallback,
                                            const model::Context& context) noexcept {
  return impl_->Detailed<model::Value>(flag_key, std::move(fallback), context, AnyOf);
}

Status Client::status() { return impl_->Current().GetStatus(); }

bool Client::WaitUntilReady(milliseconds timeout) {
  Core& core = impl_->Current();
  std::unique_lock lock(core.mutex);
  core.status_changed.wait_for(lock, timeout, [&] { return core.status.state != State::kStarting; });
  return core.status.state == State::kReady || core.status.state == State::kStale;
}

}  // namespace guidon::client
