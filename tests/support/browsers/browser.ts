import { afterAll, beforeAll } from 'vitest'

/** A tab of a browser. */
export interface Tab extends AsyncDisposable {
  /** Goes to an address, and waits until the page is loaded. */
  goto(url: string): Promise<void>
  /**
   * Calls a function in the page, and gives what it returns or resolves to. It takes and gives
   * JSON, and knows nothing of where it is written.
   */
  call<TArguments extends unknown[], TResult>(
    inPage: (...given: TArguments) => TResult | Promise<TResult>,
    ...given: TArguments
  ): Promise<TResult>
  /** Brings it to the front. */
  show(): Promise<void>
  /** Closes it, as its user would. */
  close(): Promise<void>
}

/** A browser as tests drive it, whichever it is. It takes any certificate. */
export interface TestBrowser<TTab extends Tab = Tab> extends AsyncDisposable {
  /** Opens an address in a tab of its own. What tabs of one origin share, these do. */
  open(url: string): Promise<TTab>
}

/** Opens a browser for the tests of a suite; gives what gives it. */
export function useBrowser<TBrowser extends TestBrowser>(
  open: () => Promise<TBrowser>,
): () => TBrowser {
  let browser: TBrowser | undefined
  beforeAll(async () => {
    browser = await open()
  })
  afterAll(() => browser?.[Symbol.asyncDispose]())
  return () => {
    if (!browser) throw new Error('The browser is not open.')
    return browser
  }
}
