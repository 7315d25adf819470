/*
 * The few loops that training spends its time on outside the tensor engine, as a WebAssembly program of 128-bit vectors, put together
 * here: no toolchain, no binary in the repository. JavaScript engines do not vectorise such loops. Opcodes: WebAssembly core
 * specification 2.0, section 5.4.
 */

type Code = readonly number[]

const i32 = 0x7f
const f32 = 0x7d

const get = (local: number): Code => [0x20, local]
const set = (local: number): Code => [0x21, local]
const constant = (value: number): Code => [0x41, ...signed(value)]
const add = 0x6a
const subtract = 0x6b
const isBelow = 0x49
const shiftLeft = 0x74
const block: Code = [0x02, 0x40]
const loop: Code = [0x03, 0x40]
const end = 0x0b
/** Out of the block around the loop, and to the loop's start. */
const leaveIf: Code = [0x0d, 1]
const again: Code = [0x0c, 0]
const memoryCopy: Code = [0xfc, 0x0a, 0, 0]
const simd = (opcode: number): Code => [0xfd, ...unsigned(opcode)]
const floatsAdd = simd(0xe4)
const floatsMultiply = simd(0xe6)
const floatsAbove = simd(0x44)
const doublesAdd = simd(0xf0)
const promoteLow = simd(0x5f)
const bitsAnd = simd(0x4e)
const splatInteger = simd(0x11)
const splatFloat = simd(0x13)

/** How one vector of a run is read and written: `floats` of its four lanes are in use. */
interface Width {
  readonly floats: number
  load(pointer: number, offset: number): Code
  /** The value is on the stack above the pointer. */
  store(offset: number): Code
}

const at = (offset: number): Code => [0, ...unsigned(offset)]

const four: Width = {
  floats: 4,
  load: (pointer, offset) => [...get(pointer), ...simd(0x00), ...at(offset)],
  store: (offset) => [...simd(0x0b), ...at(offset)],
}
const two: Width = {
  floats: 2,
  load: (pointer, offset) => [...get(pointer), ...simd(0x5d), ...at(offset)],
  store: (offset) => [...simd(0x5b), ...at(offset), 0],
}
const one: Width = {
  floats: 1,
  load: (pointer, offset) => [...get(pointer), ...simd(0x5c), ...at(offset)],
  store: (offset) => [...simd(0x5a), ...at(offset), 0],
}

/** `body` once for every vector of a run of local `count` numbers: four vectors a turn, then one, then one number a turn. */
const overRun = (
  count: number,
  strides: readonly { readonly pointer: number; readonly bytes: number }[],
  widths: readonly (Width & { readonly vectors: number })[],
  body: (width: Width, vector: number) => Code,
): Code =>
  widths.flatMap((width) => {
    const step = width.floats * width.vectors
    return [
      ...block,
      ...loop,
      ...get(count),
      ...constant(step),
      isBelow,
      ...leaveIf,
      ...Array.from({ length: width.vectors }, (_, vector) => body(width, vector)).flat(),
      ...strides.flatMap(({ pointer, bytes }) => [...get(pointer), ...constant(step * bytes), add, ...set(pointer)]),
      ...get(count),
      ...constant(step),
      subtract,
      ...set(count),
      ...again,
      end,
      end,
    ]
  })

const floats = [
  { ...four, vectors: 4 },
  { ...four, vectors: 1 },
  { ...one, vectors: 1 },
]
const [to, from, count] = [0, 1, 2]
const both = [
  { pointer: to, bytes: 4 },
  { pointer: from, bytes: 4 },
]

interface Routine {
  readonly name: string
  readonly parameters: Code
  readonly body: Code
}

/** Pointers are in bytes, counts in numbers. */
const routines: readonly Routine[] = [
  {
    name: 'copy',
    parameters: [i32, i32, i32],
    body: [...get(to), ...get(from), ...get(count), ...constant(2), shiftLeft, ...memoryCopy],
  },
  {
    name: 'add',
    parameters: [i32, i32, i32],
    body: overRun(count, both, floats, (width, vector) => [
      ...get(to),
      ...width.load(to, 16 * vector),
      ...width.load(from, 16 * vector),
      ...floatsAdd,
      ...width.store(16 * vector),
    ]),
  },
  {
    name: 'addWide',
    parameters: [i32, i32, i32],
    body: overRun(
      count,
      [
        { pointer: to, bytes: 8 },
        { pointer: from, bytes: 4 },
      ],
      [
        { ...two, vectors: 4 },
        { ...two, vectors: 1 },
        { ...one, vectors: 1 },
      ],
      (width, vector) => [
        ...get(to),
        ...(width.floats === 2 ? four : two).load(to, 16 * vector),
        ...width.load(from, 8 * vector),
        ...promoteLow,
        ...doublesAdd,
        ...(width.floats === 2 ? four : two).store(16 * vector),
      ],
    ),
  },
  {
    name: 'gate',
    parameters: [i32, i32, i32],
    body: overRun(count, both, floats, (width, vector) => [
      ...get(to),
      ...width.load(to, 16 * vector),
      ...width.load(from, 16 * vector),
      // A vector of zeros: a mask of no bits.
      ...constant(0),
      ...splatInteger,
      ...floatsAbove,
      ...bitsAnd,
      ...width.store(16 * vector),
    ]),
  },
  {
    // to, factor, kept (-1: all bits, 0: none), count
    name: 'scale',
    parameters: [i32, f32, i32, i32],
    body: overRun(3, [{ pointer: to, bytes: 4 }], floats, (width, vector) => [
      ...get(to),
      ...width.load(to, 16 * vector),
      ...get(1),
      ...splatFloat,
      ...floatsMultiply,
      ...get(2),
      ...splatInteger,
      ...bitsAnd,
      ...width.store(16 * vector),
    ]),
  },
]

/** And the version, 1. */
const magic: Code = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]

/** The bytes of the module: imports `a.m`, a memory; exports the routines by name. */
export const simdProgram = (): Uint8Array<ArrayBuffer> => {
  const types = routines.map(({ parameters }) => [0x60, ...counted(parameters.map((type) => [type])), 0])
  const indices = routines.map((_, index) => [index])
  const exported = routines.map(({ name }, index) => [...text(name), 0, index])
  const bodies = routines.map(({ body }) => sized([0, ...body, end]))
  return Uint8Array.from([
    ...magic,
    ...section(1, counted(types)),
    ...section(2, counted([[...text('a'), ...text('m'), 2, 0, 0]])),
    ...section(3, counted(indices)),
    ...section(7, counted(exported)),
    ...section(10, counted(bodies)),
  ])
}

const section = (id: number, content: Code): Code => [id, ...sized(content)]
const sized = (content: Code): Code => [...unsigned(content.length), ...content]
const counted = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()]
const text = (word: string): Code => sized([...new TextEncoder().encode(word)])

/** LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}
function signed(value: number): Code {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)]
}
