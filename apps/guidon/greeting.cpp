// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/greeting.hpp"

#include <fmt/format.h>

namespace guidon::cli {

std::string UrlOf(const Greeting& greeting) {
  const bool six = greeting.address.find(':') != std::string::npos;
  if (greeting.address == "0.0.0.0") return fmt::format("http://127.0.0.1:{}", greeting.port);
  if (greeting.address == "::") return fmt::format("http://[::1]:{}", greeting.port);
  return six ? fmt::format("http://[{}]:{}", greeting.address, greeting.port)
             : fmt::format("http://{}:{}", greeting.address, greeting.port);
}

std::string GreetingText(const Greeting& greeting, const Terminal& terminal) {
  const bool japanese = terminal.japanese;
  const auto pick = [&](const char* english, const char* in_japanese) {
    return std::string(japanese ? in_japanese : english);
  };
  const std::string url = UrlOf(greeting);
  FieldList list;
  list.Add("Guidon", GUIDON_VERSION, Style::kBold);
  list.Add(pick("profile", "プロファイル"), greeting.profile);
  list.Add(pick("data", "データ"), greeting.store);
  std::string flags = japanese ? fmt::format("{} 件（{} 環境）", greeting.flags, greeting.environments)
                               : fmt::format("{} in {} environments", greeting.flags, greeting.environments);
  if (greeting.demo_flags > 0) flags += pick(", demo data written just now", "、デモデータを作成しました");
  list.Add(pick("node", "ノード"), greeting.node);
  list.Add(pick("flags", "フラグ"), flags);
  list.Add("URL", url, Style::kGreen);
  list.Add(pick("health", "稼働状態"), url + "/readyz");
  list.Add(pick("try", "試す"),
           greeting.program + (greeting.demo_flags > 0 ? " evaluate new-checkout --key user-7 --trace" : " flag list"));
  list.Add(pick("stop", "停止"), "Ctrl-C");
  return list.Render(terminal.colour) + "\n";
}

}  // namespace guidon::cli
