#!/usr/bin/env bash
# Installs a package into a root directory that is thrown away, and looks whether all is as it should be. For packaging/test.sh, which gives
# it a mount namespace of its own.
set -euo pipefail

package=$1
place=$(mktemp -d)
mount -t tmpfs tmpfs "$place"
mkdir "$place/over" "$place/work" "$place/root"
root=$place/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$place/over,workdir=$place/work" "$root"
for here in dev proc; do
    mount --rbind "/$here" "$root/$here"
done
# No systemd runs there.
for empty in run tmp; do
    mount -t tmpfs tmpfs "$root/$empty"
done

server=
end() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    umount --recursive "$place"
    rmdir "$place"
}
trap end EXIT

inside=(env --ignore-environment PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive chroot "$root")
as_saryno=("${inside[@]}" setpriv --reuid saryno --regid saryno --init-groups --no-new-privs)
toml=/etc/saryno/saryno.toml
data=/var/lib/saryno

step() { echo "- $1"; }
# How it stands with a file: its mode, owner and group, or nothing.
stands() { "${inside[@]}" stat --format '%a %U:%G' "$1" 2>/dev/null || true; }
same() {
    if [ "$2" != "$3" ]; then
        echo "$1: it is '$2' and not '$3'" >&2
        exit 1
    fi
}
install() { "${inside[@]}" dpkg --force-confdef --install /tmp/saryno.deb >/dev/null; }

cp "$package" "$root/tmp/saryno.deb"
# What minimal systems leave out when they install: manual pages.
rm -f "$root"/etc/dpkg/dpkg.cfg.d/*

step 'it installs with its user, and what is whose'
install
same 'the executable' "$(stands /usr/bin/saryno)" '755 root:root'
same 'the data directory' "$(stands $data)" '700 saryno:saryno'
same 'the settings' "$(stands $toml)" '640 root:saryno'
same 'the shell of the user' "$("${inside[@]}" getent passwd saryno | cut -d: -f6-)" "$data:/usr/sbin/nologin"

step 'its manual pages and completions are there'
for file in man/man1/saryno.1.gz man/man1/saryno-user-create.1.gz zsh/vendor-completions/_saryno \
    fish/vendor_completions.d/saryno.fish bash-completion/completions/saryno doc/saryno/copyright doc/saryno/changelog.gz; do
    same "$file" "$(stands "/usr/share/$file")" '644 root:root'
done
"${inside[@]}" bash -n /usr/share/bash-completion/completions/saryno

step 'its unit is sound, and enabled'
"${inside[@]}" systemd-analyze verify --man=no /lib/systemd/system/saryno.service
same 'the unit' "$("${inside[@]}" systemctl is-enabled saryno.service)" enabled

step 'what the unit starts serves, as the user'
start=$(sed -n 's/^ExecStart=//p' "$root/lib/systemd/system/saryno.service")
read -ra start <<<"$start"
mkfifo "$place/said"
"${as_saryno[@]}" env SARYNO_PORT=0 "${start[@]}" >"$place/said" 2>"$place/log" &
server=$!
exec 3<"$place/said"
if ! read -r <&3; then
    cat "$place/log" >&2
    exit 1
fi
saryno=("${as_saryno[@]}" saryno --config "$toml" --data "$data")
"${saryno[@]}" health
"${saryno[@]}" user create Installed
kill "$server"
wait "$server"
server=
exec 3<&-
"${saryno[@]}" verify

step 'what the admin changed stays when it is installed again'
echo 'worker_id = 7' >>"$root$toml"
chmod 0600 "$root$toml"
install
same 'the settings' "$(tail -n 1 "$root$toml")" 'worker_id = 7'
same 'the settings' "$(stands $toml)" '600 root:saryno'

step 'removed, it leaves the settings and the data'
"${inside[@]}" dpkg --remove saryno >/dev/null
same 'the executable' "$(stands /usr/bin/saryno)" ''
same 'the settings' "$(tail -n 1 "$root$toml")" 'worker_id = 7'
same 'the database' "$(stands $data/saryno.db)" '600 saryno:saryno'

step 'purged, it leaves the data alone, and says so'
said=$("${inside[@]}" dpkg --purge saryno 2>&1)
same 'the settings' "$(stands /etc/saryno)" ''
same 'the database' "$(stands $data/saryno.db)" '600 saryno:saryno'
[[ $said == *"rm -r $data"* ]] || same 'what it says' "$said" "that $data stays"

step 'purged without data, it leaves nothing'
rm -r "$root$data"
"${inside[@]}" userdel saryno
install
same 'the data directory' "$(stands $data)" '700 saryno:saryno'
same 'the settings' "$(stands $toml)" '640 root:saryno'
"${inside[@]}" dpkg --purge saryno >/dev/null
same 'the data directory' "$(stands $data)" ''

echo 'The package does what it should.'
