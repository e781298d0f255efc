// SPDX-License-Identifier: Apache-2.0
#include "guidon/client/disk_snapshot.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guidon/base/random.hpp"

namespace guidon::client {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;

constexpr std::string_view kMagic = "GDNSNAP\n";
constexpr std::size_t kHeadBytes = 8 + 4 + 8 + 8;
constexpr unsigned kByteBits = 8;
constexpr mode_t kOwnerOnly = 0600;  // definitions name customers

template <class Number>
void AppendNumber(std::string& out, Number number) {
  for (std::size_t i = 0; i < sizeof(Number); ++i) out += static_cast<char>((number >> (kByteBits * i)) & 0xffU);
}

void AppendText(std::string& out, std::string_view text) {
  AppendNumber(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

// Against damage, not against people. Eight bytes at a time: it is on the way of every start.
std::uint64_t ChecksumOf(std::string_view text) {
  constexpr std::uint64_t kFactor = 0x9fb21c651e98df25;
  constexpr unsigned kShift = 29;
  std::uint64_t hash = text.size() * kFactor;
  while (!text.empty()) {
    const std::size_t size = std::min(text.size(), sizeof(std::uint64_t));
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), size);
    hash = (hash ^ word) * kFactor;
    hash ^= hash >> kShift;
    text.remove_prefix(size);
  }
  return hash;
}

// Takes values off the front; once something is wrong it stays wrong.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}
  template <class Number>
  Number Take() {
    if (bytes_.size() < sizeof(Number)) {
      good_ = false;
      bytes_ = {};
      return 0;
    }
    Number number = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i)
      number |= static_cast<Number>(static_cast<Number>(static_cast<unsigned char>(bytes_[i])) << (kByteBits * i));
    bytes_.remove_prefix(sizeof(Number));
    return number;
  }
  std::string_view Text() {
    const auto size = Take<std::uint32_t>();
    if (bytes_.size() < size) {
      good_ = false;
      bytes_ = {};
      return {};
    }
    const std::string_view text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return text;
  }
  // Calls `take` for as many items as the list says.
  template <class TakeItem>
  void List(TakeItem take) {
    const auto count = Take<std::uint32_t>();
    for (std::uint32_t i = 0; i < count && good_; ++i) take();
  }
  bool good() const { return good_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool good_ = true;
};

void AppendTexts(std::string& out, const Texts::ByKey& texts) {
  AppendNumber(out, static_cast<std::uint32_t>(texts.size()));
  for (const auto& [key, text] : texts) {
    AppendText(out, key);
    AppendText(out, *text);
  }
}

void TakeTexts(ByteReader& reader, Texts::ByKey& texts) {
  reader.List([&] {
    std::string key(reader.Text());
    auto text = std::make_shared<const std::string>(reader.Text());
    // They were written in their order.
    texts.emplace_hint(texts.end(), std::move(key), std::move(text));
  });
}

std::string BodyOf(const DiskSnapshot& snapshot) {
  const Texts& texts = snapshot.texts;
  std::string out;
  AppendText(out, texts.environment);
  AppendText(out, texts.tenant);
  AppendText(out, texts.etag);
  AppendNumber(out, static_cast<std::uint64_t>(snapshot.confirmed_at.time_since_epoch().count()));
  AppendTexts(out, texts.flags);
  AppendTexts(out, texts.segments);
  AppendNumber(out, static_cast<std::uint32_t>(texts.broken_flags.size()));
  for (const auto& [key, tenant] : texts.broken_flags) {
    AppendText(out, key);
    out += tenant ? '\1' : '\0';
    AppendText(out, tenant.value_or(""));
  }
  AppendNumber(out, static_cast<std::uint32_t>(texts.broken_segments.size()));
  for (const auto& [key, broken] : texts.broken_segments) AppendText(out, key);
  std::size_t overrides = 0;
  for (const auto& [flag, of] : texts.overrides) overrides += of.size();
  AppendNumber(out, static_cast<std::uint32_t>(overrides));
  for (const auto& [flag, of] : texts.overrides) {
    for (const auto& [tenant, variation] : of) {
      AppendText(out, flag);
      AppendText(out, tenant);
      AppendText(out, variation);
    }
  }
  AppendNumber(out, static_cast<std::uint32_t>(texts.kill_switches.size()));
  for (const auto& [scope, reason] : texts.kill_switches) {
    AppendText(out, scope);
    AppendText(out, reason);
  }
  return out;
}

Status Failed(const std::string& what, const std::string& path, int error) {
  return Fail(ErrorCode::kUnavailable, what + " " + path + ": " + std::generic_category().message(error) +
                                           ". The client goes on without; give it a path that it may write.");
}

// Closes at the end of its scope.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

int WriteAll(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(descriptor) == 0 ? 0 : errno;
}

}  // namespace

std::string EncodeDiskSnapshot(const DiskSnapshot& snapshot) { return WithDiskSnapshotHead(BodyOf(snapshot)); }

std::string WithDiskSnapshotHead(std::string_view body) {
  std::string out;
  out.reserve(kHeadBytes + body.size());
  out += kMagic;
  AppendNumber(out, kDiskSnapshotVersion);
  AppendNumber(out, static_cast<std::uint64_t>(body.size()));
  AppendNumber(out, ChecksumOf(body));
  out += body;
  return out;
}

Result<DiskSnapshot> DecodeDiskSnapshot(std::string_view bytes) {
  if (bytes.size() < kHeadBytes || !bytes.starts_with(kMagic))
    return Fail(ErrorCode::kCorrupt, "This is no snapshot of a client, or only the beginning of one.");
  ByteReader head(bytes.substr(kMagic.size(), kHeadBytes - kMagic.size()));
  const auto version = head.Take<std::uint32_t>();
  const auto size = head.Take<std::uint64_t>();
  const auto checksum = head.Take<std::uint64_t>();
  if (version != kDiskSnapshotVersion)
    return Fail(ErrorCode::kUnsupported, "The snapshot was written by another version of the client.");
  const std::string_view body = bytes.substr(kHeadBytes);
  if (body.size() != size || ChecksumOf(body) != checksum)
    return Fail(ErrorCode::kCorrupt, "The snapshot is damaged or cut off.");
  DiskSnapshot snapshot;
  Texts& texts = snapshot.texts;
  ByteReader reader(body);
  texts.environment = reader.Text();
  texts.tenant = reader.Text();
  texts.etag = reader.Text();
  snapshot.confirmed_at =
      base::Timestamp{std::chrono::milliseconds(static_cast<std::int64_t>(reader.Take<std::uint64_t>()))};
  TakeTexts(reader, texts.flags);
  TakeTexts(reader, texts.segments);
  reader.List([&] {
    std::string key(reader.Text());
    const bool has_tenant = reader.Take<std::uint8_t>() != 0;
    std::string tenant(reader.Text());
    texts.broken_flags.emplace(std::move(key), has_tenant ? std::optional(std::move(tenant)) : std::nullopt);
  });
  reader.List([&] { texts.broken_segments.emplace(reader.Text(), true); });
  reader.List([&] {
    std::string flag(reader.Text());
    std::string tenant(reader.Text());
    texts.overrides[std::move(flag)].emplace(std::move(tenant), reader.Text());
  });
  reader.List([&] {
    std::string scope(reader.Text());
    texts.kill_switches.emplace(std::move(scope), reader.Text());
  });
  if (!reader.good() || !reader.at_end()) return Fail(ErrorCode::kCorrupt, "The snapshot contradicts itself.");
  return snapshot;
}

Status WriteFileWhole(const std::string& path, std::string_view bytes) {
  const std::string beside = path + '.' + base::RandomId();
  int error = 0;
  {
    const File file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly));
    if (file.get() < 0) return Failed("cannot write", beside, errno);
    error = WriteAll(file.get(), bytes);
  }
  if (error == 0 && ::rename(beside.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(beside.c_str());
    return Failed("cannot write", path, error);
  }
  // So that the name outlives a power cut; where a folder cannot be flushed, the file itself is whole all the same.
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const File directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) ::fsync(directory.get());
  return {};
}

Result<std::string> ReadFileWhole(const std::string& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 && errno == ENOENT) return Fail(ErrorCode::kNotFound, "There is no file " + path + '.');
  if (file.get() < 0) return std::unexpected(Failed("cannot read", path, errno).error());
  struct stat about{};
  if (::fstat(file.get(), &about) != 0) return std::unexpected(Failed("cannot read", path, errno).error());
  const auto size = static_cast<std::size_t>(about.st_size);
  if (size > kDiskSnapshotBytesMax) return Fail(ErrorCode::kTooLarge, path + " is over 512 MiB.");
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got = ::read(file.get(), bytes.data() + have, size - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(Failed("cannot read", path, errno).error());
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace guidon::client
