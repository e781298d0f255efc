// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/key_bootstrap.hpp"

#include <fmt/format.h>

#include "apps/guidon/backend.hpp"
#include "apps/guidon/client.hpp"
#include "apps/guidon/configuration.hpp"
#include "apps/guidon/document.hpp"
#include "guidon/json/model_json.hpp"

namespace guidon::cli {

Outcome<void> BootstrapKey(const SettingSources& sources, const BootstrapOptions& options) {
  GUIDON_ASSIGN(const Settings settings, Settings::Load(sources));
  GUIDON_ASSIGN(const Configuration configuration, Interpret(settings));
  if (configuration.store == StoreKind::kMemory)
    return UsageError("The memory store keeps nothing, so no key can be made in it",
                      "use --store rocksdb, or the local profile on the loopback address, which needs no key");
  GUIDON_ASSIGN(const std::unique_ptr<Backend> backend,
                OpenBackend(configuration, options.force ? MissingSecret::kMake : MissingSecret::kRefuseWithKeys));
  if (HasAdminKey(backend->application()) && !options.force)
    return Refuse({.exit = ExitCode::kConflict,
                   .what = fmt::format("An admin key is there already in {}", backend->StoreText(configuration)),
                   .next = "make further ones with it: guidon key create; if it is lost, add --force"});
  auto made = backend->application().keys().Create(
      SystemRequest(), {.key_id = "", .kind = model::KeyKind::kAdmin, .name = options.name});
  GUIDON_ASSIGN(const auto issued, Lift(std::move(made), "Cannot make the key"));

  model::Object document;
  document.Set("key", json::ApiKeyToJson(issued.entity.key));
  document.Set("token", issued.entity.token.value_or(""));
  const model::Value value(std::move(document));
  if (options.output != "table") {
    Print(options.output == "json" ? ToPrettyJson(value) : ToYaml(value));
    return {};
  }
  Print(
      fmt::format("Created the admin key {} in {}. It is shown this once:\n\n  {}\n\n"
                  "Start the server with the same settings. Commands take the key from GUIDON_API_KEY or "
                  "--api-key-file.\n",
                  TextAt(value, "key.keyId"), backend->StoreText(configuration), TextAt(value, "token")));
  return {};
}

}  // namespace guidon::cli
