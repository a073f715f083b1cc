#!/bin/sh
# Prints what the image adds to its base: the locked packages and the service, installed into an empty folder as the
# Dockerfile does. Then checks that they work. Usage: size.sh PYTHON [LOCK]. Docker is not needed.
set -eu
project=$PWD
python=$(command -v "$1")
case $python in /*) ;; *) python=$project/$python ;; esac
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m venv "$folder/.venv"
pip="$folder/.venv/bin/python -m pip --quiet --disable-pip-version-check"
$pip install --require-hashes --only-binary :all: -r requirements-build.lock
$pip install --require-hashes --only-binary :all: -r "${2:-requirements.lock}"
cp -R pyproject.toml README.md LICENSE alembic service "$folder"
(cd "$folder" && $pip install --no-deps --no-build-isolation -e . && .venv/bin/python -m compileall -q service)
installed=$(du -s -b "$folder" | cut -f 1)
sh deployment/slim.sh "$folder/.venv"
slim=$(du -s -b "$folder" | cut -f 1)
cd "$folder"
# What is left must still work: print letters, and then, with PostgreSQL added, serve a registry that reads CSV, NDJSON and
# Parquet and gives the expected answers. PostgreSQL may run as another account, which has to pass through the folder.
.venv/bin/python - <<'LETTER'
from service.disclosure.letter import Letter, print_letter
from service.wording.language import Language

for language in Language:
    letter = Letter(language=language, title="Été", from_=["Filiation"], to=["Zoé"], footer="—", opening=[])
    assert print_letter(letter).startswith(b"%PDF-")
LETTER
chmod 711 "$folder"
"$python" -m pip --python .venv/bin/python --quiet --disable-pip-version-check install --require-hashes \
    --only-binary :all: -r "$project/requirements-embedded.lock"
.venv/bin/filiation demo --exit --port 0 --data-dir "$folder/data" >demo.log 2>&1 || { cat demo.log >&2; exit 1; }
echo "$((slim / 1000000)) MB above the base ($((installed / 1000000)) MB before deployment/slim.sh), $("$python" -V)"
