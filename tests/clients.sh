#!/usr/bin/env bash
# Makes clients in TypeScript and in Python of what the server says of itself (static/openapi.json), and has each go through the README's
# first session, under the ordinary limits. It needs npm, and Python 3.11 or newer with venv.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/outside.sh

install_typescript() {
    cp tests/clients/typescript/package*.json "$typescript"
    npm ci --prefix "$typescript" --ignore-scripts --silent
}
typescript=target/clients/typescript
kept "$typescript" "$(cat tests/clients/typescript/package-lock.json)" install_typescript
cp tests/clients/typescript/*.{json,ts} "$typescript"
DESCRIPTION=$PWD/static/openapi.json npm run --prefix "$typescript" --silent generate
npm run --prefix "$typescript" --silent check
serve
npm run --prefix "$typescript" --silent start
stop

install_python() {
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement tests/clients/python/requirements.txt
}
venv=target/clients/venv python=target/clients/python
kept "$venv" "$(cat tests/clients/python/requirements.txt)" install_python
PATH="$PWD/$venv/bin:$PATH"
openapi-python-client generate --path static/openapi.json --config tests/clients/python/generator.yaml --meta none \
    --output-path "$python/saryno" --overwrite --fail-on-warning
# What is the same in every client that it makes is only followed: mypy is stricter than the generator about an `__exit__` there.
MYPYPATH=$python mypy --strict --follow-imports=silent --cache-dir target/clients/mypy \
    tests/clients/python/session.py "$python"/saryno/{api,models}
serve
PYTHONPATH=$python python -W error tests/clients/python/session.py
stop
