// SPDX-License-Identifier: Apache-2.0
// What a GetItem costs this side: processor time of the client a call, at 16 calls in flight, against a server that
// answers every request with the same item. The server is another process, so that its time is not counted.
//
//   dynamodb_bench [CALLS]     default 100,000; prints one JSON object
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guidon/aws/credential_cache.hpp"
#include "guidon/aws/curl_transport.hpp"
#include "guidon/aws/digest.hpp"
#include "guidon/store_dynamodb/dynamo_table.hpp"

namespace {

constexpr int kInFlight = 16;
constexpr int kWarmUpCalls = 2000;

// Some 300 bytes: a plain flag.
std::string Answer() {
  const std::string body =
      R"({"Item":{"PK":{"S":"FLAG#production#checkout"},"SK":{"S":"METADATA"},"flagKey":{"S":"checkout"},)"
      R"("description":{"S":"The new checkout"},"defaultEnabled":{"BOOL":true},"owner":{"S":"web"},)"
      R"("createdAt":{"S":"2026-11-22T04:23:00.123Z"},"version":{"N":"7"}},"ConsumedCapacity":{"CapacityUnits":0.5}})";
  return fmt::format("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nx-amz-crc32: {}\r\nx-amzn-requestid: R\r\n\r\n{}",
                     body.size(), guidon::aws::Crc32(body), body);
}

// Reads requests only as far as their end can be seen: a GetItem is one segment.
void AnswerForEver(int connection, const std::string& answer) {
  std::array<char, 8192> request{};
  while (recv(connection, request.data(), request.size(), 0) > 0)
    send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
  close(connection);
}

[[noreturn]] void Serve(int listener) {
  const std::string answer = Answer();
  while (true) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection >= 0) std::thread([connection, &answer] { AnswerForEver(connection, answer); }).detach();
  }
}

class FixedKeys final : public guidon::aws::CredentialSource {
 public:
  guidon::base::Result<std::optional<guidon::aws::Credentials>> Fetch() override {
    return std::optional(guidon::aws::Credentials{.access_key_id = "AKID", .secret_access_key = "secret"});
  }
};

double ProcessorSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Calls of all threads together; the number of failures.
int Run(guidon::store::Table& table, int calls) {
  std::atomic<int> left{calls};
  std::atomic<int> failures{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < kInFlight; ++i) {
    threads.emplace_back([&] {
      const guidon::store::Key key{"FLAG#production#checkout", "METADATA"};
      while (left.fetch_sub(1) > 0) {
        const auto got = table.Get(key, guidon::store::Consistency::kEventual);
        if (!got || !got->item) failures.fetch_add(1);
      }
    });
  }
  threads.clear();
  return failures.load();
}

int Measure(std::uint16_t port, int calls) {
  const guidon::base::SystemClock clock;
  guidon::aws::SystemWaitClock wait_clock;
  FixedKeys source;
  guidon::aws::CredentialCache credentials(source, clock, wait_clock);
  const auto transport = guidon::aws::CurlTransport::Create();
  if (!transport) return EXIT_FAILURE;
  guidon::aws::Client client({.region = "us-east-1", .endpoint = fmt::format("http://127.0.0.1:{}", port)},
                             {**transport, credentials, clock, wait_clock, {}});
  guidon::store_dynamodb::DynamoTable table(client, "bench", clock);
  Run(table, kWarmUpCalls);
  const double processor_before = ProcessorSeconds();
  const auto before = std::chrono::steady_clock::now();
  const int failures = Run(table, calls);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - before;
  const double processor = ProcessorSeconds() - processor_before;
  fmt::print(R"({{"calls":{},"failures":{},"in_flight":{},"processor_us_a_call":{:.2f},"calls_a_second":{:.0f}}})",
             calls, failures, kInFlight, processor * 1e6 / calls, calls / wall.count());
  fmt::print("\n");
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  const int calls = argc > 1 ? std::atoi(argv[1]) : 100'000;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener, 64) != 0)
    return EXIT_FAILURE;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  const pid_t server = fork();
  if (server == 0) Serve(listener);
  const int code = Measure(ntohs(address.sin_port), calls);
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  return code;
}
