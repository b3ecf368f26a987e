import { resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/** The program as sources, and as the bundle of `npm run build`, which is what is deployed. */
export const programs = { sources: resolve(root, 'src/main.ts'), bundle: resolve(root, 'dist/main.js') }

/** What end-to-end tests and benchmarks run; `npm test` has it be the bundle. */
export const program = resolve(root, process.env['KLEYM_TEST_PROGRAM'] ?? programs.sources)
