import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeReal } from '../support/real.ts'
import { createNamespace, type Cluster } from './support/cluster.ts'
import { startReviewedCluster } from './support/reviewed-cluster.ts'

const file = new URL('../../docs/refusals.md', import.meta.url)
const namespace = 'docs'

/** A manifest, and what stands below it as printed; the first one is only applied. */
type Example = { readonly manifest: string; readonly command: string; readonly printed: string }

const block =
  /```yaml\n(?<manifest>.*?)\n```\n(?:\n```console\n\$ (?<command>[^\n]*)\n(?<printed>.*?)```\n)?/gs

const examplesIn = (text: string): readonly Example[] =>
  [...text.matchAll(block)].map(({ groups }) => ({
    manifest: groups?.['manifest'] ?? '',
    command: groups?.['command'] ?? '',
    printed: groups?.['printed'] ?? '',
  }))

describeReal('docs/refusals.md', () => {
  let cluster: Cluster

  const apply = async (manifest: string): Promise<string> => {
    const { stdout, stderr } = await cluster.kubectl(['apply', '-n', namespace, '-f', '-'], {
      input: manifest,
    })
    return (stderr + stdout).replaceAll(/[ \t]+$/gm, '')
  }

  beforeAll(async () => {
    cluster = await startReviewedCluster()
    await createNamespace(cluster, namespace)
  })
  afterAll(() => cluster.stop())

  test('holds what kubectl prints, line by line', async () => {
    const text = await readFile(file, 'utf8')
    const [setting, ...examples] = examplesIn(text)
    await apply(setting?.manifest ?? '')
    const printed: string[] = []
    for (const { manifest } of examples) printed.push(await apply(manifest))
    if (process.env['KLEYM_UPDATE_DOCS'] !== undefined) await rewrite(text, printed)
    expect(examples.length).toBeGreaterThan(15)
    expect(
      examplesIn(await readFile(file, 'utf8'))
        .slice(1)
        .map((example) => example.printed),
    ).toEqual(printed)
  })
})

/** Puts what was printed into the document, for a look at the difference before it is committed. */
async function rewrite(text: string, printed: readonly string[]): Promise<void> {
  const rest = [...printed]
  await writeFile(
    file,
    text.replaceAll(block, (whole: string, _manifest, command: string | undefined, before: string) => {
      if (command === undefined) return whole
      const end = `${before}\`\`\`\n`
      return whole.slice(0, whole.length - end.length) + (rest.shift() ?? before) + '```\n'
    }),
  )
}
