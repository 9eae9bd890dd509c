// <avatar-stage>: one visit, from Start to Stop. The rest of the page is Gradio's; what it decides comes by the ticket.
import { Call } from "./call.js";
import { holdToTalk } from "./hold.js";
import { Kiosk } from "./kiosk.js";
import { CallStats, showStats } from "./stats.js";
import { showLevel } from "./level.js";
import { Microphone } from "./microphone.js";
import { Picture } from "./picture.js";
import { Refused, SENTENCES, waitingSentence } from "./sentences.js";
import { Server } from "./server.js";
import { watchTicket } from "./ticket.js";
import { takeUntypedFiles } from "./untyped.js";

const LISTENS = new Set(["microphone", "talk"]); // ways that open the microphone
const STATS_MS = 1000;
const FAULT_MS = 5000; // how long a fault that the server has got over is shown
const PLACE_MS = 2000; // between two questions for a place
const RETRY_MS = [500, 1000, 2000, 4000, 8000]; // before each try to get a lost connection back

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

class AvatarStage extends HTMLElement {
  #call = null; // the visit that goes on, from Start to Stop; another one takes its place where the connection is lost
  #timer = 0;
  #fault = null; // the server's last sentence about itself, for a while
  #faultTimer = 0;
  #way = "microphone"; // how it speaks: also "talk", "file", "text"
  #said = 0; // number of the clip that was said last
  #pending = null; // the clip that is to be said once the visit is live
  #avatar = null;
  #state = "listening"; // of a talk; also "hearing", "thinking", "speaking"
  #speaking = false; // whether the server says that the avatar speaks just now
  #ready = null; // resolved with the first ticket
  #kiosk = new Kiosk();

  connectedCallback() {
    const parts = (this.parts = Object.fromEntries([...this.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part])));
    this.server = new Server(() => this.#kiosk.comeBack());
    this.picture = new Picture(this, parts);
    this.microphone = new Microphone(showLevel, () => this.#finish(SENTENCES.unplugged));
    parts.main.onclick = () => {
      this.#kiosk.remember(!this.#call);
      return this.#call ? this.#finish(null) : this.start();
    };
    const still = this.querySelector("img.still");
    this.#avatar = { key: this.dataset.key, name: this.dataset.name, size: [still.width, still.height] };
    this.picture.show(this.#avatar);
    this.#ready = new Promise((resolve, reject) => watchTicket((ticket) => this.#take(ticket, resolve, reject)));
    this.#ready.catch((error) => this.#show("failed", error.message));
    takeUntypedFiles();
    holdToTalk((type) => this.#call?.send({ type }));
    if (this.#kiosk.wasLive) this.start();
  }

  /** Start a visit. The microphone is asked for only where it is the way to speak. */
  async start() {
    const call = (this.#call = new Call(this.server));
    this.#show("connecting", LISTENS.has(this.#way) ? "Waiting for the microphone. The browser may ask you for permission." : "Connecting…");
    try {
      await this.#ready;
      if (LISTENS.has(this.#way)) await this.#listen();
      if (this.#call !== call) return this.#call || this.microphone.close();
      await this.#place(call);
      await this.#connect(call);
    } catch (error) {
      this.#broke(call, error);
    }
  }

  // What the server decided: {visit, avatar, way, say}, or {refused: sentence}.
  #take({ refused, visit, avatar, way, say }, ready, notReady) {
    if (refused) return notReady(new Refused(refused));
    this.server.open(visit);
    this.dataset.ready = "";
    ready();
    if (avatar.key !== this.#avatar.key) this.#showAvatar(avatar);
    if (way !== this.#way) this.#turn(way);
    if (say && say.number !== this.#said) this.#say(say);
  }

  // Wait in line until there is a place.
  async #place(call) {
    while (this.#call === call) {
      const { ahead } = await this.server.post("visit/place");
      if (!ahead) return;
      this.#show("waiting", waitingSentence(ahead));
      await pause(PLACE_MS);
    }
  }

  async #connect(call) {
    if (this.#call !== call) return;
    this.#speaking = false;
    const stats = new CallStats();
    call.addEventListener("ended", ({ detail }) => (detail.lost ? this.#recover(call) : this.#finish(detail.sentence, call)));
    call.addEventListener("live", () => this.#play(call));
    call.addEventListener("unstable", () => this.#show("unstable", "The connection is unstable. Waiting for it to come back…"));
    call.addEventListener("stable", () => this.#showLive());
    call.addEventListener("message", ({ detail }) => this.#call === call && this.#hear(detail, stats));
    if (this.dataset.state !== "unstable") this.#show("connecting", "Connecting…");
    await call.connect(this.microphone.track);
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#call === call && showStats(stats, call), STATS_MS);
  }

  // The network broke: the same visit goes on with a new connection.
  async #recover(lost) {
    for (const wait of RETRY_MS) {
      if (this.#call !== lost) return;
      this.#show("unstable", "The connection was lost. Getting it back…");
      await pause(wait);
      if (this.#call !== lost) return;
      const call = (this.#call = new Call(this.server));
      try {
        await this.#place(call);
        return await this.#connect(call);
      } catch (error) {
        if (!(error instanceof Refused) || !error.again) return this.#broke(call, error);
        if (this.#call === call) this.#call = lost;
      }
    }
    this.#finish(SENTENCES.lost, lost);
  }

  async #play(call) {
    await this.picture.play(call.stream);
    if (this.#call !== call) return;
    call.arrived();
    this.picture.live = true;
    this.#showLive(); // what the server told before is still true
    if (this.#pending) call.send({ type: "say", clip: this.#pending });
    this.#pending = null;
    this.#showLines(); // what was said before there was a channel to tell it
  }

  #hear({ type, data }, stats) {
    if (type === "stats") stats.server = data;
    else if (type === "talk") this.#showTurn(data);
    else if (type === "speaking") this.#showTalk(data);
    else if (type === "warning") this.#showFault(`This visit ends in ${data} seconds.`, 1000 * data);
    else if (type === "error") this.#showFault(data, FAULT_MS);
  }

  #broke(call, error) {
    this.#finish(error instanceof Refused ? error.message : SENTENCES.broken, call);
    if (!(error instanceof Refused)) throw error; // for the console
  }

  #finish(sentence, call = this.#call) {
    if (this.#call !== call || !call) return;
    this.#call = null;
    this.#pending = null;
    this.#state = "listening";
    call.close();
    clearInterval(this.#timer);
    this.microphone.close();
    this.picture.live = false;
    this.picture.caption(null);
    showStats(null);
    if (sentence) this.#show("failed", this.#fault ?? sentence); // the server says why before it hangs up
    else this.#show("idle", "Stopped. Press Start for another visit.");
  }

  // Whoever only writes needs no microphone.
  async #listen() {
    try {
      await this.microphone.open();
    } catch (error) {
      if (this.#way !== "talk" || !(error instanceof Refused)) throw error;
      this.#showFault(error.message, FAULT_MS);
    }
  }

  // Somebody has said something: the panel shows it.
  #showTurn({ user, avatar, state }) {
    if (user ?? avatar) this.#showLines();
    if (!state) return;
    this.#state = state;
    this.#showTalk(this.#speaking);
  }

  #showLines() {
    if (this.#way === "talk") document.getElementById("talk-refresh")?.click();
  }

  // Another way to speak: the microphone is open only while it is the way.
  async #turn(way) {
    this.#way = way;
    const call = this.#call;
    if (!call) return this.#show(this.dataset.state, this.#invitation());
    if (LISTENS.has(way)) {
      try {
        await this.#listen();
      } catch (error) {
        return error instanceof Refused ? this.#showFault(error.message, FAULT_MS) : this.#broke(call, error);
      }
      call.send({ type: "hush" });
    } else this.microphone.close();
    if (this.#call === call) await call.setTrack(this.microphone.track);
    if (this.dataset.state === "live") this.#showLive();
  }

  async #say({ clip, number }) {
    this.#said = number;
    if (this.dataset.state === "live") return this.#call.send({ type: "say", clip });
    this.#pending = clip;
    if (!this.#call) await this.start();
  }

  // -- what is to be seen -----------------------------------------------------------------------------------------
  #showAvatar(avatar) {
    this.#avatar = avatar;
    document.title = `${avatar.name} · bithuman_core`;
    this.picture.show(avatar);
    if (this.dataset.state === "idle") this.#show("idle", this.#invitation());
    else if (this.dataset.state === "live") this.#showLive();
  }

  #invitation() {
    const { name } = this.#avatar;
    if (this.#way === "microphone") return `Press Start and speak: ${name} speaks with you. Headphones are best.`;
    if (this.#way === "talk") return `Press Start and talk with ${name}, or write.`;
    return this.#way === "file" ? `Choose a sound file: ${name} says it.` : `Write something: ${name} says it.`;
  }

  #showFault(sentence, milliseconds) {
    this.#fault = sentence;
    this.parts.status.ariaLive = "polite";
    this.parts.status.textContent = sentence;
    clearTimeout(this.#faultTimer);
    this.#faultTimer = setTimeout(() => {
      this.#fault = null;
      if (this.dataset.state === "live") this.#showLive();
    }, milliseconds);
  }

  #showLive() {
    const word = this.#word();
    this.#show("live", this.#fault ?? this.#talk(word));
    this.picture.caption(word);
  }

  // Who speaks has changed. It is not read out: with every pause it would talk into the avatar's words.
  #showTalk(speaking) {
    this.#speaking = speaking;
    if (this.dataset.state !== "live") return;
    const word = this.#word();
    this.picture.caption(word);
    if (this.#fault) return;
    this.parts.status.ariaLive = "off";
    this.parts.status.textContent = this.#talk(word);
  }

  #word() {
    if (this.#state === "thinking" && this.#way === "talk" && !this.#speaking) return "Thinking";
    return this.#speaking ? "Speaking" : this.microphone.track ? "Listening" : "Ready";
  }

  #talk(word) {
    return `${this.#avatar.name} is ${word.toLowerCase()}.${word === "Listening" ? " Speak." : ""}`;
  }

  #show(state, sentence) {
    this.dataset.state = state;
    this.parts.status.ariaLive = "polite";
    this.parts.status.textContent = sentence;
    this.parts.main.textContent = this.#call ? "Stop" : "Start";
    if (state === "failed") this.#kiosk.comeBack();
  }
}

customElements.define("avatar-stage", AvatarStage);
