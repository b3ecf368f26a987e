import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../core/show.ts'

/** A file and what it holds, or why it can't be read. */
export type Text =
  | { readonly kind: 'text'; readonly file: string; readonly text: string }
  | { readonly kind: 'problem'; readonly problem: string }

export type Reading = {
  /** The flag that named the paths, for what is said of them. */
  readonly flag: string
  /** Whether the folders of a folder are searched, too. */
  readonly recursive: boolean
  readonly readStdin: () => Promise<string>
}

/** Reads files, folders (their .yaml, .yml and .json, by name) and, for `-`, standard input, in the order given. */
export async function readTexts(paths: readonly string[], reading: Reading): Promise<readonly Text[]> {
  const all: Text[] = []
  for (const path of paths) {
    try {
      for (const file of await filesIn(path, reading.recursive))
        all.push(
          file === '-'
            ? { kind: 'text', file: 'standard input', text: await reading.readStdin() }
            : { kind: 'text', file, text: await readFile(file, 'utf8') },
        )
    } catch (error) {
      all.push({ kind: 'problem', problem: `${reading.flag} ${path}: ${messageOf(error)}` })
    }
  }
  return all
}

function absent(error: NodeJS.ErrnoException): never {
  throw error.code === 'ENOENT' ? new Error('there is no such file or folder') : error
}

async function filesIn(path: string, recursive: boolean): Promise<readonly string[]> {
  const found = path === '-' ? undefined : await stat(path).catch(absent)
  if (!found?.isDirectory()) return [path]
  const files = await filesUnder(path, recursive)
  if (files.length === 0)
    throw new Error(
      recursive
        ? 'the folder and its own folders hold no .yaml, .yml or .json file'
        : 'the folder holds no .yaml, .yml or .json file, and its own folders are not searched without -R',
    )
  return files
}

/** As kubectl walks: by name, a folder where its name stands. */
async function filesUnder(folder: string, recursive: boolean): Promise<readonly string[]> {
  const entries = (await readdir(folder)).toSorted().map((name) => join(folder, name))
  const kinds = await Promise.all(entries.map((one) => stat(one).catch(() => undefined)))
  const files: string[] = []
  for (const [at, path] of entries.entries()) {
    const kind = kinds[at]
    if (kind?.isDirectory() && recursive) files.push(...(await filesUnder(path, true)))
    if (kind?.isFile() && /\.(?:ya?ml|json)$/.test(path)) files.push(path)
  }
  return files
}
