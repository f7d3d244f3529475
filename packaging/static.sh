#!/usr/bin/env bash
# Builds target/static/saryno, which needs no library and so runs on every Linux of this architecture, and proves it: in a root
# directory with nothing but itself and an empty one for the data. It needs Rust, a C compiler with make, and curl, and who is not root user namespaces.
# SARYNO_BINARY=FILE proves that one and builds nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=${SARYNO_BINARY:-}
if [ -z "$binary" ]; then
    target=$(rustc -vV | sed -n 's/^host: \([^-]*\)-.*/\1/p')-unknown-linux-gnu
    # Randomness comes from the kernel's call alone: where a library is linked in, getrandom doesn't find the C library's and would open
    # /dev/urandom, which not every root directory has. Where the code may lie is written in short: 0.7 MB less.
    flags='-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs --cfg getrandom_backend="linux_getrandom"'
    # The target is named, so that what runs while building stays as it is: macros are libraries.
    RUSTFLAGS=$flags cargo build --release --locked --target "$target"
    binary=target/static/saryno
    install -D "${CARGO_TARGET_DIR:-target}/$target/release/saryno" "$binary"
fi

linked=$(ldd "$binary" 2>&1 || true)
if [[ $linked != *'statically linked'* && $linked != *'not a dynamic executable'* ]]; then
    echo "$binary needs libraries, so it is not static: $linked" >&2
    exit 1
fi

scratch=$(mktemp -d)
server=
end() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$scratch"
}
trap end EXIT
mkdir -p "$scratch/nothing/data"
cp "$binary" "$scratch/nothing/saryno"
enter=(chroot "$scratch/nothing" /saryno --data /data)
[ "$(id -u)" = 0 ] || enter=(unshare --map-root-user "${enter[@]}")
# Without the variables of this script and of whoever calls it.
alone=(env --ignore-environment "PATH=$PATH" "${enter[@]}")

version=$("${alone[@]}" --version)
echo "$version"
if [ -z "${SARYNO_BINARY:-}${BUILD_COMMIT:-}" ] && commit=$(git rev-parse --short=12 HEAD 2>/dev/null) && [[ $version != *"commit $commit,"* ]]; then
    echo "It does not tell its commit, $commit." >&2
    exit 1
fi
mkfifo "$scratch/said"
"${alone[@]}" serve --port 0 >"$scratch/said" 2>"$scratch/log" &
server=$!
exec 3<"$scratch/said"
if ! read -r line <&3; then
    cat "$scratch/log" >&2
    exit 1
fi
echo "$line"
"${alone[@]}" health
# The pages are in it, compressed.
url=${line#listening on }
for page in admin/ account/ docs/ docs/guides openapi.json; do
    plain=$(curl --fail --silent "$url/$page")
    packed=$(curl --fail --silent --header 'Accept-Encoding: gzip' "$url/$page" | gzip --decompress)
    if [ -z "$plain" ] || [ "$plain" != "$packed" ]; then
        echo "$url/$page is not what it should be." >&2
        exit 1
    fi
done
"${alone[@]}" user create Alone
"${alone[@]}" verify
kill "$server"
wait "$server"
server=
echo "$binary is static, and serves where there is nothing else."
