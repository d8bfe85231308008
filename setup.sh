# shellcheck shell=bash
# Sets up the project's own Python environment. Sourced by run.sh and test.sh, which call
# `set_up ""` or `set_up test`; needs bash and Python only. Changes nothing outside the
# environment, but for Debian packages where it runs as root.

readonly PROJECT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
readonly VENV=${UNDERSTUDY_VENV:-$PROJECT/.venv}
readonly VENV_PYTHON=$VENV/bin/python
readonly CPU_WHEELS=https://download.pytorch.org/whl/cpu

say() { printf "%s\n" "$@" >&2; }

fail() {
    say "$@"
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

has_gpu() { [ -e /dev/nvidia0 ] || [ -e /dev/dxg ]; }

# The build of torch that suits this machine, or the one that UNDERSTUDY_TORCH asks for.
torch_build() {
    if [ -n "${UNDERSTUDY_TORCH:-}" ]; then
        echo "$UNDERSTUDY_TORCH"
    elif has_gpu; then
        echo cuda
    else
        echo cpu
    fi
}

# set_up EXTRA: make the environment what pyproject.toml says, with that optional group, those of
# UNDERSTUDY_EXTRAS (commas between), and those that it was asked for before.
set_up() {
    local stamp=$VENV/stamp${1:+-$1} wanted
    wanted=$(fingerprint)
    if is_fresh "$stamp" "$wanted" && has_extras; then
        return
    fi
    mkdir -p -- "$VENV" 2>/dev/null || fail "$VENV cannot be made." \
        "Give this user the right to write there, or set UNDERSTUDY_VENV to another folder."
    local base
    base=$(find_python) || fail "Understudy needs Python 3.11, 3.12 or 3.13, and none is on PATH." \
        "On Debian or Ubuntu: apt-get install python3 python3-venv. Elsewhere: https://www.python.org/downloads/"
    exec 9>"$VENV/lock"
    if ! lock "$base" LOCK_NB; then
        say "Another set-up is running here; waiting for it."
        lock "$base" LOCK_EX
    fi
    if ! { is_fresh "$stamp" "$wanted" && has_extras; }; then # the other one may have done it
        rm -f -- "$VENV"/stamp*
        install_debian_packages
        make_venv "$base"
        install_python_packages "$1 $(extras)"
        extras >"$VENV/extras"
        printf '%s' "$wanted" >"$VENV/stamp.new"
        mv -- "$VENV/stamp.new" "$VENV/stamp"
        [ -z "$1" ] || cp -- "$VENV/stamp" "$stamp"
        say "Set up. The next start is quick."
    fi
    exec 9>&-
}

# What the environment was made from: it is stale when this changes.
fingerprint() {
    local file
    for file in pyproject.toml constraints.txt packages.txt setup.sh engines/own_files.py; do
        cat -- "$PROJECT/$file"
    done | { cksum | tr -d '\n'; echo " $VENV $(torch_build)"; }
}

# The optional groups to install, beside what a script asks for.
extras() {
    local known=""
    [ ! -f "$VENV/extras" ] || known=$(<"$VENV/extras")
    printf '%s ' "$known" "${UNDERSTUDY_EXTRAS:-}" | tr ',\n' '  ' | tr -s ' ' '\n' | sed '/^$/d' | sort -u
}

has_extras() {
    [ -z "${UNDERSTUDY_EXTRAS:-}" ] || [ "$(extras)" = "$(cat -- "$VENV/extras" 2>/dev/null)" ]
}

is_fresh() {
    [ -x "$VENV_PYTHON" ] && [ -f "$1" ] && [ "$(<"$1")" = "$2" ]
}

find_python() {
    local name
    for name in ${UNDERSTUDY_PYTHON:-python3.12 python3.11 python3.13 python3 python}; do
        if has "$name" && "$name" -c \
            'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# The lock belongs to file 9, which this shell keeps open: flock(1) is not on every machine.
lock() { "$1" -c "import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.$2)" 2>/dev/null; }

install_debian_packages() {
    has dpkg-query && has apt-get || return 0
    local name missing=()
    while read -r name; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) in
            installed) ;;
            *) missing+=("$name") ;;
        esac
    done < <(debian_packages)
    [ "${#missing[@]}" -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        say "These programs make more engines work. Somebody who may install programs can run:" \
            "    sudo apt-get install -y ${missing[*]}" \
            "Going on without them; ./run.sh doctor tells what is missing."
        return 0
    fi
    say "Installing programs: ${missing[*]}"
    apt_get update || say "The package lists cannot be updated; going on with the old ones."
    apt_get install "${missing[@]}" && return 0
    for name in "${missing[@]}"; do # one that is unknown here must not keep out the others
        apt_get install "$name" || say "$name cannot be installed here; going on without it."
    done
}

debian_packages() { grep -v '^$' -- "$PROJECT/packages.txt"; }

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 \
        -o Acquire::Retries=2 --no-install-recommends "$@" </dev/null >"$VENV/apt.log" 2>&1 9>&-
}

make_venv() {
    if [ -x "$VENV_PYTHON" ] && "$VENV_PYTHON" -m pip --version >/dev/null 2>&1; then
        return
    fi
    say "Making the environment $VENV with $("$1" --version)"
    rm -rf -- "${VENV:?}"/{bin,include,lib,lib64,pyvenv.cfg}
    "$1" -m venv --without-pip -- "$VENV" || fail "$VENV cannot be made."
    "$VENV_PYTHON" -m ensurepip --default-pip >/dev/null 2>&1 || fetch_pip ||
        fail "pip cannot be had. On Debian or Ubuntu: apt-get install python3-venv, then start again."
}

# Debian keeps ensurepip in a package of its own; pip's wheel can install itself.
fetch_pip() {
    say "This Python comes without pip; fetching it."
    "$VENV_PYTHON" - "$VENV" <<'PYTHON' 9>&-
import json, os, re, subprocess, sys, urllib.parse, urllib.request

page = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"
kind = {"Accept": "application/vnd.pypi.simple.v1+json"}
with urllib.request.urlopen(urllib.request.Request(page, headers=kind), timeout=30) as answer:
    files = json.load(answer)["files"]
wheels = {}
for each in files:
    version = re.fullmatch(r"pip-(\d+(?:\.\d+)*)-py3-none-any\.whl", each["filename"])
    if version and not each.get("yanked"):
        wheels[tuple(map(int, version[1].split(".")))] = each
newest = wheels[max(wheels)]
wheel = os.path.join(sys.argv[1], newest["filename"])
with urllib.request.urlopen(urllib.parse.urljoin(page, newest["url"]), timeout=60) as answer:
    with open(wheel, "wb") as file:
        file.write(answer.read())
done = subprocess.run([sys.executable, f"{wheel}/pip", "install", "-q", "--no-index", wheel])
os.unlink(wheel)
sys.exit(done.returncode)
PYTHON
}

# install_python_packages "EXTRA..."
install_python_packages() {
    local wanted=$VENV/requirements.txt options=()
    requirements "$1" >"$wanted" || fail "UNDERSTUDY_EXTRAS cannot be used; nothing was installed."
    if [ "$(torch_build)" = cpu ] && [ "$(uname -s)" = Linux ]; then
        if reachable "$CPU_WHEELS/torch/"; then
            options+=(--extra-index-url "$CPU_WHEELS")
        else
            say "$CPU_WHEELS does not answer; taking torch from the usual index (it may be the larger build)."
        fi
    elif [ "$(torch_build)" = cuda ] && installed_torch | grep -q '+cpu$'; then
        "$VENV_PYTHON" -m pip uninstall -q -y torch 9>&-
    fi
    say "Installing Python packages into $VENV (about 3 GB; one to five minutes the first time)"
    if ! "$VENV_PYTHON" -m pip install --disable-pip-version-check --progress-bar off \
        "${options[@]}" -c "$PROJECT/constraints.txt" -r "$wanted" \
        </dev/null 2>&1 9>&- | tee -- "$VENV/pip.log" | show_progress; then
        tail -n 15 -- "$VENV/pip.log" >&2
        fail "The packages could not be installed; the whole log is $VENV/pip.log." \
            "Nothing is lost: start again when the reason is gone."
    fi
    "$VENV_PYTHON" -P "$PROJECT/engines/own_files.py" "$VENV/share/understudy" </dev/null 9>&- ||
        say "Going on without them; the studio tries again whenever it starts."
}

# requirements "EXTRA...": what pyproject.toml asks for, one a line.
requirements() {
    "$VENV_PYTHON" - "$PROJECT/pyproject.toml" "$1" <<'PYTHON'
import sys, tomllib

with open(sys.argv[1], "rb") as file:
    project = tomllib.load(file)["project"]
groups = project["optional-dependencies"]
asked = sys.argv[2].split()
if unknown := [each for each in asked if each not in groups]:
    sys.exit(f"There is no group {unknown[0]!r} in pyproject.toml; choose {', '.join(groups)}.")
extra = [line for each in asked for line in groups[each]]
print("\n".join([*project["dependencies"], *extra]))
PYTHON
}

reachable() {
    "$VENV_PYTHON" -c \
        'import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=5).read(1)' "$1" 2>/dev/null
}

installed_torch() {
    "$VENV_PYTHON" -c 'import importlib.metadata as m; print(m.version("torch"))' 2>/dev/null
}

# One line at a time on a terminal, one line every ten seconds elsewhere.
show_progress() {
    local line shown=-10 count=0
    while IFS= read -r line; do
        case $line in
            Collecting*)
                count=$((count + 1))
                line="  found $count packages, now ${line#Collecting }"
                ;;
            *Downloading*) line="  downloading${line#*Downloading}" ;;
            "Installing collected"*)
                say "  unpacking them; this part is silent for a minute"
                continue
                ;;
            *) continue ;;
        esac
        if [ -t 2 ]; then
            printf '\r\033[K%.78s' "$line" >&2
        elif [ $((SECONDS - shown)) -ge 10 ]; then
            say "$line"
            shown=$SECONDS
        fi
    done
    [ ! -t 2 ] || printf '\r\033[K' >&2
}
