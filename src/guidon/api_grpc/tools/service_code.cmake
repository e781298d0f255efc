# SPDX-License-Identifier: Apache-2.0
# Makes NAME.grpc.pb.{h,cc}. flagd calls its service `Service`, for which the plugin writes a class that does not
# compile: it is given a copy in which the service is called `Evaluation`, and what it wrote gets flagd's paths back.
#   cmake -DPROTO_ROOT= -DNAME= -DOUT= -DPROTOC= -DPLUGIN= -P service_code.cmake
set(renamed "${OUT}/renamed")
file(READ "${PROTO_ROOT}/${NAME}.proto" proto)
string(REPLACE "\nservice Service {" "\nservice Evaluation {" proto "${proto}")
file(WRITE "${renamed}/${NAME}.proto" "${proto}")
execute_process(
  COMMAND "${PROTOC}" "--proto_path=${renamed}" "--grpc_out=${OUT}" "--plugin=protoc-gen-grpc=${PLUGIN}"
          "${renamed}/${NAME}.proto"
  COMMAND_ERROR_IS_FATAL ANY)
foreach(ending h cc)
  file(READ "${OUT}/${NAME}.grpc.pb.${ending}" code)
  string(REGEX REPLACE "(flagd\\.evaluation\\.v[12])\\.Evaluation" "\\1.Service" code "${code}")
  file(WRITE "${OUT}/${NAME}.grpc.pb.${ending}" "${code}")
endforeach()
