import { describe, expect, it } from 'vitest'
import { loggedInForAll } from '../../test/harness/logged-in.ts'

const at = loggedInForAll()
const { run } = at

describe('probe', () => {
  it('aligns the rows, and says on stderr that they are synthetic', async () => {
    const { out, err } = await run('probe', 'ckd-2027', '--where', 'age > 6', '-n', '2', '--seed', '3')
    expect(out).toBe('age  note\n 61  plain\n  7  a "quoted", cell\n')
    expect(err).toContain('Synthetic: no row is a patient.')
    expect(err).toContain("next: tributary plan ckd-2027 -n 5000 --where 'age > 6'")
    expect(at.lastBody('/probe')).toEqual({ rows: 2, seed: 3, where: 'age > 6' })
  })

  it('writes CSV that every hospital refuses as a source, or JSON', async () => {
    const { out } = await run('probe', 'ckd-2027', '--format', 'csv')
    expect(out).toBe('age,note,_synthetic_release\n61,plain,probe\n7,"a ""quoted"", cell",probe\n')
    expect((await run('probe', 'ckd-2027', '--format', 'json')).envelope().data).toMatchObject({
      columns: ['age', 'note'],
    })
    expect((await run('probe', 'ckd-2027', '--format', 'xml')).code).toBe(4)
    expect((await run('probe', 'ckd-2027', '-n', '1.5')).code).toBe(4)
  })
})
