#!/usr/bin/env bash
# Installs SoftHSM2, a PKCS#11 token in software, so that the tests can keep keys in one. Says aloud when it cannot, and
# never fails: without it the tests of tokens say that they were skipped.
set -uo pipefail

# Where the tests look for it.
modules=(/usr/lib/softhsm/libsofthsm2.so /usr/lib64/pkcs11/libsofthsm2.so)

installed() {
  command -v softhsm2-util >/dev/null 2>&1 || return 1
  local module
  for module in "${modules[@]}"; do
    [ -e "$module" ] && return 0
  done
  return 1
}

cannot() {
  printf 'SoftHSM2 is not installed and %s. The tests of tokens will be SKIPPED.\n' "$*" >&2
  printf 'To run them, install the package softhsm2 and run this again.\n' >&2
  exit 0
}

if installed; then
  printf 'SoftHSM2 is installed: %s\n' "$(softhsm2-util --version)"
  exit 0
fi
[ "$(id -u)" = 0 ] || cannot "this user cannot install it"
command -v apt-get >/dev/null 2>&1 || cannot "there is no apt-get"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
  DEBIAN_FRONTEND=noninteractive timeout 300 apt-get -y --no-install-recommends install softhsm2 >>"$log" 2>&1
}
# The lists may be old or not there; they are fetched only when the first try fails.
if ! install; then
  timeout 300 apt-get update >>"$log" 2>&1
  if ! install; then
    tail -n 3 "$log" >&2
    cannot "apt-get could not install it"
  fi
fi
installed || cannot "the package has no module where it is looked for"
printf 'SoftHSM2 was installed: %s\n' "$(softhsm2-util --version)"
