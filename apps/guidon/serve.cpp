// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/serve.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <iterator>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "apps/guidon/backend.hpp"
#include "apps/guidon/background.hpp"
#include "apps/guidon/client.hpp"
#include "apps/guidon/demo_data.hpp"
#include "apps/guidon/flagd_metrics.hpp"
#include "apps/guidon/follower.hpp"
#include "apps/guidon/greeting.hpp"
#include "apps/guidon/node_reporter.hpp"
#include "apps/guidon/program_log.hpp"
#include "guidon/api_grpc/server.hpp"
#include "ui/ui_files.hpp"

namespace guidon::cli {
namespace {

// Each arena of the allocator keeps its own free memory; with tens of threads that mostly wait, two are enough.
constexpr int kAllocatorArenasMax = 2;
constexpr int kExitBySecondSignal = 1;
constexpr std::chrono::milliseconds kFlagdGrace{1000};

sigset_t ServerSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  return signals;
}

// While it lives, SIGINT or SIGTERM ends the process at once: somebody asked for the second time. Acknowledged writes
// are on the disk already.
class SecondSignalWatch {
 public:
  SecondSignalWatch()
      : thread_([](const std::stop_token& stop) {
          const sigset_t signals = ServerSignals();
          const timespec interval{.tv_sec = 0, .tv_nsec = 50'000'000};
          while (!stop.stop_requested()) {
            const int signal = sigtimedwait(&signals, nullptr, &interval);
            if (signal == SIGINT || signal == SIGTERM) _exit(kExitBySecondSignal);
          }
        }) {}

 private:
  std::jthread thread_;
};

// Each connection and each event stream takes a descriptor, and the usual limit is 1,024.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Outcome<void> RequireKeys(const Configuration& configuration, app::Application& application) {
  if (configuration.KeylessAllowed() || HasAdminKey(application)) return {};
  Failure failure{.exit = ExitCode::kNotAllowed, .what = "The server does not start without an admin key"};
  failure.why = configuration.profile == "local"
                    ? fmt::format("{} is not a loopback address, so whoever reaches it could change everything",
                                  configuration.address)
                    : fmt::format(
                          "only the local profile on a loopback address works without keys, and this is "
                          "profile {}",
                          configuration.profile);
  failure.next = configuration.store == StoreKind::kMemory
                     ? "use --store rocksdb: the memory store cannot hold a key from before the start"
                     : "make the first key: guidon key bootstrap with the settings of this server";
  if (configuration.store == StoreKind::kRocksDb)
    failure.next = fmt::format("make the first key: guidon key bootstrap --profile {} --store rocksdb --data '{}'",
                               configuration.profile, configuration.data.string());
  return Refuse(std::move(failure));
}

api_http::ServerOptions ServerOptionsOf(const Configuration& configuration, const Backend& backend) {
  return {.address = configuration.address,
          .port = configuration.port,
          .io_threads = configuration.io_threads,
          .worker_threads = configuration.worker_threads,
          .local_profile = configuration.KeylessAllowed(),
          .default_environment = configuration.default_environment,
          .allowed_hosts = configuration.allowed_hosts,
          .allowed_origins = configuration.allowed_origins,
          .limits = configuration.limits,
          .ui = ui::Files(),
          .more_metrics = backend.MoreMetrics()};
}

api_grpc::ServerOptions FlagdOptionsOf(const Configuration& configuration) {
  return {.address = configuration.address,
          .evaluation_port = configuration.flagd.port,
          .sync_port = configuration.flagd.sync_port,
          .unix_socket = configuration.flagd.socket,
          .tls_certificate = configuration.flagd.tls_certificate,
          .tls_key = configuration.flagd.tls_key,
          .local_profile = configuration.KeylessAllowed(),
          .default_environment = configuration.default_environment};
}

// Gives back the pages of our own code: those of the start are not needed again, and the system maps those that are in
// use at their next use, from the file that it has in memory. Code has no relocations, so nothing is lost.
void ForgetCodeOfStart() {
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void*) {
        const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
        for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
          const auto& segment = info->dlpi_phdr[i];
          if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0 || (segment.p_flags & PF_W) != 0) continue;
          const std::uintptr_t begin = (info->dlpi_addr + segment.p_vaddr) / page * page;
          const std::uintptr_t end = info->dlpi_addr + segment.p_vaddr + segment.p_memsz;
          // NOLINTNEXTLINE(performance-no-int-to-ptr): an address from the loader
          madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
        }
        return 1;  // the program comes first; libraries are other programs' as well
      },
      nullptr);
}

// The running server with all that belongs to it.
class Program {
 public:
  Program(SettingSources sources, Settings settings, Configuration configuration)
      : sources_(std::move(sources)),
        settings_(std::move(settings)),
        configuration_(std::move(configuration)),
        terminal_(Terminal::Detect()),
        log_(configuration_.log_format, configuration_.log_level, terminal_.colour_error) {}

  Outcome<void> Start() {
    GUIDON_ASSIGN(backend_, OpenBackend(configuration_, MissingSecret::kRefuseWithKeys, CopyOnDisk::kKept));
    GUIDON_TRY(RequireKeys(configuration_, backend_->application()));
    std::size_t demo_flags = 0;
    if (configuration_.demo && IsEmpty(backend_->application())) {
      GUIDON_ASSIGN(demo_flags, WriteDemoData(backend_->application()));
    }
    backend_->application().usage().SetSampling(configuration_.usage_log);
    background_ = std::make_unique<Background>(backend_->application(), configuration_.cache_ttl);
    if (backend_->is_shared()) follower_ = std::make_unique<Follower>(*backend_, configuration_.poll_interval);
    api_http::ServerOptions options = ServerOptionsOf(configuration_, *backend_);
    options.settings = [this] { return EffectiveSettings(); };
    if (configuration_.flagd.enabled)
      options.more_metrics = [this, more = options.more_metrics] {
        auto groups = more ? more() : std::vector<api_http::MetricGroup>();
        std::ranges::move(FlagdMetrics(flagd_figures_), std::back_inserter(groups));
        return groups;
      };
    GUIDON_ASSIGN(server_, Lift(api_http::Server::Start(backend_->application(), backend_->table(), options),
                                fmt::format("Cannot listen on {}:{}", configuration_.address, configuration_.port)));
    if (configuration_.flagd.enabled) {
      GUIDON_ASSIGN(
          flagd_, Lift(api_grpc::Server::Start(backend_->application(), FlagdOptionsOf(configuration_), flagd_figures_),
                       "Cannot serve flagd's interfaces"));
      base::Log(base::LogLevel::kInfo, "listening for flagd's providers",
                {{"address", std::string_view(configuration_.address)},
                 {"port", std::int64_t{flagd_->evaluation_port()}},
                 {"sync_port", std::int64_t{flagd_->sync_port()}}});
    }
    if (backend_->is_shared()) reporter_ = std::make_unique<NodeReporter>(backend_->application());
    // Loading and the demo data leave much that is free but not given back.
    malloc_trim(0);
    ForgetCodeOfStart();
    Announce(demo_flags);
    return {};
  }

  // Until a signal says to stop.
  void Run() {
    const sigset_t signals = ServerSignals();
    for (int signal = 0; sigwait(&signals, &signal) == 0;) {
      if (signal != SIGHUP) {
        base::Log(base::LogLevel::kInfo, "stopping", {{"signal", std::string_view(signal == SIGINT ? "INT" : "TERM")}});
        return;
      }
      Reload();
    }
  }

  void Stop() {
    const SecondSignalWatch watch;
    reporter_.reset();  // nobody is to wait for a node that ends
    // Its streams are told to go elsewhere at once; calls take milliseconds.
    if (flagd_ != nullptr) flagd_->Stop(kFlagdGrace);
    const bool whole = server_->Stop(configuration_.shutdown_grace);
    if (!whole) base::Log(base::LogLevel::kWarn, "requests were cut off when the grace period ended");
    follower_.reset();
    background_.reset();
    if (const auto flushed = backend_->application().FlushBackgroundWrites(true); !flushed)
      base::Log(base::LogLevel::kError, "last background writes failed",
                {{"error", std::string_view(flushed.error().message)}});
    flagd_.reset();
    server_.reset();
    backend_.reset();
    base::Log(base::LogLevel::kInfo, "stopped");
  }

 private:
  void Announce(std::size_t demo_flags) {
    Greeting greeting{.program = program_invocation_name,
                      .profile = configuration_.profile,
                      .store = backend_->StoreText(configuration_),
                      .node = backend_->application().node(),
                      .address = configuration_.address,
                      .port = server_->port(),
                      .demo_flags = demo_flags};
    for (const auto& environment : backend_->application().health().environments) {
      ++greeting.environments;
      greeting.flags += environment.flags;
      for (const auto& problem : environment.problems)
        base::Log(base::LogLevel::kWarn, "flag does not compile",
                  {{"environment", std::string_view(environment.environment)},
                   {"flag", std::string_view(problem.flag_key)},
                   {"error", std::string_view(problem.error.message)}});
    }
    const std::string url = UrlOf(greeting);
    base::Log(base::LogLevel::kInfo, "listening",
              {{"url", std::string_view(url)},
               {"profile", std::string_view(greeting.profile)},
               {"store", std::string_view(greeting.store)},
               {"node", std::string_view(backend_->application().node())},
               {"flags", static_cast<std::int64_t>(greeting.flags)},
               {"version", std::string_view(GUIDON_VERSION)}});
    if (configuration_.log_format == LogFormat::kConsole) {
      Print(GreetingText(greeting, terminal_));
      std::fflush(stdout);
    }
  }

  // Takes over the settings that can change while the server runs and names those that cannot.
  void Reload() {
    auto settings = Settings::Load(sources_);
    auto configuration = settings ? Interpret(*settings) : Outcome<Configuration>(Refuse(settings.error()));
    if (!configuration) {
      base::Log(base::LogLevel::kError, "settings not reloaded",
                {{"error", std::string_view(configuration.error().what)},
                 {"why", std::string_view(configuration.error().why)}});
      return;
    }
    for (const SettingSpec& spec : AllSettings()) {
      const Setting& before = settings_.Get(spec.key);
      const Setting& after = settings->Get(spec.key);
      if (before.value == after.value) continue;
      const std::string was = before.Shown();
      const std::string is = after.Shown();
      base::Log(spec.reloadable ? base::LogLevel::kInfo : base::LogLevel::kWarn,
                spec.reloadable ? "setting changed" : "setting changes at the next start",
                {{"setting", spec.key}, {"from", std::string_view(was)}, {"to", std::string_view(is)}});
    }
    log_.SetLevel(configuration->log_level);
    background_->SetRefreshInterval(configuration->cache_ttl);
    backend_->application().usage().SetInterval(configuration->usage_interval);
    backend_->application().usage().SetSampling(configuration->usage_log);
    if (follower_ != nullptr) follower_->SetInterval(configuration->poll_interval);
    configuration_.shutdown_grace = configuration->shutdown_grace;
    {
      const std::lock_guard lock(settings_mutex_);
      settings_.TakeReloadable(*settings);
    }
    base::Log(base::LogLevel::kInfo, "settings reloaded");
  }

  std::vector<api_http::EffectiveSetting> EffectiveSettings() {
    const std::lock_guard lock(settings_mutex_);
    std::vector<api_http::EffectiveSetting> effective;
    for (const Setting& setting : settings_.all())
      effective.push_back({.name = std::string(setting.spec->key),
                           // What it turned out to be where it was left to the program.
                           .value = setting.spec->key == "node_id" ? backend_->application().node() : setting.Shown(),
                           .origin = std::string(NameOf(setting.origin)),
                           .source = setting.source});
    return effective;
  }

  SettingSources sources_;
  std::mutex settings_mutex_;  // one thread writes, at a reload; the server's workers read
  Settings settings_;
  Configuration configuration_;
  Terminal terminal_;
  ProgramLog log_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Background> background_;
  std::unique_ptr<Follower> follower_;  // where other nodes may change the store
  api_grpc::Figures flagd_figures_;
  std::unique_ptr<api_http::Server> server_;
  std::unique_ptr<api_grpc::Server> flagd_;
  std::unique_ptr<NodeReporter> reporter_;  // likewise
};

}  // namespace

Outcome<void> Serve(const SettingSources& sources) {
  // Before the first thread: all inherit both.
  mallopt(M_ARENA_MAX, kAllocatorArenasMax);
  const sigset_t signals = ServerSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  RaiseDescriptorLimit();
  std::signal(SIGPIPE, SIG_IGN);

  GUIDON_ASSIGN(Settings settings, Settings::Load(sources));
  GUIDON_ASSIGN(Configuration configuration, Interpret(settings));
  Program program(sources, std::move(settings), std::move(configuration));
  GUIDON_TRY(program.Start());
  program.Run();
  program.Stop();
  return {};
}

}  // namespace guidon::cli
