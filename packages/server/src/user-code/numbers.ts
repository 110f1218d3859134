import { RealtimeError } from '@trpc-sse/protocol'

/**
 * Throws `INVALID_OPTION` if one of the numbers is below `least` or not whole. The keys are the
 * names of the options.
 */
export function checkNumbers(
  place: string,
  numbers: Readonly<Record<string, number>>,
  { least, isWhole }: { readonly least: number; readonly isWhole: boolean },
): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (value >= least && (!isWhole || Number.isSafeInteger(value))) continue
    const expected = `${isWhole ? 'a whole number, ' : ''}${least} or more`
    throw new RealtimeError('INVALID_OPTION', `${place}: ${name} is ${value}. Give ${expected}.`)
  }
}
