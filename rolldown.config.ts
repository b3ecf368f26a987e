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
  plugins: [usedParts(), licences(), page(), names()],
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'esm',
    // Node keeps the text of a file with any other character as UTF-16: 2.6 MB more for the operator.
    charset: 'ascii',
    minify: true,
    // Names in stack traces, and metrics and logs that say the name of a class, stay as they are.
    keepNames: true,
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  },
})

/**
 * What the program uses of two packages whose entries load much more, which would be held in memory for good: of undici the
 * agents, without fetch, WebSockets, caches and mocks; of fastify all but what compiles schemas, since no route has one.
 */
const used: Readonly<Record<string, string>> = {
  // The methods of a dispatcher, `request` among them, are put on it by the entry. client-node has its own `fetch` in code that
  // is never called.
  undici: `
    import Agent from 'undici/lib/dispatcher/agent.js'
    import Dispatcher from 'undici/lib/dispatcher/dispatcher.js'
    import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js'
    import methods from 'undici/lib/api/index.js'
    Object.assign(Dispatcher.prototype, methods)
    export { Agent, ProxyAgent }
    export const { fetch } = globalThis`,
  '@fastify/ajv-compiler': noSchemas(),
  '@fastify/fast-json-stringify-compiler': noSchemas(),
}

function noSchemas(): string {
  return `module.exports = () => () => { throw new Error('no route may have a schema: see rolldown.config.ts') }`
}

function usedParts(): Plugin {
  return {
    name: 'used-parts',
    resolveId: (id) => (Object.hasOwn(used, id) ? { id: `${id}?used` } : null),
    load: (id) => used[id.replace(/\?used$/, '')] ?? null,
  }
}

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

/** Writes names of people, in the comments with licences that `charset` leaves alone, in ASCII too. */
function names(): Plugin {
  return {
    name: 'names',
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle))
        if (file.type === 'chunk')
          file.code = file.code.replaceAll(/\/\*!.*?\*\//gs, (comment) =>
            comment.replaceAll(/\P{ASCII}/gu, escaped),
          )
    },
  }
}

const escaped = (character: string): string => `\\u{${character.codePointAt(0)?.toString(16)}}`

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
