// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/machine.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace guidon::aws {
namespace {

using base::ErrorCode;
using base::Fail;

// Files of profiles and tokens are small: more is a wrong file.
constexpr std::size_t kFileBytesMax = 1024UL * 1024;
// A program may ask a person to touch a token; SDKs give it a minute too.
constexpr std::chrono::seconds kProgramTimeMax{60};

// Both ends close themselves, and a program started meanwhile by another thread inherits neither.
class Pipe {
 public:
  Pipe() { open_ = pipe2(ends_.data(), O_CLOEXEC) == 0; }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    if (!open_) return;
    close(ends_[0]);
    CloseWriter();
  }
  bool open() const { return open_; }
  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void CloseWriter() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  std::array<int, 2> ends_ = {-1, -1};
  bool open_ = false;
};

// Everything until the end of file; false where `deadline` came first or there is too much.
bool ReadAll(int descriptor, std::chrono::steady_clock::time_point deadline, std::string& out) {
  std::array<char, 4096> chunk{};
  while (out.size() <= kFileBytesMax) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd wait{.fd = descriptor, .events = POLLIN, .revents = 0};
    if (poll(&wait, 1, static_cast<int>(left)) <= 0) continue;
    const ssize_t count = read(descriptor, chunk.data(), chunk.size());
    if (count == 0) return true;
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) out.append(chunk.data(), static_cast<std::size_t>(count));
  }
  return false;
}

}  // namespace

std::optional<std::string> SystemMachine::Variable(const std::string& name) const {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

base::Result<std::optional<std::string>> SystemMachine::ReadFile(const std::string& path) const {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file && errno == ENOENT) return std::optional<std::string>{};
  if (!file) return Fail(ErrorCode::kUnavailable, fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (text.size() > kFileBytesMax) return Fail(ErrorCode::kUnavailable, fmt::format("{} is over 1 MiB", path));
  return std::optional(std::move(text));
}

base::Result<std::string> SystemMachine::Run(const std::string& command) const {
  Pipe output;
  if (!output.open()) return Fail(ErrorCode::kUnavailable, "no pipe for a program: too many open files");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output.writer(), STDOUT_FILENO);
  // The server blocks signals that its programs should obey.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::string shell = "/bin/sh";
  std::string option = "-c";
  std::string line = command;
  std::array<char*, 4> arguments = {shell.data(), option.data(), line.data(), nullptr};
  pid_t child = 0;
  const int failed = posix_spawn(&child, shell.c_str(), &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) return Fail(ErrorCode::kUnavailable, fmt::format("no shell: {}", std::strerror(failed)));
  output.CloseWriter();
  std::string text;
  const bool whole = ReadAll(output.reader(), std::chrono::steady_clock::now() + kProgramTimeMax, text);
  if (!whole) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!whole) return Fail(ErrorCode::kUnavailable, "the program did not end within a minute, or printed too much");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  return Fail(ErrorCode::kUnavailable, fmt::format("the program failed with status {}",
                                                   WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status)));
}

}  // namespace guidon::aws
