import { locateOrBuild } from './build.ts'

// Prints where the programs are: `npm run --silent controlplane`.
const outcome = await locateOrBuild(process.env, (line) => process.stderr.write(`${line}\n`))
switch (outcome.kind) {
  case 'found':
    for (const [program, path] of Object.entries(outcome.binaries))
      process.stdout.write(`${program} ${path}\n`)
    break
  case 'missing':
    process.stderr.write(`${outcome.remedy}\n`)
    process.exitCode = 1
    break
}
