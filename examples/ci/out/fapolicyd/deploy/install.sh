#!/bin/sh
# Installs this policy below /etc/fapolicyd, or puts back what was there before.
#   sh install.sh             install, check, restart the service; goes back by itself on a failure
#   sh install.sh --rollback  put back what the last install replaced
# The policy is a whole one: other files of rules.d are moved away, and come back with a rollback.
set -u
umask 022
here=$(cd "$(dirname "$0")/.." && pwd) || exit 2
etc=${FAPOLICYD_ETC:-/etc/fapolicyd}
kept=${FAPOLICYD_KEPT:-$etc/.policyc}  # on the file system of the policy: going back takes no room
run=${FAPOLICYD_RUN:-/run}
wait=${FAPOLICYD_WAIT:-3}
files='trust.d/policyc fapolicyd.conf rules.d/00-policyc.rules'

say() { printf 'policyc: %s\n' "$*" >&2; }
service() { [ -n "${FAPOLICYD_NO_SERVICE:-}" ] || systemctl "$@"; }
ours() { case " $files " in *" $1 "*) return 0 ;; esac; return 1; }
kept_file() { ln -f "$1" "$2" 2>/dev/null || cp -p "$1" "$2"; }
rule_lines() { grep -vE '^[[:space:]]*(#|$)' "$@"; }

case "$#:${1:-}" in
  0:|1:--rollback) ;;
  *) say "usage: sh install.sh [--rollback]"; exit 2 ;;
esac
[ "$(id -u)" = 0 ] || { say "run it as root"; exit 2; }
[ -d "$etc" ] || { say "$etc: fapolicyd is not installed"; exit 2; }

# A policy may deny systemctl itself: then this shell ends the daemon without starting a program.
stop() {
  service stop fapolicyd 2>/dev/null && return 0
  for file in "$run/fapolicyd.pid" "$run/fapolicyd/fapolicyd.pid"; do
    [ -r "$file" ] || continue
    read -r pid <"$file" || continue
    case "$pid" in ''|0|1|*[!0-9]*) continue ;; esac
    kill -TERM "$pid" 2>/dev/null || continue
    count=0
    while kill -0 "$pid" 2>/dev/null && [ "$count" -lt 500000 ]; do count=$((count + 1)); done
    kill -KILL "$pid" 2>/dev/null
    service stop fapolicyd 2>/dev/null
    return 0
  done
  service stop fapolicyd
}

compiled() {
  [ -z "${FAPOLICYD_NO_SERVICE:-}" ] || return 0
  fagenrules >/dev/null
}

# What fagenrules leaves on a full disk is a part of the rules, and it does not say so.
in_force() {
  [ -z "${FAPOLICYD_NO_SERVICE:-}" ] || return 0
  wanted=$(for name in $files; do case "$name" in *.rules) rule_lines "$etc/$name" ;; esac; done | cksum)
  [ "$(rule_lines "$etc/compiled.rules" | cksum)" = "$wanted" ]
}

running() {
  service is-active --quiet fapolicyd || return 1
  sleep "$wait" || return 1
  service is-active --quiet fapolicyd && /bin/true
}

back() {
  [ -d "$kept/before" ] || { say "nothing to go back to"; return 2; }
  trap '' HUP INT TERM
  stop || say "the service does not stop; going on"
  failed=
  for name in $files; do
    [ -e "$kept/before/$name" ] || rm -f "$etc/$name" || failed=1
  done
  for file in "$kept/before"/* "$kept/before"/rules.d/* "$kept/before"/trust.d/*; do
    [ -f "$file" ] || continue
    name=${file#"$kept/before/"}
    [ "$name" != active ] || continue
    mkdir -p "$(dirname "$etc/$name")"
    kept_file "$file" "$kept/file" && mv -f "$kept/file" "$etc/$name" || failed=1
    rm -f "$kept/file"
  done
  [ -z "$failed" ] || { say "not everything could be put back; run it with --rollback again"; return 1; }
  rm -f "$kept/unfinished"
  compiled || { say "fagenrules fails; the service is stopped"; return 1; }
  if [ ! -e "$kept/before/active" ]; then
    say "the policy that was there before is back; the service did not run then, and is stopped"
  elif service start fapolicyd; then
    say "the policy that was there before is back"
  else
    say "the policy that was there before is back, and the service does not run with it"
    return 1
  fi
}

give_up() { say "$1"; back; exit 1; }

mkdir -p "$kept" || exit 2
if command -v flock >/dev/null; then
  exec 9>"$kept/lock"
  flock -n 9 || { say "another install is running"; exit 2; }
fi
if [ "${1:-}" = --rollback ]; then back; exit; fi

if [ -f "$etc/fapolicyd.rules" ]; then
  say "$etc/fapolicyd.rules: the daemon would load this old file instead; move it away first"
  exit 2
fi
if [ -z "${FAPOLICYD_NO_SERVICE:-}" ]; then
  for tool in fagenrules systemctl; do
    command -v "$tool" >/dev/null || { say "$tool is missing: nothing is changed"; exit 2; }
  done
fi

# All that takes room, before anything is changed.
rm -rf "$kept/new"
for name in $files; do
  mkdir -p "$(dirname "$kept/new/$name")" "$(dirname "$etc/$name")" \
    && cp "$here/$name" "$kept/new/$name" && chmod 0644 "$kept/new/$name" && continue
  rm -rf "$kept/new"
  say "$name cannot be copied: nothing is changed"
  exit 1
done
same=yes
for name in $files; do cmp -s "$kept/new/$name" "$etc/$name" || same=; done
for file in "$etc"/rules.d/*.rules; do
  [ ! -f "$file" ] || ours "rules.d/${file##*/}" || same=
done
if [ -e "$kept/unfinished" ]; then
  say "the last install was cut off; what was there before it is kept"
elif [ -z "$same" ]; then
  rm -rf "$kept/before.new"
  mkdir -p "$kept/before.new/rules.d" "$kept/before.new/trust.d" || exit 1
  for file in "$etc/fapolicyd.conf" "$etc"/rules.d/*.rules "$etc"/trust.d/policyc; do
    [ -f "$file" ] || continue
    kept_file "$file" "$kept/before.new/${file#"$etc/"}" && continue
    rm -rf "$kept/before.new" "$kept/new"
    say "$file cannot be kept: nothing is changed"
    exit 1
  done
  if service is-active --quiet fapolicyd; then : >"$kept/before.new/active" || exit 1; fi
  rm -rf "$kept/before"
  mv "$kept/before.new" "$kept/before" || exit 1
fi

: >"$kept/unfinished" || { say "$kept/unfinished cannot be written: nothing is changed"; exit 1; }
trap 'give_up "interrupted"' HUP INT TERM
# Trust first: rules that ask for it must never be there without it.
for name in $files; do
  mv -f "$kept/new/$name" "$etc/$name" || give_up "$etc/$name cannot be replaced"
done
for file in "$etc"/rules.d/*.rules; do
  [ -f "$file" ] || continue
  ours "rules.d/${file##*/}" || rm -f "$file" || give_up "$file cannot be moved away"
done
rm -rf "$kept/new"
sync
if command -v fapolicyd-cli >/dev/null && [ -z "${FAPOLICYD_NO_SERVICE:-}" ]; then
  fapolicyd-cli --check-config >/dev/null || give_up "the daemon would not take this configuration"
fi
compiled || give_up "fagenrules fails"
in_force || give_up "$etc/compiled.rules is not what was installed"
service restart fapolicyd || give_up "the service does not start with this policy"
running || give_up "the service does not run with this policy, or nothing else does"
trap - HUP INT TERM
rm -f "$kept/unfinished"
say "installed; the log is: journalctl -u fapolicyd"
