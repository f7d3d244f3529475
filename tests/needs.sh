# What a script needs of the system: said at its beginning, and installed where that may be done. Sourced.

missing=()

# need COMMAND PACKAGE: a command, and Debian's package that has it.
need() {
    command -v "$1" >/dev/null || missing+=("$2")
}

# Installs what is missing, or says what to install.
get_needed() {
    [ ${#missing[@]} -gt 0 ] || return 0
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"
    else
        echo "Install first (Debian: apt-get install ${missing[*]}); $0 needs it." >&2
        exit 1
    fi
}

# What the proof of the packages needs.
need_for_packages() {
    need curl curl
    need dpkg dpkg
    need make make
    need strip binutils
    need systemd-analyze systemd
    need unshare util-linux
    # Who is not root becomes it in a namespace.
    [ "$(id -u)" = 0 ] || need newuidmap uidmap
}
