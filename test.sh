#!/usr/bin/env bash
# Sets up what the tests need, then runs every check: format, lint, types, room borders, tests.
# Arguments go to pytest: ./test.sh tests/studio -k jobs
set -euo pipefail
# shellcheck source=setup.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"

# A browser for the tests that drive one; they are skipped, and say so, where there is none.
set_up_browser() {
    local names=(chromium-headless-shell chromium chromium-browser google-chrome) name
    for name in "${names[@]}"; do
        has "$name" && return
    done
    if [ "$(id -u)" -eq 0 ] && has apt-get; then
        say "Installing a browser: chromium"
        apt_get update || true
        for name in "${names[@]:0:2}"; do # the first costs a quarter less
            apt_get install "$name" && has "$name" && return
        done
    fi
    say "Fetching a browser for the tests"
    timeout 300 "$VENV_PYTHON" -m playwright install chromium-headless-shell </dev/null >"$VENV/browser.log" 2>&1 ||
        say "There is no Chromium, so the browser tests are skipped. To have them:" \
            "    sudo apt-get install -y chromium"
}

check() {
    say "== $1"
    "${@:2}" || failed+=("$1")
}

# Types take two minutes of one core: they are checked beside everything else, and told at the end.
begin_types() {
    types=$(mktemp)
    nice "$VENV_PYTHON" -m pyright --pythonpath "$VENV_PYTHON" >"$types" 2>&1 </dev/null &
    pyright=$!
    trap 'kill "$pyright" 2>/dev/null || true; rm -f -- "$types"' EXIT
}

end_types() {
    local status=0
    wait "$pyright" || status=$?
    cat -- "$types"
    return "$status"
}

set_up test
set_up_browser
cd -- "$PROJECT"
export OMP_NUM_THREADS=1 PYRIGHT_PYTHON_IGNORE_WARNINGS=1
failed=()
if [ $# -eq 0 ]; then
    check "ruff format" "$VENV_PYTHON" -m ruff format --check .
    check "ruff check" "$VENV_PYTHON" -m ruff check .
    begin_types
    check "import-linter" "$VENV_PYTHON" -c \
        'import sys; from importlinter.cli import lint_imports_command as run; run()'
    set -- -n "${UNDERSTUDY_TEST_PROCESSES:-2}" --dist loadscope --no-loadscope-reorder --durations=40
fi
check "pytest" "$VENV_PYTHON" -m pytest "$@"
if [ -n "${pyright:-}" ]; then
    check "pyright" end_types
fi
if [ ${#failed[@]} -gt 0 ]; then
    fail "Failed: ${failed[*]}"
fi
say "All checks passed."
