export { type Bounds, type Condition, conditionSchema } from './condition-tree.ts'
export { conditionText } from './condition-text.ts'
export { parseCondition } from './parse-condition.ts'
