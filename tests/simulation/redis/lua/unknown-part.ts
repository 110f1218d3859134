import { LuaError } from './values.ts'

/** The error for a part of Lua that is not compiled. */
export function unknownPart(name: string): LuaError {
  return new LuaError(`${name} is not part of the model`)
}
