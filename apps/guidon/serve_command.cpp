// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "apps/guidon/commands.hpp"
#include "apps/guidon/serve.hpp"
#include "apps/guidon/setting_options.hpp"

namespace guidon::cli {

void AddServeCommand(CommandTree& tree) {
  auto flags = std::make_shared<SettingFlags>();
  CLI::App& command =
      tree.Command(tree.root(), "serve", "Run the server",
                   {"guidon serve", "guidon serve --profile local --data data/local --listen 127.0.0.1:3001",
                    "guidon serve --profile prod --store rocksdb --data /var/lib/guidon --listen 0.0.0.0:3001",
                    "guidon serve --profile prod --table flags-prod --region ap-northeast-1 --listen 0.0.0.0:3001",
                    "guidon serve --store dynamodb --dynamodb-endpoint http://127.0.0.1:8000",
                    "guidon serve --config /etc/guidon/guidon.toml --log-level debug"},
                   [flags] { return Serve(SourcesOf(*flags)); });
  tree.Describe(command,
                "The local profile on a loopback address needs no key. Every other profile and address needs an admin "
                "key: see `guidon key bootstrap --help`. SIGTERM and Ctrl-C finish what was begun; SIGHUP reads the "
                "settings again. `guidon config show` says what each setting is and where it comes from.");
  AddSettingOptions(tree, command, flags);
}

}  // namespace guidon::cli
