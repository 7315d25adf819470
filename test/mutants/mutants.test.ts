import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from '../harness/sources.ts'
import { mutants } from './mutants.ts'
import { MutatedTree } from './mutated-tree.ts'

/** Two trees, so that two mutants are tried at a time; the honest tree first, all catching tests in one run. */
const free: MutatedTree[] = []
const waiting: ((tree: MutatedTree) => void)[] = []
const trees: MutatedTree[] = []
beforeAll(() => {
  trees.push(new MutatedTree(), new MutatedTree())
  free.push(...trees)
})
afterAll(() => {
  for (const tree of trees) tree.dispose()
})

const withTree = async <T>(work: (tree: MutatedTree) => Promise<T>): Promise<T> => {
  const tree = free.pop() ?? (await new Promise<MutatedTree>((resolve) => waiting.push(resolve)))
  try {
    return await work(tree)
  } finally {
    const next = waiting.shift()
    if (next) next(tree)
    else free.push(tree)
  }
}

const occurrences = (text: string, part: string) => text.split(part).length - 1

test('planted bugs: every place where one is planted is still there, once', () => {
  for (const { name, edits } of mutants)
    for (const { file, find, replace } of edits) {
      expect(occurrences(readFileSync(join(root, file), 'utf8'), find), `${name}: ${find} in ${file}`).toBe(1)
      expect(replace).not.toBe(find)
    }
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length)
})

describe.concurrent('planted bugs', () => {
  test('the build without any passes the tests that catch them', async () => {
    const tests = [...new Map(mutants.map(({ caughtBy }) => [JSON.stringify(caughtBy), caughtBy])).values()]
    const verdicts = await withTree((tree) => tree.runWith([], tests))
    expect(verdicts.filter(({ state }) => state !== 'passed')).toEqual([])
  })

  test.each(mutants)('$name', async ({ edits, caughtBy }) => {
    const [verdict] = await withTree((tree) => tree.runWith(edits, [caughtBy]))
    expect(verdict).toMatchObject({ state: 'failed' })
    expect(verdict!.said).not.toMatch(
      /SyntaxError|ReferenceError|Cannot find (module|package)|is not (defined|a function)/,
    )
  })
})
