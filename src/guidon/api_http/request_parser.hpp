// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "guidon/api_http/http.hpp"

namespace guidon::api_http {

inline constexpr std::size_t kHeaderLinesMax = 100;            // more than any browser or proxy sends
inline constexpr std::size_t kTargetBytesMax = 8UL * 1024;     // a cursor is at most 6,000 characters
inline constexpr std::size_t kChunkHeadBytesMax = 4UL * 1024;  // size line with extensions, or trailers

// Why the bytes are not a request that is served. The connection cannot be used any further.
struct ParseFailure {
  int status = 400;
  std::string_view code = "MALFORMED";
  std::string_view detail = {};
  std::string_view field = {};
};

// Reads requests of HTTP/1.0 and 1.1 from a stream of bytes (RFC 9112). Boost.Beast's parser reads heads;
// before it sees one, everything it would be lenient about and that smuggling is made of is refused here: bare CR or
// LF, folded lines, both Content-Length and Transfer-Encoding, several of either, codings other than exactly "chunked",
// absolute targets, no Host or several. Holds the connection's read buffer. Not thread-safe.
class RequestParser {
 public:
  enum class State : std::uint8_t {
    kNeedMore,   // Prepare, read, Commit, then go on
    kHeadReady,  // ParseHead: head() is there, next SetBodyLimit and ParseBody
    kComplete,   // ParseBody: body() is there, next Consume
    kFailed      // failure() says why
  };

  explicit RequestParser(std::size_t header_bytes_max);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Room for more input, at least one byte. Views into the buffer are void afterwards.
  std::span<char> Prepare();
  void Commit(std::size_t size) { end_ += size; }

  State ParseHead();
  // Of the request whose head was read. kTooLarge is a failure with status 413.
  State ParseBody(std::size_t body_bytes_max);
  // Forgets the request; what came after it stays.
  void Consume();
  // Gives back memory that an unusually large request took. Only between requests.
  void Shrink();

  const RequestHead& head();
  std::string_view body() const;
  const ParseFailure& failure() const { return failure_; }
  // True where the buffer holds no byte of a request.
  bool idle() const { return begin_ == end_ && head_size_ == 0; }
  // Of the request whose head was read: that the client waits for "100 Continue" before it sends the body.
  bool expects_continue() const { return expects_continue_ && begin_ + head_size_ == end_; }
  bool has_body() const { return chunked_ || content_length_ != 0; }
  // True where the whole body is known to be in the buffer.
  bool body_is_here() const { return !chunked_ && end_ - begin_ >= head_size_ + content_length_; }
  bool keep_alive() const { return keep_alive_; }

 private:
  class Beast;
  struct BeastSlot;

  State Fail(int status, std::string_view code, std::string_view detail, std::string_view field = {});
  State ScanLines();
  State ReadHead(std::size_t size);
  bool CheckFraming();
  bool CheckConnection();
  State ParseChunks(std::size_t body_bytes_max);
  State ReadChunkLine(std::string_view line, std::size_t body_bytes_max);
  State NeedMoreOfChunks();
  State BrokenChunks();

  const std::size_t header_bytes_max_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;    // of the request
  std::size_t end_ = 0;      // of the input
  std::size_t scanned_ = 0;  // complete lines of the head, in bytes from begin_
  std::size_t lines_ = 0;
  std::size_t head_size_ = 0;  // 0: not there yet
  enum class ChunkPart : std::uint8_t { kSize, kData, kDataEnd, kTrailers };
  ChunkPart chunk_part_ = ChunkPart::kSize;
  std::size_t chunk_left_ = 0;        // of the data of the chunk in hand
  std::size_t chunk_bytes_read_ = 0;  // behind the head, in bytes
  std::size_t trailer_bytes_ = 0;
  std::uint64_t content_length_ = 0;
  bool chunked_ = false;
  bool expects_continue_ = false;
  bool keep_alive_ = true;
  RequestHead head_;
  std::string chunked_body_;
  std::unique_ptr<BeastSlot> beast_;
  ParseFailure failure_;
};

}  // namespace guidon::api_http
