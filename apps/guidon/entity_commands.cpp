// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/entity_commands.hpp"

#include <fmt/format.h>

namespace guidon::cli {

void AddVersionOption(CLI::App& command, std::optional<std::uint64_t>& version) {
  command.add_option("--version", version, "Only if this is still its version (default: the one read just before)")
      ->type_name("N");
}

Outcome<Answer> ReadEntity(Client& client, const EntityRef& entity) {
  return client.Send({.target = entity.path, .what = "read " + entity.noun, .hint = entity.hint});
}

std::string IfMatchOf(const VersionOptions& options, const Answer& present) {
  if (options.version) return std::to_string(*options.version);
  return present.version ? std::to_string(*present.version) : "*";
}

Outcome<void> UpdateEntity(const VersionOptions& options, const EntityRef& entity, bool replace,
                           const std::function<Outcome<model::Value>(const model::Value& present)>& document) {
  GUIDON_ASSIGN(Client client, Client::Open(options));
  GUIDON_ASSIGN(const Answer present, ReadEntity(client, entity));
  GUIDON_ASSIGN(model::Value body, document(present.body));
  if (body.AsObject() == nullptr || body.AsObject()->empty())
    return UsageError(fmt::format("Nothing to change in {}", entity.noun), "give at least one attribute");
  GUIDON_ASSIGN(const Answer answer, client.Send({.method = replace ? "PUT" : "PATCH",
                                                  .target = entity.path,
                                                  .what = "update " + entity.noun,
                                                  .body = std::move(body),
                                                  .if_match = IfMatchOf(options, present),
                                                  .idempotency_key = options.idempotency_key,
                                                  .hint = entity.hint}));
  client.ShowChange("Updated " + entity.noun, answer);
  return {};
}

Outcome<void> DeleteEntity(const VersionOptions& options, const EntityRef& entity, bool yes) {
  GUIDON_ASSIGN(Client client, Client::Open(options));
  // Asked before anything is sent, so that a forgotten --yes in a script is a usage error whatever is on the server.
  GUIDON_TRY(Confirm(client.terminal(), yes, fmt::format("Delete {}?", entity.noun)));
  GUIDON_ASSIGN(const Answer present, ReadEntity(client, entity));
  GUIDON_ASSIGN(const Answer answer, client.Send({.method = "DELETE",
                                                  .target = entity.path,
                                                  .what = "delete " + entity.noun,
                                                  .if_match = IfMatchOf(options, present),
                                                  .idempotency_key = options.idempotency_key,
                                                  .hint = entity.hint}));
  client.ShowChange("Deleted " + entity.noun, answer);
  return {};
}

void UnsetNames(model::Object& patch, const std::vector<std::string>& names) {
  for (const auto& name : names) patch.Set(name, model::Value());
}

}  // namespace guidon::cli
