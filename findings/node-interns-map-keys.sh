#!/usr/bin/env bash
# Guess: a Map or a Set keeps the text that it is given as a key as it is, like an array does. Node interns names of properties alone,
# in a table with one copy of each text, which every full collection of garbage goes through.
#
# Found: Node 26 interns each text once it is a key of a Map or a Set, so an index of thousands of names grows that table by all of
# them, for as long as it holds them. Node 24 does not.
#
# Output seen:
#   v26.10.0: of 50000 texts in an array 0 % were interned, as keys of a Map 100 %, as members of a Set 100 %
#   v24.21.0: of 50000 texts in an array 0 % were interned, as keys of a Map 0 %, as members of a Set 0 %
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > interned.mjs <<'JS'
import { getHeapSnapshot } from 'node:v8'

const texts = 50_000
const kept = []
const ways = {
  array: (text) => kept[0].push(text),
  map: (text) => kept[1].set(text, true),
  set: (text) => kept[2].add(text),
}
kept.push([], new Map(), new Set())

/** How many texts the table has, by a snapshot of the heap. */
async function interned() {
  let json = ''
  for await (const chunk of getHeapSnapshot()) json += chunk
  const { snapshot, nodes, strings } = JSON.parse(json)
  const fields = snapshot.meta.node_fields
  const [name, edges] = [fields.indexOf('name'), fields.indexOf('edge_count')]
  for (let at = 0; at < nodes.length; at += fields.length)
    if (strings[nodes[at + name]] === '(Internalized strings)') return nodes[at + edges]
  throw new Error('the snapshot names no interned strings')
}

const shares = {}
for (const [way, keep] of Object.entries(ways)) {
  const before = await interned()
  // As a text comes from a connection.
  for (let i = 0; i < texts; i += 1) keep(Buffer.from(`${way}/team-${i % 100}/binding-${i}`).toString())
  shares[way] = Math.round((100 * ((await interned()) - before)) / texts)
}
const { array, map, set } = shares
console.log(
  `${process.version}: of ${texts} texts in an array ${array} % were interned, as keys of a Map ${map} %, as members of a Set ${set} %`,
)
JS
run() {
  mkdir "$1"
  echo '{ "allowScripts": { "node": true } }' > "$1/package.json"
  npm install --silent --no-audit --no-fund --prefix "$1" "node@$1"
  "$1/node_modules/.bin/node" interned.mjs
}
of='of 50000 texts in an array 0 % were interned'
seen=$(run 26.10.0; run 24.21.0)
echo "$seen"
[ "$seen" = "v26.10.0: $of, as keys of a Map 100 %, as members of a Set 100 %
v24.21.0: $of, as keys of a Map 0 %, as members of a Set 0 %" ]
