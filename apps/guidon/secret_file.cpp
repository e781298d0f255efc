// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/secret_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "guidon/base/random.hpp"
#include "guidon/base/text.hpp"

namespace guidon::cli {
namespace {

constexpr std::size_t kSecretBytesMin = 32;
constexpr std::size_t kSecretBytesMax = 4096;
constexpr std::size_t kRandomBytes = 32;

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

std::unexpected<Failure> CannotMake(const std::filesystem::path& file) {
  return Refuse({.exit = ExitCode::kUnavailable,
                 .what = fmt::format("The key hash secret {} cannot be written", file.string()),
                 .why = std::strerror(errno)});
}

}  // namespace

std::string NewSecret() { return base::ToHex(base::RandomBytes(kRandomBytes)); }

Outcome<std::string> ReadSecretFile(const std::filesystem::path& file) {
  const File in(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, kSecretBytesMax + 1> buffer = {};
  const ssize_t size = in.get() < 0 ? -1 : read(in.get(), buffer.data(), buffer.size());
  if (size < 0)
    return Refuse({.exit = ExitCode::kUsage,
                   .what = fmt::format("The key hash secret {} cannot be read", file.string()),
                   .why = std::strerror(errno)});
  std::string secret(buffer.data(), static_cast<std::size_t>(size));
  while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
  if (secret.size() < kSecretBytesMin || secret.size() > kSecretBytesMax)
    return UsageError(fmt::format("The key hash secret {} must have {} to {} characters", file.string(),
                                  kSecretBytesMin, kSecretBytesMax));
  return secret;
}

Outcome<std::string> MakeSecretFile(const std::filesystem::path& file) {
  std::string secret = NewSecret();
  const std::string text = secret + "\n";
  const std::filesystem::path part = file.string() + ".part";
  {
    const File out(open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (out.get() < 0 || write(out.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        fsync(out.get()) != 0)
      return CannotMake(file);
  }
  if (rename(part.c_str(), file.c_str()) != 0) return CannotMake(file);
  const File folder(open(file.parent_path().empty() ? "." : file.parent_path().c_str(), O_RDONLY | O_CLOEXEC));
  if (folder.get() < 0 || fsync(folder.get()) != 0) return CannotMake(file);
  return secret;
}

}  // namespace guidon::cli
