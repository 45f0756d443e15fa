#!/usr/bin/env bash
# Makes clients of openapi.yaml with two generators, compiles them, and drives the path with each against the runner; and has the document linted. Any word of the linter's
# is a failure. Called by `make clients`, which installs what this needs; nothing that is generated is kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=infra/clients runner=.tools/bin/seatwise-local work=$(mktemp -d) pid=
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
trap '[[ -z $pid ]] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT

echo '-- redocly lint'
modules=$PWD/.tools/clients/node_modules
"$modules/.bin/redocly" lint --config "$here/redocly.yaml" --format json openapi.yaml > "$work/lint.json" 2> "$work/lint.err" || { cat "$work/lint.json" "$work/lint.err"; exit 1; }
node -e '
  const { totals } = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
  if (totals.errors + totals.warnings + totals.ignored > 0) { console.error("the linter has something to say", totals); process.exit(1); }
' "$work/lint.json" || { cat "$work/lint.json"; exit 1; }

echo '-- openapi-typescript, tsc --strict'
cp -r "$here/typescript/." "$work/ts"
ln -s "$modules" "$work/ts/node_modules"
(cd "$work/ts" && node_modules/.bin/openapi-typescript "$OLDPWD/openapi.yaml" -o api.d.ts > /dev/null && node_modules/.bin/tsc -p .)

echo '-- oapi-codegen'
cp -r "$here/testdata/go" "$work/go"
mkdir "$work/go/api"
mv "$work/go/main.go.txt" "$work/go/main.go" # it is of a module of its own, which no tool of this one takes in
(cd "$work/go" && go tool oapi-codegen -generate types,client -package api -o api/api.gen.go "$OLDPWD/openapi.yaml" && go build -o path .)

"$runner" --addr 127.0.0.1:0 --s3-addr 127.0.0.1:0 --data "$work/data" --no-schedules > "$work/ready" 2> "$work/log" &
pid=$!
for _ in $(seq 600); do
  grep -q 'is ready' "$work/ready" && break
  kill -0 "$pid" 2>/dev/null || { cat "$work/log"; exit 1; }
  sleep 0.1
done
api=$(grep -oE 'http://[0-9.:]+' "$work/ready" | head -1)
node "$work/ts/build/path.js" "$api" ts-acme
"$work/go/path" "$api" go-acme
