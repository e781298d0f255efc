// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/table.hpp"

namespace guidon::store {

IndexAttributes AttributesOf(Index index) {
  switch (index) {
    case Index::kTable: return {"PK", "SK"};
    case Index::kGsi1Flags: return {"GSI1PK", "GSI1SK"};
    case Index::kGsi2Owner: return {"GSI2PK", "GSI2SK"};
    case Index::kGsi3Tenant: return {"GSI3PK", "GSI3SK"};
  }
  return {};
}

std::string_view NameOf(Index index) {
  switch (index) {
    case Index::kTable: return "";
    case Index::kGsi1Flags: return "GSI1-FLAGS-INDEX";
    case Index::kGsi2Owner: return "GSI2-OWNER-INDEX";
    case Index::kGsi3Tenant: return "GSI3-TENANT-INDEX";
  }
  return "";
}

}  // namespace guidon::store
