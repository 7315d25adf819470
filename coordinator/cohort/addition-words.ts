import type { Additions } from './order.ts'

/** What is asked beyond a condition, as it would be typed; `quoted` makes a word of a text. */
export const additionWords = (additions: Additions, quoted: (text: string) => string): string[] => {
  const { reweight = [], balance, augment, set = [] } = additions
  return [
    ...reweight.flatMap(({ condition, share }) => ['--reweight', quoted(`${condition}:${share}`)]),
    ...(balance === undefined ? [] : ['--balance', quoted(balance.join(','))]),
    ...(augment === undefined ? [] : ['--augment', quoted(augment.condition), `x${augment.times}`]),
    ...set.flatMap((text) => ['--set', quoted(text)]),
  ]
}
