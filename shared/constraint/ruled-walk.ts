import type { Generator, RowWalk } from '../generator/generator.ts'
import type { RuleComponent, RuleState } from './rule-component.ts'
import type { RuledLayout } from './ruled-layout.ts'

/** A walk that tells how much of each column's mass the rules left. */
export type RuledWalk = RowWalk & { readonly kept: number }

/**
 * A model's walk with what breaks a rule left out, by looking ahead (`RuleComponent`): parts of a column's groups have the group's
 * mass times their share, times the share of their values that keep the rules that are complete with this column. `mass`: of the
 * rules, which takes up the products of `kept` so that their mean over rows is 1. Cost: a walk of the model and, for columns that rules name,
 * two logarithms a part.
 */
export const ruledWalk = (
  model: Generator,
  { layout, columns }: RuledLayout,
  components: readonly RuleComponent[],
  mass: number,
): RuledWalk => {
  const inner = model.walk()
  const { offsets } = layout
  const innerOffsets = model.layout.offsets
  const logits = new Float32Array(layout.cells)
  const states: (RuleState | undefined)[] = components.map(() => undefined)
  let kept = 1

  const enter = (j: number) => {
    kept = j === 0 ? 1 / mass : 1
    const from = innerOffsets[j]!
    const start = offsets[j]!
    const column = columns[j]
    if (!column) {
      logits.set(inner.logits.subarray(from, innerOffsets[j + 1]!), start)
      return
    }
    let top = Number.NEGATIVE_INFINITY
    for (let i = from; i < innerOffsets[j + 1]!; i++) if (inner.logits[i]! > top) top = inner.logits[i]!
    const { group, share, classOf, component } = column
    const state = states[component]
    let whole = 0
    let left = 0
    for (let part = 0; part < group.length; part++) {
      const mass = Math.exp(inner.logits[from + group[part]!]! - top) * share[part]!
      const open = mass * (state?.share[classOf[part]!] ?? 0)
      whole += mass
      left += open
      logits[start + part] = Math.log(open)
    }
    kept *= whole > 0 ? left / whole : 0
  }

  return {
    logits,
    get kept() {
      return kept
    },
    start() {
      inner.start()
      components.forEach((component, i) => (states[i] = component.start()))
      enter(0)
    },
    take(j, code) {
      const column = columns[j]
      inner.take(j, column ? column.group[code]! : code)
      if (column) {
        const state = states[column.component]
        const taken = column.classOf[code]!
        // Nothing follows what may not be.
        const isPossible = state !== undefined && state.share[taken]! > 0
        states[column.component] = isPossible ? components[column.component]!.after(state, taken) : undefined
      }
      if (j + 1 < columns.length) enter(j + 1)
    },
  }
}
