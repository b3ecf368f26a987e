import { assess, type Checked } from '../../../src/cli/assess.ts'
import { messagesOf } from '../../../src/cli/check-messages.ts'
import type { ClusterSnapshot } from '../../../src/cli/cluster.ts'
import { itemsOf, objectsOf } from '../../../src/cli/manifests.ts'
import { knownDefinitions } from '../../../src/schema/kinds.ts'
import { defaultActions } from '../../support/builders.ts'
import { testedMinor } from '../../support/controlplane/minor.ts'
import type { Client } from '../../support/embedded/client.ts'
import { listOf, recordOf, textOf } from '../../support/embedded/json.ts'
import { namespace, type Drawn } from './drawn.ts'

/** What is said of an object, in lines that both sides write alike. */
export type Words = {
  readonly accepted: boolean
  /** `unread`: it can't be decoded; `ours`: by the webhook; `schema`: by its schema or metadata. */
  readonly unread: ReadonlySet<string>
  readonly ours: ReadonlySet<string>
  readonly schema: ReadonlySet<string>
}

type Snapshot = Extract<ClusterSnapshot, { kind: 'snapshot' }>

/** What `kleym check --live` says. */
export function wordsOfCheck(object: Drawn, { served, manifests }: Snapshot, trustDomain: string): Words {
  const { objects, problems } = objectsOf(JSON.stringify(object), 'x.json')
  const [checked] = assess({
    settings: { trustDomain, className: undefined },
    actions: defaultActions,
    lenient: new Set(),
    pods: new Map(),
    served,
    cluster: manifests,
    items: itemsOf(objects, { namespace, definitions: knownDefinitions }),
    now: new Date(),
  })
  if (!checked) throw new Error(`nothing was judged: ${problems.join()}`)
  return wordsIn(checked)
}

const isUnread = (reason: string): boolean => ['UnknownField', 'Undecodable'].includes(reason)

const isSchema = (json: object): boolean => 'condition' in json && json.condition === 'Schema'

function wordsIn(checked: Checked): Words {
  const denials = messagesOf(checked).filter(({ action }) => action === 'deny')
  const texts = (which: (said: (typeof denials)[number]) => boolean): ReadonlySet<string> =>
    new Set(denials.filter(which).map(({ text }) => text))
  return {
    accepted: denials.length === 0,
    // Guesses at what was meant are ours alone, so they are cut off.
    unread: new Set(
      denials
        .filter(({ reason }) => isUnread(reason))
        .map(({ text }) => text.replace(/^[^:]*: /, '').replace(/; (?:did you mean|quote it).*$/, '')),
    ),
    ours: texts(({ json }) => !isSchema(json)),
    schema: new Set([...texts(({ json, reason }) => isSchema(json) && !isUnread(reason))].map(alike)),
  }
}

/** Before 1.35 an API server tells the length of a label's name in characters, later ones in bytes (apimachinery, pkg/api/validate/content/errors.go). */
const alike = (line: string): string =>
  testedMinor >= 35 ? line : line.replace(/(must be no more than \d+) characters/u, '$1 bytes')

const plurals: Readonly<Record<string, string>> = {
  InferenceIdentityBinding: 'inferenceidentitybindings',
  InferencePool: 'inferencepools',
  InferenceObjective: 'inferenceobjectives',
  ClusterSPIFFEID: 'clusterspiffeids',
}

const ours = /(?:Conflict|InvalidRef|UnsafeSelector|RenderFailure)\/[A-Z]\w+: /

/** What the API server says, asked to be strict and to store nothing, with the webhooks in between. */
export async function wordsOfApiServer(object: Drawn, client: Client): Promise<Words> {
  const { apiVersion, kind } = object
  const place = kind === 'ClusterSPIFFEID' ? '' : `namespaces/${namespace}/`
  const path = `/apis/${apiVersion}/${place}${plurals[kind] ?? ''}?dryRun=All&fieldValidation=Strict`
  const { code, body } = await client.post(path, object)
  const message = textOf(body['message'])
  const nothing = {
    accepted: false,
    unread: new Set<string>(),
    ours: new Set<string>(),
    schema: new Set<string>(),
  }
  if (code === 201) return { ...nothing, accepted: true }
  if (code === 400) return { ...nothing, unread: new Set(unreadIn(message)) }
  if (code === 403) return { ...nothing, ours: new Set(linesIn(message)) }
  if (code !== 422) throw new Error(`${code} ${message}`)
  const causes = listOf(recordOf(body['details'])['causes'])
    .map(recordOf)
    .map((one) => alike(lineOf(textOf(one['field']), textOf(one['message']))))
    .filter((line) => !line.includes('some validation rules were not checked'))
    // A name that the API server made of a bad prefix is bad, too, and differs each time.
    .filter((line) => !(isNameless(object) && line.startsWith('metadata.name: Invalid')))
  const isOurs = causes.some((line) => ours.test(line))
  return { ...nothing, [isOurs ? 'ours' : 'schema']: new Set(causes) }
}

const isNameless = ({ metadata }: Drawn): boolean => {
  const { name, generateName } = recordOf(metadata)
  return !name && Boolean(generateName)
}

/** Longer than what `check` shows of a value: it cuts the rest. */
const tooLong = 'x'.repeat(1025)

/** A problem in one line. The API server names the field of a number that is out of range only within the message. */
const lineOf = (field: string, message: string): string => {
  const checked = /^Invalid value: "": (?<said>Checked value .* in (?<where>\S+))$/.exec(message)?.groups
  const line = checked ? `${checked['where']}: ${checked['said']}` : `${field}: ${message}`
  return line.replaceAll(tooLong, `${tooLong.slice(1)}…`)
}

const unreadIn = (message: string): readonly string[] => {
  const [, strict] = message.split('strict decoding error: ')
  if (strict !== undefined) return strict.split(/, (?=unknown field)/)
  return [message.replace(/^.*?cannot be handled as a \w+: /, '')]
}

const linesIn = (message: string): readonly string[] =>
  message.split('\n').flatMap((line) => /InferenceIdentityBinding \S+ would get .*/.exec(line)?.[0] ?? [])
