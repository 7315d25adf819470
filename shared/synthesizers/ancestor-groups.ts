/**
 * Levels that have no order, in at most `groups` groups: group 0 holds every level that no other group takes. A group is a node of
 * the tree of prefixes (a prefix of `prefixes` characters, or one level) with all below it that has no group of its own, so that
 * rare codes stay with their ancestor. Without prefixes the tree is flat: the commonest levels and a rest.
 *
 * Nodes are picked one by one, each time the one whose leaving the group it is in lowers the sum of squared masses most (a greedy
 * cut towards equal masses). What leaves group 0 must stand right below the root, so that a code is told apart only after its
 * chapter is, and counts double, for group 0 mixes what has nothing in common. Of equals the one met first in the order of levels,
 * ancestors first. Cost: groups x nodes.
 */
export const ancestorGroups = (
  texts: readonly string[],
  prefixes: readonly number[],
  mass: Float64Array,
  groups: number,
): Uint16Array => {
  const { parent, leaf } = treeOf(texts, prefixes)
  const nodes = parent.length
  /** Mass at and below a node without what has left with a group of its own; nodes stand after their parents. */
  const held = new Float64Array(nodes)
  leaf.forEach((node, level) => {
    held[node] = mass[level]!
  })
  for (let node = nodes - 1; node > 0; node--) held[parent[node]!]! += held[node]!
  const group = new Int32Array(nodes).fill(-1)
  /** Nearest node at or above that is a group. */
  const owner = new Int32Array(nodes)
  group[0] = 0
  for (let made = 1; made < groups; made++) {
    let best = 0
    let bestGain = -1
    for (let node = 1; node < nodes; node++) {
      if (group[node]! >= 0) continue
      const from = owner[node]!
      if (from === 0 && parent[node] !== 0) continue
      const gain = (from === 0 ? 2 : 1) * held[node]! * (held[from]! - held[node]!)
      if (gain > bestGain) {
        best = node
        bestGain = gain
      }
    }
    if (best === 0) break
    const left = held[best]!
    const from = owner[best]!
    group[best] = made
    for (let node = parent[best]!; ; node = parent[node]!) {
      held[node]! -= left
      if (node === from) break
    }
    owner[best] = best
    for (let node = best + 1; node < nodes; node++) if (group[node]! < 0) owner[node] = owner[parent[node]!]!
  }
  return Uint16Array.from(leaf, (node) => group[owner[node]!]!)
}

/** Node 0 is the root; `parent` of a node is a lower number. `leaf`: the node of each level. */
const treeOf = (texts: readonly string[], prefixes: readonly number[]) => {
  const lengths = prefixes.toSorted((a, b) => a - b)
  const parent = [0]
  const named = new Map<string, number>()
  const leaf = texts.map((text) => {
    let at = 0
    for (const length of lengths) {
      if (length >= text.length) break
      const prefix = text.slice(0, length)
      let node = named.get(prefix)
      if (node === undefined) {
        node = parent.push(at) - 1
        named.set(prefix, node)
      }
      at = node
    }
    return parent.push(at) - 1
  })
  return { parent: Int32Array.from(parent), leaf }
}
