/**
 * Gives a shadow root the panel's styles, unless it has them. A document that it is moved to takes
 * them away, and accepts only those that its own window has created. A style element would need
 * permission from a content security policy.
 */
export function adoptStyles(root: ShadowRoot): void {
  if (root.adoptedStyleSheets.length > 0) return
  const view = root.ownerDocument.defaultView ?? window
  const sheet = new view.CSSStyleSheet()
  sheet.replaceSync(styles)
  root.adoptedStyleSheets = [sheet]
}

/** Colors follow `color-scheme`. */
const styles = `
:host { all: initial; display: block; height: 100%; color-scheme: inherit;
  --text: light-dark(#1d2939, #e4e7ec); --quiet: light-dark(#475467, #98a2b3);
  --back: light-dark(#fff, #1b1b1d); --line: light-dark(#d0d5dd, #3d3d42);
  --control: light-dark(#f2f4f7, #2b2b2f); --accent: light-dark(#175cd3, #84caff);
  --good: light-dark(#027a48, #6ce9a6); --warn: light-dark(#93370d, #fec84b);
  --bad: light-dark(#b91c1c, #fca5a5); --mono: ui-monospace, Menlo, Consolas, monospace;
  container-type: inline-size; }
:host { display: flex; flex-direction: column; gap: 8px; box-sizing: border-box; padding: 8px;
  font: 13px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); overflow: hidden; }
* { box-sizing: border-box; }
[hidden], .facts > :empty { display: none !important; }
button, input { font: inherit; color: inherit; background: var(--control);
  border: 1px solid var(--line); border-radius: 6px; padding: 3px 10px; min-height: 28px; }
button { cursor: pointer; white-space: nowrap; }
button[aria-pressed=true], button[aria-selected=true] { border-color: var(--accent); color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
input { flex: 1 1 200px; min-width: 0; }
ul { list-style: none; margin: 0; padding: 0; }
p { margin: 0; }
code, pre, time { font-family: var(--mono); font-size: 12px; }
header { flex: none; }
.bar { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.summary, .title { flex: 1 1 80px; font-weight: 600; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
.banner { color: var(--warn); }
.banner:not(:empty) { margin-top: 6px; padding: 4px 8px; border: 1px solid; border-radius: 6px; }
.views { display: flex; flex-direction: column; flex: 1; min-height: 0; gap: 8px; }
.tabs { display: flex; flex-wrap: wrap; gap: 6px; }
.list { flex: 1; min-height: 0; overflow: auto; overflow-wrap: anywhere; }
li { border-top: 1px solid var(--line); padding: 6px 2px; }
.head { display: flex; gap: 8px; align-items: center; min-width: 0; }
.path { font-weight: 600; flex: none; max-width: 60%; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
button.path { background: none; border-color: transparent; color: var(--accent); padding: 0 2px; }
button.path:hover { text-decoration: underline; }
.input { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  color: var(--quiet); }
.status { margin-left: auto; color: var(--quiet); white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; }
.status::before { content: ''; display: inline-block; width: 8px; height: 8px; margin-right: 6px;
  border-radius: 50%; background: currentColor; }
[data-status=live], [data-kind=started], [data-kind=online], [data-kind=opened] { color: var(--good); }
[data-status=connecting], [data-status=reconnecting], [data-kind=reconnecting],
[data-kind=offline] { color: var(--warn); }
[data-status=failed], [data-kind=failed], [data-kind=gap] { color: var(--bad); }
.facts, .note { display: flex; flex-wrap: wrap; gap: 0 12px; color: var(--quiet); padding-left: 2px; }
.id { max-width: 100%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.reason { color: var(--quiet); padding-left: 2px; }
.reason[data-is-current=true] { color: var(--bad); }
.note:not(:empty) { padding: 8px 2px; }
summary { display: flex; gap: 8px; cursor: pointer; min-width: 0; }
summary > * { white-space: nowrap; }
summary code { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; }
time { color: var(--quiet); }
.kind { min-width: 90px; }
pre { margin: 4px 0 0; padding: 6px 8px; border-radius: 6px; background: var(--control);
  white-space: pre-wrap; overflow-wrap: anywhere; }
@container (max-width: 480px) {
  button { padding: 3px 6px; }
  .bar, .tabs { gap: 4px; }
  .head { flex-wrap: wrap; }
  .input { order: 1; flex-basis: 100%; }
  summary { flex-wrap: wrap; gap: 0 8px; }
  summary code { flex-basis: 100%; }
  .kind { min-width: 0; }
}
`
