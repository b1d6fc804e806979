# Sourced by the scripts beside it: finds Python, makes .venv, installs what is asked for, and skips all of it when
# nothing has changed since the last time.
# shellcheck shell=bash

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null \
      && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "Koe needs Python 3.11 or newer. Install it (on Debian or Ubuntu: sudo apt install python3 python3-venv)," >&2
  echo "or name it: PYTHON=/path/to/python3.11 $0" >&2
  return 2
}

make_environment() {
  [ -x .venv/bin/pip ] && return
  local python
  python=$(find_python)
  echo "Making an environment of its own in .venv with $("$python" --version) ..." >&2
  if ! "$python" -m venv --clear .venv; then
    echo "Python's venv module is missing (on Debian or Ubuntu: sudo apt install python3-venv)." >&2
    return 2
  fi
}

# install EXTRAS: the package from this folder, editable, with its extras, such as "espeak" or "espeak,dev".
install() {
  local extras=$1 wanted stamp=.venv/koe-installed
  make_environment
  # Several sets of extras may have been installed one after the other; each leaves a line.
  wanted="$extras $(cksum <pyproject.toml)"
  if [ -f "$stamp" ] && grep -qxF "$wanted" "$stamp"; then
    return
  fi
  echo "Installing Koe and what it needs (about a minute the first time) ..." >&2
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$extras]"
  echo "$wanted" >>"$stamp"
}

# install_tools: what checks the admin page, into tools/node_modules.
install_tools() {
  local stamp=tools/node_modules/.koe-installed wanted
  if ! command -v npm >/dev/null; then
    echo "The admin page is checked with npm's tools: install Node.js 20 or newer (on Debian or Ubuntu:" >&2
    echo "sudo apt install nodejs npm)." >&2
    return 2
  fi
  wanted=$(cksum <tools/package-lock.json)
  if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
    echo "Installing what checks the admin page ..." >&2
    npm ci --prefix tools --no-audit --no-fund --loglevel=error
    echo "$wanted" >"$stamp"
  fi
}

# install_browser: a Chromium for the tests of the admin page. The system's, or else Debian's package where that may be
# installed, or else Playwright's own. Without one, those tests are skipped and say so.
install_browser() {
  local name
  for name in "${KOE_CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable chrome; do
    if [ -n "$name" ] && command -v "$name" >/dev/null; then
      return
    fi
  done
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Debian's Chromium, for the tests of the admin page ..." >&2
    if { apt-get install -qq -y chromium || { apt-get update -qq && apt-get install -qq -y chromium; }; } >/dev/null 2>&1; then
      return
    fi
  fi
  if ! .venv/bin/python -m playwright install chromium >/dev/null 2>&1; then
    echo "No Chromium was found, and none could be installed: the tests of the admin page are skipped. Install one (on" >&2
    echo "Debian: sudo apt install chromium), or name it: KOE_CHROMIUM=/path/to/chromium script/test" >&2
  fi
}
