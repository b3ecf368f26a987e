import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { foresee } from '../../src/core/appraise.ts'
import { decodeBinding, finalizer, replacesAnnotation } from '../../src/core/binding.ts'
import { rules } from '../../src/core/findings.ts'
import { leaseResource, bindingResource, poolResources } from '../../src/core/resources.ts'
import { leaseOf } from '../../src/webhook/claim.ts'
import {
  binding,
  evaluationOf,
  inventoryOf,
  objective,
  pool,
  poolOnly,
  without,
} from '../support/builders.ts'
import { manualClock } from '../support/manual-clock.ts'
import type { Manifest } from '../support/vectors.ts'
import { MemoryObjects } from './memory-objects.ts'
import { linesOf, outcomeOf, stage } from './stage.ts'

const scene = [pool(), objective()]
const peer = binding({ name: 'peer' })
const update = (oldObject: Manifest) => ({ operation: 'UPDATE', oldObject }) as const
const deletionTimestamp = '2026-01-01T00:00:00Z'

const claimed = (name: string): MemoryObjects => {
  const leases = new MemoryObjects()
  const key = evaluationOf(binding(), scene).identity?.collisionKey ?? ''
  leases.create(leaseResource, leaseOf('system', key, { namespace: 'default', name, uid: `uid-of-${name}` }))
  return leases
}

const patchOf = async (
  finalizers: readonly string[] | undefined,
  operation: 'CREATE' | 'UPDATE' = 'CREATE',
) => {
  const object = binding({ metadata: { finalizers } })
  const oldObject = binding({ spec: { containerName: 'side' } })
  const { mutate } = stage({ remembered: scene })
  const response = await mutate(object, { operation, oldObject })
  return response.kind === 'allowed' ? response.patch : undefined
}

/** A binding that is wrong by itself, for a pool that can't be used. */
const wild = pool({ selector: {} })
const bad = poolOnly({ name: 'chat-c', spec: { containerName: 'main' } })

describe('a binding with which nothing is wrong', () => {
  test('is allowed from memory, without a read', async () => {
    const { validate, mutate, reads } = stage({ remembered: scene, live: undefined })
    expect(await validate(binding())).toMatchObject({ kind: 'allowed', warnings: [], patch: [] })
    expect(await mutate(binding())).toMatchObject({ kind: 'allowed', warnings: [] })
    expect(reads).toEqual([])
  })

  test('gets its collision key when it is validated, not when it is mutated', async () => {
    const { validate, mutate, claims } = stage({ remembered: scene })
    await mutate(binding())
    expect(claims()).toEqual([])
    await validate(binding())
    expect(claims()).toMatchObject([
      {
        metadata: { annotations: { 'kleym.sonda.red/holder-uid': 'uid-of-chat' } },
        spec: { holderIdentity: 'default/chat' },
      },
    ])
  })

  test('claims nothing where it has no collision key', async () => {
    const { validate, claims } = stage({ remembered: scene })
    expect(outcomeOf(await validate(poolOnly()))).toBe('allowed')
    expect(claims()).toEqual([])
  })

  test('claims nothing on a dry run, which is decided as any other', async () => {
    const { validate, claims } = stage({ remembered: [...scene, peer] })
    expect(outcomeOf(await validate(poolOnly({ name: 'p' }), { dryRun: true }))).toBe('allowed?MixedModes')
    expect(outcomeOf(await validate(binding(), { dryRun: true }))).toBe('IdentityCollision')
    const free = binding({ spec: { containerName: 'side' } })
    expect(outcomeOf(await validate(free, { dryRun: true }))).toBe('allowed?SharedSPIFFEID')
    expect(claims()).toEqual([])
  })

  test('claims again only where a change gives it another key', async () => {
    const { validate, claims } = stage({ remembered: [...scene, binding(), objective({ name: 'other' })] })
    const renamed = binding({ spec: { objectiveRef: { name: 'other' } } })
    expect(outcomeOf(await validate(renamed, update(binding())))).toBe('allowed')
    expect(claims()).toEqual([])
    const moved = binding({ spec: { containerName: 'side' } })
    expect(outcomeOf(await validate(moved, update(binding())))).toBe('allowed')
    expect(claims()).toHaveLength(1)
  })
})

const ofGroup = (name: string, group: string | undefined) =>
  poolOnly({ name, spec: { poolRef: { name: 'chat', group } } })

describe('nothing is denied on memory alone', () => {
  const cases: readonly (readonly [
    what: string,
    remembered: readonly Manifest[],
    live: readonly Manifest[],
  ])[] = [
    ['a pool that is missing in memory is looked up', [objective()], scene],
    ['an objective that is missing in memory is looked up', [pool()], scene],
    ['a pool that was repaired', [wild, objective()], scene],
    ['an objective that was of another pool', [pool(), objective({ poolRef: { name: 'other' } })], scene],
    ['a peer that is gone', [...scene, peer], scene],
    [
      'a peer that is being deleted',
      [...scene, peer],
      [...scene, binding({ name: 'peer', metadata: { deletionTimestamp } })],
    ],
    [
      'a peer that has moved to another container',
      [...scene, peer],
      [
        ...scene,
        objective({ name: 'second' }),
        binding({ name: 'peer', spec: { containerName: 'side', objectiveRef: { name: 'second' } } }),
      ],
    ],
    [
      'a peer whose pool has come to select others',
      [
        ...scene,
        pool({ name: 'second' }),
        objective({ name: 'second', poolRef: { name: 'second' } }),
        binding({ name: 'peer', spec: { poolRef: { name: 'second' }, objectiveRef: { name: 'second' } } }),
      ],
      [
        ...scene,
        pool({ name: 'second', selector: { matchLabels: { app: 'second' } } }),
        objective({ name: 'second', poolRef: { name: 'second' } }),
        binding({ name: 'peer', spec: { poolRef: { name: 'second' }, objectiveRef: { name: 'second' } } }),
      ],
    ],
    [
      'a pool of its own that has come to select others',
      [...scene, peer, pool({ name: 'own' }), objective({ name: 'own', poolRef: { name: 'own' } })],
      [
        ...scene,
        peer,
        pool({ name: 'own', selector: { matchLabels: { app: 'own' } } }),
        objective({ name: 'own', poolRef: { name: 'own' } }),
      ],
    ],
  ]
  test.for(cases)('%s', async ([, remembered, live]) => {
    const own = live.some(({ metadata }) => metadata.name === 'own')
    const spec = own ? { poolRef: { name: 'own' }, objectiveRef: { name: 'own' } } : {}
    for (const path of ['validate', 'mutate'] as const) {
      const { [path]: review, reads } = stage({ remembered, live })
      expect(outcomeOf(await review(binding({ spec })))).toBe('allowed')
      expect(reads).not.toEqual([])
    }
  })

  test.for(cases)('%s: what a read shows too is denied or warned of', async ([, remembered]) => {
    const own = remembered.some(({ metadata }) => metadata.name === 'own')
    const spec = own ? { poolRef: { name: 'own' }, objectiveRef: { name: 'own' } } : {}
    const { validate } = stage({ remembered })
    expect(outcomeOf(await validate(binding({ spec })))).not.toBe('allowed')
  })

  test('whatever memory says, a binding that is denied is wrong by what the API server has', async () => {
    const selectors = fc.constantFrom({ matchLabels: { app: 'a' } }, { matchLabels: { app: 'b' } }, {})
    const world = fc
      .tuple(
        fc.option(selectors, { nil: undefined }),
        fc.option(fc.constantFrom('chat', 'other'), { nil: undefined }),
        fc.subarray(['main', 'side']),
        fc.boolean(),
      )
      .map(([selector, ofPool, containers, deleting]) => [
        ...(selector === undefined ? [] : [pool({ selector })]),
        ...(ofPool === undefined ? [] : [objective({ poolRef: { name: ofPool } })]),
        ...containers.map((containerName) =>
          binding({
            name: `peer-${containerName}`,
            metadata: { deletionTimestamp: deleting ? deletionTimestamp : undefined },
            spec: { containerName },
          }),
        ),
      ])
    await fc.assert(
      fc.asyncProperty(
        world,
        world,
        fc.constantFrom('validate', 'mutate'),
        async (remembered, live, path) => {
          const { [path]: review } = stage({ remembered, live })
          if ((await review(binding())).kind === 'allowed') return
          const { findings } = foresee(decodeBinding(binding()), inventoryOf(live))
          expect(findings.filter(({ rule }) => rules[rule].action === 'deny')).not.toEqual([])
        },
      ),
      { numRuns: 300 },
    )
  })

  describe('by advice that refuses, where memory lacks the pool', () => {
    const actions = { SharedSPIFFEID: 'deny' } as const
    const [v1, x] = poolResources.map(({ group }) => group)
    const remembered = [pool({ group: x }), ofGroup('peer', x)]

    test.each([
      ['a neighbour that is gone', [pool()], 'allowed'],
      ['a neighbour that is there', [pool(), ...remembered], 'SharedSPIFFEID?OverlappingSelector'],
    ])('%s', async (_what, live, outcome) => {
      const { validate } = stage({ remembered, live, actions })
      expect(outcomeOf(await validate(ofGroup('chat', v1)))).toBe(outcome)
    })
  })

  test('a read that fails is no answer', async () => {
    const { validate, mutate, claims, observed } = stage({ remembered: [objective()], live: undefined })
    await expect(validate(binding())).rejects.toThrow('the API server is gone')
    await expect(mutate(binding())).rejects.toThrow('the API server is gone')
    expect(claims()).toEqual([])
    expect(observed).toEqual([])
  })

  test('what a binding alone shows is denied without a read', async () => {
    const { validate, reads } = stage({ remembered: scene, live: undefined })
    expect(outcomeOf(await validate(binding({ spec: { mode: 'Both' } })))).toBe('UnsupportedMode')
    expect(reads).toEqual([])
  })

  test('kinds that are not served are not asked for', async () => {
    const { validate, reads } = stage({ remembered: [objective()], served: without('x-k8s.io') })
    expect(outcomeOf(await validate(binding()))).toBe('allowed?TargetPoolNotFound')
    expect(reads.filter((read) => read.includes('x-k8s.io'))).toEqual([])
  })
})

describe('a key that somebody else has claimed', () => {
  test('is a collision with the binding that a read shows to have it', async () => {
    const { validate, observed } = stage({
      remembered: scene,
      live: [...scene, peer],
      leases: claimed('peer'),
    })
    expect(linesOf(await validate(binding()))).toEqual([
      '* spec.containerName: Duplicate value: "main": Conflict/IdentityCollision: identity collision with bindings peer: PerObjective bindings must not share the same pod selector and container name',
    ])
    expect(observed.map(({ verdict }) => verdict.verdict)).toEqual(['deny'])
  })

  test('is a collision with the binding that is being admitted, and a warning says when to try again', async () => {
    const { validate } = stage({ remembered: scene, leases: claimed('peer') })
    const denial = await validate(binding())
    const [line] = linesOf(denial)
    expect(line).toMatch(
      /: identity collision with bindings peer: PerObjective bindings must not share [a-z ]+$/,
    )
    expect(denial.warnings).toEqual([
      expect.stringContaining('kleym.sonda.red/replaces'),
      'spec.containerName: peer is being admitted this moment, or was: try again in two minutes',
    ])
  })

  test('is refused for over a minute, and not for the two that are said, though the other binding never comes', async () => {
    const clock = manualClock()
    const { validate } = stage({ remembered: scene, leases: claimed('peer'), now: clock.now })
    expect(outcomeOf(await validate(binding()))).toContain('IdentityCollision')
    clock.advance(60_000)
    expect(outcomeOf(await validate(binding()))).toContain('IdentityCollision')
    clock.advance(60_000)
    expect(outcomeOf(await validate(binding()))).toBe('allowed')
  })

  test('does not refuse the binding that has claimed it', async () => {
    const { validate, reads } = stage({ remembered: scene, leases: claimed('chat') })
    expect(outcomeOf(await validate(binding()))).toBe('allowed')
    expect(reads).toEqual([])
  })

  test('is a warning, or nothing, if collisions are configured so', async () => {
    for (const [action, outcome] of [
      ['warn', [/IdentityCollision/, /SharedSPIFFEID/, /try again/]],
      ['ignore', [/SharedSPIFFEID/]],
    ] as const) {
      const actions = { IdentityCollision: action }
      const namesake = binding({ name: 'namesake', spec: { containerName: 'side' } })
      const { validate } = stage({ remembered: [...scene, namesake], leases: claimed('peer'), actions })
      expect(await validate(binding())).toMatchObject({
        kind: 'allowed',
        warnings: outcome.map((words) => expect.stringMatching(words)),
      })
    }
  })

  test('is not claimed for a binding that is refused anyway', async () => {
    const { validate, claims } = stage({ remembered: [wild, objective()] })
    expect(outcomeOf(await validate(binding()))).toBe('InvalidPoolSelector')
    expect(claims()).toEqual([])
  })

  test('is not claimed for a binding with a collision', async () => {
    const { validate, claims } = stage({
      remembered: [...scene, peer],
      actions: { IdentityCollision: 'warn' },
    })
    expect(outcomeOf(await validate(binding()))).toContain('IdentityCollision')
    expect(claims()).toEqual([])
  })
})

describe('only new harm is refused', () => {
  test('what was wrong before is a warning, whatever else changes', async () => {
    const before = poolOnly({ spec: { containerName: 'main' } })
    const after = poolOnly({ spec: { containerName: 'main', serviceAccountName: 'other' } })
    const { validate } = stage({ remembered: [wild, before] })
    expect(outcomeOf(await validate(after, update(before)))).toBe(
      'allowed?InvalidPoolSelector, UnexpectedContainerName',
    )
  })

  test('another value of what was wrong before is new', async () => {
    const before = binding({ spec: { mode: 'Both' } })
    const { validate } = stage({ remembered: [...scene, before] })
    expect(outcomeOf(await validate(binding({ spec: { mode: 'None' } }), update(before)))).toBe(
      'UnsupportedMode',
    )
  })

  test('white space around a reference leaves the failures as they were, and their warnings', async () => {
    const { validate, mutate } = stage({ remembered: [wild] })
    const stored = poolOnly({ name: 'chat-c' })
    const spaced = poolOnly({ name: 'chat-c', spec: { poolRef: { name: ' chat  ' } } })
    for (const [to, from] of [
      [spaced, stored],
      [stored, spaced],
    ] as const) {
      expect(outcomeOf(await validate(to, update(from)))).toBe('allowed?InvalidPoolSelector')
      expect(outcomeOf(await mutate(to, update(from)))).toBe('allowed')
    }
  })

  test('a collision that was there before is old as long as the key is the same', async () => {
    const remembered = [...scene, objective({ name: 'second' }), peer, binding()]
    const { validate, claims } = stage({ remembered })
    const renamed = binding({ spec: { objectiveRef: { name: 'second' } } })
    expect(outcomeOf(await validate(renamed, update(binding())))).toBe('allowed?IdentityCollision')
    const elsewhere = binding({ spec: { containerName: 'side' } })
    expect(outcomeOf(await validate(binding(), update(elsewhere)))).toBe('IdentityCollision')
    expect(claims()).toEqual([])
  })

  test('what an update mends is not mentioned', async () => {
    const { validate } = stage({ remembered: [...scene, bad] })
    expect(outcomeOf(await validate(poolOnly({ name: 'chat-c' }), update(bad)))).toBe('allowed')
  })
})

describe('what passes without being judged', () => {
  const hopeless = { remembered: [wild], live: undefined }

  test('a binding that is being deleted', async () => {
    const { validate, mutate } = stage(hopeless)
    const leaving = poolOnly({
      name: 'chat-c',
      metadata: { deletionTimestamp },
      spec: { containerName: 'main' },
    })
    expect(outcomeOf(await validate(leaving, update(poolOnly({ name: 'chat-c' }))))).toBe('allowed')
    expect(outcomeOf(await mutate(leaving, update(poolOnly({ name: 'chat-c' }))))).toBe('allowed')
  })

  test('a change of metadata or status alone, however bad the spec', async () => {
    const { validate } = stage(hopeless)
    const labelled = { ...bad, metadata: { ...bad.metadata, labels: { a: 'b' }, finalizers: [] }, status: {} }
    expect(await validate(labelled, update(bad))).toMatchObject({ kind: 'allowed', warnings: [] })
  })

  test.for([
    ['a deletion', { operation: 'DELETE' }],
    ['a subresource', { operation: 'UPDATE', oldObject: binding(), subresource: 'status' }],
    ['a kind that is not ours', { of: poolResources[0] ?? bindingResource }],
    ['a namesake of our kind in another group', { group: 'example.org' }],
  ] as const)('%s', async ([, asked]) => {
    const { validate, claims } = stage(hopeless)
    expect(await validate(bad, asked)).toEqual({
      kind: 'allowed',
      warnings: [],
      patch: [],
      auditAnnotations: { decision: 'allow' },
      end: { decision: 'allow', reason: undefined },
    })
    expect(claims()).toEqual([])
  })
})

describe('a denial', () => {
  test('is a 422 Invalid with a cause a problem, which the message lists as kubectl prints them', async () => {
    const { validate, mutate } = stage({ remembered: [wild] })
    for (const review of [validate, mutate]) {
      const response = await review(bad)
      const causes = [
        {
          reason: 'FieldValueInvalid',
          field: 'spec.poolRef.name',
          message: expect.stringMatching(/^Invalid value: "chat": UnsafeSelector\/InvalidPoolSelector: /),
        },
        {
          reason: 'FieldValueForbidden',
          field: 'spec.containerName',
          message: expect.stringMatching(/^Forbidden: RenderFailure\/UnexpectedContainerName: /),
        },
      ]
      expect(response).toMatchObject({
        kind: 'denied',
        status: {
          code: 422,
          reason: 'Invalid',
          details: { name: 'chat-c', group: 'kleym.sonda.red', kind: 'InferenceIdentityBinding', causes },
        },
      })
      if (response.kind !== 'denied') return
      const { message, details } = response.status
      expect(message).toBe(
        [
          'The InferenceIdentityBinding "chat-c" is invalid:',
          ...details.causes.map((cause) => `* ${cause.field}: ${cause.message}`),
        ].join('\n'),
      )
    }
  })

  test('of a collision names the peers, sorted, as other tools expect it', async () => {
    const remembered = [...scene, binding({ name: 'chat-z' }), binding({ name: 'chat-a' })]
    const { validate } = stage({ remembered })
    const response = await validate(binding({ name: 'chat-b' }))
    expect(response).toMatchObject({
      status: {
        details: {
          causes: [
            {
              reason: 'FieldValueDuplicate',
              field: 'spec.containerName',
              message:
                'Duplicate value: "main": Conflict/IdentityCollision: identity collision with bindings chat-a, chat-z: PerObjective bindings must not share the same pod selector and container name',
            },
          ],
        },
      },
    })
  })

  test.for([
    ['Required', 'FieldValueRequired', { objectiveRef: undefined }, 'spec.objectiveRef', 'Required value: '],
    ['Invalid', 'FieldValueInvalid', { mode: 'Both' }, 'spec.mode', 'Invalid value: "Both": '],
  ] as const)(
    'has the words and the reason of a cause that is %s',
    async ([, reason, spec, field, words]) => {
      const { validate } = stage({ remembered: scene })
      const response = await validate(binding({ spec }))
      expect(response).toMatchObject({
        status: { details: { causes: [{ reason, field, message: expect.stringContaining(words) }] } },
      })
    },
  )

  test('carries the warnings too', async () => {
    const { validate } = stage({ remembered: [] })
    const response = await validate(binding({ spec: { mode: 'Both' } }))
    expect(outcomeOf(response)).toBe('UnsupportedMode?TargetPoolNotFound, TargetObjectiveNotFound')
    expect(response.warnings[0]).toMatch(
      /^spec\.poolRef\.name: Not found: "chat": InvalidRef\/TargetPoolNotFound: /,
    )
  })

  test('names nothing of another namespace', async () => {
    const other = { namespace: 'other' }
    const remembered = [...scene, pool(other), objective(other), binding({ name: 'secret', ...other })]
    const { validate } = stage({ remembered })
    expect(await validate(binding())).toMatchObject({ kind: 'allowed', warnings: [] })
  })
})

describe('an object without a name yet', () => {
  const generated = { ...binding(), metadata: { generateName: 'chat-', namespace: 'default' } }

  test('is judged before it has one, and called by its generateName', async () => {
    const { mutate } = stage({ remembered: [...scene, peer] })
    expect(await mutate(generated)).toMatchObject({
      kind: 'denied',
      status: {
        message: expect.stringContaining('The InferenceIdentityBinding "chat-" is invalid:'),
        details: { name: 'chat-' },
      },
    })
  })

  test('is called by its name as soon as it has one', async () => {
    const { validate } = stage({ remembered: [...scene, peer] })
    const { metadata } = binding({ name: 'chat-x7' })
    const named = { ...generated, metadata: { ...metadata, generateName: 'chat-' } }
    expect(await validate(named, { name: '' })).toMatchObject({ status: { details: { name: 'chat-x7' } } })
  })

  test('is claimed for under the name that it gets', async () => {
    const { validate, claims } = stage({ remembered: scene })
    await validate(binding({ name: 'chat-x7' }), { name: '' })
    expect(claims()).toMatchObject([{ spec: { holderIdentity: 'default/chat-x7' } }])
  })

  test('is in the namespace of the request', async () => {
    const { validate, claims } = stage({ remembered: scene })
    const { namespace: _, ...metadata } = binding().metadata
    await validate({ ...binding(), metadata }, { namespace: 'default' })
    expect(claims()).toMatchObject([{ spec: { holderIdentity: 'default/chat' } }])
  })
})

describe('the finalizer', () => {
  test('is added at creation, beside those of others, once', async () => {
    const path = '/metadata/finalizers'
    expect(await patchOf(undefined)).toEqual([{ op: 'add', path, value: [finalizer] }])
    expect(await patchOf([])).toEqual([{ op: 'add', path, value: [finalizer] }])
    expect(await patchOf(['a/b'])).toEqual([{ op: 'add', path: `${path}/-`, value: finalizer }])
    expect(await patchOf(['a/b', finalizer])).toEqual([])
  })

  test('is not put back by an update', async () => {
    expect(await patchOf([], 'UPDATE')).toEqual([])
  })
})

describe('what the audit log keeps', () => {
  const id = 'spiffe://example.org/ns/default/objective/chat'

  test('of an admission: the decision, the identity and its key', async () => {
    const { validate } = stage({ remembered: scene })
    expect((await validate(binding())).auditAnnotations).toEqual({
      decision: 'allow',
      'spiffe-id': id,
      'collision-key': evaluationOf(binding(), scene).identity?.collisionKey,
    })
  })

  test('of a denial: the reasons too, each once', async () => {
    const { validate } = stage({ remembered: [...scene, peer] })
    expect((await validate(binding())).auditAnnotations).toMatchObject({
      decision: 'deny',
      reasons: 'IdentityCollision',
      'spiffe-id': id,
    })
    const groups = { poolRef: { name: '', group: 'example.org' } }
    const twice = await validate(binding({ spec: groups }))
    expect(linesOf(twice)).toHaveLength(2)
    expect(twice.auditAnnotations).toEqual({ decision: 'deny', reasons: 'InvalidPoolRef' })
  })

  test('of an admission with a warning: the reason, and not what is ignored', async () => {
    const missing = { remembered: [objective()] }
    const warned = await stage(missing).validate(binding())
    expect(warned.auditAnnotations).toEqual({ decision: 'warn', reasons: 'TargetPoolNotFound' })
    const ignored = await stage({ ...missing, actions: { TargetPoolNotFound: 'ignore' } }).validate(binding())
    expect(ignored.auditAnnotations).toEqual({ decision: 'allow' })
  })
})

describe('--webhook-action', () => {
  test.for([
    ['InvalidPoolSelector', 'warn', 'allowed?InvalidPoolSelector'],
    ['InvalidPoolSelector', 'ignore', 'allowed'],
  ] as const)('%s=%s: %s', async ([reason, action, outcome]) => {
    const { validate } = stage({ remembered: [wild, objective()], actions: { [reason]: action } })
    expect(outcomeOf(await validate(binding()))).toBe(outcome)
  })

  test('a missing pool can be refused, once a read has shown it missing', async () => {
    const actions = { TargetPoolNotFound: 'deny' } as const
    expect(outcomeOf(await stage({ remembered: [objective()], actions }).validate(binding()))).toBe(
      'TargetPoolNotFound',
    )
    const behind = stage({ remembered: [objective()], live: scene, actions })
    expect(outcomeOf(await behind.validate(binding()))).toBe('allowed')
  })

  test('reasons that the CRD has too stay refused', async () => {
    const { validate } = stage({ remembered: scene, actions: { UnsupportedMode: 'ignore' } })
    expect(outcomeOf(await validate(binding({ spec: { mode: 'Both' } })))).toBe('UnsupportedMode')
  })
})

test('each decision is observed once: by validation, and by mutation if that denies', async () => {
  const { validate, mutate, observed } = stage({ remembered: [...scene, peer] })
  const free = binding({ spec: { containerName: 'side', objectiveRef: { name: 'chat' } } })
  await mutate(free)
  await validate(free)
  await mutate(binding())
  expect(observed.map(({ request, verdict }) => [request.name, verdict.verdict])).toEqual([
    ['chat', 'warn'],
    ['chat', 'deny'],
  ])
})

describe('two that ask for one container by the same reference', () => {
  const waiting = [binding({ name: 'first', spec: { objectiveRef: { name: 'first' } } })]
  const second = binding({ name: 'second', spec: { objectiveRef: { name: 'second' } } })

  test('are refused while one of them waits, and the message says what would become of both', async () => {
    for (const there of [[], [pool()], [pool(), objective({ name: 'second' })], scene]) {
      const response = await stage({ remembered: [...there, ...waiting] }).validate(second)
      expect(linesOf(response)).toContainEqual(
        expect.stringMatching(
          /^\* spec\.containerName: Duplicate value: "main": Conflict\/PendingCollision: .*first asks for the same container .* both would lose their identity/,
        ),
      )
    }
  })

  test('are more than two where several are there, and the message says so', async () => {
    const pair = ['first', 'third'].map((name) => binding({ name, spec: { objectiveRef: { name } } }))
    const [line] = linesOf(await stage({ remembered: pair }).validate(second))
    expect(line).toContain(
      'first, third ask for the same container of the same pool and service account, and once all that they refer to is there, all would lose their identity',
    )
  })

  test.for<readonly [string, Manifest]>([
    ['for another container', binding({ name: 'second', spec: { containerName: 'side' } })],
    ['for another service account', binding({ name: 'second', spec: { serviceAccountName: 'worker' } })],
    [
      'by a reference that names a group',
      binding({ name: 'second', spec: { poolRef: { name: 'chat', group: 'inference.networking.k8s.io' } } }),
    ],
    ['of a binding that is wrong by itself', binding({ name: 'second', spec: { objectiveRef: undefined } })],
  ])('is no such pair: %s', async ([, other]) => {
    const response = await stage({ remembered: waiting }).validate(other)
    expect(outcomeOf(response)).not.toContain('PendingCollision')
  })

  test('are claimed for like a collision key, so that of two at the same moment only one is allowed', async () => {
    const leases = new MemoryObjects()
    const [one, two] = [stage({ leases }), stage({ leases })]
    expect((await one.validate(waiting[0] ?? second)).kind).toBe('allowed')
    const refused = await two.validate(second)
    expect(outcomeOf(refused)).toContain('PendingCollision')
    expect(refused.warnings).toContainEqual(expect.stringContaining('first is being admitted this moment'))
    expect(leases.all(leaseResource)).toHaveLength(1)
  })

  test('may be configured', async () => {
    const actions = { PendingCollision: 'warn' } as const
    const response = await stage({ remembered: waiting, actions }).validate(second)
    expect(response.kind).toBe('allowed')
    expect(outcomeOf(response)).toContain('PendingCollision')
  })
})

const named = (name: string, replaces = 'chat', spec = {}): Manifest =>
  binding({ name, metadata: { annotations: { [replacesAnnotation]: replaces } }, spec })

describe('another name for an identity', () => {
  const there = [...scene, binding()]

  test('is let in beside the binding that it replaces, and a warning names that', async () => {
    const { validate, claims } = stage({ remembered: there })
    const response = await validate(named('chat-v2'))
    expect(response.kind).toBe('allowed')
    expect(response.warnings).toEqual([expect.stringMatching(/"chat": this binding takes its place/)])
    expect(claims()).toHaveLength(1)
  })

  test('does not silence the other warnings where the annotation has no effect', async () => {
    const { validate } = stage({ remembered: there })
    const { kind, warnings } = await validate(named('chat-v2', 'chat', { containerName: 'side' }))
    expect(kind).toBe('allowed')
    expect(warnings).toContainEqual(expect.stringMatching(/SharedSPIFFEID: .* is also given by chat/))
    expect(warnings).toContainEqual(expect.stringMatching(/"chat": has no effect/))
  })

  test('is advised to wait for a third one whose place it does not take', async () => {
    const chain = [...there, named('chat-v2')]
    const { kind, warnings } = await stage({ remembered: chain }).validate(named('chat-v3', 'chat-v2'))
    expect(kind).toBe('denied')
    expect(warnings).toContainEqual(
      expect.stringMatching(
        /since this binding takes the place of "chat-v2" and of no other one, delete the one/,
      ),
    )
  })

  test('that is misspelt is named beside the collision', async () => {
    const { warnings } = await stage({ remembered: there }).validate(named('chat-v2', 'chta'))
    expect(warnings).toContainEqual(
      expect.stringMatching(/set its annotation \S+, which names "chta", to the name of that one$/),
    )
  })

  test('without an effect is not advised once more', async () => {
    const different = [...there, objective({ name: 'other' })]
    const { kind, warnings } = await stage({ remembered: different }).validate(
      named('chat-v2', 'chat', { objectiveRef: { name: 'other' } }),
    )
    expect(kind).toBe('denied')
    expect(warnings).toEqual([
      expect.stringMatching(/"chat": has no effect/),
      expect.stringMatching(/names, another container, pool or service account$/),
    ])
  })

  test('lets the old name in again for as long as the annotation is there', async () => {
    const left = await stage({ remembered: [...scene, named('chat-v2')] }).validate(binding())
    const dropped = await stage({ remembered: [...scene, binding({ name: 'chat-v2' })] }).validate(binding())
    expect([left.kind, dropped.kind]).toEqual(['allowed', 'denied'])
  })

  test('takes over the claim of the binding that it replaces', async () => {
    const { validate } = stage({ remembered: there, leases: claimed('chat') })
    expect((await validate(named('chat-v2'))).kind).toBe('allowed')
  })

  test('is the same name with white space around it, and an update that adds some has the same warning', async () => {
    const { validate, claims } = stage({ remembered: [...there, named('chat-v2')] })
    const { warnings } = await stage({ remembered: there }).validate(named('chat-v2'))
    for (const [to, from] of [
      [' chat ', 'chat'],
      ['chat', ' chat\n'],
    ] as const)
      expect(await validate(named('chat-v2', to), update(named('chat-v2', from)))).toMatchObject({
        kind: 'allowed',
        warnings: warnings,
      })
    expect(claims()).toEqual([])
  })

  test('is not spoken of in an update that changes nothing else, nor while its binding is being deleted', async () => {
    const { validate } = stage({ remembered: [...there, named('chat-v2')] })
    const asked = update(named('chat-v2'))
    const labelled = named('chat-v2')
    expect(
      (await validate({ ...labelled, metadata: { ...labelled.metadata, labels: { a: 'b' } } }, asked))
        .warnings,
    ).toEqual([])
    const leaving = named('chat-v2', 'chat', { containerName: 'side' })
    expect(
      (await validate({ ...leaving, metadata: { ...leaving.metadata, deletionTimestamp } }, asked)).warnings,
    ).toEqual([])
  })

  const ofThePool = { mode: 'PoolOnly', objectiveRef: undefined, containerName: undefined }

  test.each([
    ['PerObjective', {}],
    ['PoolOnly', ofThePool],
  ])('is let in while both wait, for %s bindings', async (_mode, spec) => {
    const response = await stage({ remembered: [binding({ spec })] }).validate(named('chat-v2', 'chat', spec))
    expect(response.kind).toBe('allowed')
    expect(response.warnings).toContainEqual(expect.stringMatching(/this binding takes its place/))
  })

  const ofThePoolOf = (group: string) => ({ ...ofThePool, poolRef: { name: 'chat', group } })

  test.each([
    ['of another account', binding({ spec: { ...ofThePool, serviceAccountName: 'other' } })],
    ['of another pool', binding({ spec: { ...ofThePool, poolRef: { name: 'other' } } })],
    ['of a pool with a group', binding({ spec: ofThePoolOf('inference.networking.k8s.io') })],
    ['of the other mode', binding()],
    ['that is wrong by itself', binding({ spec: { ...ofThePool, containerName: 'main' } })],
  ])('has no effect while both wait, for a PoolOnly binding beside one %s', async (_what, other) => {
    const { warnings } = await stage({ remembered: [other] }).validate(named('chat-v2', 'chat', ofThePool))
    expect(warnings).toContainEqual(expect.stringMatching(/"chat": has no effect/))
  })

  test('is not spoken of beside a PoolOnly binding that waits and is being deleted', async () => {
    const leaving = binding({ metadata: { deletionTimestamp }, spec: ofThePool })
    const { warnings } = await stage({ remembered: [leaving] }).validate(named('chat-v2', 'chat', ofThePool))
    expect(warnings).not.toContainEqual(expect.stringContaining('"chat": this binding'))
    expect(warnings).not.toContainEqual(expect.stringContaining('has no effect'))
  })

  test.each([
    ['once all is there', scene, {}],
    ['while both wait', [], {}],
    ['for PoolOnly bindings', scene, ofThePool],
    ['while PoolOnly bindings wait', [], ofThePool],
  ])('is named to whoever makes the replaced binding anew, %s', async (_when, around, spec) => {
    const remembered = [...around, named('chat-v2', 'chat', spec)]
    const { kind, warnings } = await stage({ remembered }).validate(binding({ spec }))
    expect(kind).toBe('allowed')
    expect(warnings).toContainEqual(
      'metadata.name: "chat": InferenceIdentityBinding chat-v2, whose annotation kleym.sonda.red/replaces names this binding, takes its place; both give the same identity to the same workloads until one of them is deleted',
    )
  })

  test('is not named to one that gives another identity, or while its own binding is being deleted', async () => {
    const leaving = named('chat-v2')
    for (const [other, made] of [
      [named('chat-v2'), binding({ spec: { containerName: 'side' } })],
      [{ ...leaving, metadata: { ...leaving.metadata, deletionTimestamp } }, binding()],
    ] as const) {
      const { kind, warnings } = await stage({ remembered: [...scene, other] }).validate(made)
      expect(kind).toBe('allowed')
      expect(warnings).not.toContainEqual(expect.stringContaining('takes its place'))
    }
  })

  test('is refused without the annotation', async () => {
    expect(outcomeOf(await stage({ remembered: there }).validate(binding({ name: 'chat-v2' })))).toBe(
      'IdentityCollision',
    )
  })

  test('is the annotation of one binding alone: two newcomers exclude each other', async () => {
    const { validate } = stage({ remembered: [...there, named('chat-v2')] })
    expect(outcomeOf(await validate(named('chat-v3')))).toMatch(/^IdentityCollision/)
  })

  test('is not lost by dropping the annotation while both live, which is new harm', async () => {
    const { validate } = stage({ remembered: [...there, named('chat-v2')] })
    const dropped = binding({ name: 'chat-v2' })
    expect(outcomeOf(await validate(dropped, update(named('chat-v2'))))).toBe('IdentityCollision')
  })

  test('counts for nothing where the two differ, and a warning says so', async () => {
    const remembered = [...there, objective({ name: 'other' })]
    const { validate } = stage({ remembered })
    const response = await validate(named('chat-v2', 'chat', { objectiveRef: { name: 'other' } }))
    expect(outcomeOf(response)).toMatch(/^IdentityCollision/)
    expect(response.warnings).toContainEqual(expect.stringMatching(/"chat": has no effect/))
  })

  test('is no news once the replaced binding is gone', async () => {
    expect(await stage({ remembered: scene }).validate(named('chat-v2'))).toMatchObject({
      kind: 'allowed',
      warnings: [],
    })
  })
})

describe('a reference without a group', () => {
  const [, xPools] = poolResources.map(({ group }) => group)

  test('is refused for an unsafe pool behind the one that it takes, and the message names its group', async () => {
    const remembered = [...scene, pool({ group: xPools, selector: {} })]
    const response = await stage({ remembered }).validate(binding())
    expect(linesOf(response)).toEqual([
      expect.stringContaining(
        'spec.poolRef.name "chat" without a group can lead to the InferencePool of group inference.networking.x-k8s.io too, whose spec.selector is empty',
      ),
    ])
  })

  test('is not for what it does not ask for once it names the group', async () => {
    const remembered = [...scene, pool({ group: xPools, selector: {} })]
    const spec = { poolRef: { name: 'chat', group: 'inference.networking.k8s.io' } }
    expect(outcomeOf(await stage({ remembered }).validate(binding({ spec })))).toBe('allowed')
  })
})

describe('a collision that is let through', () => {
  test('says whose identity is lost by it', async () => {
    const actions = { IdentityCollision: 'warn' } as const
    const response = await stage({ remembered: [...scene, peer], actions }).validate(binding())
    expect(response.kind).toBe('allowed')
    expect(response.warnings).toContain('InferenceIdentityBinding peer loses its identity by this collision')
  })

  test('says nothing where the reason is ignored', async () => {
    const actions = { IdentityCollision: 'ignore' } as const
    const { validate } = stage({ remembered: [...scene, objective({ name: 'second' }), peer], actions })
    const response = await validate(binding({ spec: { objectiveRef: { name: 'second' } } }))
    expect(response).toMatchObject({ kind: 'allowed', warnings: [] })
  })

  test('is let through by the label of a namespace, too, and says the same', async () => {
    const response = await stage({ remembered: [...scene, peer], lenient: 'default' }).validate(binding())
    expect(response.kind).toBe('allowed')
    expect(response.warnings).toContain('InferenceIdentityBinding peer loses its identity by this collision')
  })
})

const noticing = (...remembered: readonly Manifest[]) => stage({ remembered, notices: ['mind this'] })

test('a notice is a warning in every answer', async () => {
  const { validate, judge } = noticing(...scene)
  for (const answer of [
    await validate(binding()),
    await validate(binding({ spec: { mode: 'Both' } })),
    await judge(pool(), 'UPDATE'),
  ])
    expect(answer.warnings).toContain('mind this')
})

test('a review ends as the request deserves, whatever every answer warns of', async () => {
  const inScene = noticing(...scene, binding())
  const other = binding({ name: 'other', spec: { objectiveRef: { name: 'x' }, containerName: 'side' } })
  expect([
    (await noticing(...scene).validate(binding())).end,
    (await noticing(...scene).mutate(binding())).end,
    (await noticing(...scene).judge(pool(), 'UPDATE')).end,
    (await inScene.validate(named('chat-v2'))).end,
    (await inScene.validate(other)).end,
    (await inScene.judge(pool(), 'DELETE')).end,
    (await inScene.validate(binding({ spec: { mode: 'Both' } }))).end,
    (await inScene.judge(pool({ selector: {} }), 'UPDATE')).end,
  ]).toEqual([
    { decision: 'allow', reason: undefined },
    { decision: 'allow', reason: undefined },
    { decision: 'allow', reason: undefined },
    // A remark about the request has no reason.
    { decision: 'warn', reason: undefined },
    { decision: 'warn', reason: 'TargetObjectiveNotFound' },
    { decision: 'warn', reason: 'TargetPoolNotFound' },
    { decision: 'deny', reason: 'UnsupportedMode' },
    { decision: 'deny', reason: 'InvalidPoolSelector' },
  ])
})
