import * as fc from 'fast-check'
import { test } from 'vitest'
import { evaluate } from '../../src/core/evaluate.ts'
import { rules } from '../../src/core/findings.ts'
import { bindings, objectives, pools } from '../support/arbitraries.ts'
import { inventoryOf } from '../support/builders.ts'
test('s', () => {
  const c: Record<string, number> = {}
  for (const [p, o, b] of fc.sample(
    fc.tuple(
      fc.array(pools, { minLength: 1, maxLength: 6 }),
      fc.array(objectives, { minLength: 1, maxLength: 8 }),
      fc.array(bindings, { minLength: 1, maxLength: 8 }),
    ),
    400,
  )) {
    const w = inventoryOf([...p, ...o, ...b])
    for (const x of w.bindings()) {
      const f = evaluate(x, w).findings[0]
      const k = f ? rules[f.rule].reason : 'Ready'
      c[k] = (c[k] ?? 0) + 1
    }
  }
  process.stderr.write(JSON.stringify(c, undefined, 1) + '\n')
})
