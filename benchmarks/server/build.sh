#!/bin/sh
# Builds the benchmark server and its load client into the folder given (default: ./bin). Needs a C compiler and Linux.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-"$here/bin"}
mkdir -p "$out"
for name in server load; do
    ${CC:-cc} -O2 -std=gnu11 -Wall -Wextra -Werror -o "$out/$name" "$here/$name.c"
done
