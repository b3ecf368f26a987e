import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { controlPlaneTools } from '../support/controlplane/binaries.ts'
import { locateOrBuild } from '../support/go-tools/build.ts'
import { describeReport } from './report.ts'
import { soak } from './soak.ts'

const help = `Usage: npm run soak -- [--minutes N] [--seed N] [--logs FOLDER]

Three replicas of the operator on a real API server, in storms of edits and faults. A judge that is told all that
happens names each promise that is broken, and what happened before that. Ends with 1 if one was.

  --minutes  how long, 60 unless given
  --seed     makes the same choices as an earlier run; when they come to pass is for the machine to say
  --logs     where to put what each replica logged
`

const write = (text: string): void => void process.stdout.write(`${text}\n`)

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string' },
    logs: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
const minutes = Number(values.minutes)
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed)
if (values.help || !(minutes > 0) || !Number.isSafeInteger(seed)) {
  write(help)
  process.exitCode = values.help ? 0 : 4
} else {
  const outcome = await locateOrBuild(controlPlaneTools, process.env, write)
  if (outcome.kind === 'missing') throw new Error(outcome.remedy)
  write(`seed ${seed}, began ${new Date().toISOString()}`)
  const report = await soak({ binaries: outcome.binaries, seed, minutes, say: write })
  write(`\n${describeReport(report)}`)
  if (values.logs !== undefined) {
    await mkdir(values.logs, { recursive: true })
    for (const { replica, text } of report.logs) await writeFile(join(values.logs, `${replica}.log`), text)
  }
  process.exitCode = report.violations.length + report.accidents.length > 0 ? 1 : 0
}
