#!/bin/sh
# Writes the Python form of proto/ into a folder: ./generate.sh [FOLDER]. Needs protoc and grpc_python_plugin (Debian's
# protobuf-compiler-grpc); with pip's grpcio-tools, `python3 -m grpc_tools.protoc` with the same arguments does as well.
set -e
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/generated}
mkdir -p "$out"
protoc -I "$here/../../../proto" \
  --plugin=protoc-gen-grpc="$(command -v grpc_python_plugin)" \
  --python_out="$out" --grpc_out="$out" \
  kvasir/v1/pool.proto kvasir/device/v1/device.proto
