// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "apps/guidon/client.hpp"

// What the commands for flags, segments and tenants share.
namespace guidon::cli {

// Which version a change replaces: --version, else the one that was just read.
struct VersionOptions : ChangeOptions {
  std::optional<std::uint64_t> version = std::nullopt;
};
void AddVersionOption(CLI::App& command, std::optional<std::uint64_t>& version);

// An entity by its path on the server.
struct EntityRef {
  std::string path;
  std::string noun;  // for messages: "flag new-checkout in production"
  std::string hint;  // what to do when it is not there
};

Outcome<Answer> ReadEntity(Client& client, const EntityRef& entity);
std::string IfMatchOf(const VersionOptions& options, const Answer& present);

// Reads, then patches (or replaces) what was read: a change in between is a conflict, never lost.
// `document` makes the body from the entity as it is.
Outcome<void> UpdateEntity(const VersionOptions& options, const EntityRef& entity, bool replace,
                           const std::function<Outcome<model::Value>(const model::Value& present)>& document);

Outcome<void> DeleteEntity(const VersionOptions& options, const EntityRef& entity, bool yes);

// Adds `null` for each name to the merge patch.
void UnsetNames(model::Object& patch, const std::vector<std::string>& names);

}  // namespace guidon::cli
