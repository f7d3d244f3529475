#!/usr/bin/env bash
# Holds the REST API and what it says of itself against what others expect of every such API: Spectral reads the description, Schemathesis
# asks the real executable whatever may be asked by it. It needs npm, and Python 3 with venv.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/outside.sh

install_spectral() {
    npm install --prefix "$spectral" --ignore-scripts --silent "$pins"
}
spectral=target/api/spectral pins=@stoplight/spectral-cli@6.16.3
kept "$spectral" "$pins" install_spectral
"$spectral/node_modules/.bin/spectral" lint --fail-severity=hint --ruleset tests/spectral.yaml static/openapi.json

install_schemathesis() {
    python3 -m venv "$schemathesis"
    # shellcheck disable=SC2086 # several
    "$schemathesis/bin/pip" install --quiet --disable-pip-version-check $pins
}
# With the same Hypothesis, the same seed asks the same.
schemathesis=$PWD/target/api/schemathesis pins='schemathesis==4.32.5 hypothesis==6.170.15'
kept "$schemathesis" "$pins" install_schemathesis
serve SARYNO_LIMITS__ENABLED=false
"$saryno" registration open --data "$data" >/dev/null
# Of the environment it puts tokens into its settings by itself, but no ids.
sed "s/\${ZOE}/$ZOE/; s/\${EMILE}/$EMILE/" tests/schemathesis.toml >"$directory/schemathesis.toml"
hooks=$PWD/tests
# Where it finds them, and leaves what it remembers of one run for the next, which is to be like the first.
cd "$directory"
PYTHONPATH=$hooks "$schemathesis/bin/schemathesis" run "$SERVER/openapi.json"
stop
