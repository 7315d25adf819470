/*
 * One tensor engine's part of `npm run bench:dpsgd`, in a process of its own: says what it is, then answers every line on standard
 * input, a number of processor seconds to work for at least, by the processor seconds of one gradient. `dpsgd-engine.ts tensorflow|wasm|cpu clipped|plain ROWS HIDDEN [SUM FILE]`
 */
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { gradientSum } from '@tributary/shared/synthesizers/autoregressive/clipped-sum'
import { type EngineName, loadEngine } from '@tributary/shared/tensor/engine'
import { clipNorm } from '@tributary/shared/units'
import { dpsgdProblem } from './dpsgd-problem.ts'
import { plainGradient } from './plain-gradient.ts'

const [name, kind, rows, hidden, file] = process.argv.slice(2)
const engine = await loadEngine({ prefer: name as EngineName })
if (engine.name !== name) throw new Error(engine.description)
const problem = dpsgdProblem(Number(rows), Number(hidden))
const { network, params, cells } = problem

const turn = () =>
  kind === 'plain'
    ? plainGradient(engine, network, params, cells)
    : gradientSum(engine, network, params, cells, clipNorm(problem.clipNorm)).sum
const sum = turn()
if (file !== undefined) writeFileSync(file, new Uint8Array(sum.buffer, sum.byteOffset, sum.byteLength))
console.log(JSON.stringify({ description: engine.description, engine: engine.name }))
const spent = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
const measure = (atLeast: number): number => {
  const before = spent()
  let turns = 0
  while (spent() - before < atLeast || turns === 0) {
    turn()
    turns++
  }
  return (spent() - before) / turns
}
for await (const atLeast of createInterface({ input: process.stdin }))
  console.log(JSON.stringify({ seconds: measure(Number(atLeast)) }))
