#!/bin/sh
# What a pull request needs of policyc: lint, check, compile --check and diff, and their reports:
# NAME.sarif, NAME.junit.xml and NAME.gitlab.json of each, comment.md and diff.json.
#
# Every setting is a variable, so that no text of a pull request becomes shell:
#   POLICYC              the program (policyc)
#   POLICYC_BASELINE     the baseline, from here (policyc.yaml)
#   POLICYC_INVENTORIES  inventories, separated by blanks or line ends; none is allowed
#   POLICYC_CHECK        trees or inventories to check for masquerades; none is allowed
#   POLICYC_OUT          the folder of compiled policies that is committed (out); "-" for none
#   POLICYC_BASE         the revision to compare with; without one nothing is compared
#   POLICYC_FAIL_ON      never, widen (the default), narrow or any
#   POLICYC_REPORTS      the folder for reports (policyc-reports)
#
# Exits by the worst of the four: 70 or 2 for an error, 1 for a finding, 3 for what is unknown.
set -uf

policyc=${POLICYC:-policyc}
baseline=${POLICYC_BASELINE:-policyc.yaml}
out=${POLICYC_OUT:-out}
base=${POLICYC_BASE:-}
fail_on=${POLICYC_FAIL_ON:-widen}
reports=${POLICYC_REPORTS:-policyc-reports}
worst=0

# The more severe of two exit codes.
rank() {
  case $1 in 0) echo 0 ;; 3) echo 1 ;; 1) echo 2 ;; 2) echo 3 ;; *) echo 4 ;; esac
}

step() {
  name=$1
  shift
  echo "== $name"
  "$@"
  code=$?
  if [ "$(rank "$code")" -gt "$(rank "$worst")" ]; then worst=$code; fi
}

# A step whose findings also go to files. The first word begins their names, the second is the
# form of SARIF.
reported() {
  file=$reports/$1
  sarif=$2
  shift 2
  step "$@" --report "$sarif=$file.sarif" --report "junit=$file.junit.xml" \
    --report "gitlab=$file.gitlab.json" --report "annotations=$file.annotations.txt"
}

mkdir -p -- "$reports" || exit 2

set --
for item in ${POLICYC_INVENTORIES:-}; do set -- "$@" -i "$item"; done

reported lint sarif lint "$policyc" lint "$baseline" "$@"
if [ "$out" != - ]; then
  reported compile sarif 'compile --check' \
    "$policyc" compile "$baseline" "$@" -o "$out" --check
fi
if [ -n "$base" ]; then
  if git cat-file -e "$base:./$baseline" 2>/dev/null; then
    reported diff sarif diff \
      "$policyc" diff "git:$base:./$baseline" "$baseline" "$@" --fail-on "$fail_on" \
      --report "markdown=$reports/comment.md" --report "json=$reports/diff.json"
  else
    echo "== diff: $base has no $baseline, so there is nothing to compare"
  fi
fi
set --
for item in ${POLICYC_CHECK:-}; do set -- "$@" "$item"; done
if [ $# -gt 0 ]; then
  reported check github check "$policyc" check "$@" -b "$baseline"
fi

if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -f "$reports/comment.md" ]; then
  cat -- "$reports/comment.md" >>"$GITHUB_STEP_SUMMARY"
fi
if [ "${GITHUB_ACTIONS:-}" = true ]; then
  # What the change does goes first, as GitHub shows ten of a level and cuts off the rest.
  for item in diff lint check; do
    if [ -f "$reports/$item.annotations.txt" ]; then cat -- "$reports/$item.annotations.txt"; fi
  done
  # Losses that are accepted or only narrow are no news to a pull request.
  if [ -f "$reports/compile.annotations.txt" ]; then
    grep '^::error' -- "$reports/compile.annotations.txt"
  fi
fi
echo "== exit $worst"
exit "$worst"
