import { mkdtemp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bindingResource } from '../../../src/core/resources.ts'
import { pool } from '../../support/builders.ts'
import { script } from '../../support/controlplane/scratch.ts'
import { runProgram } from '../../support/run-program.ts'
import { resourceOf } from '../../support/vectors.ts'
import { createNamespace, type Cluster } from '../support/cluster.ts'
import { poolOnly } from '../support/manifests.ts'

const namespace = 'edits'

export function editSuite(cluster: () => Cluster): void {
  test('kubectl edit opens the editor again, with each problem as a comment, and stores nothing', async () => {
    await createNamespace(cluster(), namespace)
    const mine = poolOnly({ name: 'mine', namespace })
    for (const manifest of [pool({ namespace }), pool({ name: 'wild', namespace, selector: {} }), mine])
      await cluster().create(resourceOf(manifest), manifest)
    const before = await cluster().find(bindingResource, { namespace, name: 'mine' })

    const { seen, stderr, code } = await edited(cluster())
    expect(seen.match(/^# \* .*$/gmu)).toEqual([
      expect.stringMatching(
        /^# \* spec\.poolRef\.name: Invalid value: "wild": UnsafeSelector\/InvalidPoolSelector: /u,
      ),
      expect.stringMatching(
        /^# \* spec\.serviceAccountName: Invalid value: "Not_A_Name": RenderFailure\/Invalid/u,
      ),
      expect.stringMatching(
        /^# \* spec\.containerName: Forbidden: RenderFailure\/UnexpectedContainerName: /u,
      ),
    ])
    // What was typed is still there.
    expect(seen).toMatch(/^ {2}serviceAccountName: Not_A_Name$/mu)
    expect(code).toBe(1)
    expect(stderr).toContain('Edit cancelled, no valid changes were saved')
    const after = await cluster().find(bindingResource, { namespace, name: 'mine' })
    expect(after?.['spec']).toEqual(before?.['spec'])
  })
}

/** What the editor shows the second time, after it has changed three things for the worse the first time. */
async function edited({ plane }: Cluster) {
  const scratch = await mkdtemp(join(plane.directory, 'edit-'))
  const [editor, seen] = [join(scratch, 'editor'), join(scratch, 'seen')]
  await script(
    editor,
    `if grep -q Not_A_Name "$1"; then cp "$1" '${seen}'; exit; fi
    sed -i -e 's/^  serviceAccountName: .*/  serviceAccountName: Not_A_Name/' \\
      -e 's/^  mode: PoolOnly/  containerName: vllm\\n&/' \\
      -e '/^  poolRef:/,/name:/ s/name: .*/name: wild/' "$1"`,
  )
  const { code, stderr } = await runProgram(plane.kubectl, ['edit', 'iib', 'mine', '-n', namespace], {
    env: { HOME: scratch, TMPDIR: scratch, KUBECONFIG: plane.kubeconfig, KUBE_EDITOR: editor },
  })
  return { code, stderr, seen: await readFile(seen, 'utf8') }
}
