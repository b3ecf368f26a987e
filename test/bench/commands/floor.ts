/** The floor for `kleym check`: Node reads the files of a folder with the same YAML library, and does nothing else. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'

const [folder = '.'] = process.argv.slice(2)
const documents = readdirSync(folder).flatMap((name) =>
  [...parseAllDocuments(readFileSync(join(folder, name), 'utf8'))].map((document): unknown =>
    document.toJS(),
  ),
)
process.stdout.write(`${documents.length}\n`)
