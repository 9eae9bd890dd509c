// The level of the microphone, so that everybody sees whether they are heard.

const FLOOR_DB = -60; // an empty bar
const EVERY_MS = 120; // often enough for the eye; each change makes the browser paint the page
const FALL = 0.6; // how much of the bar stays when the sound stops

/** Calls show(0..1) some times a second until stop(). */
export class Level {
  #context = new AudioContext({ latencyHint: "playback" }); // long buffers: nothing of it is heard
  #timer = 0;

  constructor(stream, show) {
    const analyser = new AnalyserNode(this.#context, { fftSize: 2048 });
    this.#context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let bar = 0;
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, x) => sum + x * x, 0) / samples.length;
      const level = 1 - (10 * Math.log10(power + 1e-12)) / FLOOR_DB;
      bar = Math.max(Math.min(level, 1), bar * FALL);
      show(bar);
    }, EVERY_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#context.close();
  }
}

/** Show it on the page's bar: 0..1. */
export function showLevel(level) {
  const bar = document.getElementById("level");
  if (!bar) return;
  bar.firstElementChild.style.transform = `scaleX(${level.toFixed(3)})`;
  const percent = String(Math.round(10 * level) * 10);
  if (bar.ariaValueNow !== percent) bar.ariaValueNow = percent;
}
