// How it looks, light and dark. A site sets --bithuman-accent, -radius, -shadow and -width on the element.

export const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host {
  display: block;
  width: var(--bithuman-width, 26rem); /* its own width: in a box that takes its content's it would else have none */
  max-width: 100%;
  color-scheme: light dark;
  --ink: #16211f; --soft: #55625f; --ground: #ffffff; --field: #f2f5f4; --line: #d5dcda;
  --accent: var(--bithuman-accent, #0d6b5c); --accent-ink: #ffffff; --stop: #b3261e;
  font: 400 1rem/1.4 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
:host([hidden]) { display: none; }
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; --ink: #eef3f1; --soft: #a9b6b2; --ground: #17201e; --field: #24302d; --line: #3b4945; --accent: var(--bithuman-accent, #4fd6b3); --accent-ink: #06231d; --stop: #ff8f85; }
@media (prefers-color-scheme: dark) {
  :host(:not([theme="light"])) { --ink: #eef3f1; --soft: #a9b6b2; --ground: #17201e; --field: #24302d; --line: #3b4945; --accent: var(--bithuman-accent, #4fd6b3); --accent-ink: #06231d; --stop: #ff8f85; }
}
*, ::before { box-sizing: border-box; }
[hidden] { display: none !important; }
p { margin: 0; }
button, input { font: inherit; color: inherit; }
button { cursor: pointer; border: 0; padding: 0; touch-action: manipulation; -webkit-tap-highlight-color: transparent; }
button:disabled { cursor: default; opacity: 0.45; }
:is(button, input):focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
svg { width: 1.5rem; fill: none; stroke: currentcolor; stroke-width: 1.9; stroke-linecap: round; stroke-linejoin: round; }
.card {
  container-type: inline-size;
  overflow: hidden;
  border-radius: var(--bithuman-radius, 1.25rem);
  background: var(--ground);
  color: var(--ink);
  box-shadow: 0 0 0 1px var(--line), var(--bithuman-shadow, 0 24px 48px -28px rgb(0 0 0 / 45%));
}
.figure { position: relative; aspect-ratio: var(--shape, 1); overflow: hidden; background: #20302c; }
.still, .live { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: cover; }
.still { opacity: 0; transition: opacity 0.25s; }
[data-pictured] .still { opacity: 1; }
.live { display: block; animation: appear 0.25s; }
@keyframes appear { from { opacity: 0; } }
.top { position: absolute; inset: 0 0 auto; display: flex; align-items: center; gap: 0.5rem; min-height: 4.25rem; padding: 0.75rem; }
.badge, .turn { display: flex; align-items: center; min-height: 2rem; padding: 0 0.75rem; border-radius: 1rem; background: rgb(10 20 18 / 62%); color: #fff; font-size: 0.8125rem; white-space: nowrap; }
.badge { gap: 0.5rem; min-width: 0; }
.badge strong { overflow: hidden; text-overflow: ellipsis; font-weight: 600; }
.badge .made { opacity: 0.85; }
.badge strong:empty + .made { margin-left: -0.5rem; }
.turn { display: none; gap: 0.4rem; }
.turn::before { content: ""; width: 0.5rem; height: 0.5rem; border-radius: 50%; background: #7cc0ff; }
.turn[data-turn="thinking"]::before { background: #f3c869; }
.turn[data-turn="speaking"]::before { background: #58dfbc; }
:is([data-state="live"], [data-state="unstable"])[data-answers="true"] .turn { display: flex; }
.round { flex: none; display: grid; place-items: center; width: 2.75rem; height: 2.75rem; border-radius: 50%; background: var(--field); }
.mute { display: none; margin-left: auto; background: rgb(10 20 18 / 62%); color: #fff; }
[data-state="live"] .mute { display: grid; }
.mute[aria-pressed="true"] .icon-sound, .mute:not([aria-pressed="true"]) .icon-silent { display: none; }
.said { position: absolute; inset: auto 0 0; display: grid; justify-items: center; gap: 0.4rem; padding: 2.5rem 1rem 0.9rem; text-align: center; color: #fff; text-wrap: balance; pointer-events: none; }
.said:has(:is(.words, .caption, .status):not(:empty)) { background: linear-gradient(transparent, rgb(6 14 12 / 78%)); }
.said p:empty { display: none; }
.words { max-width: 100%; padding: 0.15rem 0.75rem; border-radius: 1rem; background: rgb(255 255 255 / 88%); color: #16211f; font-size: 0.875rem; overflow: hidden; display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; }
.caption { font-size: 1.0625rem; line-height: 1.35; text-shadow: 0 1px 3px rgb(0 0 0 / 65%); overflow: hidden; display: -webkit-box; -webkit-line-clamp: 4; -webkit-box-orient: vertical; }
.status { font-size: 0.9375rem; text-shadow: 0 1px 3px rgb(0 0 0 / 65%); }
[data-state="live"] .said:has(.status:not(:empty)) .caption { display: none; }
:is([data-state="connecting"], [data-state="waiting"]) .status::before { content: ""; display: inline-block; width: 0.8em; height: 0.8em; margin-right: 0.5em; vertical-align: -0.08em; border: 2px solid currentcolor; border-right-color: transparent; border-radius: 50%; animation: turn 0.9s linear infinite; }
@keyframes turn { to { rotate: 1turn; } }
.bar { display: flex; align-items: center; gap: 0.5rem; min-height: 4.25rem; padding: 0.75rem; }
.start { flex: 1; display: flex; align-items: center; justify-content: center; gap: 0.4rem; min-height: 2.75rem; border-radius: 1.375rem; background: var(--accent); color: var(--accent-ink); font-weight: 600; }
.icon-play { width: 1.25rem; fill: currentcolor; }
.start:hover:not(:disabled) { filter: brightness(1.08); }
:is([data-state="idle"], [data-state="failed"]) :is(.talk, .write) { display: none; }
.talk { position: relative; background: var(--accent); color: var(--accent-ink); }
.talk::before { content: ""; position: absolute; inset: -0.2rem; border-radius: 50%; border: 0.2rem solid var(--accent); opacity: calc(0.25 + 0.75 * var(--level, 0)); transform: scale(calc(1 + 0.18 * var(--level, 0))); display: none; }
.talk:is([aria-pressed="true"], [data-held="true"])::before { display: block; }
.talk:not([aria-pressed="true"], [data-held="true"]) { background: var(--field); color: var(--ink); }
.write { flex: 1; min-width: 0; position: relative; }
.text { width: 100%; height: 2.75rem; padding: 0 3rem 0 1.1rem; border: 1px solid var(--line); border-radius: 1.375rem; background: var(--field); }
.text::placeholder { color: var(--soft); opacity: 1; }
.text:focus-visible { outline-offset: -1px; }
.send { position: absolute; inset: 0.25rem 0.25rem 0.25rem auto; display: grid; place-items: center; width: 2.25rem; border-radius: 50%; background: none; color: var(--accent); }
.send svg { width: 1.3rem; }
.send:hover:not(:disabled) { background: var(--line); }
.end { color: var(--stop); margin-left: auto; }
.end span { display: none; }
.card:not([data-answers="true"]) .end { flex: 1; display: flex; justify-content: center; gap: 0.4rem; border-radius: 1.375rem; }
.card:not([data-answers="true"]) .end span { display: inline; }
.round:hover:not(:disabled) { filter: brightness(0.94); }
@container (max-width: 19rem) { .badge .made { display: none; } }
@media (prefers-reduced-motion: reduce) { .live, .status::before { animation: none !important; } .still { transition: none; } }
@media (forced-colors: active) { .card { border: 1px solid; } .round, .start { border: 1px solid; } }
`);
