import { expect, test } from 'vitest'
import { handover } from '../../src/controller/handover.ts'
import { decodeOutput, type Output } from '../../src/core/clusterspiffeid.ts'
import { binding, inventoryOf, objective, pool, renderedFrom } from '../support/builders.ts'

const wanted = renderedFrom(binding(), inventoryOf([pool(), objective(), binding()]))

const output = (name: string, spec: object = {}): Output =>
  decodeOutput({
    ...wanted,
    metadata: { ...wanted.metadata, name, uid: name },
    spec: { ...wanted.spec, ...spec },
  })

const otherName = 'kleym-default-chat-pool-00000000'
const right = output(wanted.metadata.name)
const edited = output(wanted.metadata.name, { workloadSelectorTemplates: ['k8s:ns:default'] })
const renamed = output(otherName)
const foreign = output(otherName, { spiffeIDTemplate: 'spiffe://example.org/ns/default/pool/chat' })
const rival = output('kleym-default-rival-objective-00000000')

test.each([
  ['nothing is there', [], [], false, [], []],
  ['the right one is there', [right], [], true, [], []],
  ['the same identity has another name', [renamed], [], true, [], [renamed]],
  ['another identity has another name', [foreign], [], false, [foreign], []],
  ['another identity has the name, by another spec of the binding', [edited], [], false, [edited], []],
  ['another identity has the name, by an edit', [edited], [], true, [], []],
  ['another identity has the name, by an edit, and there is a rival', [edited], [rival], true, [edited], []],
  ['the right one is there and a rival', [right], [rival], true, [], []],
  ['there are all kinds', [right, renamed, foreign], [], true, [foreign], [renamed]],
] as const)('what goes first and what goes last: %s', (_title, mine, rivals, isShown, before, after) => {
  expect(handover({ mine, rivals, wanted, isShown })).toStrictEqual({ before, blocking: rivals, after })
})
