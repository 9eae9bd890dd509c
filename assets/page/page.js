// <avatar-stage>: the stage with its button. Gradio puts the markup in whenever it is ready; the element wires itself.
import { Call } from "./call.js";
import { Figures } from "./figures.js";
import { Level } from "./level.js";
import { Refused, SENTENCES } from "./sentences.js";

const FIGURES_MS = 1000;
const FAULT_MS = 5000; // how long a fault that the server has got over is shown

class AvatarStage extends HTMLElement {
  #call = null;
  #level = null;
  #timer = 0;
  #fault = null; // the server's last sentence about itself, for a while
  #faultTimer = 0;

  connectedCallback() {
    this.video = this.querySelector("video");
    this.picture = this.querySelector("img");
    this.parts = Object.fromEntries([...this.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
    this.parts.main.onclick = () => (this.#call ? this.stop() : this.start());
    this.parts.voice.onclick = () => this.#mute(!this.video.muted);
    this.#show("idle", this.parts.status.textContent);
  }

  disconnectedCallback() {
    this.stop();
  }

  async start() {
    const call = (this.#call = new Call({ echoCancellation: new URLSearchParams(location.search).get("echo") !== "off" }));
    const figures = new Figures();
    call.addEventListener("ended", ({ detail }) => this.#finish(call, detail));
    call.addEventListener("live", () => this.#play(call));
    call.addEventListener("unstable", () => this.#show("unstable", "The connection is unstable. Waiting for it to come back…"));
    call.addEventListener("stable", () => this.#showLive());
    call.addEventListener("message", ({ detail: { type, data } }) => {
      if (type === "figures") [figures.serverMs, figures.fresh] = [data.server_ms, data.fresh];
      if (type === "error") this.#showFault(data);
    });
    this.#show("connecting", "Waiting for the microphone. The browser may ask you for permission.");
    try {
      await call.open();
      if (this.#call !== call) return;
      this.#level = new Level(call.microphone, (level) => this.#showLevel(level));
      this.#show("connecting", "Connecting…");
      await call.connect();
    } catch (error) {
      this.#finish(call, error instanceof Refused ? error.message : SENTENCES.broken);
      if (!(error instanceof Refused)) throw error; // for the console
      return;
    }
    this.#timer = setInterval(async () => this.#call === call && this.#showFigures(await figures.read(call)), FIGURES_MS);
  }

  stop() {
    this.#call?.close();
  }

  async #play(call) {
    this.video.srcObject = call.stream;
    await new Promise((resolve) => (this.video.onplaying = resolve)); // the element has autoplay; Start was the gesture it needs
    if (this.#call !== call) return;
    call.arrived();
    this.video.hidden = false;
    this.picture.hidden = true;
    this.#showLive();
  }

  #finish(call, sentence) {
    if (this.#call !== call) return;
    this.#call = null;
    call.close();
    clearInterval(this.#timer);
    this.#level?.stop();
    this.#level = null;
    this.#showLevel(0);
    this.video.hidden = true;
    this.video.srcObject = null;
    this.picture.hidden = false;
    this.#mute(false);
    this.#showFigures(null);
    if (sentence) this.#show("failed", this.#fault ?? sentence); // the server says why before it hangs up
    else this.#show("idle", "Stopped. Press Start to speak again.");
  }

  #showFault(sentence) {
    this.#fault = sentence;
    this.parts.status.textContent = sentence;
    clearTimeout(this.#faultTimer);
    this.#faultTimer = setTimeout(() => {
      this.#fault = null;
      if (this.dataset.state === "live") this.#showLive();
    }, FAULT_MS);
  }

  #mute(muted) {
    this.video.muted = muted;
    this.parts.voice.textContent = muted ? "Unmute voice" : "Mute voice";
  }

  #showLive() {
    this.#show("live", `${this.dataset.name} is listening. Speak.`);
  }

  #show(state, sentence) {
    this.dataset.state = state;
    this.parts.status.textContent = sentence;
    const calling = this.#call !== null;
    this.parts.main.textContent = calling ? "Stop" : "Start";
    this.parts.voice.disabled = state !== "live" && state !== "unstable";
  }

  #showLevel(level) {
    this.parts.level.firstElementChild.style.transform = `scaleX(${level.toFixed(3)})`;
    const percent = String(Math.round(10 * level) * 10);
    if (this.parts.level.ariaValueNow !== percent) this.parts.level.ariaValueNow = percent;
  }

  #showFigures(figures) {
    this.parts.fps.textContent = figures ? figures.fps.toFixed(1) : "–";
    this.parts.delay.textContent = figures?.delay ? `${Math.round(figures.delay)} ms` : "–";
  }
}

customElements.define("avatar-stage", AvatarStage);
