// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/guidon/failure.hpp"

// Every setting of the server, and where its value comes from: flags > environment > file > profile defaults (spec 4).
// One row of the table below makes the flag, the variable, the file entry, the documentation and `config show`.
namespace guidon::cli {

enum class SettingKind : std::uint8_t {
  kText,
  kChoice,    // one of `choices`
  kList,      // comma-separated; in the file also a list of strings
  kCount,     // min to max
  kBytes,     // "65536", "64KiB", "1MiB"; min to max
  kDuration,  // "90" (seconds), "90s", "5m", "2h", "1d"; min to max seconds
  kInterval,  // "500ms", "2s"; min to max milliseconds
  kSwitch,    // true or false
  kAddress,   // "127.0.0.1:3001", "[::1]:3001"
  kSecret,    // no flag (others see a command line), and masked wherever it is shown
};

// Names follow from the key: "log.level" is --log-level, GUIDON_LOG_LEVEL, and `level` of section [log] in the file.
struct SettingSpec {
  std::string_view key;
  SettingKind kind = SettingKind::kText;
  std::string_view group;
  std::string_view help;
  std::string_view local;  // default of each profile
  std::string_view dev;
  std::string_view prod;
  std::span<const std::string_view> choices = {};
  std::int64_t min = 0;
  std::int64_t max = 0;
  bool reloadable = false;  // taken over on SIGHUP
};

std::span<const SettingSpec> AllSettings();
const SettingSpec* FindSetting(std::string_view key);
std::string FlagOf(const SettingSpec& spec);
std::string VariableOf(const SettingSpec& spec);
std::string_view DefaultOf(const SettingSpec& spec, std::string_view profile);

enum class Origin : std::uint8_t { kDefault, kProfile, kFile, kEnvironment, kFlag };
std::string_view NameOf(Origin origin);

struct Setting {
  const SettingSpec* spec = nullptr;
  std::string value;
  Origin origin = Origin::kDefault;
  std::string source;         // "--listen", "GUIDON_LISTEN", "guidon.toml:3", "prod"; empty with kDefault
  std::string Where() const;  // for messages: "environment GUIDON_LISTEN"
  std::string Shown() const;  // the value, masked where it is secret
};

// What the values are read from.
struct SettingSources {
  std::map<std::string, std::string> flags = {};        // by setting key
  std::map<std::string, std::string> environment = {};  // by variable
  std::string file = {};                                // path of a TOML file; "" = GUIDON_CONFIG, else none
};

// All variables of this process.
std::map<std::string, std::string> ProcessEnvironment();

// Refuses variables GUIDON_* that mean nothing here, by name and with the nearest one that does. Those of the build and
// of tests are left alone. Empty variables count as absent everywhere.
Outcome<void> CheckEnvironment(const std::map<std::string, std::string>& environment);

// The effective settings, in the order of AllSettings. Syntax and ranges are checked; what they mean together is not.
class Settings {
 public:
  // Errors: kUsage with the setting, its source and the value at fault.
  static Outcome<Settings> Load(const SettingSources& sources);

  const std::vector<Setting>& all() const { return settings_; }
  const Setting& Get(std::string_view key) const;
  const std::string& Text(std::string_view key) const { return Get(key).value; }
  std::vector<std::string> List(std::string_view key) const;
  std::int64_t Number(std::string_view key) const;  // count, bytes, seconds; milliseconds of an interval
  bool Switch(std::string_view key) const;
  const std::string& file() const { return file_; }  // "" = none
  // The values of `fresh` where a running server can take them over; the others stay.
  void TakeReloadable(const Settings& fresh);

 private:
  std::vector<Setting> settings_;
  std::string file_;
};

// The number that `text` means for `spec` (count, bytes, seconds, milliseconds); nothing where it is none.
std::optional<std::int64_t> ParseNumber(const SettingSpec& spec, std::string_view text);
// Seconds of "90", "90s", "5m", "2h", "1d".
std::optional<std::int64_t> ParseSeconds(std::string_view text);
std::vector<std::string> SplitList(std::string_view text);

}  // namespace guidon::cli
