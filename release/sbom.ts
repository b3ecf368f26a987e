import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { objectOr, type JsonObject } from '../src/core/json.ts'
import { root, type Workshop } from './artifacts.ts'
import { run } from './run.ts'

/**
 * `sbom.cdx.json`: the packages that the operator runs with, by the lock file, as CycloneDX. npm writes the time, a random serial
 * number and the name of the folder; here the serial number is of what is listed, and the name that of the program.
 */
export async function billOfMaterials({ directory }: Workshop): Promise<void> {
  const flags = ['--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only']
  const {
    serialNumber: _serial,
    metadata,
    ...listed
  } = objectOr(JSON.parse(await run('npm', ['sbom', ...flags], root)))
  const { timestamp: _timestamp, component, ...described } = objectOr(metadata)
  const named = { ...objectOr(component), name: 'kleym-operator' }
  const bill = { ...listed, metadata: { ...described, component: named } }
  const text = JSON.stringify({ ...bill, serialNumber: serialOf(bill) }, undefined, 2)
  await writeFile(join(directory, 'sbom.cdx.json'), `${text}\n`)
}

/** A UUID of version 8, which has room for a hash. RFC 9562, section 5.8. */
function serialOf(bill: JsonObject): string {
  const hex = createHash('sha256').update(JSON.stringify(bill)).digest('hex')
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ]
  return `urn:uuid:${parts.join('-')}`
}
