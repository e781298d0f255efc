// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/curl_transport.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <condition_variable>
#include <mutex>
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

// One exchange, on the stack of its caller, whose thread carries it out.
struct Job {
  explicit Job(const HttpRequest& job_request) : request(job_request) {}
  const HttpRequest& request;
  std::array<char, CURL_ERROR_SIZE> error{};
  int requests_begun = 0;
  bool too_large = false;
  HttpResponse response = {};
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

// What one caller at a time sends with: a handle and its kept connections. Each has a multi handle of its own, because
// only that can be woken from another thread; and because one for all would be driven by a thread of its own, so that
// each call would cost two changes of thread and a look at every other call.
struct CurlTransport::Lane {
  CURLM* multi = nullptr;
  CURL* easy = nullptr;
  std::atomic<bool> cancelled{false};
};

struct CurlTransport::Impl {
  Impl(const CurlLibrary& library, CurlTransportOptions transport_options)
      : curl(library), options(std::move(transport_options)) {}
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Lane* Take();
  void GiveBack(Lane* lane);
  std::unique_ptr<Lane> MakeLane() const;
  void Close(std::unique_ptr<Lane> lane) const;
  void Cancel(Lane& lane) const;
  curl_slist* Configure(Lane& lane, Job& job) const;
  std::expected<HttpResponse, TransportError> Perform(Lane& lane, Job& job) const;

  const CurlLibrary& curl;
  const CurlTransportOptions options;

  std::mutex mutex;
  bool stopped = false;
  std::vector<std::unique_ptr<Lane>> idle;  // the last one used is the next one taken: few connections, kept busy
  std::vector<std::unique_ptr<Lane>> used;
  std::condition_variable all_back;
};

CurlTransport::Impl::~Impl() {
  std::unique_lock lock(mutex);
  stopped = true;
  for (const auto& lane : used) Cancel(*lane);
  all_back.wait(lock, [&] { return used.empty(); });
  for (auto& lane : idle) Close(std::move(lane));
}

// Null where the transport is stopping.
CurlTransport::Lane* CurlTransport::Impl::Take() {
  std::unique_lock lock(mutex);
  if (stopped) return nullptr;
  if (idle.empty()) {
    used.push_back(MakeLane());
  } else {
    used.push_back(std::move(idle.back()));
    idle.pop_back();
  }
  return used.back().get();
}

void CurlTransport::Impl::GiveBack(Lane* lane) {
  std::unique_ptr<Lane> surplus;
  {
    const std::lock_guard lock(mutex);
    const auto found = std::ranges::find(used, lane, &std::unique_ptr<Lane>::get);
    std::unique_ptr<Lane> back = std::move(*found);
    *found = std::move(used.back());
    used.pop_back();
    back->cancelled.store(false);
    (idle.size() < options.connections_kept_max ? idle.emplace_back() : surplus) = std::move(back);
    if (stopped && used.empty()) all_back.notify_all();
  }
  if (surplus) Close(std::move(surplus));
}

std::unique_ptr<CurlTransport::Lane> CurlTransport::Impl::MakeLane() const {
  auto lane = std::make_unique<Lane>();
  lane->multi = curl.multi_init();
  lane->easy = curl.easy_init();
  // What is the same for every request of a handle.
  const auto set = [&](CURLoption option, auto value) { curl.easy_setopt(lane->easy, option, value); };
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
  return lane;
}

void CurlTransport::Impl::Close(std::unique_ptr<Lane> lane) const {
  curl.easy_cleanup(lane->easy);
  curl.multi_cleanup(lane->multi);
}

void CurlTransport::Impl::Cancel(Lane& lane) const {
  lane.cancelled.store(true);
  curl.multi_wakeup(lane.multi);
}

// The headers, to be freed when the exchange is over.
curl_slist* CurlTransport::Impl::Configure(Lane& lane, Job& job) const {
  const HttpRequest& request = job.request;
  const auto set = [&](CURLoption option, auto value) { curl.easy_setopt(lane.easy, option, value); };
  curl_slist* headers = nullptr;
  std::string header;
  for (const auto& [name, value] : request.headers) {
    header.assign(name).append(": ").append(value);
    headers = curl.slist_append(headers, header.c_str());
  }
  // Without this libcurl waits a second for a "100 Continue" before it sends a larger body.
  headers = curl.slist_append(headers, "expect:");
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_HTTPHEADER, headers);
  set(CURLOPT_ERRORBUFFER, job.error.data());
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  set(CURLOPT_WRITEDATA, static_cast<void*>(&job));
  set(CURLOPT_HEADERDATA, static_cast<void*>(&job));
  set(CURLOPT_PREREQDATA, static_cast<void*>(&job));
  set(CURLOPT_PROXY, request.direct ? "" : static_cast<const char*>(nullptr));
  if (request.method == "GET") {
    set(CURLOPT_HTTPGET, 1L);
    set(CURLOPT_CUSTOMREQUEST, static_cast<const char*>(nullptr));
    return headers;
  }
  set(CURLOPT_POST, 1L);
  set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  set(CURLOPT_POSTFIELDS, request.body.c_str());
  return headers;
}

// Drives the exchange of a handle that was added to its lane, to its end.
std::expected<HttpResponse, TransportError> CurlTransport::Impl::Perform(Lane& lane, Job& job) const {
  while (true) {
    int active = 0;
    curl.multi_perform(lane.multi, &active);
    int left = 0;
    while (const CURLMsg* message = curl.multi_info_read(lane.multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      if (code == CURLE_OK) return std::move(job.response);
      return std::unexpected(ErrorOf(job, code, job.error[0] != '\0' ? job.error.data() : curl.easy_strerror(code)));
    }
    if (lane.cancelled.load()) {
      return std::unexpected(TransportError{.kind = TransportError::Kind::kCancelled,
                                            .maybe_received = job.requests_begun > 0,
                                            .message = "the call was cancelled"});
    }
    curl.multi_poll(lane.multi, nullptr, 0, kPollMillisecondsMax, nullptr);
  }
}

base::Result<std::unique_ptr<CurlTransport>> CurlTransport::Create(CurlTransportOptions options) {
  GUIDON_ASSIGN(const CurlLibrary* library, CurlLibrary::Load());
  return std::unique_ptr<CurlTransport>(new CurlTransport(std::make_unique<Impl>(*library, std::move(options))));
}

CurlTransport::CurlTransport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

CurlTransport::~CurlTransport() = default;

std::expected<HttpResponse, TransportError> CurlTransport::Send(const HttpRequest& request, std::stop_token stop) {
  Lane* const lane = impl_->Take();
  if (lane == nullptr)
    return std::unexpected(TransportError{
        .kind = TransportError::Kind::kCancelled, .maybe_received = false, .message = "the client is stopping"});
  Job job(request);
  curl_slist* const headers = impl_->Configure(*lane, job);
  impl_->curl.multi_add_handle(lane->multi, lane->easy);
  auto result = [&] {
    const std::stop_callback cancel(stop, [&] { impl_->Cancel(*lane); });
    return impl_->Perform(*lane, job);
  }();
  impl_->curl.multi_remove_handle(lane->multi, lane->easy);
  impl_->curl.slist_free_all(headers);
  impl_->GiveBack(lane);
  return result;
}

}  // namespace guidon::aws
