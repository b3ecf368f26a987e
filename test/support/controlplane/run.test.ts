import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { controlPlane, describeReal } from '../real.ts'
import { scratchDirectory } from './scratch.ts'

const support = resolve(import.meta.dirname, '..')
const root = resolve(support, '../..')

describe('the last line of a run', () => {
  test.each([
    {
      title: 'counts passed tests',
      source: `test('a', () => {}); test('b', () => {})`,
      line: '2 passed, 0 failed',
    },
    {
      title: 'counts failed and skipped tests',
      source: `test('a', () => {}); test('b', () => { throw new Error() }); test.skipIf(true)('c', () => {})`,
      line: '1 passed, 1 failed, 1 skipped',
    },
    {
      title: 'counts a file that cannot be loaded as failed',
      source: `throw new Error()`,
      line: '0 passed, 1 failed',
    },
    {
      title: 'counts a failed hook as failed',
      source: `test('a', () => {}); afterAll(() => { throw new Error() })`,
      line: '1 passed, 1 failed',
    },
    {
      title: 'counts an unhandled error as failed',
      source: `test('a', () => {}); Promise.reject(new Error())`,
      line: '1 passed, 1 failed',
    },
  ])('$title', async ({ source, line }) => {
    const scratch = await scratchDirectory()
    const { code, last } = await vitest(scratch, source)
    expect(last).toBe(line)
    expect(code).toBe(line.includes(' 0 failed') ? 0 : 1)
  })

  test('is red when only the global teardown fails', async () => {
    const scratch = await scratchDirectory()
    const setup = join(scratch, 'setup.mjs')
    await writeFile(setup, `export default () => () => { throw new Error('teardown') }`)
    const { code, last } = await vitest(scratch, `test('a', () => {})`, { globalSetup: setup })
    expect({ code, last }).toEqual({ code: 1, last: '1 passed, 1 failed' })
  })
})

describe('a run without a control plane', () => {
  const source = `
    import { describeReal } from ${JSON.stringify(join(support, 'real.ts'))}
    describeReal('suite', () => { test('needs it', () => {}) })
    test('needs nothing', () => {})`
  const globalSetup = join(support, 'global-setup.ts')

  test('skips by name when it is switched off', async () => {
    const scratch = await scratchDirectory()
    const { code, output, last } = await vitest(scratch, source, {
      globalSetup,
      env: { KLEYM_TEST_CONTROLPLANE: 'off' },
    })
    expect(output).toContain('suite (skipped: KLEYM_TEST_CONTROLPLANE is off) > needs it')
    expect({ code, last }).toEqual({ code: 0, last: '1 passed, 0 failed, 1 skipped' })
  })

  test('skips with the remedy when it cannot be had', async () => {
    const scratch = await scratchDirectory()
    const { code, output, last } = await vitest(scratch, source, {
      globalSetup,
      env: { KUBEBUILDER_ASSETS: scratch },
    })
    expect(output).toMatch(/suite \(skipped: KUBEBUILDER_ASSETS is .*\) > needs it/)
    expect({ code, last }).toEqual({ code: 0, last: '1 passed, 0 failed, 1 skipped' })
  })

  test('fails with the remedy under CI', async () => {
    const scratch = await scratchDirectory()
    const { code, output, last } = await vitest(scratch, source, {
      globalSetup,
      env: { KUBEBUILDER_ASSETS: scratch, CI: 'true' },
    })
    expect(output).toContain('set it to a directory with etcd, kube-apiserver, kubectl')
    expect({ code, last }).toEqual({ code: 1, last: '0 passed, 1 failed' })
  })
})

describeReal('a run without Helm', () => {
  const source = `
    import { describeGitOps, describeReal } from ${JSON.stringify(join(support, 'real.ts'))}
    describeGitOps('suite', () => { test('needs Helm', () => {}) })
    describeReal('suite', () => { test('needs a control plane', () => {}) })`
  const globalSetup = join(support, 'global-setup.ts')

  test('skips with the remedy what needs it, and nothing else', async () => {
    const scratch = await scratchDirectory()
    const { code, output, last } = await vitest(scratch, source, {
      globalSetup,
      env: { KUBEBUILDER_ASSETS: dirname(controlPlane().binaries.etcd), KLEYM_TEST_HELM: scratch },
    })
    expect(output).toMatch(/suite \(skipped: KLEYM_TEST_HELM is .*\) > needs Helm/)
    expect({ code, last }).toEqual({ code: 0, last: '1 passed, 0 failed, 1 skipped' })
  })

  test('fails with the remedy under CI', async () => {
    const scratch = await scratchDirectory()
    const { code, output, last } = await vitest(scratch, source, {
      globalSetup,
      env: {
        KUBEBUILDER_ASSETS: dirname(controlPlane().binaries.etcd),
        KLEYM_TEST_HELM: scratch,
        CI: 'true',
      },
    })
    expect(output).toContain('set it to a directory with helm')
    expect({ code, last }).toEqual({ code: 1, last: '0 passed, 1 failed' })
  })
})

/** Runs the real vitest on a test file, and gives all that it printed. */
async function vitest(
  scratch: string,
  source: string,
  options: { readonly globalSetup?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<{ readonly code: unknown; readonly output: string; readonly last: string | undefined }> {
  await writeFile(join(scratch, 'a.test.ts'), source)
  const config = join(scratch, 'vitest.config.mjs')
  const reporters = ['verbose', join(support, 'tally.ts')]
  const settings = { globals: true, reporters, globalSetup: options.globalSetup ?? [] }
  await writeFile(config, `export default ${JSON.stringify({ test: settings })}`)
  const command = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', scratch, '--config', config]
  const child = spawn(process.execPath, command, {
    cwd: root,
    env: { PATH: process.env['PATH'], HOME: scratch, NO_COLOR: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [[code], stdout, stderr] = await Promise.all([
    once(child, 'close'),
    text(child.stdout),
    text(child.stderr),
  ])
  return { code, output: stdout + stderr, last: stdout.trimEnd().split('\n').at(-1) }
}
