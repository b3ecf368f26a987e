import { emptyInventory, filledInventory } from '../inventory.ts'
import { answerAs } from '../worker.ts'

/** Bytes that so many Ready bindings take in the inventory, with their pools, objectives and ClusterSPIFFEIDs. */
const bindings = Number(process.argv[2])

const used = (): number => {
  if (!globalThis.gc) throw new Error('needs --expose-gc')
  globalThis.gc()
  return process.memoryUsage().heapUsed
}

const held = [emptyInventory(), filledInventory(10, 'spread')]
const before = used()
held.push(filledInventory(bindings, 'spread'))
const after = used()

answerAs(() => ({ bytes: (after - before) / bindings, held: held.length }))
