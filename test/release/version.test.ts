import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../../release/artifacts.ts'
import { writeVersion } from '../../release/version.ts'
import { version } from '../../src/version.ts'

const files = ['deploy/chart/Chart.yaml', 'deploy/operator/deployment.yaml', 'docs/install.md']
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'version-'))
  for (const file of files) await cp(join(root, file), join(directory, file))
})
afterAll(() => rm(directory, { recursive: true }))

const texts = (from: string) => Promise.all(files.map((file) => readFile(join(from, file), 'utf8')))

test('the version of package.json stands in each of these, and a new one comes into all of them', async () => {
  const before = await texts(root)
  const next = '9.8.7-rc.1'
  await writeVersion(next, directory)
  const after = await texts(directory)
  expect(after).toEqual(before.map((text) => text.replaceAll(version, next)))
  expect(after.map((text) => text.split(next).length - 1)).toEqual([2, 1, 2])
  await writeVersion(version, directory)
  expect(await texts(directory)).toEqual(before)
})

test('a file that has it no longer where it stood is named', async () => {
  await cp(join(root, 'package.json'), join(directory, 'docs/install.md'))
  await expect(writeVersion('1.0.0', directory)).rejects.toThrow('docs/install.md has no version')
})
