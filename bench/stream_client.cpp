// SPDX-License-Identifier: Apache-2.0
// Many clients of event streams in one process, for bench/stream_bench.py:
//   stream_client PORT COUNT [--answer] PATH…    (streams take the paths in turn)
// Prints "open" once all streams are open. For each line on its input it waits until every stream has had an event
// since the last one, and prints the milliseconds (monotonic clock) at which each of them came: first, median, 99th,
// last. With --answer each client does what it was told: it evaluates all flags again, over a connection of its own,
// for a context without a tenant.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr int kWaitMilliseconds = 60'000;
constexpr std::string_view kOpened = "retry: ";
constexpr std::string_view kEvent = "refetchEvaluation";
constexpr std::string_view kId = "id: ";
constexpr std::string_view kContext = R"({"context":{"targetingKey":"u"}})";

double Now() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

[[noreturn]] void Fail(const std::string& text) {
  std::fprintf(stderr, "stream_client: %s\n", text.c_str());
  std::exit(1);
}

struct Stream {
  int socket = -1;
  int answers = -1;  // the connection of its evaluations
  double at = 0;     // of the last event; 0: none since it was asked for
};

int Connect(std::uint16_t port) {
  const int made = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (made < 0 || ::connect(made, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    Fail(std::string("cannot connect: ") + std::strerror(errno));
  return made;
}

int OpenStream(std::uint16_t port, const std::string& path) {
  const int made = Connect(port);
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n";
  if (::send(made, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    Fail("cannot send");
  ::fcntl(made, F_SETFL, O_NONBLOCK);
  return made;
}

class Streams {
 public:
  Streams(std::size_t count, bool answer) : epoll_(::epoll_create1(0)), answer_(answer), streams_(count) {}

  void Open(std::uint16_t port, const std::vector<std::string>& paths) {
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      streams_[i].socket = OpenStream(port, paths[i % paths.size()]);
      Watch(streams_[i].socket, i);
      if (!answer_) continue;
      streams_[i].answers = Connect(port);
      ::fcntl(streams_[i].answers, F_SETFL, O_NONBLOCK);
      Watch(streams_[i].answers, streams_.size() + i);
    }
    Await(kOpened);
  }

  // Until each stream has had `text`. Times in ascending order.
  std::vector<double> Await(std::string_view text) {
    std::size_t missing = 0;
    for (const Stream& stream : streams_) missing += stream.at == 0 ? 1 : 0;
    const double deadline = Now() + kWaitMilliseconds;
    std::array<epoll_event, 512> events;
    while (missing > 0) {
      const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 1000);
      for (int i = 0; i < ready; ++i) {
        const std::uint64_t which = events[static_cast<std::size_t>(i)].data.u64;
        if (which >= streams_.size()) {
          Discard(streams_[which - streams_.size()].answers);
          continue;
        }
        Stream& stream = streams_[which];
        const bool had = Read(stream, text);
        if (had && stream.at == 0) {
          stream.at = Now();
          --missing;
        }
      }
      if (Now() > deadline) Fail(std::to_string(missing) + " streams had no event");
    }
    std::vector<double> times;
    for (Stream& stream : streams_) times.push_back(std::exchange(stream.at, 0));
    std::ranges::sort(times);
    return times;
  }

 private:
  void Watch(int socket, std::uint64_t which) const {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = which}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) != 0) Fail("cannot watch a socket");
  }
  static void Discard(int socket) {
    std::array<char, 65'536> bytes;
    if (::recv(socket, bytes.data(), bytes.size(), 0) == 0) Fail("a connection was closed");
  }
  // What the event in `bytes` asks for.
  static void Answer(const Stream& stream, std::string_view bytes) {
    const std::size_t at = bytes.rfind(kId);
    const std::string_view id = bytes.substr(at + kId.size(), bytes.find('\n', at) - at - kId.size());
    const std::string request =
        "POST /ofrep/v1/evaluate/flags?flagConfigEtag=%22" + std::string(id) +
        "%22 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(kContext.size()) + "\r\n\r\n" + std::string(kContext);
    if (::send(stream.answers, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
      Fail("cannot send");
  }
  bool Read(const Stream& stream, std::string_view text) const {
    std::array<char, 4096> bytes;
    const ssize_t size = ::recv(stream.socket, bytes.data(), bytes.size(), 0);
    if (size <= 0) Fail("a stream was closed");
    const std::string_view had(bytes.data(), static_cast<std::size_t>(size));
    if (answer_ && had.find(kEvent) != std::string_view::npos) Answer(stream, had);
    return had.find(text) != std::string_view::npos;
  }

  int epoll_;
  bool answer_;
  std::vector<Stream> streams_;
};

}  // namespace

int main(int argc, char** argv) {
  const bool answer = argc > 3 && std::string_view(argv[3]) == "--answer";
  const int first = answer ? 4 : 3;
  if (argc <= first) Fail("usage: stream_client PORT COUNT [--answer] PATH...");
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto count = static_cast<std::size_t>(std::strtoul(argv[2], nullptr, 10));
  if (limit.rlim_cur < (answer ? 2 : 1) * count + 50)
    Fail(std::to_string(limit.rlim_cur) + " descriptors are allowed: too few for " + std::to_string(count) +
         " streams");
  Streams streams(count, answer);
  streams.Open(static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10)), {argv + first, argv + argc});
  std::printf("open\n");
  std::fflush(stdout);
  std::array<char, 64> line;
  while (std::fgets(line.data(), line.size(), stdin) != nullptr) {
    const auto times = streams.Await(kEvent);
    std::printf("%.3f %.3f %.3f %.3f\n", times.front(), times[times.size() / 2], times[times.size() * 99 / 100],
                times.back());
    std::fflush(stdout);
  }
  return 0;
}
