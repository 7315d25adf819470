import { describe, expect, it } from 'vitest'
import { errorCodes } from './error-codes.ts'
import { asCodedError, CodedError, type ErrorCode, exitCode, grpcStatus, httpStatus } from './errors.ts'

const codes = Object.keys(errorCodes) as ErrorCode[]

describe('errors', () => {
  it('maps every code to a gRPC status, an HTTP status and an exit code from 1 to 6', () => {
    for (const code of codes) {
      expect(grpcStatus(code)).toBeGreaterThan(0)
      expect(httpStatus(code)).toBeGreaterThanOrEqual(400)
      expect([1, 2, 3, 4, 5, 6]).toContain(exitCode(code))
    }
    expect(exitCode('BUDGET_EXCEEDED')).toBe(6)
    expect(exitCode('INTERNAL')).toBe(5)
    expect(exitCode('ARGUMENT_INVALID')).toBe(4)
  })

  it('has one sentence of help for every code', () => {
    for (const code of codes) expect(new CodedError(code, '').help).toMatch(/^[A-Z`].*[.!]$/)
  })

  it('hides the text of what is not its own: it might hold a value from a row', () => {
    const wrapped = asCodedError(new TypeError('Mrs Planted-Value, 1952'))
    expect(wrapped).toMatchObject({ code: 'INTERNAL' })
    expect(wrapped.message).not.toContain('Planted')
    const own = new CodedError('NOT_FOUND', 'no such study')
    expect(asCodedError(own)).toBe(own)
  })
})
