#!/bin/sh
# Installs this policy below /etc/fapolicyd, or puts back what was there before.
#   sh install.sh             install, check, restart the service; goes back by itself on a failure
#   sh install.sh --rollback  put back what the last run replaced
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
etc=${FAPOLICYD_ETC:-/etc/fapolicyd}
kept=${FAPOLICYD_KEPT:-/var/lib/policyc-fapolicyd}
files='trust.d/policyc fapolicyd.conf rules.d/00-policyc.rules'

say() { printf 'policyc: %s\n' "$*" >&2; }
service() { [ -n "${FAPOLICYD_NO_SERVICE:-}" ] || systemctl "$@"; }

[ "$(id -u)" = 0 ] || { say "run it as root"; exit 2; }
[ -d "$etc" ] || { say "$etc: fapolicyd is not installed"; exit 2; }

back() {
  [ -d "$kept/before" ] || { say "nothing to go back to"; exit 2; }
  service stop fapolicyd || true
  for name in $files; do
    if [ -f "$kept/before/$name" ]; then
      cp -p "$kept/before/$name" "$etc/$name.new" && mv -f "$etc/$name.new" "$etc/$name"
    else
      rm -f "$etc/$name"
    fi
  done
  load
  say "the policy that was there before is back"
}

load() {
  if command -v fagenrules >/dev/null && [ -z "${FAPOLICYD_NO_SERVICE:-}" ]; then fagenrules >/dev/null; fi
  service restart fapolicyd
}

if [ "${1:-}" = --rollback ]; then back; exit 0; fi

if [ -f "$etc/fapolicyd.rules" ]; then
  say "$etc/fapolicyd.rules: the daemon would load this old file instead; move it away first"
  exit 2
fi
rm -rf "$kept/before"
for name in $files; do
  mkdir -p "$(dirname "$kept/before/$name")" "$(dirname "$etc/$name")"
  if [ -f "$etc/$name" ]; then cp -p "$etc/$name" "$kept/before/$name"; fi
done
mkdir -p "$kept/before"
# Trust first: rules that ask for it must never be there without it.
for name in $files; do
  cp "$here/$name" "$etc/$name.new"
  chmod 0644 "$etc/$name.new"
  mv -f "$etc/$name.new" "$etc/$name"
done
if command -v fapolicyd-cli >/dev/null && ! fapolicyd-cli --check-config >/dev/null; then
  say "the daemon would not take this configuration"
  back
  exit 1
fi
if ! load || ! service is-active --quiet fapolicyd || ! /bin/true; then
  say "the service does not run with this policy"
  back
  exit 1
fi
say "installed; the log is: journalctl -u fapolicyd"
