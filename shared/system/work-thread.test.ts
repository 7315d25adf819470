import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { CodedError } from '../errors.ts'
import { whole, WorkThread } from './work-thread.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-work-thread-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Work {
  readonly [name: string]: (argument: never) => Promise<unknown>
  echo(text: string): Promise<string>
  views(): Promise<{ readonly pooled: Uint8Array; readonly parts: readonly Float64Array[] }>
  fail(text: string): Promise<void>
  end(): Promise<void>
}

const threads: WorkThread<Work>[] = []
afterEach(async () => void (await Promise.all(threads.splice(0).map((thread) => thread.close()))))

const served = new URL('./serve-work.ts', import.meta.url).href
const errors = new URL('../errors.ts', import.meta.url).href
const threadOf = (name: string, opening: string): WorkThread<Work> => {
  const file = join(folder, name)
  writeFileSync(
    file,
    `import { serveWork } from ${JSON.stringify(served)}
     import { CodedError } from ${JSON.stringify(errors)}
     serveWork(${opening})`,
  )
  const thread = new WorkThread<Work>(new URL(`file://${file}`), () => new CodedError('INTERNAL', 'it ended'))
  threads.push(thread)
  return thread
}
const work = `Promise.resolve({
  echo: async (text) => {
    if (text === 'slow') await new Promise((resolve) => setTimeout(resolve, 30))
    return text
  },
  views: async () => {
    const both = Float64Array.of(1, 2, 3, 4)
    return { pooled: Buffer.from('abc'), parts: [both.subarray(0, 2), both.subarray(2)] }
  },
  fail: async (text) => {
    if (text === 'coded') throw new CodedError('BOX_INVALID', 'said', { place: { field: 'box' }, cause: 'unsaid' })
    throw new Error(text)
  },
  end: async () => process.exit(),
})`

test('one call is done after another, in the order they were made', async () => {
  const thread = threadOf('order.ts', work)
  const order: string[] = []
  await Promise.all(['slow', 'fast', 'slow', 'last'].map(async (text) => order.push(await thread.ask('echo', text))))
  expect(order).toEqual(['slow', 'fast', 'slow', 'last'])
})

test('what comes out has its memory to itself: nothing that lies beside it comes along', async () => {
  const thread = threadOf('views.ts', work)
  const { pooled, parts } = await thread.ask('views', undefined as never)
  expect([[...pooled], ...parts.map((part) => [...part])]).toEqual([
    [97, 98, 99],
    [1, 2],
    [3, 4],
  ])
  expect([pooled, ...parts].map(({ buffer }) => buffer.byteLength)).toEqual([3, 16, 16])
})

test('whole: a copy where there is something beside it, else the same', () => {
  const array = Float64Array.of(1, 2, 3)
  expect(whole(array)).toBe(array)
  const part = whole(array.subarray(1))
  expect([part, part.buffer.byteLength]).toEqual([Float64Array.of(2, 3), 16])
  part.fill(0)
  expect([...array]).toEqual([1, 2, 3])
  const bytes = whole(Buffer.from('pooled').subarray(2))
  expect([[...bytes], bytes.buffer.byteLength]).toEqual([[...Buffer.from('oled')], 4])
})

test('an error comes as its code, words and place, and of any other only its kind; the thread goes on', async () => {
  const thread = threadOf('fail.ts', work)
  const coded: unknown = await thread.ask('fail', 'coded').catch((error: unknown) => error)
  expect(coded).toMatchObject({ code: 'BOX_INVALID', message: 'said', place: { field: 'box' } })
  expect(coded).not.toHaveProperty('cause')
  const other: unknown = await thread.ask('fail', 'a secret').catch((error: unknown) => error)
  expect(other).toMatchObject({ code: 'INTERNAL' })
  expect(String((other as Error).stack)).not.toContain('secret')
  await expect(thread.ask('no such work', undefined as never)).rejects.toMatchObject({ code: 'INTERNAL' })
  expect(await thread.ask('echo', 'on')).toBe('on')
})

test('whatever was asked of a thread that ends is rejected, and the next call starts another', async () => {
  const thread = threadOf('end.ts', work)
  const asked = [thread.ask('echo', 'first'), thread.ask('end', undefined as never), thread.ask('echo', 'never')]
  const settled = await Promise.allSettled(asked)
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
  for (const each of settled.slice(1)) expect(each).toMatchObject({ reason: { code: 'INTERNAL', message: 'it ended' } })
  expect(await thread.ask('echo', 'again')).toBe('again')
})

test('work that does not open is said why, to every call, and tried again by the next', async () => {
  const mark = JSON.stringify(join(folder, 'opened'))
  const thread = threadOf(
    'unready.ts',
    `(async () => {
       const { existsSync, writeFileSync } = await import('node:fs')
       if (existsSync(${mark})) return { echo: async (text) => text }
       writeFileSync(${mark}, '')
       throw new CodedError('ENGINE_UNAVAILABLE', 'not now')
     })()`,
  )
  const [ready, asked] = await Promise.allSettled([thread.ready(), thread.ask('echo', 'x')])
  for (const each of [ready, asked]) expect(each).toMatchObject({ reason: { code: 'ENGINE_UNAVAILABLE' } })
  expect(await thread.ask('echo', 'x')).toBe('x')
})

test('closed, it answers nothing any more', async () => {
  const thread = threadOf('closed.ts', work)
  const running = thread.ask('echo', 'slow')
  await Promise.all([thread.close(), expect(running).rejects.toMatchObject({ message: 'it ended' })])
  await expect(thread.ask('echo', 'x')).rejects.toMatchObject({ code: 'INTERRUPTED' })
})
