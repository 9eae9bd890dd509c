// Plays a sound to a lip-sync package of npm outside a browser: node lips_peers.mjs PACKAGE FOLDER < float32 mono 48 kHz
//
// Prints {"visemes": [name, ...], "weights": [{name: 0..1}, ...]}, one item a 40 ms frame, as it stands 80 ms after the frame's end:
// the look-ahead that every engine of the bench gets. The packages run as published; what a browser would give them
// (AnalyserNode, audio worklets, the clock, 60 pictures a second) is played here from the samples.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const RATE = 48000, FPS = 25, PICTURES = 60, QUANTUM = 128, LOOKAHEAD = 2;
const [name, folder] = process.argv.slice(2);
const bytes = readFileSync(0);
const sound = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
let heard = 0; // samples
Object.defineProperty(globalThis, "performance", { value: { now: () => (1000 * heard) / RATE } });

/** In-place radix-2 transform. */
function fft(re, im) {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [re[i], re[j]] = [re[j], re[i]];
  }
  for (let size = 2; size <= n; size *= 2) {
    for (let k = 0; k < size / 2; k++) {
      const c = Math.cos((2 * Math.PI * k) / size), s = -Math.sin((2 * Math.PI * k) / size);
      for (let i = k; i < n; i += size) {
        const j = i + size / 2, x = re[j] * c - im[j] * s, y = re[j] * s + im[j] * c;
        re[j] = re[i] - x; im[j] = im[i] - y; re[i] += x; im[i] += y;
      }
    }
  }
}

/** The Web Audio specification's AnalyserNode: Blackman window, smoothing over time, decibels to bytes. */
class Analyser {
  fftSize = 2048; smoothingTimeConstant = 0.8; minDecibels = -100; maxDecibels = -30;
  get frequencyBinCount() { return this.fftSize / 2; }
  connect() {}
  getByteFrequencyData(out) {
    const n = this.fftSize, re = new Float64Array(n), im = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      const at = heard - n + i; // nothing before the first sample and after the last
      const w = 0.42 - 0.5 * Math.cos((2 * Math.PI * i) / n) + 0.08 * Math.cos((4 * Math.PI * i) / n);
      re[i] = (sound[at] ?? 0) * w;
    }
    fft(re, im);
    this.smoothed ??= new Float64Array(n / 2);
    for (let k = 0; k < out.length; k++) {
      const t = this.smoothingTimeConstant;
      this.smoothed[k] = t * this.smoothed[k] + (1 - t) * (Math.hypot(re[k], im[k]) / n);
      const share = (20 * Math.log10(this.smoothed[k]) - this.minDecibels) / (this.maxDecibels - this.minDecibels);
      out[k] = Math.max(0, Math.min(255, Math.floor(255 * share)));
    }
  }
}

/** wawa-lipsync: one viseme a picture. */
function wawa() {
  globalThis.window = { AudioContext: class { sampleRate = RATE; createAnalyser() { return new Analyser(); } } };
  const { Lipsync } = createRequire(`${folder}/`)("wawa-lipsync");
  const engine = new Lipsync();
  return {
    hear() {},
    picture() { engine.processAudio(); },
    look() { return [engine.viseme.slice(7), { [engine.viseme.slice(7)]: 1 }]; },
  };
}

/** HeadAudio: its worklet and its node, wired to each other, with the settings of its README's example. */
async function headaudio() {
  const base = `${folder}/node_modules/@met4citizen/headaudio`;
  const ports = () => {
    const a = {}, b = {};
    a.postMessage = (data) => b.onmessage?.({ data });
    b.postMessage = (data) => a.onmessage?.({ data });
    return [a, b];
  };
  const [here, there] = ports();
  let Worklet;
  globalThis.sampleRate = RATE;
  globalThis.AudioWorkletProcessor = class { port = there; };
  globalThis.AudioWorkletNode = class { port = here; };
  globalThis.registerProcessor = (_, made) => { Worklet = made; };
  globalThis.fetch = async (path) => new Response(readFileSync(path));
  await import(pathToFileURL(`${base}/modules/headworklet.mjs`));
  const { HeadAudio } = await import(pathToFileURL(`${base}/modules/headaudio.mjs`));
  const settings = { vadGateActiveDb: -40, vadGateInactiveDb: -60 };
  const parameters = Object.fromEntries(
    Worklet.parameterDescriptors.map((d) => [d.name, Float32Array.of(settings[d.name] ?? d.defaultValue)]));
  const worklet = new Worklet({}), node = new HeadAudio(null);
  await node.loadModel(`${base}/dist/model-en-mixed.bin`);
  const values = {};
  node.onvalue = (key, value) => { values[key.slice(7)] = value; };
  return {
    hear(block) { worklet.process([[block]], [], parameters); },
    picture() { node.update(1000 / PICTURES); },
    look() { return [node.visemeActive < 0 ? "sil" : node.visemeNames[node.visemeActive].slice(7), { ...values }]; },
  };
}

const engine = name === "wawa-lipsync" ? wawa() : await headaudio();
const frames = Math.floor((sound.length * FPS) / RATE), visemes = [], weights = [];
const silence = new Float32Array(QUANTUM);
for (let pictures = 0, seen = -LOOKAHEAD; seen < frames; ) {
  engine.hear(heard + QUANTUM <= sound.length ? sound.subarray(heard, heard + QUANTUM) : silence);
  heard += QUANTUM;
  for (; (pictures + 1) * RATE <= heard * PICTURES; pictures++) engine.picture();
  if ((seen + LOOKAHEAD + 1) * RATE <= heard * FPS) {
    const [viseme, weight] = engine.look();
    if (seen++ >= 0) { visemes.push(viseme); weights.push(weight); }
  }
}
process.stdout.write(JSON.stringify({ visemes, weights }));
