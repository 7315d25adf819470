import { defineConfig } from 'vitest/config'

const exclude = ['**/dist/**', '**/node_modules/**']

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'], externalConditions: ['source'] } },
  test: {
    pool: 'forks',
    retry: 0,
    // Vitest leaves one core to itself, which on two is half of them.
    maxWorkers: '100%',
    projects: [
      {
        // Tests of the engine and of what hospitals compute with it, by the native library that TRIBUTARY_TEST_NATIVE names.
        extends: true,
        test: {
          name: 'native',
          include: [
            'test/native/**/*.test.ts',
            'shared/tensor/*.test.ts',
            'shared/synthesizers/autoregressive/clipped-sum.test.ts',
            'shared/synthesizers/families.test.ts',
          ],
          exclude,
          env: {
            TRIBUTARY_TEST_ENGINE: 'tensorflow',
            ...(process.env['TRIBUTARY_TEST_NATIVE'] && { TRIBUTARY_TENSORFLOW: process.env['TRIBUTARY_TEST_NATIVE'] }),
          },
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{shared,site-agent,coordinator,deploy}/**/*.test.ts', 'test/{unit,replay}/**/*.test.ts'],
          exclude,
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          globalSetup: ['test/harness/build.ts'],
          include: ['test/{statistical,simulation,attacks,losses,leaks,faults,journeys,audit,mutants}/**/*.test.ts'],
          exclude,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
