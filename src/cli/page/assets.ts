import { readFileSync } from 'node:fs'
import * as nodeModule from 'node:module'

/** What runs and what styles the page. */
export type Assets = { readonly script: string; readonly style: string }

/** Classic scripts, one after the other: what one declares at its top the next ones see. */
const scripts = ['model', 'elements', 'graph', 'details', 'filters', 'main']

const read = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8')

/** From the files that the build made of these or, beside the sources, from the sources, without their types. */
export function pageAssets(): Assets {
  if (!import.meta.url.endsWith('.ts')) return { script: read('page.js'), style: read('page.css') }
  const source = scripts.map((name) => nodeModule.stripTypeScriptTypes(read(`browser/${name}.ts`))).join('\n')
  return { script: `(() => {\n'use strict'\n${source}\n})()\n`, style: read('page.css') }
}
