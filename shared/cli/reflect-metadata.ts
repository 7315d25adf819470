/**
 * The three functions of `Reflect` that tsyringe, under @peculiar/x509, asks for at load; import this before it. (They come from
 * the withdrawn metadata proposal; the published polyfill is far larger than what is used.)
 */
const tables = new WeakMap<object, Map<unknown, unknown>>()

const own = (key: unknown, target: object): unknown => tables.get(target)?.get(key)

const inherited = (key: unknown, target: object): unknown => {
  for (let each: object | null = target; each !== null; each = Object.getPrototypeOf(each)) {
    const value = own(key, each)
    if (value !== undefined) return value
  }
  return undefined
}

const define = (key: unknown, value: unknown, target: object): void => {
  const table = tables.get(target) ?? new Map<unknown, unknown>()
  tables.set(target, table.set(key, value))
}

if (!('getMetadata' in Reflect)) {
  Object.assign(Reflect, { getMetadata: inherited, getOwnMetadata: own, defineMetadata: define })
}
