// SPDX-License-Identifier: Apache-2.0
#include "guidon/json/syntax_error.hpp"

#include <algorithm>
#include <cstddef>
#include <string>

#include "guidon/base/text.hpp"

namespace guidon::json {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Follows RFC 8259 until it breaks; `position_` is then where.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  // False at the first mistake.
  bool Document() {
    if (!Value(0)) return false;
    SkipSpace();
    return position_ == text_.size() || Stop("unexpected text after the end of the document");
  }

  std::size_t position() const { return position_; }
  std::string_view mistake() const { return mistake_; }

 private:
  bool Stop(std::string_view mistake) {
    mistake_ = position_ >= text_.size() ? "the text ends too early" : mistake;
    return false;
  }

  bool At(char c) const { return position_ < text_.size() && text_[position_] == c; }

  void SkipSpace() {
    while (position_ < text_.size() && IsSpace(text_[position_])) ++position_;
  }

  bool Take(char c, std::string_view mistake) {
    SkipSpace();
    if (!At(c)) return Stop(mistake);
    ++position_;
    return true;
  }

  bool Value(std::size_t depth) {
    // The parser gives up at this depth itself.
    constexpr std::size_t kDepthMax = 1024;
    SkipSpace();
    if (depth > kDepthMax) return Stop("nested too deeply");
    if (At('{')) return Members(depth);
    if (At('[')) return Items(depth);
    if (At('"')) return String();
    for (const std::string_view word : {"true", "false", "null"})
      if (At(word.front())) return Word(word);
    if (At('-') || (position_ < text_.size() && IsDigit(text_[position_]))) return Number();
    return Stop("unexpected character");
  }

  bool Members(std::size_t depth) {
    ++position_;
    SkipSpace();
    if (At('}')) return Take('}', "");
    do {
      SkipSpace();
      if (!At('"')) return Stop("expected a name in quotes");
      if (!String() || !Take(':', "expected ':'") || !Value(depth + 1)) return false;
      SkipSpace();
    } while (TakeComma());
    return Take('}', "expected ',' or '}'");
  }

  bool Items(std::size_t depth) {
    ++position_;
    SkipSpace();
    if (At(']')) return Take(']', "");
    do {
      if (!Value(depth + 1)) return false;
      SkipSpace();
    } while (TakeComma());
    return Take(']', "expected ',' or ']'");
  }

  bool TakeComma() {
    if (!At(',')) return false;
    ++position_;
    return true;
  }

  bool Word(std::string_view word) {
    for (const char c : word) {
      if (!At(c)) return Stop("unexpected character");
      ++position_;
    }
    return true;
  }

  bool Digits() {
    if (position_ >= text_.size() || !IsDigit(text_[position_])) return Stop("expected a digit");
    while (position_ < text_.size() && IsDigit(text_[position_])) ++position_;
    return true;
  }

  bool Number() {
    if (At('-')) ++position_;
    if (At('0')) {
      ++position_;
    } else if (!Digits()) {
      return false;
    }
    if (At('.')) {
      ++position_;
      if (!Digits()) return false;
    }
    if (!At('e') && !At('E')) return true;
    ++position_;
    if (At('+') || At('-')) ++position_;
    return Digits();
  }

  bool String() {
    ++position_;
    while (position_ < text_.size() && text_[position_] != '"') {
      const auto byte = static_cast<unsigned char>(text_[position_]);
      if (byte < 0x20) return Stop("control character in a string");
      if (byte == '\\' ? !Escape() : !Character(byte)) return false;
    }
    return Take('"', "");
  }

  bool Character(unsigned char lead) {
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (lead >= 0x80 && !base::IsUtf8(text_.substr(position_, size))) return Stop("not valid UTF-8");
    position_ += size;
    return true;
  }

  bool Escape() {
    ++position_;
    if (position_ >= text_.size()) return Stop("");
    if (At('u')) {
      for (int i = 0; i < 4; ++i) {
        ++position_;
        if (position_ >= text_.size() || !IsHex(text_[position_])) return Stop("wrong escape in a string");
      }
    } else if (std::string_view("\"\\/bfnrt").find(text_[position_]) == std::string_view::npos) {
      return Stop("wrong escape in a string");
    }
    ++position_;
    return true;
  }

  std::string_view text_;
  std::size_t position_ = 0;
  std::string_view mistake_;
};

}  // namespace

std::string DescribeSyntaxError(std::string_view text) {
  Scanner scanner(text);
  if (scanner.Document()) return "a number too large or a character that does not exist";
  const std::string_view before = text.substr(0, scanner.position());
  const auto line = static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1;
  const std::size_t line_start = before.rfind('\n');
  const std::size_t column = before.size() - (line_start == std::string_view::npos ? 0 : line_start + 1) + 1;
  return std::string(scanner.mistake()) + " at line " + std::to_string(line) + ", column " + std::to_string(column);
}

}  // namespace guidon::json
