import { afterAll, beforeAll } from 'vitest'

/** A tab of a browser. */
export interface Tab extends AsyncDisposable {
  /** Goes to an address, and waits until the page is loaded. */
  goto(url: string): Promise<void>
  /**
   * Calls a function in the page, and resolves with its result. Arguments and result are JSON, and
   * the function can't use variables from outside.
   */
  call<TArguments extends unknown[], TResult>(
    inPage: (...given: TArguments) => TResult | Promise<TResult>,
    ...given: TArguments
  ): Promise<TResult>
  /** Brings the tab to the front. */
  show(): Promise<void>
  /** Closes the tab, as a user would. */
  close(): Promise<void>
}

/** Any browser that tests control. It accepts every certificate. */
export interface TestBrowser<TTab extends Tab = Tab> extends AsyncDisposable {
  /**
   * Opens an address in a new tab. All tabs share storage, locks and channels, as tabs of one
   * origin do.
   */
  open(url: string): Promise<TTab>
}

/** Opens a browser for the tests of a suite. Returns a function that returns the browser. */
export function useBrowser<TBrowser extends AsyncDisposable>(
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
