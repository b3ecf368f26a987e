import { readFileSync } from 'node:fs'
import * as nodeModule from 'node:module'

/** The script and the style of the page. */
export type Assets = { readonly script: string; readonly style: string }

/** Classic scripts, one after the other: what one declares at its top the next ones see. */
const scripts = ['model', 'elements', 'graph', 'details', 'filters', 'main']

const read = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8')

/** Read from the files that the build made or, in the checkout, from the sources, whose types are taken out. */
export function pageAssets(): Assets {
  if (!import.meta.url.endsWith('.ts')) return { script: read('page.js'), style: read('page.css') }
  const source = scripts.map((name) => nodeModule.stripTypeScriptTypes(read(`browser/${name}.ts`))).join('\n')
  return { script: `(() => {\n'use strict'\n${source}\n})()\n`, style: read('page.css') }
}
