import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { defineConfig, type Plugin } from 'rolldown'
import { pageAssets } from './src/cli/page/assets.ts'

/**
 * Of these packages a part alone is used, and their entries load all there is: the models of every Kubernetes API,
 * WebSockets, OpenID Connect. What is not used has no effect that anybody would miss.
 */
const loadsAll =
  /node_modules\/(?:@kubernetes\/client-node\/dist\/(?:gen|index)|isomorphic-ws|jsonpath-plus|openid-client|streamx|tar-stream|ws)\b/

/** What is deployed: the program in a few files, without the packages that it is made of. */
export default defineConfig({
  input: { main: 'src/main.ts' },
  platform: 'node',
  transform: { target: 'node22.19' },
  treeshake: { moduleSideEffects: [{ test: loadsAll, sideEffects: false }] },
  plugins: [licences(), page()],
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'esm',
    minify: true,
    // Names in stack traces, and metrics and logs that say the name of a class, stay as they are.
    keepNames: true,
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  },
})

/** What `kleym report` puts into its page, which Node can't make of the sources where those are not. */
function page(): Plugin {
  return {
    name: 'page',
    generateBundle() {
      const { script, style } = pageAssets()
      this.emitFile({ type: 'asset', fileName: 'page.js', source: script })
      this.emitFile({ type: 'asset', fileName: 'page.css', source: style })
    },
  }
}

/** LICENSES.txt: the licence texts of all packages of which something is in the bundle, as their terms ask for. */
function licences(): Plugin {
  return {
    name: 'licences',
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === 'chunk')
      const folders = new Set(
        chunks.flatMap(({ moduleIds }) => moduleIds.flatMap((id) => packageOf(id) ?? [])),
      )
      const source = [...folders].toSorted().map(licenceOf).join('\n')
      this.emitFile({ type: 'asset', fileName: 'LICENSES.txt', source })
    },
  }
}

/** The folder of the package that a file belongs to; undefined for our own. */
function packageOf(file: string): string | undefined {
  const parts = file.split(sep)
  const at = parts.lastIndexOf('node_modules')
  if (at < 0) return undefined
  return parts.slice(0, at + (parts[at + 1]?.startsWith('@') ? 3 : 2)).join(sep)
}

function licenceOf(folder: string): string {
  const { name, version, license }: Record<string, unknown> = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  )
  const texts = readdirSync(folder)
    .filter((file) => /^(?:licen[cs]e|notice|copying)/i.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim())
  return [`# ${String(name)} ${String(version)} (${String(license)})`, ...texts, ''].join('\n\n')
}
