// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/curl_transport.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "guidon/aws/curl_library.hpp"
#include "guidon/base/text.hpp"

namespace guidon::aws {
namespace {

// A BatchGetItem holds 16 MB of data; as JSON with base 64 and escapes it is larger, but never by so much.
constexpr std::size_t kAnswerBytesMax = 64UL * 1024 * 1024;
// Services close idle connections after a while; one that is about to be closed could take a write and lose its answer.
constexpr long kIdleConnectionSecondsMax = 20;
constexpr int kPollMillisecondsMax = 1000;

// One exchange. Lives on the caller's stack; belongs to the transport's thread until `done`.
struct Job {
  explicit Job(const HttpRequest& job_request) : request(job_request) {}
  const HttpRequest& request;
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  std::array<char, CURL_ERROR_SIZE> error{};
  int requests_begun = 0;
  bool too_large = false;
  HttpResponse response = {};

  std::atomic<bool> cancelled{false};
  // Guarded by the transport's mutex. Atomic all the same: ThreadSanitizer does not see that a wait inside the C++
  // library takes the lock again.
  std::atomic<bool> done{false};
  std::expected<HttpResponse, TransportError> result = {};
  std::condition_variable wake;
};

std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* user) {
  auto& job = *static_cast<Job*>(user);
  if (job.response.body.size() + size * count > kAnswerBytesMax) {
    job.too_large = true;
    return 0;
  }
  job.response.body.append(data, size * count);
  return size * count;
}

std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* user) {
  auto& response = static_cast<Job*>(user)->response;
  const std::string_view line = base::Trim({data, size * count});
  if (line.starts_with("HTTP/")) {
    response.headers.clear();
    response.status = 0;
    const std::size_t space = std::min(line.find(' '), line.size());
    for (const char c : base::Trim(line.substr(space)).substr(0, 3)) response.status = response.status * 10 + (c - '0');
  } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    response.headers[name] = std::string(base::Trim(line.substr(colon + 1)));
  }
  return size * count;
}

// Called just before a request goes out. libcurl sends it again by itself when a kept connection turns out to be
// closed, and cannot know whether the service has carried it out: a write would be done twice.
int OnRequestBegins(void* user, char* /*primary_ip*/, char* /*local_ip*/, int /*primary_port*/, int /*local_port*/) {
  auto& job = *static_cast<Job*>(user);
  return ++job.requests_begun == 1 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

TransportError ErrorOf(const Job& job, CURLcode code, std::string_view text) {
  using Kind = TransportError::Kind;
  TransportError error{.kind = Kind::kBroken, .maybe_received = job.requests_begun > 0, .message = std::string(text)};
  if (job.too_large) {
    error.kind = Kind::kTooLarge;
    error.message = "the answer is over 64 MiB";
  } else if (code == CURLE_ABORTED_BY_CALLBACK) {
    error.message = "the kept connection was closed while the request was sent";
  } else if (code == CURLE_OPERATION_TIMEDOUT) {
    error.kind = Kind::kTimeout;
  } else if (!error.maybe_received) {
    error.kind = Kind::kNotConnected;
  }
  return error;
}

}  // namespace

struct CurlTransport::Impl {
  Impl(const CurlLibrary& library, CurlTransportOptions transport_options)
      : curl(library), options(std::move(transport_options)), multi(curl.multi_init()) {
    curl.multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(options.connections_kept_max));
    thread = std::jthread([this](const std::stop_token& stop) { Run(stop); });
  }

  ~Impl() {
    thread.request_stop();
    curl.multi_wakeup(multi);
    thread.join();
    for (CURL* easy : idle) curl.easy_cleanup(easy);
    curl.multi_cleanup(multi);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void Run(const std::stop_token& stop);
  CURL* MakeHandle() const;
  void Begin(Job& job);
  void Configure(Job& job) const;
  void End(Job& job, std::expected<HttpResponse, TransportError> result);
  void TakeFinished();
  void DropCancelled(bool all);

  const CurlLibrary& curl;
  const CurlTransportOptions options;
  CURLM* const multi;
  std::vector<CURL*> idle;    // of the thread
  std::vector<Job*> running;  // of the thread

  std::mutex mutex;
  bool stopped = false;
  bool sleeping = false;  // or about to: it must be woken for what is waiting
  std::vector<Job*> waiting;
  std::jthread thread;
};

// What is the same for every request of a handle.
CURL* CurlTransport::Impl::MakeHandle() const {
  CURL* easy = curl.easy_init();
  const auto set = [&](CURLoption option, auto value) { curl.easy_setopt(easy, option, value); };
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_MAXAGE_CONN, kIdleConnectionSecondsMax);
  set(CURLOPT_USERAGENT, options.user_agent.c_str());
  set(CURLOPT_WRITEFUNCTION, &OnBody);
  set(CURLOPT_HEADERFUNCTION, &OnHeader);
  set(CURLOPT_PREREQFUNCTION, &OnRequestBegins);
  if (!options.ca_bundle.empty()) set(CURLOPT_CAINFO, options.ca_bundle.c_str());
  return easy;
}

void CurlTransport::Impl::Configure(Job& job) const {
  const HttpRequest& request = job.request;
  const auto set = [&](CURLoption option, auto value) { curl.easy_setopt(job.easy, option, value); };
  for (const auto& [name, value] : request.headers)
    job.headers = curl.slist_append(job.headers, (name + ": " + value).c_str());
  // Without this libcurl waits a second for a "100 Continue" before it sends a larger body.
  job.headers = curl.slist_append(job.headers, "expect:");
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_HTTPHEADER, job.headers);
  set(CURLOPT_ERRORBUFFER, job.error.data());
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  set(CURLOPT_WRITEDATA, static_cast<void*>(&job));
  set(CURLOPT_HEADERDATA, static_cast<void*>(&job));
  set(CURLOPT_PREREQDATA, static_cast<void*>(&job));
  set(CURLOPT_PRIVATE, static_cast<void*>(&job));
  set(CURLOPT_PROXY, request.direct ? "" : static_cast<const char*>(nullptr));
  if (request.method == "GET") {
    set(CURLOPT_HTTPGET, 1L);
    set(CURLOPT_CUSTOMREQUEST, static_cast<const char*>(nullptr));
    return;
  }
  set(CURLOPT_POST, 1L);
  set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  set(CURLOPT_POSTFIELDS, request.body.c_str());
}

void CurlTransport::Impl::Begin(Job& job) {
  if (idle.empty()) {
    job.easy = MakeHandle();
  } else {
    job.easy = idle.back();
    idle.pop_back();
  }
  Configure(job);
  running.push_back(&job);
  curl.multi_add_handle(multi, job.easy);
}

void CurlTransport::Impl::End(Job& job, std::expected<HttpResponse, TransportError> result) {
  curl.multi_remove_handle(multi, job.easy);
  curl.slist_free_all(job.headers);
  idle.push_back(job.easy);
  std::erase(running, &job);
  // Under the lock to its end: the job is gone as soon as its owner has seen that it is done.
  const std::lock_guard lock(mutex);
  job.result = std::move(result);
  job.done = true;
  job.wake.notify_one();
}

void CurlTransport::Impl::TakeFinished() {
  int left = 0;
  while (const CURLMsg* message = curl.multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* owner = nullptr;
    curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
    Job& job = *reinterpret_cast<Job*>(owner);
    const CURLcode code = message->data.result;
    if (code == CURLE_OK) {
      End(job, std::move(job.response));
    } else {
      End(job, std::unexpected(ErrorOf(job, code, job.error[0] != '\0' ? job.error.data() : curl.easy_strerror(code))));
    }
  }
}

void CurlTransport::Impl::DropCancelled(bool all) {
  for (Job* job : std::vector<Job*>(running)) {
    if (!all && !job->cancelled.load()) continue;
    End(*job, std::unexpected(TransportError{.kind = TransportError::Kind::kCancelled,
                                             .maybe_received = job->requests_begun > 0,
                                             .message = "the call was cancelled"}));
  }
}

void CurlTransport::Impl::Run(const std::stop_token& stop) {
  while (true) {
    std::vector<Job*> begun;
    {
      const std::lock_guard lock(mutex);
      begun.swap(waiting);
      sleeping = begun.empty();
      stopped = stop.stop_requested();
    }
    for (Job* job : begun) Begin(*job);
    DropCancelled(stop.stop_requested());
    if (stop.stop_requested()) return;
    int active = 0;
    curl.multi_perform(multi, &active);
    TakeFinished();
    // After new work there may be more of it: only a round without any sleeps.
    if (begun.empty()) curl.multi_poll(multi, nullptr, 0, kPollMillisecondsMax, nullptr);
  }
}

base::Result<std::unique_ptr<CurlTransport>> CurlTransport::Create(CurlTransportOptions options) {
  GUIDON_ASSIGN(const CurlLibrary* library, CurlLibrary::Load());
  return std::unique_ptr<CurlTransport>(new CurlTransport(std::make_unique<Impl>(*library, std::move(options))));
}

CurlTransport::CurlTransport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

CurlTransport::~CurlTransport() = default;

std::expected<HttpResponse, TransportError> CurlTransport::Send(const HttpRequest& request, std::stop_token stop) {
  Job job(request);
  bool wake = false;
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopped)
      return std::unexpected(TransportError{
          .kind = TransportError::Kind::kCancelled, .maybe_received = false, .message = "the client is stopping"});
    impl_->waiting.push_back(&job);
    wake = std::exchange(impl_->sleeping, false);
  }
  if (wake) impl_->curl.multi_wakeup(impl_->multi);
  const std::stop_callback cancel(stop, [&] {
    job.cancelled.store(true);
    impl_->curl.multi_wakeup(impl_->multi);
  });
  std::unique_lock lock(impl_->mutex);
  job.wake.wait(lock, [&] { return job.done.load(); });
  return std::move(job.result);
}

}  // namespace guidon::aws
