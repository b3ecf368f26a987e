import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync, type Dirent } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../core/show.ts'

/** A file and what it holds, or why it can't be read. */
export type Text =
  | { readonly kind: 'text'; readonly file: string; readonly text: string }
  | { readonly kind: 'problem'; readonly problem: string }

export type FileOptions = {
  /** The flag that named the paths, for error messages. */
  readonly flag: string
  /** Whether folders are read with their subfolders. */
  readonly recursive: boolean
  readonly readStdin: () => Promise<string>
}

/**
 * Reads files, folders (their .yaml, .yml and .json, by name) and, for `-`, standard input, in the order given. Files are read
 * one after the other and at once: nothing else goes on meanwhile, and to wait for each of a thousand takes ten times as long.
 */
export async function readTexts(paths: readonly string[], options: FileOptions): Promise<readonly Text[]> {
  const all: Text[] = []
  for (const path of paths) {
    try {
      for (const file of filesIn(path, options.recursive))
        all.push(
          file === '-'
            ? { kind: 'text', file: 'standard input', text: await options.readStdin() }
            : { kind: 'text', file, text: readFileSync(file, 'utf8') },
        )
    } catch (error) {
      all.push({ kind: 'problem', problem: `${options.flag} ${path || '""'}: ${messageOf(error)}` })
    }
  }
  return all
}

function filesIn(path: string, recursive: boolean): readonly string[] {
  if (path === '-') return [path]
  if (path === '') throw new Error('names nothing; name a file, a folder, or - for standard input')
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) throw new Error('there is no such file or folder')
  if (!found.isDirectory()) return [path]
  const files = filesUnder(path, recursive, new Set())
  if (files.length === 0)
    throw new Error(
      recursive
        ? 'the folder and its own folders hold no .yaml, .yml or .json file'
        : 'the folder holds no .yaml, .yml or .json file, and its own folders are not searched without -R',
    )
  return files
}

/**
 * The files of a folder in the order in which kubectl reads them: by name, subfolders at the place of their name.
 *
 * @param entered the real paths of the folders so far; each is read once, because a link may lead back to a folder around it
 */
function filesUnder(folder: string, recursive: boolean, entered: Set<string>): readonly string[] {
  const real = realpathSync(folder)
  if (entered.has(real)) return []
  entered.add(real)
  const entries = readdirSync(folder, { withFileTypes: true })
  const byName = new Map(entries.map((entry) => [entry.name, entry]))
  return [...byName.keys()].toSorted().flatMap((name): readonly string[] => {
    const path = join(folder, name)
    const kind = kindOf(path, byName.get(name))
    if (kind?.isDirectory()) return recursive ? filesUnder(path, true, entered) : []
    if (!/\.(?:ya?ml|json)$/.test(path)) return []
    // What the link was to hold would go unchecked, and kubectl does not go on either.
    if (!kind) throw new Error(`${path} is a link to ${readlinkSync(path)}, which is not there`)
    return kind.isFile() ? [path] : []
  })
}

/** The kind of an entry, or of what it leads to if it is a link; undefined for a link that leads nowhere. */
const kindOf = (
  path: string,
  entry: Dirent | undefined,
): Pick<Dirent, 'isDirectory' | 'isFile'> | undefined =>
  entry?.isSymbolicLink() ? statSync(path, { throwIfNoEntry: false }) : entry
