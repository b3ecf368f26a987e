import manifest from '../package.json' with { type: 'json' }

export const version: string = manifest.version

/** The oldest Node.js that runs a command. The operator uses `await using`, which needs Node.js 24. */
const oldestNode = { operator: [24, 0], others: [22, 19] } as const

/** Why a command can't run on a version of Node, as `process.versions.node` says it. */
export function problemOfNode(found: string, command: string | undefined): string | undefined {
  const oldest = command === 'operator' ? oldestNode.operator : oldestNode.others
  const [major = 0, minor = 0] = found.split('.').map(Number)
  const isTooOld = major < oldest[0] || (major === oldest[0] && minor < oldest[1])
  return isTooOld ? `Node.js ${found} is too old; run it with ${oldest.join('.')} or later` : undefined
}
