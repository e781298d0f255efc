// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/http_client.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include <curl/curl.h>
#include <dlfcn.h>
#include <fmt/format.h>

namespace guidon::cli {
namespace {

// An answer larger than this is not one of our server's: lists are paged and exports go to a sink.
constexpr std::size_t kAnswerBytesMax = 64UL * 1024 * 1024;
// A server that is there accepts at once; waiting longer only delays the message.
constexpr long kConnectMillisecondsMax = 5'000;

struct Transfer {
  HttpAnswer answer;
  const std::function<bool(std::string_view)>* sink = nullptr;
  bool too_large = false;
};

std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view bytes(data, size * count);
  if (transfer.sink != nullptr && *transfer.sink && transfer.answer.status == 200)
    return (*transfer.sink)(bytes) ? bytes.size() : 0;
  if (transfer.answer.body.size() + bytes.size() > kAnswerBytesMax) {
    transfer.too_large = true;
    return 0;
  }
  transfer.answer.body += bytes;
  return bytes.size();
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

// One header line, or the status line that begins an answer (there may be a 100 before the real one).
std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* user) {
  auto& answer = static_cast<Transfer*>(user)->answer;
  const std::string_view line = Trim({data, size * count});
  if (line.starts_with("HTTP/")) {
    answer.headers.clear();
    const std::size_t space = std::min(line.find(' '), line.size());
    answer.status = 0;
    for (const char c : Trim(line.substr(space)).substr(0, 3)) answer.status = answer.status * 10 + (c - '0');
  } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    answer.headers[name] = std::string(Trim(line.substr(colon + 1)));
  }
  return size * count;
}

struct UrlParts {
  std::string scheme;
  std::string host;
};

std::optional<UrlParts> SplitUrl(std::string_view url) {
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  UrlParts parts{.scheme = std::string(url.substr(0, colon)), .host = {}};
  if (parts.scheme != "http" && parts.scheme != "https") return std::nullopt;
  std::string_view authority = url.substr(colon + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (authority.empty() || authority.contains('@')) return std::nullopt;
  const std::size_t host_end = authority.starts_with('[') ? authority.find(']') + 1 : authority.find(':');
  parts.host = std::string(authority.substr(0, host_end));
  return parts;
}

}  // namespace

// The part of libcurl that is used here.
struct HttpClient::Library {
  decltype(&curl_easy_init) init = nullptr;
  decltype(&curl_easy_setopt) setopt = nullptr;
  decltype(&curl_easy_perform) perform = nullptr;
  decltype(&curl_easy_reset) reset = nullptr;
  decltype(&curl_easy_cleanup) cleanup = nullptr;
  decltype(&curl_easy_strerror) strerror = nullptr;
  decltype(&curl_slist_append) slist_append = nullptr;
  decltype(&curl_slist_free_all) slist_free_all = nullptr;
};

Outcome<const HttpClient::Library*> HttpClient::LoadLibrary() {
  static Library library;
  if (library.init != nullptr) return &library;
  void* handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    return Refuse({.what = "The HTTP client library libcurl.so.4 cannot be loaded",
                   .why = "commands that talk to a server need it; `guidon serve` does not",
                   .next = "install the package libcurl4"});
  bool complete = true;
  const auto load = [&]<class Function>(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(handle, name));
    complete = complete && function != nullptr;
  };
  load(library.setopt, "curl_easy_setopt");
  load(library.perform, "curl_easy_perform");
  load(library.reset, "curl_easy_reset");
  load(library.cleanup, "curl_easy_cleanup");
  load(library.strerror, "curl_easy_strerror");
  load(library.slist_append, "curl_slist_append");
  load(library.slist_free_all, "curl_slist_free_all");
  load(library.init, "curl_easy_init");
  if (complete) return &library;
  library.init = nullptr;
  return Refuse({.what = "libcurl.so.4 lacks functions that are needed", .next = "install the package libcurl4"});
}

Outcome<std::unique_ptr<HttpClient>> HttpClient::Create(HttpClientOptions options) {
  while (options.url.ends_with('/')) options.url.pop_back();
  const auto parts = SplitUrl(options.url);
  if (!parts)
    return UsageError(fmt::format("'{}' is not the URL of a server", options.url),
                      "give --url or GUIDON_URL as http://HOST:PORT or https://HOST, without user name and password");
  if (!options.api_key.empty() && parts->scheme == "http" && !IsLoopbackHost(parts->host))
    fmt::print(stderr, "warning: the API key goes to {} without encryption; use https\n", parts->host);
  auto library = LoadLibrary();
  if (!library) return std::unexpected(std::move(library).error());
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(options), **library));
}

HttpClient::HttpClient(HttpClientOptions options, const Library& library)
    : options_(std::move(options)), library_(library), handle_(library.init()) {}

HttpClient::~HttpClient() { library_.cleanup(handle_); }

Failure HttpClient::Unreachable(int code, std::string_view detail) const {
  const bool timed_out = code == CURLE_OPERATION_TIMEDOUT;
  return {.exit = ExitCode::kUnavailable,
          .what = timed_out ? fmt::format("No answer from {} within {} ms", options_.url, options_.timeout.count())
                            : fmt::format("No answer from {}", options_.url),
          .why = std::string(detail),
          .next = "check that the server runs (guidon serve) and that --url or GUIDON_URL names it"};
}

Outcome<HttpAnswer> HttpClient::Send(const HttpRequest& request,
                                     const std::function<bool(std::string_view)>& body_sink) {
  Transfer transfer{.answer = {}, .sink = &body_sink};
  library_.reset(handle_);
  curl_slist* headers = nullptr;
  const auto add_header = [&](const std::string& line) { headers = library_.slist_append(headers, line.c_str()); };
  // Without this libcurl waits a second for a "100 Continue" before it sends a larger body.
  add_header("Expect:");
  add_header("Accept: application/json");
  for (const auto& line : request.headers) add_header(line);
  if (!options_.api_key.empty()) add_header("Authorization: Bearer " + options_.api_key);

  const std::string url = options_.url + request.target;
  char error[CURL_ERROR_SIZE] = {};
  const auto set = [&](CURLoption option, auto value) { library_.setopt(handle_, option, value); };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  set(CURLOPT_HTTPHEADER, headers);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(error));
  set(CURLOPT_USERAGENT, "guidon-cli/" GUIDON_VERSION);
  set(CURLOPT_CONNECTTIMEOUT_MS, std::min<long>(kConnectMillisecondsMax, options_.timeout.count()));
  set(CURLOPT_TIMEOUT_MS, request.endless ? 0L : static_cast<long>(options_.timeout.count()));
  set(CURLOPT_TCP_KEEPALIVE, request.endless ? 1L : 0L);
  set(CURLOPT_WRITEFUNCTION, &OnBody);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
  set(CURLOPT_HEADERFUNCTION, &OnHeader);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
  if (request.method != "GET" && request.method != "DELETE") {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.c_str());
  }
  const CURLcode code = library_.perform(handle_);
  library_.slist_free_all(headers);
  if (transfer.too_large)
    return Refuse(
        {.what = fmt::format("The answer of {} is larger than {} MiB", options_.url, kAnswerBytesMax / 1024 / 1024)});
  if (code != CURLE_OK) return Refuse(Unreachable(code, *error != '\0' ? error : library_.strerror(code)));
  return std::move(transfer.answer);
}

bool IsLoopbackHost(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host == "::1" || host.starts_with("127.");
}

}  // namespace guidon::cli
