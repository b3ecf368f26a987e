import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { rules } from '../../core/findings.ts'
import { version } from '../../version.ts'
import type { Checked } from '../assess.ts'
import { objectName, placedTextOf, placeOf, messagesOf } from '../check-messages.ts'

/** SARIF 2.1.0, which code scanning services read. */
export function sarifOf(all: readonly Checked[]): string {
  const results = all.flatMap((checked) =>
    messagesOf(checked).flatMap((message) => {
      const { action, line, reason } = message
      const place = placeOf(checked)
      return [
        {
          ruleId: reason,
          level: action === 'deny' ? 'error' : 'warning',
          message: { text: placedTextOf(message, checked) },
          locations: [place ? locationOf(place.file, line ?? place.line) : locationIn(objectName(checked))],
        },
      ]
    }),
  )
  const ids = [...new Set(results.map(({ ruleId }) => ruleId))].toSorted()
  const report = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver: { name: 'kleym', version, rules: ids.map(ruleOf) } }, results }],
  }
  return `${JSON.stringify(report, undefined, 2)}\n`
}

const locationOf = (file: string, startLine: number) => ({
  physicalLocation: {
    artifactLocation: { uri: isAbsolute(file) ? pathToFileURL(file).href : encodeURI(file) },
    region: { startLine },
  },
})

/** The place of an object of the cluster, which no file and line tell. */
const locationIn = (fullyQualifiedName: string) => ({
  logicalLocations: [{ fullyQualifiedName, kind: 'resource' }],
})

const ruleOf = (id: string) => {
  const fix = Object.values(rules).find(({ reason }) => reason === id)?.fix
  return {
    id,
    shortDescription: { text: fix ?? 'what the schema of the kind, or its metadata, does not allow' },
  }
}
