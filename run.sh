#!/usr/bin/env bash
# Sets everything up, then serves the studio or runs a command: ./run.sh --help
set -euo pipefail
# shellcheck source=setup.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"

set_up ""
exec "$VENV_PYTHON" "$PROJECT/app.py" "$@"
