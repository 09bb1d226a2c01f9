set -euo pipefail
trap 'echo "line $LINENO failed"' ERR
trap 'echo "cleaning up, status $?"' EXIT
if ! grep -q x <<< "abc"; then echo "no x"; fi
false || echo "caught"
(exit 4) || echo "subshell $?"
set +e; true | false | true; echo "${PIPESTATUS[@]}"; set -e
trap 'echo interrupted' INT
kill -INT $$
echo "to stderr" >&2
unknown_command_xyz
echo "never"
