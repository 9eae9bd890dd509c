// <record-guide>: says what to do before the camera, counts, and ends the recording when there is enough of it. The camera itself is
// Gradio's video component; its buttons say what it does.
import { deviceError } from "./sentences.js";

const TICK_MS = 100;
const SENTENCE = "“My family of five shares apples and a big blueberry pie by the open sea.”";
const WORDS = {
  ready: "Fit your head into the frame, look into the camera, then press Record.",
  listen: "Look at the camera and listen. Keep your mouth closed; blink as you like.",
  read: `Now read aloud: ${SENTENCE}`,
  enough: "That is enough: stop.",
  sending: "One moment: your recording is on its way.",
  recorded: "Watch it. Then give it a name, tick the box and press Create.",
};

/** What a browser has recorded tells its length only once its end has been seen. */
function measure(video) {
  if (video.readyState < HTMLMediaElement.HAVE_METADATA) return video.addEventListener("loadedmetadata", () => measure(video), { once: true });
  if (video.duration !== Infinity) return;
  video.addEventListener("durationchange", () => (video.currentTime = 0), { once: true });
  video.currentTime = Number.MAX_SAFE_INTEGER;
}

class RecordGuide extends HTMLElement {
  #state = "off"; // off, ready, recording, sending, recorded
  #began = 0;
  #timer = 0;
  #asked = false; // the browser was asked for the camera
  #observer = new MutationObserver(() => this.#look());
  #pressed = ({ target }) => (this.#asked = this.#state === "off" && target.closest("#record .upload-container") !== null);
  #refused = ({ reason }) => this.#asked && reason instanceof DOMException && this.#say(deviceError(reason, "camera or microphone").message);

  connectedCallback() {
    this.words = this.querySelector("[role=status]");
    this.count = this.querySelector(".count");
    this.invitation = this.words.textContent;
    this.panel = this.closest("#record-panel");
    this.#observer.observe(this.panel, { subtree: true, childList: true });
    this.panel.addEventListener("click", this.#pressed);
    addEventListener("unhandledrejection", this.#refused); // Gradio says nothing where there is no camera
    this.#look();
  }

  disconnectedCallback() {
    this.panel.removeEventListener("click", this.#pressed);
    removeEventListener("unhandledrejection", this.#refused);
    this.#observer.disconnect();
    clearInterval(this.#timer);
  }

  get #button() {
    return this.panel.querySelector("#record .button-wrap button");
  }

  // What the component does now.
  #look() {
    const button = this.#button;
    if (button) this.#turn(button.querySelector('[title="stop recording"]') ? "recording" : "ready");
    else if (this.panel.querySelector("#record .video-container") && !this.panel.querySelector("#record .upload-container")) this.#turn("recorded");
    else if (this.#state !== "sending") this.#turn(this.#state === "recording" ? "sending" : "off");
  }

  #turn(state) {
    if (state === this.#state) return;
    this.#state = this.dataset.state = state;
    this.#asked = false;
    clearInterval(this.#timer);
    if (this.#button) this.#button.ariaLabel = state === "recording" ? "Stop recording" : "Start recording"; // Gradio's stays the same
    if (state === "recorded") measure(this.panel.querySelector("#record video"));
    // The words stand above the picture, and both are to be seen, on a phone too.
    if (state === "ready" || state === "recording") this.scrollIntoView({ block: state === "ready" ? "start" : "nearest" });
    if (state !== "recording") return this.#say(WORDS[state] ?? this.invitation);
    this.#began = performance.now(); // not counted in ticks, which a busy page delays
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  #tick() {
    const listen = Number(this.dataset.listen), read = Number(this.dataset.read);
    const passed = (performance.now() - this.#began) / 1000;
    if (passed < listen) return this.#say(WORDS.listen, listen - passed, listen);
    if (passed < listen + read) return this.#say(WORDS.read, listen + read - passed, read);
    clearInterval(this.#timer);
    this.#say(WORDS.enough);
    this.#button?.click();
  }

  // Words are read out when they change; the seconds that are left are only seen.
  #say(words, left = 0, of = 1) {
    if (this.words.textContent !== words) this.words.textContent = words;
    this.count.hidden = !left;
    const seconds = String(Math.ceil(left));
    if (this.count.textContent !== seconds) this.count.textContent = seconds;
    this.count.style.setProperty("--left", (left / of).toFixed(3));
  }
}

customElements.define("record-guide", RecordGuide);
