#!/bin/bash
# Makes .peers/: a pinned Python environment with the tools that Marrow is compared with. Nothing else uses it.
#
# usage: bench/peers/setup.sh [FOLDER]      (default: .peers beside the sources)
#
# Idempotent: a second start finds the finished environment and returns at once; an interrupted one goes on.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=${1:-$root/.peers}
requirements=$here/requirements.txt
stamp=$folder/requirements.sha256

say() { printf 'peers: %s\n' "$*"; }
fail() {
  printf 'peers: %s\n' "$*" >&2
  exit 1
}

wanted=$(sha256sum <"$requirements")
if [ -x "$folder/bin/python" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
  say "ready in $folder"
  exit 0
fi

# The wheels are for CPython 3.11, Debian 12's own; the system's comes first so that a newer one in PATH does no harm.
python=
for candidate in /usr/bin/python3 python3.11 python3; do
  if command -v "$candidate" >/dev/null &&
    "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || fail "Python 3.11 was not found; install it with: apt-get install python3 python3-venv"
[ "$(uname -m)" = x86_64 ] || fail "the pinned wheels are for x86_64, but this machine is $(uname -m)"
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  apt=(apt-get install -y --no-install-recommends python3-venv)
  if [ "$(id -u)" = 0 ]; then
    say "installing python3-venv"
    { apt-get update -qq && "${apt[@]}" >/dev/null; } || fail "python3-venv is missing; install it with: ${apt[*]}"
  elif command -v sudo >/dev/null; then
    say "installing python3-venv with sudo"
    { sudo apt-get update -qq && sudo "${apt[@]}" >/dev/null; } ||
      fail "python3-venv is missing; install it with: ${apt[*]}"
  else
    fail "python3-venv is missing; install it as root with: ${apt[*]}"
  fi
fi

# The target keeps about 4 GB; pip needs room for the wheels beside it.
mkdir -p "$folder"
free_mb=$(df -Pm "$folder" | awk 'NR == 2 { print $4 }')
[ "$free_mb" -gt 8000 ] || fail "8 GB of free disk are needed in $folder, but only $free_mb MB are free"

say "[1/3] environment in $folder ($("$python" --version))"
rm -f "$stamp"
"$python" -m venv "$folder"

count=$(grep -c '==' "$requirements")
say "[2/3] $count pinned packages, about 2.2 GB to download (most of it PyTorch's CUDA libraries, which its import needs)"
"$folder/bin/python" -m pip install --disable-pip-version-check --quiet --no-deps --only-binary=:all: \
  --require-hashes -r "$requirements" ||
  fail "pip could not install bench/peers/requirements.txt; see the lines above and start again to go on"

say "[3/3] check"
"$folder/bin/python" "$here/check.py" "$requirements"
printf '%s\n' "$wanted" >"$stamp"
say "ready in $folder, $(du -sh "$folder" | cut -f1) on disk"
