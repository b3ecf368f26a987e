import { textOf } from '../support/embedded/json.ts'
import type { Applied } from './apply.ts'
import { nameOf, problemsIn } from './kubectl.ts'

export const trustDomain = 'inference.example'

/** One example and what will happen when it is applied after those before it. */
export type Step = {
  readonly headline: string
  /** A manifest or a folder of them, below `examples`. */
  readonly file: string
  /** What happens to each object, by `Kind/name`, in the order of the file and in the words of `outcomeOf`. */
  readonly expect: Readonly<Record<string, string>>
  /** The reason in the Ready condition that a binding then has, by its name. */
  readonly settles?: Readonly<Record<string, string>>
}

export const steps: readonly Step[] = [
  {
    headline: 'One identity for all containers of a pool',
    file: 'accepted/pool-only.yaml',
    expect: { 'InferencePool/llama': 'created', 'InferenceIdentityBinding/llama': 'created' },
    settles: { llama: 'Reconciled' },
  },
  {
    headline: 'An identity for one objective, in one container',
    file: 'accepted/per-objective.yaml',
    expect: {
      'InferencePool/chat': 'created',
      'InferenceObjective/chat-interactive': 'created',
      'InferenceIdentityBinding/chat-interactive': 'created',
    },
    settles: { 'chat-interactive': 'Reconciled' },
  },
  {
    headline: 'Refused: the selector of the pool is not safe to build an identity on',
    file: 'refused/unsafe-selector.yaml',
    expect: {
      'InferencePool/embeddings': 'created',
      'InferenceIdentityBinding/embeddings': 'refused: spec.poolRef.name UnsafeSelector/InvalidPoolSelector',
    },
  },
  {
    headline: 'Refused: a container name where all containers are meant',
    file: 'refused/unexpected-container-name.yaml',
    expect: {
      'InferenceIdentityBinding/llama-vllm':
        'refused: spec.containerName RenderFailure/UnexpectedContainerName',
    },
  },
  {
    headline: 'Refused: a second identity for a container that has one',
    file: 'refused/identity-collision.yaml',
    expect: {
      'InferenceObjective/chat-batch': 'created',
      'InferenceIdentityBinding/chat-batch': 'refused: spec.containerName Conflict/IdentityCollision',
    },
  },
  {
    headline: 'Refused: several problems, all said at once',
    file: 'refused/several-causes.yaml',
    expect: {
      'InferencePool/reranker': 'created',
      'InferenceIdentityBinding/reranker':
        'refused: spec.poolRef.name UnsafeSelector/InvalidPoolSelector, ' +
        'spec.serviceAccountName RenderFailure/InvalidServiceAccountName, ' +
        'spec.containerName RenderFailure/UnexpectedContainerName',
    },
  },
  {
    headline: 'The way out of the collision: another container',
    file: 'accepted/second-objective.yaml',
    expect: {
      'InferenceObjective/chat-batch': 'unchanged',
      'InferenceIdentityBinding/chat-batch': 'created',
    },
    settles: { 'chat-batch': 'Reconciled' },
  },
  {
    headline: 'A change of a binding that is there',
    file: 'accepted/service-account-changed.yaml',
    expect: { 'InferenceIdentityBinding/llama': 'configured' },
  },
  {
    headline: 'Accepted with a warning: the pool may be the next object applied',
    file: 'accepted/pool-missing.yaml',
    expect: { 'InferenceIdentityBinding/mistral': 'created, warned: InvalidRef/TargetPoolNotFound' },
    settles: { mistral: 'TargetPoolNotFound' },
  },
  {
    headline: 'Here it is, and the binding becomes Ready by itself',
    file: 'accepted/pool-present.yaml',
    expect: { 'InferencePool/mistral': 'created' },
    settles: { mistral: 'Reconciled' },
  },
  {
    headline:
      'Refused: a folder in the order of a chart, by the last object, which completes a binding that is wrong',
    file: 'refused/chart-order',
    expect: {
      'InferenceIdentityBinding/summarizer':
        'created, warned: InvalidRef/TargetPoolNotFound, InvalidRef/TargetObjectiveNotFound',
      'InferenceObjective/summarizer': 'created',
      'InferencePool/summarizer': 'refused: UnsafeSelector/InvalidPoolSelector',
    },
    settles: { summarizer: 'TargetPoolNotFound' },
  },
  {
    headline: 'The same pool with a selector that is safe',
    file: 'accepted/chart-order-mended.yaml',
    expect: { 'InferencePool/summarizer': 'created' },
    settles: { summarizer: 'Reconciled' },
  },
]

/** The bindings that are there in the end, all Ready, and their SPIFFE IDs. A refused one leaves no trace. */
export const identities: Readonly<Record<string, string>> = {
  'chat-batch': `spiffe://${trustDomain}/ns/default/objective/chat-batch`,
  'chat-interactive': `spiffe://${trustDomain}/ns/default/objective/chat-interactive`,
  llama: `spiffe://${trustDomain}/ns/default/pool/llama`,
  mistral: `spiffe://${trustDomain}/ns/default/pool/mistral`,
  summarizer: `spiffe://${trustDomain}/ns/default/objective/summarizer`,
}

export const subjectOf = ({ object }: Applied): string => `${textOf(object['kind'])}/${nameOf(object)}`

/** What happened, in a form that a step can expect: fields and reasons, without the sentences around them. */
export function outcomeOf(applied: Applied): string {
  // A warning without a reason is advice on another warning, and is left out.
  const warned = applied.warnings.flatMap((text) => reasonIn(text) ?? [])
  const also = warned.length === 0 ? '' : `, warned: ${warned.join(', ')}`
  switch (applied.kind) {
    case 'done':
      return `${applied.action}${also}`
    case 'refused': {
      const problems = problemsIn(applied.status).map(({ field, message }) => `${field} ${reasonOr(message)}`)
      const message = textOf(applied.status['message'])
      return `refused: ${problems.length > 0 ? problems.join(', ') : reasonOr(message)}${also}`
    }
  }
}

/** The `Condition/Reason` of a message. */
const reasonIn = (message: string): string | undefined => /\b[A-Z]\w+\/[A-Z]\w+(?=: )/.exec(message)?.[0]

/** The `Condition/Reason` of a message; for a message of others, which has none, the message itself. */
const reasonOr = (message: string): string => reasonIn(message) ?? message
