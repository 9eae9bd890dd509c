// What is to be seen of an avatar on a page, made without markup: a site's policies may forbid styles and markup in strings.
import { icon } from "./icons.js";
import { sheet } from "./style.js";

const TURNS = { listening: "Listening", hearing: "Listening", thinking: "Thinking", speaking: "Speaking" };

/** An element: its tag, its properties (aria-… and data-… as attributes), its children. */
const make = (tag, properties = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
};

const iconButton = (className, label, ...icons) => make("button", { type: "button", className, ariaLabel: label, title: label }, ...icons.map(icon));

export class View {
  #root;
  #card;

  constructor(root) {
    root.adoptedStyleSheets = [sheet];
    this.#root = root;
    const parts = (this.parts = {
      still: make("canvas", { className: "still", role: "img" }),
      video: make("video", { className: "live", autoplay: true, playsInline: true, hidden: true }),
      name: make("strong"),
      turn: make("span", { className: "turn" }),
      mute: iconButton("round mute", "Mute the avatar", "sound", "silent"),
      words: make("p", { className: "words" }),
      caption: make("p", { className: "caption" }),
      status: make("p", { className: "status", role: "status", ariaLive: "polite" }),
      start: make("button", { type: "button", className: "start", disabled: true }, icon("play"), "Start"),
      talk: iconButton("round talk", "Talk", "microphone"),
      text: make("input", { className: "text", type: "text", maxLength: 600, autocomplete: "off", enterKeyHint: "send" }),
      send: make("button", { type: "submit", className: "send", ariaLabel: "Send", title: "Send" }, icon("send")),
      end: iconButton("round end", "End", "end"),
    });
    parts.end.append(make("span", {}, "End"));
    parts.form = make("form", { className: "write" }, parts.text, parts.send);
    const badge = make("p", { className: "badge" }, parts.name, make("span", { className: "made" }, "AI-generated"));
    const said = make("div", { className: "said" }, parts.words, parts.caption, parts.status);
    const figure = make("div", { className: "figure" }, parts.still, parts.video, make("div", { className: "top" }, badge, parts.turn, parts.mute), said);
    const bar = make("div", { className: "bar", role: "group", ariaLabel: "Talk" }, parts.start, parts.talk, parts.form, parts.end);
    this.#card = make("section", { className: "card", ariaLabel: "A talking avatar" }, figure, bar);
    root.append(this.#card);
    this.show("idle", "");
  }

  /** Who it is, and what a visitor can do. */
  introduce({ name, answers, hears }) {
    const { parts } = this;
    parts.name.textContent = name;
    parts.start.ariaLabel = `Start a visit with ${name}`;
    parts.start.disabled = false;
    parts.still.ariaLabel = `A picture of ${name}, waiting.`;
    parts.video.ariaLabel = `${name}, live`;
    this.#card.ariaLabel = `${name}, a talking avatar`;
    parts.text.placeholder = parts.text.ariaLabel = `Write to ${name}`;
    parts.form.hidden = !answers;
    parts.talk.hidden = !answers || !hears;
    this.#card.dataset.answers = String(answers);
  }

  /** The picture at rest, a WebP in base64: drawn, so that no policy has to allow pictures. */
  async showStill(still) {
    if (!still || "pictured" in this.#card.dataset) return;
    const bytes = Uint8Array.from(atob(still), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/webp" }));
    const { still: canvas } = this.parts;
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    this.#card.style.setProperty("--shape", bitmap.width / bitmap.height);
    this.#card.dataset.pictured = "";
  }

  /** Play a stream; returns when its first picture is on screen. */
  async play(stream) {
    const { video } = this.parts;
    const playing = new Promise((resolve) => (video.onplaying = resolve));
    video.srcObject = stream;
    video.play().catch(({ name }) => {
      if (name !== "NotAllowedError") return;
      this.mute(true); // a browser that lets nothing be heard without a click: the button in the corner is one
      video.play().catch(() => {});
    });
    await playing;
    video.hidden = false;
  }

  stop() {
    const { video } = this.parts;
    video.hidden = true;
    video.srcObject = null;
    this.mute(false);
    this.level(0);
  }

  mute(muted) {
    const { video, mute } = this.parts;
    video.muted = muted;
    mute.ariaPressed = String(muted);
    mute.ariaLabel = mute.title = muted ? "Unmute the avatar" : "Mute the avatar";
  }

  /** What the avatar does just now. */
  turn(state) {
    this.parts.turn.dataset.turn = state;
    this.parts.turn.textContent = TURNS[state];
  }

  /** Of the microphone, 0..1. */
  level(level) {
    this.parts.talk.style.setProperty("--level", level.toFixed(2));
  }

  status(sentence) {
    this.parts.status.textContent = sentence;
  }

  show(state, sentence) {
    this.#card.dataset.state = state;
    const going = state !== "idle" && state !== "failed";
    this.parts.start.hidden = going;
    this.parts.end.hidden = !going;
    for (const part of [this.parts.text, this.parts.send, this.parts.talk]) part.disabled = state !== "live";
    this.status(sentence);
  }
}
