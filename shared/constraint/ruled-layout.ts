import { CodedError } from '../errors.ts'
import type { Generator } from '../generator/generator.ts'
import { generatorCells, type PrintedColumn } from '../schema/printed-column.ts'
import type { ColumnCells } from '../synthesizers/cell-condition.ts'
import { type Layout, layoutOf } from '../synthesizers/cells.ts'
import type { RuleComponent } from './rule-component.ts'

/** A column that rules name: the model's groups, divided wherever rules tell their cells apart. */
export interface RuledColumn {
  readonly component: number
  /** By part: the group of the model's layout that it belongs to, and its share of that. */
  readonly group: Uint16Array
  readonly share: Float64Array
  /** By part: its class in the component. */
  readonly classOf: Uint16Array
  /** By group: its parts, one after the other. */
  readonly parts: readonly (readonly number[])[]
}

/** A model's layout under rules. */
export interface RuledLayout {
  readonly layout: Layout
  /** Null for a column that no rule names. */
  readonly columns: readonly (RuledColumn | null)[]
  /** What the parts are made of: cells of the printed columns. */
  readonly levels: readonly (ColumnCells | null)[]
  readonly marginals: Float64Array | null
}

/**
 * Parts of the model's groups, with the marginals of the groups divided among them by share, nothing for parts that no row which
 * keeps the rules has. Throws `CONSTRAINT_BROKEN` where nothing of a column would be left.
 */
export const ruledLayout = (
  model: Generator,
  printed: readonly PrintedColumn[],
  components: readonly RuleComponent[],
): RuledLayout => {
  const found = printed.map((column, j) => {
    const component = components.findIndex(({ columns }) => columns.includes(j))
    return component < 0 ? null : dividedColumn(model, column, j, components, component)
  })
  const layout = layoutOf(model.layout.sizes.map((size, j) => found[j]?.column.group.length ?? size))
  return {
    layout,
    columns: found.map((each) => each?.column ?? null),
    levels: found.map((each, j) => (each === null ? model.levels[j]! : each.levels)),
    marginals: model.marginals && dividedMarginals(model, model.marginals, layout, found, components, printed),
  }
}

interface Divided {
  readonly column: RuledColumn
  readonly levels: ColumnCells | null
}

const dividedColumn = (
  model: Generator,
  printed: PrintedColumn,
  j: number,
  components: readonly RuleComponent[],
  component: number,
): Divided => {
  const { columns, classes } = components[component]!
  const classOf = classes[columns.indexOf(j)]!.of
  const cells = generatorCells(printed, model.levels[j]!)
  const groups = model.layout.sizes[j]!
  const parts = Array.from({ length: groups }, (): number[] => [])
  const [group, partShare, partClass]: [number[], number[], number[]] = [[], [], []]
  const known = new Map<string, number>()
  const partOfCell = cells.parent.map((at, cell) => {
    const key = `${at} ${classOf[cell]}`
    const seen = known.get(key) ?? group.length
    if (seen === group.length) {
      known.set(key, seen)
      parts[at]!.push(seen)
      group.push(at)
      partShare.push(0)
      partClass.push(classOf[cell]!)
    }
    partShare[seen]! += cells.share[cell]!
    return seen
  })
  const sizes = new Uint32Array(group.length)
  for (const part of partOfCell) sizes[part]!++
  const isWhole = group.length === cells.parent.length
  return {
    column: {
      component,
      group: Uint16Array.from(group),
      share: Float64Array.from(partShare),
      classOf: Uint16Array.from(partClass),
      parts,
    },
    levels: isWhole
      ? null
      : {
          parent: partOfCell,
          // A part that no level's share reaches has its levels alike.
          share: cells.share.map((part, cell) => {
            const at = partOfCell[cell]!
            return partShare[at]! > 0 ? part / partShare[at]! : 1 / sizes[at]!
          }),
        },
  }
}

const dividedMarginals = (
  model: Generator,
  marginals: Float64Array,
  layout: Layout,
  found: readonly (Divided | null)[],
  components: readonly RuleComponent[],
  printed: readonly PrintedColumn[],
): Float64Array => {
  const divided = new Float64Array(layout.cells)
  found.forEach((each, j) => {
    const from = model.layout.offsets[j]!
    const start = layout.offsets[j]!
    if (each === null) {
      divided.set(marginals.subarray(from, model.layout.offsets[j + 1]!), start)
      return
    }
    const { component, group, share, classOf } = each.column
    const { columns, classes } = components[component]!
    const place = columns.indexOf(j)
    const isPossible = Array.from(classes[place]!.first, (_, fixed) => {
      const fixing: (number | undefined)[] = []
      fixing[place] = fixed
      return components[component]!.isPossible(fixing)
    })
    let total = 0
    group.forEach((at, part) => {
      const mass = isPossible[classOf[part]!]! ? marginals[from + at]! * share[part]! : 0
      divided[start + part] = mass
      total += mass
    })
    if (!(total > 0))
      throw new CodedError('CONSTRAINT_BROKEN', 'no value that the generator has keeps the constraints', {
        place: { field: 'constraints', column: printed[j]!.column.name },
      })
    for (let part = 0; part < group.length; part++) divided[start + part]! /= total
  })
  return divided
}
