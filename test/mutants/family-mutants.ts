import type { CatchingTest, Mutant } from './mutant.ts'

const mixture = 'shared/synthesizers/mixture'

const pairs = (name: string): CatchingTest => ({ file: `${mixture}/pair-sum.test.ts`, name })
/** The contract that every query of every family is held to. */
const contract = (name: string): CatchingTest => ({ file: 'shared/synthesizers/families.test.ts', name })
const threePatients = contract('R23 every family > R10 keeps the contract at three patients of one and of several rows')

/** Mistakes in what a family's query says of its sensitivity, and in what a hospital believes of announced numbers. */
export const familyMutants: readonly Mutant[] = [
  {
    name: 'weights of pairs that nobody checks',
    edits: [
      {
        file: `${mixture}/pair-sum.ts`,
        find: 'if (!(squaredLength(pairs, weights) <= mostSquaredLength))',
        replace: 'if (false)',
      },
    ],
    caughtBy: pairs('pairQuestion > R14: refuses before any row what would let one patient count for more'),
  },
  {
    name: 'weights of pairs checked by their sum instead of their squares',
    edits: [
      {
        file: `${mixture}/pair-weights.ts`,
        find: 'sum + weight * weight * centredSquare(pairs, pair), 0)',
        replace: 'sum + weight ** 4 * centredSquare(pairs, pair) ** 2, 0)',
      },
    ],
    caughtBy: pairs('pairQuestion > R14: refuses before any row what would let one patient count for more'),
  },
  {
    name: 'every row of a patient counts in full',
    edits: [
      {
        file: 'shared/synthesizers/unit-shares.ts',
        find: 'Math.floor(1 / shareUnit / count) * shareUnit',
        replace: '1',
      },
    ],
    caughtBy: pairs('pairSum > takes the mean over the rows of a unit'),
  },
  {
    name: 'the length of a centred pair taken for shorter than it is',
    edits: [
      {
        file: `${mixture}/pair-layout.ts`,
        find: 'return (1 - 1 / rows) * (1 - 1 / columns)',
        replace: 'return ((1 - 1 / rows) * (1 - 1 / columns)) ** 2',
      },
    ],
    caughtBy: pairs('pairSum > the bound is reached but for the slack: one row of full weight'),
  },
  {
    name: 'pairs that are centred by columns alone, priced as if by both',
    edits: [
      {
        file: `${mixture}/double-centre.ts`,
        find: ' - (ofColumn[c]! / rows - mean)',
        replace: '',
      },
    ],
    caughtBy: pairs('pairSum > is weighted pairs of groups beyond their margins, blocks in order, row-major'),
  },
  {
    name: 'rows of padding that count',
    edits: [
      {
        file: 'shared/synthesizers/unit-shares.ts',
        find: 'if (counts?.[row] === 0) shares[row] = 0\n',
        replace: '',
      },
    ],
    caughtBy: pairs('pairSum > R10: padding adds nothing, whatever it holds'),
  },
  {
    name: 'groups of levels that nobody checks',
    edits: [
      {
        file: 'shared/synthesizers/grouping.ts',
        find: 'if (!(Number.isInteger(group) && group >= 0 && group < sizes[j]!))',
        replace: 'if (false)',
      },
    ],
    caughtBy: pairs('pairQuestion > R14: refuses other lengths and groups'),
  },
  {
    name: 'pairs planned for half of their sensitivity',
    edits: [{ file: `${mixture}/family.ts`, find: 'clipNorm: clipNorm(1),', replace: 'clipNorm: clipNorm(0.5),' }],
    caughtBy: threePatients,
  },
  {
    name: 'the parts of a critic’s gradient clipped at C each',
    edits: [
      {
        file: 'shared/synthesizers/gan/clipped-sum.ts',
        find: 'networkStep(critic, params, Math.sqrt(1 - critic.pairsShare) * target)',
        replace: 'networkStep(critic, params, target)',
      },
    ],
    caughtBy: threePatients,
  },
  {
    name: 'a critic that is told of rows of padding',
    edits: [
      {
        file: 'shared/synthesizers/gan/clipped-sum.ts',
        find: 'const counting = inside && (counts === null || counts[r] !== 0) ? 1 : 0',
        replace: 'const counting = inside ? 1 : 0',
      },
    ],
    caughtBy: threePatients,
  },
]
