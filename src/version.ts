import manifest from '../package.json' with { type: 'json' }

export const version: string = manifest.version

/** What a command needs of Node: the operator disposes of what it started in the language's own way, which came later. */
const oldestNode = { operator: [24, 0], others: [22, 19] } as const

/** Why a command can't run on a version of Node, as `process.versions.node` says it. */
export function problemOfNode(found: string, command: string | undefined): string | undefined {
  const oldest = command === 'operator' ? oldestNode.operator : oldestNode.others
  const [major = 0, minor = 0] = found.split('.').map(Number)
  const isTooOld = major < oldest[0] || (major === oldest[0] && minor < oldest[1])
  return isTooOld ? `Node.js ${found} is too old; run it with ${oldest.join('.')} or later` : undefined
}
