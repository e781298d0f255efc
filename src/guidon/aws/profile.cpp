// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/profile.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "guidon/base/text.hpp"

namespace guidon::aws {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;

std::string LowerCase(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Reads one file into the sections. In the configuration file all profiles but "default" carry the word "profile".
class Reader {
 public:
  Reader(ProfileFiles& files, std::string path, bool is_config)
      : files_(files), path_(std::move(path)), is_config_(is_config) {}

  Status Read(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      ++line_;
      GUIDON_TRY(Line(text.substr(at, end - at)));
      at = end + 1;
    }
    return {};
  }

 private:
  Status Line(std::string_view line) {
    const bool indented = line.starts_with(' ') || line.starts_with('\t');
    const std::string_view text = base::Trim(line);
    if (text.empty() || text.starts_with('#') || text.starts_with(';')) return {};
    if (text.starts_with('[')) return Section(text);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) {
      return Fail(ErrorCode::kMalformed, fmt::format("{}:{}: neither a section nor `name = value`", path_, line_));
    }
    const std::string name = LowerCase(base::Trim(text.substr(0, equals)));
    std::string_view value = base::Trim(text.substr(equals + 1));
    value = base::Trim(value.substr(0, std::min(value.find(" #"), value.find(" ;"))));
    if (!indented) outer_ = value.empty() ? name : "";
    if (section_ == nullptr) return {};
    (*section_)[indented && !outer_.empty() ? outer_ + "." + name : name] = std::string(value);
    return {};
  }

  Status Section(std::string_view text) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos)
      return Fail(ErrorCode::kMalformed, fmt::format("{}:{}: a section without its `]`", path_, line_));
    const std::string_view name = base::Trim(text.substr(1, close - 1));
    const std::size_t space = std::min(name.find_first_of(" \t"), name.size());
    const std::string_view kind = name.substr(0, space);
    const std::string rest(base::Trim(name.substr(space)));
    outer_.clear();
    section_ = nullptr;  // sections of other kinds are not ours
    if (!is_config_ || name == "default") {
      section_ = &files_.profiles[std::string(name)];
    } else if (kind == "profile" && !rest.empty()) {
      section_ = &files_.profiles[rest];
    } else if (kind == "services" && !rest.empty()) {
      section_ = &files_.services[rest];
    }
    return {};
  }

  ProfileFiles& files_;
  const std::string path_;
  const bool is_config_;
  int line_ = 0;
  std::string outer_;  // setting that indented lines belong to
  ProfileSection* section_ = nullptr;
};

std::string PathOf(const Machine& machine, const std::string& variable, std::string_view name) {
  if (auto path = machine.Variable(variable)) return *std::move(path);
  return fmt::format("{}/.aws/{}", machine.Variable("HOME").value_or(""), name);
}

}  // namespace

const ProfileSection* ProfileFiles::Find(std::string_view name) const {
  const auto found = profiles.find(name);
  return found != profiles.end() ? &found->second : nullptr;
}

std::string ProfileFiles::Get(std::string_view setting) const {
  const ProfileSection* profile = Find(chosen);
  if (profile == nullptr) return {};
  const auto found = profile->find(setting);
  return found != profile->end() ? found->second : std::string();
}

Result<ProfileFiles> LoadProfiles(const Machine& machine) {
  ProfileFiles files;
  for (const char* variable : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}) {
    const auto name = machine.Variable(variable);
    if (!name || files.chosen_by_name) continue;
    files.chosen = *name;
    files.chosen_by_name = true;
  }
  for (const bool is_config : {true, false}) {
    const std::string path = is_config ? PathOf(machine, "AWS_CONFIG_FILE", "config")
                                       : PathOf(machine, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
    GUIDON_ASSIGN(const auto text, machine.ReadFile(path));
    if (text) GUIDON_TRY(Reader(files, path, is_config).Read(*text));
  }
  return files;
}

}  // namespace guidon::aws
