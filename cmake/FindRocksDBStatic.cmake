# SPDX-License-Identifier: Apache-2.0
# RocksDB::static: Debian's librocksdb.a and what it needs, so that the program has no shared library to miss.
find_path(ROCKSDB_INCLUDE_DIR rocksdb/db.h)
find_library(ROCKSDB_ARCHIVE librocksdb.a)
find_package(Threads REQUIRED)
set(ROCKSDB_NEEDS)
set(ROCKSDB_NEEDS_FOUND TRUE)
foreach(name snappy lz4 zstd bz2 z)
  find_library(ROCKSDB_NEEDS_${name} lib${name}.a)
  mark_as_advanced(ROCKSDB_NEEDS_${name})
  if(NOT ROCKSDB_NEEDS_${name})
    set(ROCKSDB_NEEDS_FOUND FALSE)
    message(STATUS "RocksDB needs lib${name}.a")
  endif()
  list(APPEND ROCKSDB_NEEDS "${ROCKSDB_NEEDS_${name}}")
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(RocksDBStatic
  REQUIRED_VARS ROCKSDB_ARCHIVE ROCKSDB_INCLUDE_DIR ROCKSDB_NEEDS_FOUND
  REASON_FAILURE_MESSAGE "install librocksdb-dev libsnappy-dev liblz4-dev libzstd-dev libbz2-dev zlib1g-dev")

if(RocksDBStatic_FOUND AND NOT TARGET RocksDB::static)
  add_library(RocksDB::static STATIC IMPORTED)
  set_target_properties(RocksDB::static PROPERTIES
    IMPORTED_LOCATION "${ROCKSDB_ARCHIVE}"
    INTERFACE_INCLUDE_DIRECTORIES "${ROCKSDB_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "${ROCKSDB_NEEDS};${CMAKE_DL_LIBS};Threads::Threads")
endif()
