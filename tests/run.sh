#!/usr/bin/env bash
# The one command that passes all tests, for people and for CI alike. It needs Rust and a C compiler with make; Debian's `faketime` for
# the tests that move the clock; Debian's `chromium` and `chromium-driver`, and npm, for those of the pages;
# user namespaces (`unshare`) for those of a full disk; Debian's `nginx` for those of the proxy, `systemd` for those of the unit and the
# package; npm, and Python 3.11 with venv, for those of what the REST API says of itself. Debian's packages it installs by itself where it can.
#
# With --quick, for the inner loop, it needs Rust and a C compiler with make alone: format, lints, and the tests that are short.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
    '') ;;
    --quick)
        # What starts a browser, a proxy or many servers, moves the clock, or has to wait.
        long=()
        for module in account_deeds account_entry account_forgery account_page account_page_sessions account_session \
            admin_access admin_backups admin_command admin_live admin_page admin_session admin_setup admin_views avatars \
            backup_page backup_schedule backups binary blocked_at_once clock clock_jumps corpus counts crowds damaged \
            damaged_pages developed documentation exact export forgery full_disk guessing idempotency_end imports kills \
            limits_clock limits_passwords limits_settings log log_secrets markup nginx painting pictures portable \
            portable_bounds power_cut proxies proxy races refusals restore schema sessions settings store storms systemd taken \
            tls usernames verify windows; do
            long+=(--skip "$module::")
        done
        cargo fmt --all --check
        cargo clippy --locked --all-targets -- -D warnings
        cargo test --locked --quiet --lib --test main -- "${long[@]}"
        exit
        ;;
    *)
        echo "usage: $0 [--quick]" >&2
        exit 2
        ;;
esac

. tests/needs.sh
# Where nobody but root has its directory in the path.
PATH="$PATH:/usr/sbin"
need chromedriver chromium-driver
need chromium chromium
need nginx nginx
need npm npm
compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null || missing+=(faketime)
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
need_for_packages
get_needed

# The accessibility rules, for the tests only.
axe=axe-core-4.14.1
if [ ! -f "target/$axe/package/axe.min.js" ]; then
    mkdir -p "target/$axe"
    (cd "target/$axe" && npm pack --silent "${axe%-*}@${axe##*-}" && tar xzf ./*.tgz)
fi

cargo fmt --all --check
cargo clippy --locked --all-targets -- -D warnings
cargo test --locked
tests/clients.sh
tests/api.sh
# The package of what was tested; that the executable which is released is static, `packaging/test.sh` by itself proves.
SARYNO_BINARY=target/debug/saryno packaging/test.sh
RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps
