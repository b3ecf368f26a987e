import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/support/tally.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Most suites wait for an API server most of the time, so that two of them keep a machine of two cores busy.
    maxWorkers: 2,
    // An end-to-end test may lose a race against a busy machine once, not twice.
    retry: process.env['CI'] ? 1 : 0,
  },
})
