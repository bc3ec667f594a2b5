#!/bin/sh
# Makes .venv and installs the given requirements files into it, each only when its text has changed since the last time.
#
#     sh tools/environment.sh requirements.txt [requirements-dev.txt]
#
# PYTHON names the Python to make it with; otherwise the first of python3, python3.11 and newer that is 3.11 or newer.
# pip's own settings apply (PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, ...). Ends with 2 and one sentence where it cannot.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

if ! { [ -x .venv/bin/python ] && .venv/bin/python -c 'import pip' >/dev/null 2>&1; }; then # absent, half made, or its Python is gone
    found=
    for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14 python}; do
        if recent "$candidate"; then
            found=$candidate
            break
        fi
    done
    if [ -z "$found" ]; then
        say "The course needs Python 3.11 or newer, and ${PYTHON:-python3} is not: install it from https://www.python.org/downloads/ or with your system's packages, then run this again."
        exit 2
    fi
    if ! "$found" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        say "$found has no venv module: install it (on Debian and Ubuntu: sudo apt-get install python3-venv), then run this again."
        exit 2
    fi
    say "Making .venv with $("$found" --version) ..."
    "$found" -m venv --clear .venv
fi

for file in "$@"; do
    stamp=.venv/installed-$file
    if ! cmp -s "$file" "$stamp"; then
        say "Installing $file ..."
        if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$file"; then
            say "Installing $file did not work (see above): check the network, or the index that pip is set to use, then run this again; what is installed stays."
            exit 2
        fi
        cp "$file" "$stamp"
    fi
done
