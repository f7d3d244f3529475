# For tests that speak to the real executable with tools of others: the tools, and a server. Sourced at the top of the project.

# As the tests in Rust have it: `cargo build` alone would build some of its crates anew, with fewer features.
cargo test --locked --quiet --no-run --test main
saryno=$PWD/target/debug/saryno
directory=$(mktemp -d)
trap 'stop; rm -rf "$directory"' EXIT

# kept DIRECTORY PINS COMMAND...: makes the directory by the command, unless that was done already with these very pins.
kept() {
    local made=$1 pins=$2
    shift 2
    [ "$(cat "$made/pins" 2>/dev/null)" = "$pins" ] && return
    rm -rf "$made"
    mkdir -p "$made"
    "$@"
    printf '%s' "$pins" >"$made/pins"
}

# serve [VARIABLE=VALUE]...: a server under these settings, with the people of the README's first session and no other. Its address
# is in SERVER, and what one needs of the people in MINE, HERS and EMILE.
serve() {
    local data
    data=$(mktemp -d -p "$directory")
    MINE=$(person token "NamesAreHardOkay?" --discriminator 0001 --flag developer --flag bot --token)
    HERS=$(person token Zoë --discriminator 0042 --token)
    EMILE=$(person id Émile)
    coproc server { cd "$data" && exec env "$@" "$saryno" serve --port 0 2>log; }
    if ! read -r _ _ SERVER <&"${server[0]}"; then
        cat "$data/log" >&2
        exit 1
    fi
    export SERVER MINE HERS EMILE
}

# person FIELD ARGUMENT...: makes an account, and prints a field of what is said of it.
person() {
    local field=$1
    shift
    (cd "$data" && "$saryno" user create --json "$@") | sed "s/.*\"$field\":\"\([^\"]*\)\".*/\1/"
}

# Ends the server, if there is one, as its operator would.
stop() {
    local pid=${server_PID:-}
    [ -z "$pid" ] || { kill "$pid" && wait "$pid"; }
}
