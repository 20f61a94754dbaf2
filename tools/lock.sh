#!/usr/bin/env bash
# Compile requirements/*.lock from pyproject.toml. Run by `make lock`; UPGRADE=1 moves to the newest allowed versions.
#
# Local configuration of pip and uv is left out, so that every hash is the public registry's and no address or path of
# the machine that ran it gets into the files. One file serves every platform and every Python from 3.11 on.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=${UV:-uv}
for name in $(compgen -e | grep -E '^(PIP|UV)_' || true); do
    unset "$name"
done

compile() {
    local profile=$1
    shift
    "$uv" pip compile pyproject.toml "$@" \
        --no-config --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
        ${UPGRADE:+--upgrade} --output-file "requirements/$profile.lock"
}

mkdir -p requirements
compile dev --all-extras --group dev
compile demo --extra cli --extra db --group build --constraints requirements/dev.lock
compile bench --extra db --group bench
compile sdks --group sdks

if grep -nE '^--|://|@ |(^|[^a-z])/[a-z]' requirements/*.lock; then
    echo "tools/lock.sh: the lines above name an address, an option or a path" >&2
    exit 1
fi
