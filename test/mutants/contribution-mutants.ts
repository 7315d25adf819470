import { type CatchingTest, canaryAudit, type Mutant } from './mutant.ts'

const contribution = 'site-agent/contribution'
const family = 'shared/synthesizers/autoregressive'

const gradient = (name: string): CatchingTest => ({
  file: `${family}/clipped-sum.test.ts`,
  name: `gradientSum > ${name}`,
})
const noise = (name: string): CatchingTest => ({ file: `${contribution}/noise.test.ts`, name })
const sampling: CatchingTest = {
  file: 'test/unit/audit/sampling-coins.test.ts',
  name: 'R5 sampling: batches of one row scatter as independent coins do, and every attempt throws them anew',
}

/** The line that throws the coins of one attempt. */
const coins = { file: `${contribution}/sample.ts`, find: 'bernoulliMask(coins, rate, mask)' }
/** The line that adds a site's noise. */
const addition = { file: `${contribution}/noise.ts`, find: 'integers[i] = integers[i]! + noise[i]!' }
/** The line that draws it. */
const draw = { file: `${contribution}/noise.ts`, find: "drawNoise(table, streams('noise'), noise)" }
/** The norm that decides how far a row is clipped. */
const ghost = (find: string, replace: string) => [{ file: `${family}/ghost-norm.ts`, find, replace }]
/** What is kept of a row. */
const coefficient = { file: `${family}/clipped-sum.ts`, find: 'norm <= target ? 1 : target / norm' }

/** Mistakes between a patient's row and the integers that are sealed. */
export const contributionMutants: readonly Mutant[] = [
  {
    name: 'noise divided by the batch size twice',
    edits: [{ ...addition, replace: 'integers[i] = integers[i]! + Math.round(noise[i]! / query.divisor)' }],
    caughtBy: canaryAudit,
  },
  {
    name: 'noise missing at one site',
    edits: [{ ...draw, replace: `if ((globalThis.turn = !globalThis.turn)) ${draw.find}` }],
    caughtBy: canaryAudit,
  },
  {
    name: 'one draw of noise for several microbatches',
    edits: [
      { ...draw, replace: `${draw.find}\n  for (let i = 1024; i < noise.length; i++) noise[i] = noise[i % 1024]!` },
    ],
    caughtBy: {
      file: 'test/unit/audit/noise-apart.test.ts',
      name: 'R16 noise: no value of a contribution repeats another, in it or in the next one, at any distance (gradient)',
    },
  },
  {
    name: 'clip after averaging',
    edits: [
      { ...coefficient, replace: '1' },
      {
        file: `${family}/clipped-sum.ts`,
        find: 'return clippedSum(chunk.sum, clipNorm)',
        replace: `const { sum } = chunk
  const mean = Math.hypot(...sum) / Math.max(1, counts?.reduce((total, mark) => total + mark, 0) ?? rows)
  return clippedSum(mean <= target ? sum : sum.map((value) => (value * target) / mean), clipNorm)`,
      },
    ],
    caughtBy: canaryAudit,
  },
  {
    name: 'bias left out of the norm',
    edits: ghost('total += later + own', 'total += later'),
    caughtBy: gradient('clips by the true norm of each row: layout [4], 3 hidden units'),
  },
  {
    name: 'each layer clipped at C by itself',
    edits: ghost('total += activity * later + seeing + units', 'total += seeing + units'),
    caughtBy: gradient('clips by the true norm of each row: layout [5,7], 3 hidden units'),
  },
  {
    name: 'empty batch skipped',
    edits: [
      {
        file: `${contribution}/noise.ts`,
        find: 'const table = noiseTable(shareSteps)',
        replace: 'if (sum.every((value) => value === 0)) return sum\n  const table = noiseTable(shareSteps)',
      },
    ],
    caughtBy: {
      file: `${contribution}/plan.test.ts`,
      name: 'plan: a table without rows contributes noise like any other',
    },
  },
  {
    name: 'division by the realised batch size',
    edits: [
      {
        file: `${family}/clipped-sum.ts`,
        find: 'return clippedSum(chunk.sum, clipNorm)',
        replace:
          'return clippedSum(chunk.sum.map((value) => value / Math.max(1, counts?.reduce((total, mark) => total + mark, 0) ?? rows)), clipNorm)',
      },
    ],
    caughtBy: gradient('does not depend on where a chunk of rows ends'),
  },
  {
    name: 'shuffled instead of Poisson batches',
    edits: [
      {
        ...coins,
        replace: `const turn = (globalThis.turn = (globalThis.turn ?? 0) + 1)
  for (let unit = 0; unit < mask.length; unit++) mask[unit] = Number((unit + turn) % Math.round(1 / rate) === 0)`,
      },
    ],
    caughtBy: sampling,
  },
  {
    name: 'a retry on the same coins',
    edits: [
      {
        ...coins,
        replace: `const kept = (globalThis.kept ??= new Map())
  if (kept.has(rate)) mask.set(kept.get(rate).subarray(0, mask.length))
  else ${coins.find}
  kept.set(rate, mask.slice())`,
      },
    ],
    caughtBy: sampling,
  },
  {
    name: 'coins at twice the rate that is accounted for',
    edits: [{ ...coins, replace: 'bernoulliMask(coins, Math.min(1, 2 * rate) as SamplingRate, mask)' }],
    caughtBy: sampling,
  },
  {
    name: 'saturation after noise',
    edits: [
      { file: `${contribution}/noise.ts`, find: '  saturate(integers, clamp)\n', replace: '' },
      {
        file: `${contribution}/noise.ts`,
        find: '  noise.fill(0)\n',
        replace: '  noise.fill(0)\n  saturate(integers, clamp)\n',
      },
    ],
    caughtBy: noise('R12 noise: a saturated coordinate keeps its whole noise, and nothing is clipped afterwards'),
  },
  {
    name: 'deterministic rounding in 17 bits',
    edits: [
      {
        file: `${contribution}/grid.ts`,
        find: 'integers[i] = whole + Number(value - whole >= 1 - integers[i]!)',
        replace: 'integers[i] = Math.max(-65536, Math.min(65535, whole + Number(value - whole >= 0.5)))',
      },
    ],
    caughtBy: noise('R13 grid: rounding is at random and unbiased'),
  },
  {
    name: 'noise for whatever calls itself a clipped sum',
    edits: [
      {
        file: `${contribution}/noise.ts`,
        find: 'if (!isClippedSum(clipped))',
        replace: 'if (!isClippedSum(clipped) && false)',
      },
    ],
    caughtBy: noise('R12 noise: only what a synthesizer vouched for is noised; a copy or a look-alike is refused'),
  },
  {
    name: 'NaN by multiplication',
    edits: [
      {
        file: `${family}/clipped-sum.ts`,
        find: 'space.scale(outputs, z, width, coefficient, counts)',
        replace: 'space.scale(outputs, z, width, counts ? coefficient : 0, true)',
      },
    ],
    caughtBy: gradient('R14: a row that overflows (3e+38 twice) adds exactly nothing and leaves the others alone'),
  },
  {
    name: 'a batch as long as what was drawn',
    edits: [
      {
        file: `${contribution}/sample.ts`,
        find: 'const cells = new Uint16Array(columns * room.rows)\n  const counts',
        replace: 'const cells = new Uint16Array(columns * units.length)\n  places.sort()\n  const counts',
      },
    ],
    caughtBy: {
      file: `${contribution}/sample.test.ts`,
      name: 'R10 sample: a batch has the size of its room; what does not fit is dropped, what is missing is padding',
    },
  },
  {
    name: 'rows summed in the order of the table, so that one patient shifts the rounding of all behind',
    edits: [
      {
        file: `${contribution}/sample.ts`,
        find: 'const place = places[index]!',
        replace: 'const place = index',
      },
    ],
    caughtBy: {
      file: `${contribution}/sample.test.ts`,
      name: 'R15 sample: a patient more leaves everybody else in place, and places are random',
    },
  },
  {
    name: 'a fold that rounds down instead of to the nearest',
    edits: [{ file: `${contribution}/grid.ts`, find: 'integers[i]! / width + 0.5', replace: 'integers[i]! / width' }],
    caughtBy: noise(
      'R12 noise: the fold leaves the planned variance within 10^-4 and no bias; other roundings, or a deeper fold, do not',
    ),
  },
]
