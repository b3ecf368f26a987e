import { createHash } from 'node:crypto'
import type { Assets } from './assets.ts'
import type { Page } from './model.ts'

/**
 * One page that needs nothing beside it. Its policy lets nothing be loaded and nothing run but the two texts whose hashes it
 * names; what comes from a cluster is data, in which no `<` is left that could end its element.
 */
export function htmlOf(page: Page, { script, style }: Assets): string {
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>InferenceIdentityBindings</title>
<style>${style}</style>
</head>
<body>
<noscript>This page draws its graph with the script in it: allow scripts, or read kleym status and kleym check -o text.</noscript>
<script type="application/json" id="page">${dataOf(page)}</script>
<script>${script}</script>
</body>
</html>
`
}

const hashOf = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`

/** JSON in which HTML can't read anything: neither `</script>` nor `<!--`. */
const dataOf = (page: Page): string => JSON.stringify(page).replaceAll('<', '\\u003c')
