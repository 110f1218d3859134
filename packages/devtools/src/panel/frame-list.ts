import type { FrameRecord } from '../record/records.ts'
import type { PanelChoices, PanelContext, View } from './context.ts'
import type { Elements } from './elements.ts'
import { createEntryRow } from './entry-row.ts'
import { Rows } from './rows.ts'

/** The list of the messages that streams have brought, newest first. */
export function createFrameList(
  { recorder }: PanelContext,
  choices: PanelChoices,
  elements: Elements,
): View {
  const rows = new Rows<FrameRecord>({
    elements,
    label: 'Frames',
    create: (frame) => createRow(frame, elements),
  })
  function* shown(): Generator<FrameRecord> {
    for (const frame of recorder.frames.newestFirst()) {
      const text = `${frame.event} ${frame.id ?? ''} ${frame.data}`
      if (text.toLowerCase().includes(choices.filter)) yield frame
    }
  }
  return {
    element: rows.element,
    render() {
      const hasNone = recorder.frames.size === 0
      rows.render(shown(), hasNone ? 'No frames yet.' : 'No frame matches the filter.')
    },
  }
}

function createRow({ at, request, event, id = '', data }: FrameRecord, elements: Elements) {
  const lines = (): readonly string[] => [
    `request: #${request}`,
    `event: ${event}`,
    id && `id: ${id}`,
    data,
  ]
  return createEntryRow({ at, kind: event, title: id, text: data, lines }, elements)
}
