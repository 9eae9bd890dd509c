// <bithuman-avatar agent="A12ABC3456">: a living avatar in its own shadow root, from Start to End.
import { Call } from "./call.js";
import { Captions } from "./captions.js";
import { frameOf } from "./in_frame.js";
import { Microphone } from "./microphone.js";
import { Refused, SENTENCES } from "./sentences.js";
import { EmbedSession } from "./session.js";
import { TalkButton } from "./talk_button.js";
import { View } from "./view.js";

const FAULT_MS = 6000; // how long a fault that the server has got over is shown
const PLACE_MS = 4000; // between two questions for a place
const SILENCE_MS = 1250; // without a packet: the server has died, and another one goes on
const RETRY_MS = [100, 1000, 2000, 4000, 8000]; // before each try to get a lost connection back
const GOODBYE_MS = 150; // for the last word to leave
const HOST = new URL("../../", import.meta.url).href; // this file is /embed/js/avatar.js

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Events: "bithuman-state" (detail: idle, connecting, waiting, live, unstable, failed). */
export class BithumanAvatar extends HTMLElement {
  #view = null;
  #session = null;
  #call = null; // the visit that goes on; another one takes its place where the connection is lost
  #microphone = null;
  #talk = null;
  #captions = null;
  #state = "idle";
  #fault = null; // the server's last sentence about itself
  #faultTimer = 0;
  #turn = "listening"; // also hearing, thinking, speaking

  connectedCallback() {
    if (this.#view) return; // it was moved on its page
    const host = this.getAttribute("host") ?? HOST;
    if (this.hasAttribute("frame")) return void (this.childElementCount || this.append(frameOf(this, host)));
    this.#session = new EmbedSession(host, this);
    this.#view = new View(this.attachShadow({ mode: "open" }));
    const { parts } = this.#view;
    this.#captions = new Captions(parts.caption, parts.words);
    this.#microphone = new Microphone((level) => this.#view.level(level), () => this.#fail(SENTENCES.unplugged));
    this.#talk = new TalkButton(parts.talk, {
      open: () => this.#openMicrophone(),
      close: () => this.#closeMicrophone(),
      pause: () => this.#microphone.track && (this.#microphone.track.enabled = false),
      tell: (message) => this.#call?.send(message),
    });
    parts.start.onclick = () => this.start();
    parts.end.onclick = () => this.end();
    parts.mute.onclick = () => this.#view.mute(!parts.video.muted);
    parts.form.onsubmit = (event) => {
      event.preventDefault();
      const text = parts.text.value.trim();
      if (!text || this.#state !== "live") return;
      this.#call.send({ type: "read", text });
      parts.text.value = "";
    };
    addEventListener("pagehide", () => this.#call?.close()); // the place is free at once
    this.#introduce();
  }

  disconnectedCallback() {
    // Moved, or gone: only who is not back in the next moment has gone.
    queueMicrotask(() => this.isConnected || this.end());
  }

  /** Begin a visit. */
  async start() {
    if (this.#call || !this.#view) return;
    const call = (this.#call = this.#newCall());
    this.#fault = null;
    this.#show("connecting", "Connecting…");
    try {
      await this.#meet();
      if (this.#call === call) await this.#connect(call);
    } catch (error) {
      this.#broke(call, error);
    }
  }

  /** End it. */
  end() {
    const call = this.#call;
    if (!call) return;
    call.send({ type: "bye" });
    this.#finish(call, null);
    this.#view.parts.start.focus({ preventScroll: true });
  }

  // The name and the picture at rest, before anybody presses Start.
  async #introduce() {
    try {
      await this.#meet();
      if (this.#state === "idle") this.#show("idle", this.#invitation());
    } catch (error) {
      this.#broke(null, error);
    }
  }

  async #meet() {
    const card = await this.#session.open();
    this.#view.introduce(card);
    await this.#view.showStill(card.still);
  }

  #newCall() {
    return new Call(this.#session, { trickle: false, silence: this.#session.card.recovers ? SILENCE_MS : 0 });
  }

  // Until there is a place.
  async #connect(call) {
    call.addEventListener("ended", ({ detail }) => (detail.lost ? this.#recover(call) : this.#finish(call, detail.sentence)));
    call.addEventListener("live", () => this.#play(call));
    call.addEventListener("unstable", () => this.#call === call && this.#show("unstable", "The connection is unstable. Waiting for it to come back…"));
    call.addEventListener("stable", () => this.#call === call && this.#show("live", ""));
    call.addEventListener("message", ({ detail }) => this.#call === call && this.#hear(detail));
    this.#session.said = this.#captions.said;
    try {
      await call.connect(this.#microphone.track);
    } catch (error) {
      if (this.#call !== call) return;
      if (error.code !== "NO_PLACES") throw error;
      this.#show("waiting", "All places are taken at the moment. You come in as soon as one is free.");
      await pause(PLACE_MS);
      if (this.#call !== call) return;
      const next = (this.#call = this.#newCall());
      call.close();
      await this.#connect(next);
    }
  }

  // The network broke: the talk goes on with a new connection, perhaps of another process.
  async #recover(lost) {
    for (const wait of RETRY_MS) {
      if (this.#call !== lost) return;
      this.#show("unstable", "The connection was lost. Getting it back…");
      await pause(wait);
      if (this.#call !== lost) return;
      const call = (this.#call = this.#newCall());
      try {
        await this.#session.open();
        return await this.#connect(call);
      } catch (error) {
        if (!(error instanceof Refused) || !error.again) return this.#broke(call, error);
        if (this.#call === call) this.#call = lost;
      }
    }
    this.#finish(lost, SENTENCES.lost);
  }

  async #play(call) {
    await this.#view.play(call.stream);
    if (this.#call !== call) return;
    call.arrived();
    this.#show("live", "");
    call.send({ type: "hello" });
    this.#talk.connected();
    const { text } = this.#view.parts;
    if (text.checkVisibility?.() && this.shadowRoot.activeElement === null && matchMedia("(pointer: fine)").matches) text.focus({ preventScroll: true });
  }

  #hear({ type, data }) {
    if (type === "error") this.#showFault(data);
    else if (type === "warning") this.#showFault(`This visit ends in ${data} seconds.`);
    else if (type === "talk") this.#follow(data);
  }

  #follow({ user, avatar, again, at, state }) {
    if (again) this.#captions.again(again);
    if (user) this.#captions.heard(user);
    if (avatar) this.#captions.says(avatar, at);
    if (!state) return;
    this.#turn = state;
    if (state === "hearing" || state === "thinking") this.#captions.stop();
    this.#view.turn(state);
  }

  async #openMicrophone() {
    const call = this.#call;
    try {
      await this.#microphone.open();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#showFault(error.message);
      return false;
    }
    if (this.#call !== call) return void this.#microphone.close(), false;
    this.#microphone.track.enabled = true;
    await call.setTrack(this.#microphone.track);
    return true;
  }

  async #closeMicrophone() {
    this.#microphone.close();
    await this.#call?.setTrack(null);
  }

  #fail(sentence) {
    this.#talk.off();
    this.#closeMicrophone();
    this.#showFault(sentence);
  }

  #broke(call, error) {
    const known = error instanceof Refused;
    this.#view.parts.start.disabled = false; // for another try
    if (call === null && this.#call === null) this.#show("failed", known ? error.message : SENTENCES.broken);
    else this.#finish(call, known ? error.message : SENTENCES.broken);
    if (!known) throw error; // for the console
  }

  #finish(call, sentence) {
    if (this.#call !== call || !call) return;
    this.#call = null;
    this.#session.resume = null; // the next visit is a new one
    this.#talk.off();
    this.#microphone.close();
    this.#captions.clear();
    setTimeout(() => call.close(), GOODBYE_MS);
    this.#view.stop();
    this.#view.turn("listening");
    if (sentence) this.#show("failed", this.#fault ?? sentence); // the server says why before it hangs up
    else this.#show("idle", this.#invitation());
  }

  #invitation() {
    const { name, answers, hears } = this.#session.card;
    if (!answers) return `Press Start to see ${name} live.`;
    return hears ? `Press Start and talk with ${name}, or write.` : `Press Start and write to ${name}.`;
  }

  #showFault(sentence) {
    this.#fault = sentence;
    this.#view.status(sentence);
    clearTimeout(this.#faultTimer);
    this.#faultTimer = setTimeout(() => {
      this.#fault = null;
      if (this.#state === "live") this.#view.status("");
    }, FAULT_MS);
  }

  #show(state, sentence) {
    this.#state = state;
    this.dataset.state = state;
    this.#view.show(state, state === "live" ? (this.#fault ?? sentence) : sentence);
    this.dispatchEvent(new CustomEvent("bithuman-state", { detail: state, bubbles: true, composed: true }));
  }
}

if (!customElements.get("bithuman-avatar")) customElements.define("bithuman-avatar", BithumanAvatar);
