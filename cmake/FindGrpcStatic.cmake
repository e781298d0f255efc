# SPDX-License-Identifier: Apache-2.0
# Grpc::static: Debian's gRPC and what it needs as archives, so that a program that does not start it pays for none of
# it: no libraries to load, no pages touched. Also GRPC_PROTOC and GRPC_CPP_PLUGIN.
find_program(GRPC_PROTOC protoc)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin)
find_path(GRPC_INCLUDE_DIR grpcpp/grpcpp.h)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Threads REQUIRED)
set(GRPC_ARCHIVES)
set(GRPC_ARCHIVES_FOUND TRUE)
foreach(name grpc++ grpc++_reflection grpc address_sorting upb cares gpr protobuf z)
  find_library(GRPC_ARCHIVE_${name} lib${name}.a)
  mark_as_advanced(GRPC_ARCHIVE_${name})
  if(NOT GRPC_ARCHIVE_${name})
    set(GRPC_ARCHIVES_FOUND FALSE)
    message(STATUS "gRPC needs lib${name}.a")
  endif()
  list(APPEND GRPC_ARCHIVES "${GRPC_ARCHIVE_${name}}")
endforeach()
if(GRPC_ARCHIVES_FOUND)
  get_filename_component(GRPC_FOLDER "${GRPC_ARCHIVE_grpc}" DIRECTORY)
  file(GLOB GRPC_ABSL "${GRPC_FOLDER}/libabsl_*.a")
  # Those for tests and command lines bring main functions and flags of their own.
  list(FILTER GRPC_ABSL EXCLUDE REGEX "libabsl_(flags|scoped_mock|random_internal_distribution_test|failure|examine)")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(GrpcStatic
  REQUIRED_VARS GRPC_PROTOC GRPC_CPP_PLUGIN GRPC_INCLUDE_DIR GRPC_ARCHIVES_FOUND GRPC_ABSL
  REASON_FAILURE_MESSAGE "install libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc")

if(GrpcStatic_FOUND AND NOT TARGET Grpc::static)
  add_library(Grpc::static INTERFACE IMPORTED)
  set_target_properties(Grpc::static PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${GRPC_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES
      "-Wl,--start-group;${GRPC_ARCHIVES};${GRPC_ABSL};-Wl,--end-group;re2;OpenSSL::SSL;OpenSSL::Crypto;${CMAKE_DL_LIBS};Threads::Threads;rt")
endif()
