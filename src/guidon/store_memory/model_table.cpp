// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/table_contract.hpp"
#include "guidon/store_memory/memory_table.hpp"

namespace guidon::store {

std::unique_ptr<Table> MakeModelTable(const base::Clock& clock) {
  return std::make_unique<store_memory::MemoryTable>(clock);
}

}  // namespace guidon::store
