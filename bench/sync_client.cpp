// SPDX-License-Identifier: Apache-2.0
// Many clients of flagd.sync in one process, for bench/sync_bench.py:
//   sync_client PORT COUNT
// Prints "open" and the size of the definitions once all streams have had them. For each line on its input it waits
// until every stream has had definitions once more, and prints the milliseconds (monotonic clock) at which each of them
// came: first, median, 99th, last.
#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

namespace {

constexpr std::size_t kStreamsAConnection = 100;
constexpr std::chrono::seconds kWaitMax{120};
constexpr double kPercent99 = 0.99;

double Now() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

[[noreturn]] void Fail(const std::string& text) {
  std::fprintf(stderr, "sync_client: %s\n", text.c_str());
  std::exit(1);
}

// When messages came, of all streams.
class Arrivals {
 public:
  void Add(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    times_.push_back(Now());
    bytes_ = bytes;
    changed_.notify_one();
  }
  // The next `count` of them, in ascending order.
  std::vector<double> Take(std::size_t count) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kWaitMax, [&] { return times_.size() >= count; }))
      Fail(std::to_string(times_.size()) + " of " + std::to_string(count) + " messages came");
    return std::exchange(times_, {});
  }
  std::size_t bytes() {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<double> times_;
  std::size_t bytes_ = 0;
};

// One stream; it lives as long as the process.
class Stream final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Stream(grpc::GenericStub& stub, Arrivals& arrivals) : arrivals_(arrivals) {
    context_.AddMetadata("flagd-selector", "flagSetId=development");
    stub.PrepareBidiStreamingCall(&context_, "/flagd.sync.v1.FlagSyncService/SyncFlags", {}, this);
    StartWriteLast(&request_, {});  // an empty message: no selector but the header's
    StartRead(&message_);
    StartCall();
  }
  void OnReadDone(bool ok) override {
    if (!ok) Fail("a stream ended");
    arrivals_.Add(message_.Length());
    StartRead(&message_);
  }

 private:
  Arrivals& arrivals_;
  grpc::ClientContext context_;
  grpc::Slice empty_{};
  grpc::ByteBuffer request_{&empty_, 1};
  grpc::ByteBuffer message_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) Fail("usage: sync_client PORT COUNT");
  const auto count = static_cast<std::size_t>(std::strtoul(argv[2], nullptr, 10));
  Arrivals arrivals;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs;
  std::vector<std::unique_ptr<Stream>> streams;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % kStreamsAConnection == 0) {
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // else all share one connection
      arguments.SetMaxReceiveMessageSize(-1);
      stubs.push_back(std::make_unique<grpc::GenericStub>(grpc::CreateCustomChannel(
          std::string("127.0.0.1:") + argv[1], grpc::InsecureChannelCredentials(), arguments)));
    }
    streams.push_back(std::make_unique<Stream>(*stubs.back(), arrivals));
  }
  arrivals.Take(count);
  std::printf("open %zu\n", arrivals.bytes());
  std::fflush(stdout);
  std::array<char, 64> line;
  while (std::fgets(line.data(), line.size(), stdin) != nullptr) {
    const auto times = arrivals.Take(count);
    const auto p99 = static_cast<std::size_t>(static_cast<double>(times.size() - 1) * kPercent99);
    std::printf("%.3f %.3f %.3f %.3f\n", times.front(), times[times.size() / 2], times[p99], times.back());
    std::fflush(stdout);
  }
  std::_Exit(0);  // the streams have no end
}
