// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <fmt/format.h>

#include "apps/guidon/commands.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/entity_commands.hpp"

namespace guidon::cli {
namespace {

using model::Object;
using model::Value;

struct TenantEdit {
  std::optional<std::string> name, plan;
};

EntityRef RefOf(const std::string& tenant) {
  return {.path = "/api/v1/tenants/" + PercentEncode(tenant),
          .noun = "tenant " + tenant,
          .hint = "see which there are: guidon tenant list"};
}

void AddEditOptions(CLI::App& command, TenantEdit& edit) {
  command.add_option("--name", edit.name, "Name for people")->type_name("TEXT");
  command.add_option("--plan", edit.plan, "Plan")->type_name("TEXT");
}

Value Document(const TenantEdit& edit) {
  Object document;
  if (edit.name) document.Set("name", *edit.name);
  if (edit.plan) document.Set("plan", *edit.plan);
  return document;
}

void AddCreate(CommandTree& tree, CLI::App& group) {
  struct Options : ChangeOptions {
    std::string tenant;
    TenantEdit edit;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command =
      tree.Command(group, "create", "Create a tenant",
                   {"guidon tenant create acme --name 'Acme K.K.' --plan enterprise"}, [options]() -> Outcome<void> {
                     const Value document = Document(options->edit);
                     Object body = *document.AsObject();
                     body.Set("tenantId", options->tenant);
                     GUIDON_ASSIGN(Client client, Client::Open(*options));
                     const EntityRef entity = RefOf(options->tenant);
                     GUIDON_ASSIGN(const Answer answer, client.Send({.method = "POST",
                                                                     .target = "/api/v1/tenants",
                                                                     .what = "create " + entity.noun,
                                                                     .body = Value(std::move(body)),
                                                                     .idempotency_key = options->idempotency_key}));
                     client.ShowChange("Created " + entity.noun, answer);
                     return {};
                   });
  command.add_option("TENANT", options->tenant, "Id of the tenant")->required();
  AddEditOptions(command, options->edit);
  AddChangeOptions(tree, command, *options);
}

void AddGet(CommandTree& tree, CLI::App& group) {
  struct Options : ClientOptions {
    std::string tenant;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command =
      tree.Command(group, "get", "Show a tenant", {"guidon tenant get acme"}, [options]() -> Outcome<void> {
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        GUIDON_ASSIGN(const Answer answer, ReadEntity(client, RefOf(options->tenant)));
        const Value& tenant = answer.body;
        client.Show(tenant, [&] {
          FieldList list;
          list.Add("tenant", TextAt(tenant, "tenantId"), Style::kBold);
          list.Add("name", TextAt(tenant, "name"));
          list.Add("plan", TextAt(tenant, "plan"));
          list.Add("version", VersionText(tenant));
          list.Add("updated", fmt::format("{} by {}", TextAt(tenant, "updatedAt"), TextAt(tenant, "updatedBy", "?")));
          return list.Render(client.terminal().colour);
        });
        return {};
      });
  command.add_option("TENANT", options->tenant, "Id of the tenant")->required();
  AddClientOptions(tree, command, *options);
}

void AddList(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<ListOptions>();
  CLI::App& command =
      tree.Command(group, "list", "List the tenants", {"guidon tenant list --all"}, [options]() -> Outcome<void> {
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        GUIDON_ASSIGN(const ListAnswer list, client.List("/api/v1/tenants", {}, *options, "list tenants"));
        TextTable table({"TENANT", "NAME", "PLAN", "VERSION", "UPDATED"});
        for (const Value& tenant : list.items)
          table.Add({{TextAt(tenant, "tenantId"), Style::kBold},
                     TextAt(tenant, "name"),
                     TextAt(tenant, "plan"),
                     VersionText(tenant),
                     TextAt(tenant, "updatedAt")});
        client.ShowList(list, table, "No tenants.");
        return {};
      });
  AddListOptions(tree, command, *options);
}

void AddUpdate(CommandTree& tree, CLI::App& group) {
  struct Options : VersionOptions {
    std::string tenant;
    TenantEdit edit;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command =
      tree.Command(group, "update", "Change a tenant", {"guidon tenant update acme --plan starter"}, [options] {
        return UpdateEntity(*options, RefOf(options->tenant), false,
                            [&](const Value&) -> Outcome<Value> { return Document(options->edit); });
      });
  command.add_option("TENANT", options->tenant, "Id of the tenant")->required();
  AddEditOptions(command, options->edit);
  AddVersionOption(command, options->version);
  AddChangeOptions(tree, command, *options);
}

void AddDelete(CommandTree& tree, CLI::App& group) {
  struct Options : VersionOptions {
    std::string tenant;
    bool yes = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(group, "delete", "Delete a tenant; its overrides and flags stay",
                                   {"guidon tenant delete acme --yes"},
                                   [options] { return DeleteEntity(*options, RefOf(options->tenant), options->yes); });
  command.add_option("TENANT", options->tenant, "Id of the tenant")->required();
  AddYesOption(command, options->yes);
  AddVersionOption(command, options->version);
  AddChangeOptions(tree, command, *options);
}

}  // namespace

void AddTenantCommands(CommandTree& tree) {
  CLI::App& group = tree.Group(tree.root(), "tenant", "Tenants");
  AddCreate(tree, group);
  AddGet(tree, group);
  AddList(tree, group);
  AddUpdate(tree, group);
  AddDelete(tree, group);
}

}  // namespace guidon::cli
