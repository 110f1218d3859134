import { LuaError, type LuaValue, typeOf } from './values.ts'

const decimal = /^[ \t\n\v\f\r]*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[ \t\n\v\f\r]*$/i
const hexadecimal = /^[ \t\n\v\f\r]*[+-]?0x[\da-f]+[ \t\n\v\f\r]*$/i

/** Converts a value as `tonumber` does; `undefined` if it is no number. */
export function toNumber(value: LuaValue): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return undefined
  return decimal.test(value) || hexadecimal.test(value) ? Number(value) : undefined
}

/** The number that an operator works with. Strings with a number are converted. */
export function operand(value: LuaValue): number {
  const number = toNumber(value)
  if (number !== undefined) return number
  throw new LuaError(`attempt to perform arithmetic on a ${typeOf(value)} value`)
}

/** Formats a number with so many digits at most, as `%.14g` does in C. */
export function formatGeneral(value: number, digits: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  if (Number.isInteger(value) && Math.abs(value) < 10 ** Math.min(digits, 15)) return String(value)
  const [mantissa = '', power = '0'] = value.toExponential(digits - 1).split('e')
  const exponent = Number(power)
  if (exponent >= -5 + 1 && exponent < digits)
    return withoutZeros(value.toFixed(Math.max(0, digits - 1 - exponent)))
  const sign = exponent < 0 ? '-' : '+'
  return `${withoutZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`
}

/** Formats a number with so many digits after the point, as `%.0f` does in C. */
export function formatFixed(value: number, digits: number): string {
  const isHalf = digits === 0 && Math.abs(value % 1) === 0.5
  return isHalf ? String(2 * Math.round(value / 2)) : value.toFixed(digits)
}

/** Converts a value to the text that `..` and `tostring` make of it. */
export function toText(value: LuaValue): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return formatGeneral(value, 14)
  return value === undefined ? 'nil' : String(value)
}

function withoutZeros(digits: string): string {
  return digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits
}
