import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from './artifacts.ts'

/** Where the version of package.json stands again, since a reader or a tool needs it there: before and after it. */
const places: readonly (readonly [file: string, place: RegExp])[] = [
  ['deploy/chart/Chart.yaml', /(?<=^(?:version|appVersion): )\S+$/gmu],
  ['deploy/operator/deployment.yaml', /(?<=image: kleym-operator:)\S+/gu],
  ['docs/install.md', /(?<=kleym-operator-(?:chart-)?)\d\S*(?=\.tgz)/gu],
]

/** Writes the version into every file that repeats it. A file that does not is an error: it has changed its form. */
export async function writeVersion(version: string, directory: string): Promise<void> {
  for (const [file, place] of places) {
    const path = join(directory, file)
    const text = await readFile(path, 'utf8')
    if (text.search(place) < 0) throw new Error(`${file} has no version where it used to stand`)
    await writeFile(path, text.replaceAll(place, version))
  }
}

// What npm calls after `npm version X` has written package.json.
if (import.meta.main) await writeVersion(process.env['npm_new_version'] ?? '', root)
