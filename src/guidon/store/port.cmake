# SPDX-License-Identifier: Apache-2.0
# The port itself: table, attributes, cursor, and the contract suite that every adapter passes.
set(STORE_PORT_HEADERS attribute.hpp cached_table.hpp cursor.hpp item_json.hpp metered_table.hpp replicating_table.hpp scan.hpp table.hpp table_rules.hpp)
set(STORE_PORT_SOURCES attribute.cpp cached_table.cpp cursor.cpp item_json.cpp metered_table.cpp replicating_table.cpp scan.cpp table.cpp table_rules.cpp)
set(STORE_PORT_TESTS attribute_test.cpp cursor_test.cpp metered_table_test.cpp table_rules_test.cpp)

# Object files, not an archive: the suite's tests register themselves, so that nothing refers to them by name.
if(GUIDON_BUILD_TESTS)
  find_package(GTest REQUIRED)
  find_package(fmt REQUIRED)
  add_library(guidon_store_contract OBJECT
    table_contract.cpp table_contract_capacity.cpp table_contract_model.cpp table_contract_query.cpp
    table_contract_scan.cpp)
  target_link_libraries(guidon_store_contract PUBLIC guidon::store guidon_store_model GTest::gmock
                                              PRIVATE guidon_options fmt::fmt)
endif()
