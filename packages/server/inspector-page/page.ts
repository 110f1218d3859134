import type { Answers, Query } from '../src/inspector/messages.ts'

/** What a view gets from the page. */
export interface Page {
  /** Asks the selected instance. */
  ask<TQuery extends Query>(query: TQuery): Promise<Answers[TQuery['type']]>
  /** Asks any instance. */
  askOne<TQuery extends Query>(instance: string, query: TQuery): Promise<Answers[TQuery['type']]>
  /** Runs an action of the user, and shows its message or its error. */
  act(work: () => Promise<{ readonly message: string } | undefined>): void
  /** Selects an instance. */
  select(instance: string): void
  /** Shows a view, with a text that says what of it. */
  open(view: string, detail?: string): void
  /** Loads the current view now. */
  refresh(): void
}

/** One view of the page. */
export interface View {
  readonly element: HTMLElement
  /** How often the view is loaded, in milliseconds; `undefined` if only once. */
  readonly everyMs: number | undefined
  /** Loads and shows the newest data. Rejects if there is none. */
  load(): Promise<void>
  /** Shows a part, such as one log. Called before `load`. */
  show?(detail: string): void
}
