/** What `kleym check` can't do without: a Node that reads the files of a folder with the YAML library that it uses. */
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
