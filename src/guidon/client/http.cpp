// SPDX-License-Identifier: Apache-2.0
#include "guidon/client/http.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <mutex>
#include <optional>

#include <curl/curl.h>

#include "guidon/base/text.hpp"

namespace guidon::client {
namespace {

// The server's definitions have 128 MiB at most; escapes and compression are within that.
constexpr std::size_t kBodyBytesMax = 256UL * 1024 * 1024;
constexpr long kConnectMillisecondsMax = 5000;
constexpr int kStatusOk = 200;

bool BeginCurl() {
  static std::once_flag once;
  static bool begun = false;
  std::call_once(once, [] { begun = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK; });
  return begun;
}

}  // namespace

struct Http::Impl {
  struct Job {
    std::uint64_t id = 0;
    HttpCall call;
    CURL* easy = nullptr;
    curl_slist* headers = nullptr;
    HttpAnswer answer;
    std::array<char, CURL_ERROR_SIZE> error{};

    Job() = default;
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;
    ~Job() {
      curl_slist_free_all(headers);
      if (easy != nullptr) curl_easy_cleanup(easy);
    }
  };

  Impl(CURLM* handle, std::string agent, std::string bundle)
      : multi(handle), user_agent(std::move(agent)), ca_bundle(std::move(bundle)) {}
  ~Impl() {
    for (const auto& job : jobs) curl_multi_remove_handle(multi, job->easy);
    jobs.clear();
    curl_multi_cleanup(multi);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* user);
  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* user);
  void Configure(Job& job) const;
  std::unique_ptr<Job> Take(const CURL* easy);
  void Finish();

  CURLM* const multi;
  const std::string user_agent;
  const std::string ca_bundle;
  std::vector<std::unique_ptr<Job>> jobs;
  std::uint64_t ids = 0;
};

std::size_t Http::Impl::OnBody(char* data, std::size_t size, std::size_t count, void* user) {
  auto& job = *static_cast<Job*>(user);
  const std::string_view bytes(data, size * count);
  if (job.call.on_data && job.answer.status == kStatusOk) return job.call.on_data(bytes) ? bytes.size() : 0;
  if (job.answer.body.size() + bytes.size() > kBodyBytesMax) return 0;
  job.answer.body += bytes;
  return bytes.size();
}

std::size_t Http::Impl::OnHeader(char* data, std::size_t size, std::size_t count, void* user) {
  HttpAnswer& answer = static_cast<Job*>(user)->answer;
  const std::string_view line = base::Trim({data, size * count});
  if (line.starts_with("HTTP/")) {
    answer.headers.clear();
    answer.status = 0;
    const std::string_view after = line.substr(std::min(line.find(' '), line.size()));
    for (const char c : base::Trim(after).substr(0, 3)) answer.status = answer.status * 10 + (c - '0');
  } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    answer.headers[name] = std::string(base::Trim(line.substr(colon + 1)));
  }
  return size * count;
}

void Http::Impl::Configure(Job& job) const {
  const HttpCall& call = job.call;
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(job.easy, option, value); };
  std::string header;
  for (const auto& [name, value] : call.headers) {
    header.assign(name).append(": ").append(value);
    job.headers = curl_slist_append(job.headers, header.c_str());
  }
  job.headers = curl_slist_append(job.headers, "expect:");
  set(CURLOPT_URL, call.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_NOSIGNAL, 1L);
  // A name that is being looked up must not hold up the end of the program.
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_USERAGENT, user_agent.c_str());
  set(CURLOPT_HTTPHEADER, job.headers);
  set(CURLOPT_ERRORBUFFER, job.error.data());
  set(CURLOPT_CONNECTTIMEOUT_MS, kConnectMillisecondsMax);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(call.timeout.count()));
  if (call.silence_max.count() > 0) {
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(call.silence_max.count()));
  }
  if (!call.on_data) set(CURLOPT_ACCEPT_ENCODING, "gzip");
  set(CURLOPT_WRITEFUNCTION, &OnBody);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&job));
  set(CURLOPT_HEADERFUNCTION, &OnHeader);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&job));
  set(CURLOPT_PRIVATE, static_cast<void*>(&job));
  if (!ca_bundle.empty()) set(CURLOPT_CAINFO, ca_bundle.c_str());
  if (call.method == "GET") return;
  set(CURLOPT_POST, 1L);
  set(CURLOPT_CUSTOMREQUEST, call.method.c_str());
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
  set(CURLOPT_POSTFIELDS, call.body.c_str());
}

std::unique_ptr<Http::Impl::Job> Http::Impl::Take(const CURL* easy) {
  const auto at = std::ranges::find_if(jobs, [&](const auto& job) { return job->easy == easy; });
  if (at == jobs.end()) return nullptr;
  std::unique_ptr<Job> job = std::move(*at);
  jobs.erase(at);
  curl_multi_remove_handle(multi, job->easy);
  return job;
}

void Http::Impl::Finish() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    const std::unique_ptr<Job> job = Take(message->easy_handle);
    if (job == nullptr) continue;
    if (code != CURLE_OK) {
      job->answer.error = job->error[0] != '\0' ? job->error.data() : curl_easy_strerror(code);
      // Half an answer is none; of a stream it is known that it had begun.
      if (!job->call.on_data) job->answer.status = 0;
    }
    job->call.done(std::move(job->answer));
  }
}

base::Result<std::unique_ptr<Http>> Http::Create(std::string user_agent, std::string ca_bundle) {
  CURLM* const multi = BeginCurl() ? curl_multi_init() : nullptr;
  if (multi == nullptr) return base::Fail(base::ErrorCode::kUnavailable, "libcurl cannot begin");
  return std::unique_ptr<Http>(new Http(std::make_unique<Impl>(multi, std::move(user_agent), std::move(ca_bundle))));
}

Http::Http(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Http::~Http() = default;

std::uint64_t Http::Start(HttpCall call) {
  auto job = std::make_unique<Impl::Job>();
  job->id = ++impl_->ids;
  job->call = std::move(call);
  job->easy = curl_easy_init();
  impl_->Configure(*job);
  curl_multi_add_handle(impl_->multi, job->easy);
  impl_->jobs.push_back(std::move(job));
  return impl_->ids;
}

void Http::Cancel(std::uint64_t id) {
  const auto at = std::ranges::find_if(impl_->jobs, [&](const auto& job) { return job->id == id; });
  if (at != impl_->jobs.end()) impl_->Take((*at)->easy);
}

void Http::Poll(std::chrono::milliseconds wait) {
  int active = 0;
  curl_multi_perform(impl_->multi, &active);
  impl_->Finish();
  curl_multi_poll(impl_->multi, nullptr, 0, static_cast<int>(wait.count()), nullptr);
  curl_multi_perform(impl_->multi, &active);
  impl_->Finish();
}

void Http::Wake() { curl_multi_wakeup(impl_->multi); }

std::string UrlEncode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr unsigned kNibble = 4;
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> kNibble];
      out += kDigits[byte & 0xfU];
    }
  }
  return out;
}

}  // namespace guidon::client
