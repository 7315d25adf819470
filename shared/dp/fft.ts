/**
 * Discrete Fourier transform of real sequences in float64: own radix-2 kernel on half-length complex data. Cost N log2 N; the
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

/** In-place complex transform of a power-of-two length; `stride` walks the twiddles of a length `stride * re.length`. */
const transform = (re: Float64Array, im: Float64Array, cos: Float64Array, sin: Float64Array, stride: number) => {
  const n = re.length
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1
    for (; j & bit; bit >>= 1) j ^= bit
    j ^= bit
    if (i < j) {
      const [r, m] = [re[i] as number, im[i] as number]
      re[i] = re[j] as number
      im[i] = im[j] as number
      re[j] = r
      im[j] = m
    }
  }
  for (let i = 0; i < n; i += 2) {
    const [r, m] = [re[i + 1] as number, im[i + 1] as number]
    re[i + 1] = (re[i] as number) - r
    im[i + 1] = (im[i] as number) - m
    re[i] = (re[i] as number) + r
    im[i] = (im[i] as number) + m
  }
  // Blocks that fit the cache are finished before the next is touched; then the long passes.
  const cached = Math.min(n, 4096)
  for (let base = 0; base < n; base += cached) passes(re, im, cos, sin, stride, base, base + cached, 4, cached)
  passes(re, im, cos, sin, stride, 0, n, cached * 2, n)
}

const passes = (
  re: Float64Array,
  im: Float64Array,
  cos: Float64Array,
  sin: Float64Array,
  stride: number,
  from: number,
  to: number,
  first: number,
  last: number,
) => {
  const n = re.length
  for (let size = first; size <= last; size *= 2) {
    const half = size / 2
    const step = (n / size) * stride
    for (let start = from; start < to; start += size) {
      for (let k = 0, t = 0; k < half; k++, t += step) {
        const a = start + k
        const b = a + half
        const [wr, wi] = [cos[t] as number, sin[t] as number]
        const [xr, xi] = [re[b] as number, im[b] as number]
        const pr = xr * wr - xi * wi
        const pi = xr * wi + xi * wr
        const [ar, ai] = [re[a] as number, im[a] as number]
        re[b] = ar - pr
        im[b] = ai - pi
        re[a] = ar + pr
        im[a] = ai + pi
      }
    }
  }
}

export const realFft = (length: number): RealFft => {
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
      transform(zr, zi, cos, sin, 2)
      const [r0, i0] = [zr[0] as number, zi[0] as number]
      re[0] = r0 + i0
      im[0] = 0
      re[n] = r0 - i0
      im[n] = 0
      for (let k = 1; k < n; k++) {
        const [ar, ai, br, bi] = [zr[k] as number, zi[k] as number, zr[n - k] as number, -(zi[n - k] as number)]
        const [er, ei, or, oi] = [0.5 * (ar + br), 0.5 * (ai + bi), 0.5 * (ai - bi), -0.5 * (ar - br)]
        const [wr, wi] = [cos[k] as number, sin[k] as number]
        re[k] = er + or * wr - oi * wi
        im[k] = ei + or * wi + oi * wr
      }
    },
    inverse(re, im, signal) {
      // conj(Z) is transformed forward; conj again on the way out.
      zr[0] = 0.5 * ((re[0] as number) + (re[n] as number))
      zi[0] = -0.5 * ((re[0] as number) - (re[n] as number))
      for (let k = 1; k < n; k++) {
        const [ar, ai, br, bi] = [re[k] as number, im[k] as number, re[n - k] as number, -(im[n - k] as number)]
        const [er, ei, dr, di] = [0.5 * (ar + br), 0.5 * (ai + bi), 0.5 * (ar - br), 0.5 * (ai - bi)]
        const [wr, wi] = [cos[k] as number, -(sin[k] as number)]
        const [or, oi] = [dr * wr - di * wi, dr * wi + di * wr]
        zr[k] = er - oi
        zi[k] = -(ei + or)
      }
      transform(zr, zi, cos, sin, 2)
      for (let i = 0; i < n; i++) {
        signal[2 * i] = (zr[i] as number) / n
        signal[2 * i + 1] = -(zi[i] as number) / n
      }
    },
  }
}
