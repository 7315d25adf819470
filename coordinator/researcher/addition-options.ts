import { CodedError } from '@tributary/shared/errors'
import { type Additions, additionsOf } from '../cohort/order.ts'

/** What a researcher types beyond a condition; each may be repeated but `balance`. */
export interface AdditionOptions {
  readonly reweight?: readonly string[]
  readonly balance?: string
  readonly augment?: readonly string[]
  readonly set?: readonly string[]
}

const refused = (message: string) => new CodedError('ARGUMENT_INVALID', message)

/** `sex = f:0.5`, `age >= 80: 20 %`: the share follows the last colon. */
const reweightOf = (text: string): { condition: string; share: number } => {
  const [, condition = '', digits = '', percent] = /^(.*\S)\s*:\s*([\d.]+)\s*(%?)$/s.exec(text) ?? []
  const share = Number(digits) / (percent === '%' ? 100 : 1)
  if (condition !== '' && share >= 0 && share <= 1) return { condition, share: Number(share.toPrecision(12)) }
  throw refused("--reweight is a condition, a colon and a share from 0 to 1: 'sex = f:0.5'")
}

/** `age >= 80 x3`, in one word or two. */
const augmentOf = (words: readonly string[]): { condition: string; times: number } => {
  const [, condition = '', digits = ''] = /^(.*\S)\s+x\s*(\d+(?:\.\d+)?)$/s.exec(words.join(' ')) ?? []
  const times = Number(digits)
  if (condition !== '' && times > 0) return { condition, times }
  throw refused("--augment is a condition and how many times as many: 'age >= 80' x3")
}

const namesOf = (text: string): string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

/** The additions that are typed. Throws `ARGUMENT_INVALID`; what the study does not know is the server's to refuse. */
export const additionOptions = ({ reweight, balance, augment, set }: AdditionOptions): Additions => {
  const columns = balance === undefined ? undefined : namesOf(balance)
  if (columns?.length === 0) throw refused('--balance names columns: sex,age')
  return additionsOf({
    reweight: reweight?.map(reweightOf),
    balance: columns,
    augment: augment === undefined ? undefined : augmentOf(augment),
    set: set === undefined ? undefined : [...set],
  })
}
