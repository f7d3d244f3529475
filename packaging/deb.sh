#!/usr/bin/env bash
# Makes the Debian package, target/package/saryno_*.deb, of the static executable, or of SARYNO_BINARY=FILE. It needs what static.sh
# needs; cargo-deb it installs by itself, into target/tools.
set -euo pipefail
cd "$(dirname "$0")/.."

version=3.8.0
if [ "$(target/tools/bin/cargo-deb --version 2>/dev/null)" != "$version" ]; then
    cargo install --quiet --locked --root target/tools "cargo-deb@$version"
fi
binary=${SARYNO_BINARY:-target/static/saryno}
[ -n "${SARYNO_BINARY:-}" ] || packaging/static.sh

# What [package.metadata.deb] in Cargo.toml takes from here.
package=target/package
rm -rf "$package"
mkdir -p "$package"
strip --output-file="$package/saryno" "$binary"
"$package/saryno" man "$package/man"
gzip --best --no-name "$package"/man/*
for shell in bash zsh fish; do
    "$package/saryno" completions "$shell" >"$package/saryno.$shell"
done
gzip --best --no-name --stdout CHANGELOG.md >"$package/changelog.gz"
target/tools/bin/cargo-deb --no-build --no-strip --output "$package/"
