import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Workshop } from './artifacts.ts'

/**
 * `kleym.krew.yaml`, by which krew installs the program as `kubectl kleym`. The program is what npm packs, for every platform on
 * which a link is enough to start it; on Windows krew wants an executable.
 * @param from where the files of the release will be published
 */
export async function krewPlugin({ directory, version }: Workshop, from: string): Promise<void> {
  const archive = `kleym-operator-${version}.tgz`
  const sha256 = createHash('sha256')
    .update(await readFile(join(directory, archive)))
    .digest('hex')
  const plugin = {
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'kleym' },
    spec: {
      version: `v${version}`,
      shortDescription: 'Look at and check InferenceIdentityBindings',
      description: [
        'Says how InferenceIdentityBindings of a cluster are, why workloads get no identity by one, and what the API server',
        'and the admission webhook would say of manifests.',
      ].join('\n'),
      caveats: 'It runs on Node.js 22.19 or later, as node on PATH.',
      platforms: [
        {
          selector: { matchExpressions: [{ key: 'os', operator: 'In', values: ['linux', 'darwin'] }] },
          uri: new URL(archive, from.endsWith('/') ? from : `${from}/`).href,
          sha256,
          files: [{ from: 'package/*', to: '.' }],
          bin: 'dist/main.js',
        },
      ],
    },
  }
  await writeFile(join(directory, 'kleym.krew.yaml'), stringify(plugin, { lineWidth: 0 }))
}
