#!/usr/bin/env bash
# The one command that passes all tests, for people and for CI alike. It needs Rust and a C compiler, and Debian's `faketime`
# for the tests that move the clock; that it installs by itself where it can.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        apt-get update -qq && apt-get install -y -qq faketime
    else
        echo "Install libfaketime first (Debian: apt-get install faketime); the clock's tests need it." >&2
        exit 1
    fi
fi

cargo fmt --all --check
cargo clippy --locked --all-targets -- -D warnings
cargo test --locked
RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps
