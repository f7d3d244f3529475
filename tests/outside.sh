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
# is in SERVER, what one needs of the people in MINE and HERS (tokens), ZOE and EMILE (ids); its data are in $data.
serve() {
    local zoe
    data=$(mktemp -d -p "$directory")
    MINE=$(person "NamesAreHardOkay?" --discriminator 0001 --flag developer --flag bot --token | field token)
    zoe=$(person Zoë --discriminator 0042 --token)
    HERS=$(field token <<<"$zoe") ZOE=$(field id <<<"$zoe")
    EMILE=$(person Émile | field id)
    coproc server { cd "$data" && exec env "$@" "$saryno" serve --port 0 2>log; }
    if ! read -r _ _ SERVER <&"${server[0]}"; then
        cat "$data/log" >&2
        exit 1
    fi
    export SERVER MINE HERS ZOE EMILE
}

# person ARGUMENT...: makes an account.
person() {
    (cd "$data" && "$saryno" user create --json "$@")
}

# field NAME: that of the JSON it reads.
field() {
    sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"
}

# Ends the server, if there is one, as its operator would.
stop() {
    local pid=${server_PID:-}
    [ -z "$pid" ] || { kill "$pid" && wait "$pid"; }
}
