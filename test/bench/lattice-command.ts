import { Command } from 'commander'
import type { ToolOutlets } from '../harness/tool-outlets.ts'
import { latticeRow, type LatticeRow, productCases, publishedCases } from './lattice-table.ts'

const about = `
Core-SVP: the cost of one shortest-vector call in the block size that an attack needs, 0.292 b classical and 0.265 b quantum, by the
Geometric Series Assumption; every other cost is left out. A figure of this model, not a proof. "given the sum": whoever opens a sum
learns the sum of its errors, which narrows each; for Gaussians exactly as computed, for SEAL's binomial as a heuristic.

Examples:
  $ npm run -s lattice
  $ npm run -s lattice -- --json`

const line = ({ name, problem, costs, least, published }: LatticeRow): string => {
  const [primal, dual] = costs.classical
  const theirs =
    published === null
      ? ''
      : `; published ${[published.primal, ...(published.dual === undefined ? [] : [published.dual])]
          .map(({ blockSize, bits }) => (blockSize === undefined ? `2^${bits}` : `2^${bits} (b ${blockSize})`))
          .join(' and ')}`
  return [
    `  ${name}: n ${problem.dimension}, q 2^${Math.log2(problem.modulus).toFixed(1)}, deviation ${problem.deviation.toFixed(3)}`,
    `    classical 2^${least.classical.toFixed(1)}, quantum 2^${least.quantum.toFixed(1)}; primal b ${primal.blockSize} (2^${primal.bits.toFixed(1)}), dual b ${dual.blockSize} (2^${dual.bits.toFixed(1)})${theirs}`,
  ].join('\n')
}

/** `npm run -s lattice`: what the ring of the product withstands in the core-SVP model, beside published figures. */
export const latticeCommand = ({ write }: Pick<ToolOutlets, 'write'>): Command =>
  new Command('lattice')
    .description('How hard the lattice problem under the sealed sums is, in the core-SVP model.')
    .option('--json', 'print one JSON object')
    .addHelpText('after', about)
    .action(({ json }: { json?: true }) => {
      const [published, product] = [publishedCases, productCases].map((cases) => cases.map(latticeRow))
      write(
        json
          ? `${JSON.stringify({ model: 'core-SVP, GSA', product, published })}\n`
          : ['Tributary:', ...product!.map(line), '', 'For comparison:', ...published!.map(line), ''].join('\n'),
      )
    })
