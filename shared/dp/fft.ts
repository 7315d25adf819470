/**
 * Discrete Fourier transform of real sequences in float64: own radix-4 kernel on half-length complex data. Cost N log2 N; the
 * root-mean-square error grows like 1e-16 sqrt(log2 N) because every twiddle factor is computed directly.
 */
export interface RealFft {
  /** Sequence length, a power of two of at least 4. */
  readonly length: number
  /** Spectrum of `signal` (destroyed) at frequencies 0 .. length/2 into `re`, `im` (length/2 + 1 each). */
  forward(signal: Float64Array, re: Float64Array, im: Float64Array): void
  /** Inverse of `forward`, scaled by 1/length; `re` and `im` are destroyed. */
  inverse(re: Float64Array, im: Float64Array, signal: Float64Array): void
}

/** cos and -sin of 2 pi k / length for k < length / 2, exact at the quarter turns. */
const twiddles = (length: number) => {
  const half = length / 2
  const cos = new Float64Array(half)
  const sin = new Float64Array(half)
  for (let k = 0; k <= length / 8; k++) {
    const angle = (2 * Math.PI * k) / length
    const [c, s] = [Math.cos(angle), Math.sin(angle)]
    const quarter = length / 4
    cos[k] = c
    sin[k] = -s
    cos[quarter - k] = s
    sin[quarter - k] = -c
    if (quarter + k < half) {
      cos[quarter + k] = -s
      sin[quarter + k] = -c
    }
    if (k > 0) {
      cos[half - k] = -c
      sin[half - k] = -s
    }
  }
  return { cos, sin }
}

/** In-place complex transform of a power-of-two length of at least 2; the twiddles are those of twice that length. */
const transform = (re: Float64Array, im: Float64Array, cos: Float64Array, sin: Float64Array) => {
  const n = re.length
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1
    for (; j & bit; bit >>= 1) j ^= bit
    j ^= bit
    if (i < j) {
      const r = re[i] as number
      const m = im[i] as number
      re[i] = re[j] as number
      im[i] = im[j] as number
      re[j] = r
      im[j] = m
    }
  }
  // Blocks that fit the cache are finished before the next is touched; then the long passes.
  const cached = Math.min(n, 4096)
  for (let base = 0; base < n; base += cached) passes(re, im, cos, sin, base, base + cached, 1, cached)
  passes(re, im, cos, sin, 0, n, cached, n)
}

/** Butterflies that turn transforms of length `done` into ones of length `wanted`: one radix-2 pass if the ratio needs it, then radix 4. */
const passes = (
  re: Float64Array,
  im: Float64Array,
  cos: Float64Array,
  sin: Float64Array,
  from: number,
  to: number,
  done: number,
  wanted: number,
) => {
  const n = re.length
  let length = done
  if (Math.log2(wanted / done) % 2 === 1) {
    const step = n / length
    for (let start = from; start < to; start += 2 * length) {
      for (let k = 0; k < length; k++) {
        const a = start + k
        const b = a + length
        const wr = cos[k * step] as number
        const wi = sin[k * step] as number
        const xr = re[b] as number
        const xi = im[b] as number
        const pr = xr * wr - xi * wi
        const pi = xr * wi + xi * wr
        const ar = re[a] as number
        const ai = im[a] as number
        re[b] = ar - pr
        im[b] = ai - pi
        re[a] = ar + pr
        im[a] = ai + pi
      }
    }
    length *= 2
  }
  for (; length < wanted; length *= 4) {
    const step = n / (2 * length)
    for (let start = from; start < to; start += 4 * length) {
      for (let k = 0; k < length; k++) {
        const i0 = start + k
        const i1 = i0 + length
        const i2 = i1 + length
        const i3 = i2 + length
        const vr = cos[2 * k * step] as number
        const vi = sin[2 * k * step] as number
        const wr = cos[k * step] as number
        const wi = sin[k * step] as number
        let xr = re[i1] as number
        let xi = im[i1] as number
        let pr = xr * vr - xi * vi
        let pi = xr * vi + xi * vr
        const ar = re[i0] as number
        const ai = im[i0] as number
        const b0r = ar + pr
        const b0i = ai + pi
        const b1r = ar - pr
        const b1i = ai - pi
        xr = re[i3] as number
        xi = im[i3] as number
        pr = xr * vr - xi * vi
        pi = xr * vi + xi * vr
        const cr = re[i2] as number
        const ci = im[i2] as number
        xr = cr + pr
        xi = ci + pi
        const b2r = xr * wr - xi * wi
        const b2i = xr * wi + xi * wr
        xr = cr - pr
        xi = ci - pi
        // Times -i as well: the twiddle a quarter turn on.
        const b3r = xr * wi + xi * wr
        const b3i = xi * wi - xr * wr
        re[i0] = b0r + b2r
        im[i0] = b0i + b2i
        re[i1] = b1r + b3r
        im[i1] = b1i + b3i
        re[i2] = b0r - b2r
        im[i2] = b0i - b2i
        re[i3] = b1r - b3r
        im[i3] = b1i - b3i
      }
    }
  }
}

/** The last transform made: a search asks for one length again and again. Longer ones hold too much memory to stay. */
let last: RealFft | undefined
const longestKept = 1 << 20

export const realFft = (length: number): RealFft => {
  if (last?.length === length) return last
  const fft = makeFft(length)
  last = length <= longestKept ? fft : undefined
  return fft
}

const makeFft = (length: number): RealFft => {
  const n = length / 2
  const { cos, sin } = twiddles(length)
  const zr = new Float64Array(n)
  const zi = new Float64Array(n)
  return {
    length,
    forward(signal, re, im) {
      for (let i = 0; i < n; i++) {
        zr[i] = signal[2 * i] as number
        zi[i] = signal[2 * i + 1] as number
      }
      transform(zr, zi, cos, sin)
      const [r0, i0] = [zr[0] as number, zi[0] as number]
      re[0] = r0 + i0
      im[0] = 0
      re[n] = r0 - i0
      im[n] = 0
      for (let k = 1; k < n; k++) {
        const ar = zr[k] as number
        const ai = zi[k] as number
        const br = zr[n - k] as number
        const bi = -(zi[n - k] as number)
        const or = 0.5 * (ai - bi)
        const oi = -0.5 * (ar - br)
        const wr = cos[k] as number
        const wi = sin[k] as number
        re[k] = 0.5 * (ar + br) + or * wr - oi * wi
        im[k] = 0.5 * (ai + bi) + or * wi + oi * wr
      }
    },
    inverse(re, im, signal) {
      // conj(Z) is transformed forward; conj again on the way out.
      zr[0] = 0.5 * ((re[0] as number) + (re[n] as number))
      zi[0] = -0.5 * ((re[0] as number) - (re[n] as number))
      for (let k = 1; k < n; k++) {
        const ar = re[k] as number
        const ai = im[k] as number
        const br = re[n - k] as number
        const bi = -(im[n - k] as number)
        const dr = 0.5 * (ar - br)
        const di = 0.5 * (ai - bi)
        const wr = cos[k] as number
        const wi = -(sin[k] as number)
        const or = dr * wr - di * wi
        const oi = dr * wi + di * wr
        zr[k] = 0.5 * (ar + br) - oi
        zi[k] = -(0.5 * (ai + bi) + or)
      }
      transform(zr, zi, cos, sin)
      for (let i = 0; i < n; i++) {
        signal[2 * i] = (zr[i] as number) / n
        signal[2 * i + 1] = -(zi[i] as number) / n
      }
    },
  }
}
