#!/usr/bin/env bash
# The one command that proves the packages, for people and for CI alike: that the executable is static, that the Debian package is
# installed, serves, is installed again, removed and purged as it should be, and that its unit is sound. It needs what static.sh needs,
# systemd, and for a root directory to be thrown away root or user namespaces. With SARYNO_BINARY=FILE it packs that one, static or not.
set -euo pipefail
cd "$(dirname "$0")/.."

. tests/needs.sh
need_for_packages
get_needed

if [ -z "${SARYNO_BINARY:-}" ]; then
    packaging/static.sh
    export SARYNO_BINARY=target/static/saryno
elif ldd "$SARYNO_BINARY" >/dev/null 2>&1 && [[ $(ldd "$SARYNO_BINARY") != *'statically linked'* ]]; then
    echo "$SARYNO_BINARY is not static: that it runs without anything else is NOT proved."
else
    packaging/static.sh
fi
packaging/deb.sh
systemd-analyze security --offline=true --no-pager --threshold=19 packaging/saryno.service | tail -n 1

# A file system of its own, in which root may write over everything.
apart=(unshare --mount)
[ "$(id -u)" = 0 ] || apart+=(--map-root-user --map-auto)
if ! "${apart[@]}" true; then
    echo 'A root directory to be thrown away needs root, or user namespaces with /etc/subuid and newuidmap (Debian: uidmap).' >&2
    exit 1
fi
exec "${apart[@]}" packaging/debian/test.sh target/package/saryno_*.deb
