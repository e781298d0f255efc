// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/request_parser.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>

namespace guidon::api_http {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;

constexpr std::size_t kBufferBytesInitial =
    4UL * 1024;  // an evaluation with its headers; idle connections hold no more
constexpr std::size_t kBufferBytesKept = 64UL * 1024;
constexpr std::size_t kReadBytesMin = 1024;

Method MethodOf(http::verb verb) {
  switch (verb) {
    case http::verb::get: return Method::kGet;
    case http::verb::head: return Method::kHead;
    case http::verb::post: return Method::kPost;
    case http::verb::put: return Method::kPut;
    case http::verb::patch: return Method::kPatch;
    case http::verb::delete_: return Method::kDelete;
    case http::verb::options: return Method::kOptions;
    default: return Method::kOther;
  }
}

std::optional<Header> UnlistedHeader(BeastView name) {
  constexpr std::pair<std::string_view, Header> kNames[] = {{"X-API-Key", Header::kApiKey},
                                                            {"X-Request-Id", Header::kRequestId},
                                                            {"Idempotency-Key", Header::kIdempotencyKey},
                                                            {"Guidon-Environment", Header::kEnvironment},
                                                            {"Last-Event-ID", Header::kLastEventId},
                                                            {"Flagd-Selector", Header::kFlagdSelector},
                                                            {"Connect-Protocol-Version", Header::kConnectVersion},
                                                            {"Connect-Timeout-Ms", Header::kConnectTimeout}};
  for (const auto& [text, header] : kNames) {
    if (name.size() == text.size() && boost::beast::iequals(name, BeastView(text.data(), text.size()))) return header;
  }
  return std::nullopt;
}

std::optional<Header> HeaderOf(http::field field, BeastView name) {
  switch (field) {
    case http::field::host: return Header::kHost;
    case http::field::origin: return Header::kOrigin;
    case http::field::authorization: return Header::kAuthorization;
    case http::field::content_type: return Header::kContentType;
    case http::field::content_encoding: return Header::kContentEncoding;
    case http::field::if_match: return Header::kIfMatch;
    case http::field::if_none_match: return Header::kIfNoneMatch;
    case http::field::user_agent: return Header::kUserAgent;
    case http::field::expect: return Header::kExpect;
    case http::field::connection: return Header::kConnection;
    case http::field::content_length: return Header::kContentLength;
    case http::field::transfer_encoding: return Header::kTransferEncoding;
    case http::field::access_control_request_method: return Header::kRequestMethod;
    case http::field::accept: return Header::kAccept;
    case http::field::accept_encoding: return Header::kAcceptEncoding;
    case http::field::unknown: return UnlistedHeader(name);
    default: return std::nullopt;
  }
}

// Digits only: Beast would also take a list of equal lengths.
std::optional<std::uint64_t> ParseLength(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::uint64_t length = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    length = length * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  return length;
}

// Hexadecimal digits, then nothing or an extension, which is ignored.
std::optional<std::size_t> ParseChunkSize(std::string_view line) {
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  if (error != std::errc() || (end != line.data() + line.size() && *end != ';')) return std::nullopt;
  return size;
}

bool IsLower(std::string_view text, std::string_view lower) {
  return boost::beast::iequals(BeastView(text.data(), text.size()), BeastView(lower.data(), lower.size()));
}

}  // namespace

// Collects what Beast finds. Lives for one request.
class RequestParser::Beast final : public http::basic_parser<true> {
 public:
  Beast(RequestHead& head, const char* base) : head_(&head), base_(base) {
    header_limit(std::numeric_limits<std::uint32_t>::max());  // ours is checked before
    body_limit(boost::none);                                  // bodies are read without Beast
  }

 private:
  RequestHead::Slice SliceOf(BeastView view) const {
    return {static_cast<std::uint32_t>(view.data() - base_), static_cast<std::uint32_t>(view.size())};
  }
  void on_request_impl(http::verb verb, BeastView, BeastView target, int version, error_code&) override {
    head_->method = MethodOf(verb);
    head_->version = version;
    head_->target = SliceOf(target);
  }
  void on_response_impl(int, BeastView, int, error_code&) override {}
  void on_field_impl(http::field field, BeastView name, BeastView value, error_code&) override {
    if (const auto header = HeaderOf(field, name))
      head_->Add(*header, value.empty() ? RequestHead::Slice{} : SliceOf(value));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(BeastView, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, BeastView, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}

  RequestHead* head_;
  const char* base_;
};

// One allocation for a connection rather than for each request.
struct RequestParser::BeastSlot {
  std::optional<Beast> parser;
};

RequestParser::RequestParser(std::size_t header_bytes_max)
    : header_bytes_max_(header_bytes_max), beast_(std::make_unique<BeastSlot>()) {}
RequestParser::~RequestParser() = default;

std::span<char> RequestParser::Prepare() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (capacity_ - end_ < kReadBytesMin && begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const std::size_t wanted = head_size_ != 0 && !chunked_ ? head_size_ + content_length_ : 0;
  if (capacity_ - end_ < kReadBytesMin || capacity_ - begin_ < wanted) {
    const std::size_t used = end_ - begin_;
    const std::size_t grown = std::max({kBufferBytesInitial, wanted + kReadBytesMin, capacity_ == 0 ? 0 : used * 2});
    std::unique_ptr<char[]> next(new char[grown]);
    if (used != 0) std::memcpy(next.get(), buffer_.get() + begin_, used);
    buffer_ = std::move(next);
    capacity_ = grown;
    begin_ = 0;
    end_ = used;
  }
  return {buffer_.get() + end_, capacity_ - end_};
}

RequestParser::State RequestParser::Fail(int status, std::string_view code, std::string_view detail,
                                         std::string_view field) {
  failure_ = {.status = status, .code = code, .detail = detail, .field = field};
  keep_alive_ = false;
  return State::kFailed;
}

// Looks at each line of the head once, as soon as it is complete. kHeadReady: the empty line was found at scanned_.
RequestParser::State RequestParser::ScanLines() {
  const char* const start = buffer_.get() + begin_;
  const std::size_t size = end_ - begin_;
  for (;;) {
    const char* const line = start + scanned_;
    const std::size_t left = size - scanned_;
    const auto* const end = left == 0 ? nullptr : static_cast<const char*>(std::memchr(line, '\n', left));
    const std::size_t length = end == nullptr ? left : static_cast<std::size_t>(end - line) + 1;
    if (lines_ == 0 && length > kTargetBytesMax + 64)
      return Fail(414, "URI_TOO_LONG", "the request line is longer than 8 KB");
    if (scanned_ + length > header_bytes_max_)
      return Fail(431, "HEADERS_TOO_LARGE", "the headers are longer than this server takes");
    if (end == nullptr) return State::kNeedMore;
    if (length < 2 || end[-1] != '\r') return Fail(400, "MALFORMED", "a line of the head does not end with CR LF");
    const std::size_t text = length - 2;
    if (text == 0 && lines_ == 0) return Fail(400, "MALFORMED", "the request begins with an empty line");
    scanned_ += length;
    if (text == 0) return State::kHeadReady;
    if (std::memchr(line, '\r', text) != nullptr) return Fail(400, "MALFORMED", "a bare CR is in the head");
    if (line[0] == ' ' || line[0] == '\t') return Fail(400, "MALFORMED", "folded header lines are not accepted");
    if (++lines_ > kHeaderLinesMax + 1) return Fail(431, "HEADERS_TOO_LARGE", "there are more than 100 header lines");
  }
}

RequestParser::State RequestParser::ParseHead() {
  if (begin_ == end_) return State::kNeedMore;
  const State scanned = ScanLines();
  return scanned == State::kHeadReady ? ReadHead(scanned_) : scanned;
}

RequestParser::State RequestParser::ReadHead(std::size_t size) {
  head_.Clear();
  head_.base = buffer_.get() + begin_;
  Beast& beast = beast_->parser.emplace(head_, head_.base);
  error_code ec;
  const std::size_t used = beast.put(boost::asio::const_buffer(head_.base, size), ec);
  if (ec == http::error::bad_version)
    return Fail(505, "HTTP_VERSION_NOT_SUPPORTED", "this server speaks HTTP/1.1 and HTTP/1.0");
  if (ec || used != size || !beast.is_header_done())
    return Fail(400, "MALFORMED", "the head of the request breaks the rules of HTTP");
  head_size_ = size;
  if (!CheckFraming() || !CheckConnection()) return State::kFailed;
  return State::kHeadReady;
}

bool RequestParser::CheckFraming() {
  const std::size_t lengths = head_.Count(Header::kContentLength);
  const std::size_t codings = head_.Count(Header::kTransferEncoding);
  if (lengths > 1 || codings > 1 || (lengths == 1 && codings == 1)) {
    Fail(400, "MALFORMED", "the body's length is given more than once", "Content-Length");
    return false;
  }
  if (codings == 1) {
    if (head_.version != 11 || !IsLower(head_.Get(Header::kTransferEncoding), "chunked")) {
      Fail(400, "MALFORMED", "only the transfer coding \"chunked\" is accepted", "Transfer-Encoding");
      return false;
    }
    chunked_ = true;
  }
  if (lengths == 1) {
    const auto length = ParseLength(head_.Get(Header::kContentLength));
    if (!length) {
      Fail(400, "MALFORMED", "must be a decimal number", "Content-Length");
      return false;
    }
    content_length_ = *length;
  }
  return true;
}

bool RequestParser::CheckConnection() {
  const std::string_view target = head_.Target();
  if (target.empty() || (target.front() != '/' && !(target == "*" && head_.method == Method::kOptions)) ||
      target.find('#') != std::string_view::npos) {
    Fail(400, "MALFORMED", "the target must be a path that begins with \"/\"");
    return false;
  }
  if (head_.Count(Header::kHost) != 1) {
    Fail(400, "MALFORMED", "there must be exactly one Host header", "Host");
    return false;
  }
  if (head_.Has(Header::kExpect)) {
    if (!IsLower(head_.Get(Header::kExpect), "100-continue")) {
      Fail(417, "EXPECTATION_FAILED", "only 100-continue can be expected", "Expect");
      return false;
    }
    expects_continue_ = head_.version == 11 && has_body();
  }
  keep_alive_ = beast_->parser->keep_alive();
  return true;
}

RequestParser::State RequestParser::ParseBody(std::size_t body_bytes_max) {
  if (chunked_) return ParseChunks(body_bytes_max);
  if (content_length_ > body_bytes_max)
    return Fail(413, "TOO_LARGE", "the body is longer than this path takes", "Content-Length");
  if (!body_is_here()) return State::kNeedMore;
  return State::kComplete;
}

// Size lines, data and trailers are read by hand: Beast 1.81's chunk parser has an assertion that input can reach, and
// takes more than the grammar has (RFC 9112 section 7.1).
RequestParser::State RequestParser::ParseChunks(std::size_t body_bytes_max) {
  for (;;) {
    const char* const at = buffer_.get() + begin_ + head_size_ + chunk_bytes_read_;
    const std::size_t left = static_cast<std::size_t>(buffer_.get() + end_ - at);
    if (chunk_part_ == ChunkPart::kData) {
      const std::size_t size = std::min(left, chunk_left_);
      chunked_body_.append(at, size);
      chunk_bytes_read_ += size;
      chunk_left_ -= size;
      if (chunk_left_ != 0) return NeedMoreOfChunks();
      chunk_part_ = ChunkPart::kDataEnd;
      continue;
    }
    const auto* const newline = left == 0 ? nullptr : static_cast<const char*>(std::memchr(at, '\n', left));
    if (newline == nullptr) {
      if (left > kChunkHeadBytesMax || (chunk_part_ == ChunkPart::kDataEnd && left > 1)) return BrokenChunks();
      return NeedMoreOfChunks();
    }
    const std::size_t length = static_cast<std::size_t>(newline - at) + 1;
    if (length < 2 || length > kChunkHeadBytesMax || newline[-1] != '\r') return BrokenChunks();
    const std::string_view line(at, length - 2);
    if (std::ranges::any_of(line, [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; }))
      return BrokenChunks();
    chunk_bytes_read_ += length;
    const State state = ReadChunkLine(line, body_bytes_max);
    if (state != State::kNeedMore) return state;
  }
}

// kNeedMore: the line is read, go on behind it.
RequestParser::State RequestParser::ReadChunkLine(std::string_view line, std::size_t body_bytes_max) {
  switch (chunk_part_) {
    case ChunkPart::kSize: {
      const auto size = ParseChunkSize(line);
      if (!size) return BrokenChunks();
      if (*size > body_bytes_max - std::min(body_bytes_max, chunked_body_.size()))
        return Fail(413, "TOO_LARGE", "the body is longer than this path takes");
      chunk_left_ = *size;
      chunk_part_ = *size == 0 ? ChunkPart::kTrailers : ChunkPart::kData;
      return State::kNeedMore;
    }
    case ChunkPart::kDataEnd: chunk_part_ = ChunkPart::kSize; return line.empty() ? State::kNeedMore : BrokenChunks();
    case ChunkPart::kTrailers:
      if (line.empty()) return State::kComplete;
      // They say nothing that we look at, but they have to be headers, and not many.
      trailer_bytes_ += line.size();
      if (trailer_bytes_ > kChunkHeadBytesMax || line.front() == ' ' || line.front() == '\t' ||
          line.find(':') == std::string_view::npos)
        return BrokenChunks();
      return State::kNeedMore;
    case ChunkPart::kData: break;
  }
  return BrokenChunks();
}

RequestParser::State RequestParser::BrokenChunks() {
  return Fail(400, "MALFORMED", "the chunks of the body are broken");
}

// What was read of the body is copied: the space is needed for what comes.
RequestParser::State RequestParser::NeedMoreOfChunks() {
  char* const body = buffer_.get() + begin_ + head_size_;
  std::memmove(body, body + chunk_bytes_read_, end_ - begin_ - head_size_ - chunk_bytes_read_);
  end_ -= chunk_bytes_read_;
  chunk_bytes_read_ = 0;
  return State::kNeedMore;
}

const RequestHead& RequestParser::head() {
  head_.base = buffer_.get() + begin_;
  return head_;
}

std::string_view RequestParser::body() const {
  if (chunked_) return chunked_body_;
  return {buffer_.get() + begin_ + head_size_, static_cast<std::size_t>(content_length_)};
}

void RequestParser::Consume() {
  begin_ += head_size_ + (chunked_ ? chunk_bytes_read_ : static_cast<std::size_t>(content_length_));
  scanned_ = lines_ = head_size_ = chunk_bytes_read_ = 0;
  content_length_ = 0;
  chunk_part_ = ChunkPart::kSize;
  trailer_bytes_ = 0;
  chunked_ = expects_continue_ = false;
  keep_alive_ = true;
  chunked_body_.clear();
}

void RequestParser::Shrink() {
  if (chunked_body_.capacity() > kBufferBytesKept) std::string().swap(chunked_body_);
  if (capacity_ > kBufferBytesKept && begin_ == end_) {
    buffer_.reset();
    capacity_ = begin_ = end_ = 0;
  }
}

}  // namespace guidon::api_http
