// The level of the microphone, so that everybody sees whether they are heard.

const FLOOR_DB = -60; // an empty bar
const FALL = 0.85; // how much of the bar stays when the sound stops, per picture

/** Calls show(0..1) with every picture of the screen until stop(). */
export class Level {
  #context = new AudioContext();
  #request = 0;

  constructor(stream, show) {
    const analyser = new AnalyserNode(this.#context, { fftSize: 1024 });
    this.#context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let bar = 0;
    const draw = () => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, x) => sum + x * x, 0) / samples.length;
      const level = 1 - (10 * Math.log10(power + 1e-12)) / FLOOR_DB;
      bar = Math.max(Math.min(level, 1), bar * FALL, 0);
      show(bar);
      this.#request = requestAnimationFrame(draw);
    };
    draw();
  }

  stop() {
    cancelAnimationFrame(this.#request);
    this.#context.close();
  }
}
