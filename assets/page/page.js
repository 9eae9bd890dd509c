// <avatar-stage>: wires the parts of the page to one visit.
import { Call } from "./call.js";
import { Cards } from "./cards.js";
import { Figures } from "./figures.js";
import { Manner } from "./manner.js";
import { Microphone } from "./microphone.js";
import { PhotoDialog } from "./photo.js";
import { Refused, SENTENCES, waitingSentence } from "./sentences.js";
import { Server } from "./server.js";
import { Stage } from "./stage.js";
import { Tabs } from "./tabs.js";
import { Words } from "./words.js";

const FIGURES_MS = 1000;
const FAULT_MS = 5000; // how long a fault that the server has got over is shown
const PLACE_MS = 2000; // between two questions for a place
const RETRY_MS = [500, 1000, 2000, 4000, 8000]; // before each try to get a lost connection back
const MICROPHONE = "demo-microphone";

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

class AvatarStage extends HTMLElement {
  #call = null; // the visit that goes on, from Start to Stop; another one takes its place where the connection is lost
  #timer = 0;
  #fault = null; // the server's last sentence about itself, for a while
  #faultTimer = 0;
  #way = MICROPHONE; // the tab that is open
  #pending = null; // the clip that is to be said once the visit is live
  #avatar = null;
  #speaking = false; // whether the server says that the avatar speaks just now
  #limits = {};

  connectedCallback() {
    const parts = (this.parts = Object.fromEntries([...this.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part])));
    this.server = new Server();
    this.stage = new Stage(this, parts);
    this.microphone = new Microphone((level) => this.#showLevel(level), () => this.#finish(SENTENCES.unplugged));
    this.cards = new Cards(parts.cards, { choose: (avatar) => this.#choose(avatar), remove: (avatar) => this.#remove(avatar) });
    this.manner = new Manner(parts, (message) => this.#call?.send(message));
    this.words = new Words(this.server, parts, { say: (clip) => this.#say(clip), hush: () => this.#call?.send({ type: "hush" }) });
    this.photo = new PhotoDialog(document.getElementById("demo-photo"), this.server, (avatar) => this.#add(avatar));
    this.tabs = new Tabs(this.querySelector("[role=tablist]"), (way) => this.#take(way));
    parts.main.onclick = () => (this.#call ? this.#finish(null) : this.start());
    parts.photo.onclick = () => this.photo.open(this.#limits.photo_bytes);
    parts.imx.onclick = () => parts["imx-file"].click();
    parts["imx-file"].onchange = ({ target }) => target.files[0] && this.#open(target.files[0]);
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => this.#drop(event));
    this.#avatar = { key: this.dataset.key, name: this.dataset.name, gestures: [] };
    this.#begin();
  }

  /** Start a visit. The microphone is asked for only where it is the way to speak. */
  async start() {
    const call = (this.#call = new Call(this.server));
    this.#show("connecting", this.#way === MICROPHONE ? "Waiting for the microphone. The browser may ask you for permission." : "Connecting…");
    try {
      await this.#ready;
      if (this.#way === MICROPHONE) await this.microphone.open();
      if (this.#call !== call) return this.#call || this.microphone.close();
      await this.#place(call);
      await this.#connect(call);
    } catch (error) {
      this.#broke(call, error);
    }
  }

  // The visit with the server: what there is to choose from.
  #begin() {
    this.#ready = this.server.open().then((house) => {
      this.#limits = house.limits;
      this.#avatar = house.avatars[0];
      this.cards.show(house.avatars, this.#avatar.key);
      this.words.show(house);
      this.parts.imx.disabled = false;
      this.parts.photo.disabled = !house.photos;
      if (!house.photos) this.parts.photo.title = "This server makes no avatars from photos: its host can install bithuman-core[build].";
      this.#showAvatar();
    });
    this.#ready.catch((error) => this.#show("failed", error.message));
  }
  #ready = null;

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
    const figures = new Figures();
    call.addEventListener("ended", ({ detail }) => (detail.lost ? this.#recover(call) : this.#finish(detail.sentence, call)));
    call.addEventListener("live", () => this.#play(call));
    call.addEventListener("unstable", () => this.#show("unstable", "The connection is unstable. Waiting for it to come back…"));
    call.addEventListener("stable", () => this.#showLive());
    call.addEventListener("message", ({ detail }) => this.#call === call && this.#hear(detail, figures));
    if (this.dataset.state !== "unstable") this.#show("connecting", "Connecting…");
    await call.connect(this.microphone.track);
    clearInterval(this.#timer);
    this.#timer = setInterval(async () => this.#call === call && this.parts.measured.open && this.#showFigures(await figures.read(call)), FIGURES_MS);
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
    await this.stage.play(call.stream);
    if (this.#call !== call) return;
    call.arrived();
    this.stage.live = true;
    this.#showLive(); // what the server told before is still true
    if (this.#pending) call.send({ type: "say", clip: this.#pending });
    this.#pending = null;
  }

  #hear({ type, data }, figures) {
    if (type === "figures") figures.server = data;
    else if (type === "speaking") this.#showTalk(data);
    else if (type === "said") this.words.ended();
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
    call.close();
    clearInterval(this.#timer);
    this.microphone.close();
    this.stage.live = false;
    this.stage.caption(null);
    this.words.ended();
    this.#showFigures(null);
    if (sentence) this.#show("failed", this.#fault ?? sentence); // the server says why before it hangs up
    else this.#show("idle", "Stopped. Press Start for another visit.");
  }

  // Another tab: the microphone is open only while its own is.
  async #take(way) {
    this.#way = way;
    const call = this.#call;
    if (!call) return this.#show(this.dataset.state, this.#invitation());
    if (way === MICROPHONE) {
      try {
        await this.microphone.open();
      } catch (error) {
        return error instanceof Refused ? this.#showFault(error.message, FAULT_MS) : this.#broke(call, error);
      }
      call.send({ type: "hush" });
      this.words.ended();
    } else this.microphone.close();
    if (this.#call === call) await call.setTrack(this.microphone.track);
    if (this.dataset.state === "live") this.#showLive();
  }

  async #say(clip) {
    if (this.dataset.state === "live") this.#call.send({ type: "say", clip });
    else {
      this.#pending = clip;
      if (!this.#call) await this.start();
    }
    return this.#call !== null;
  }

  // -- avatars ----------------------------------------------------------------------------------------------------
  async #choose(avatar) {
    const before = this.#avatar;
    this.#note("");
    try {
      this.#avatar = await this.server.post(`visit/avatar/${avatar.key}`);
    } catch (error) {
      this.cards.mark(before.key);
      return this.#note(error.message, true);
    }
    this.cards.mark(avatar.key);
    this.#showAvatar();
  }

  async #open(file) {
    this.parts["imx-file"].value = "";
    if (file.size > this.#limits.avatar_bytes) return this.#note(`That file is larger than the ${this.#limits.avatar_bytes >> 20} MiB that are taken here: choose a smaller one.`, true);
    this.#note("Checking the file…");
    try {
      await this.#add(await this.server.post("visit/avatars", file));
    } catch (error) {
      this.#note(error.message, true);
    }
  }

  async #add(avatar) {
    this.cards.show([...this.cards.avatars, avatar], avatar.key);
    await this.#choose(avatar);
    if (avatar.notes) this.#note(avatar.notes.join(" ")); // what its photo lacked
  }

  async #remove(avatar) {
    await this.server.remove(`visit/avatars/${avatar.key}`);
    const rest = this.cards.avatars.filter(({ key }) => key !== avatar.key);
    const next = this.#avatar.key === avatar.key ? rest[0] : this.#avatar;
    this.cards.show(rest, next.key);
    if (next !== this.#avatar) this.#choose(next);
  }

  #drop(event) {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    if (file.type.startsWith("image/") && this.parts.photo.disabled === false) {
      this.photo.open(this.#limits.photo_bytes);
      this.photo.take(file);
    } else if (/^(audio|video)\//.test(file.type)) {
      this.tabs.choose("demo-file");
      this.words.take(file);
    } else this.#open(file);
  }

  #note(sentence, fault = false) {
    this.parts["avatar-note"].textContent = sentence;
    this.parts["avatar-note"].classList.toggle("fault", fault);
  }

  #showAvatar() {
    this.parts.title.textContent = this.#avatar.name;
    document.title = `${this.#avatar.name} · bithuman_core`;
    this.stage.show(this.#avatar);
    this.manner.show(this.#avatar);
    if (this.dataset.state === "idle") this.#show("idle", this.#invitation());
    else if (this.dataset.state === "live") this.#showLive();
  }

  // -- what is to be seen -----------------------------------------------------------------------------------------
  #invitation() {
    const { name } = this.#avatar;
    if (this.#way === MICROPHONE) return `Press Start and speak: ${name} speaks with you. Headphones are best.`;
    return this.#way === "demo-file" ? `Choose a sound file: ${name} says it.` : `Write something: ${name} says it.`;
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
    this.stage.caption(word);
  }

  // Who speaks has changed. It is not read out: with every pause it would talk into the avatar's words.
  #showTalk(speaking) {
    this.#speaking = speaking;
    if (this.dataset.state !== "live") return;
    const word = this.#word();
    this.stage.caption(word);
    if (this.#fault) return;
    this.parts.status.ariaLive = "off";
    this.parts.status.textContent = this.#talk(word);
  }

  #word() {
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
    this.manner.live = state === "live";
  }

  #showLevel(level) {
    this.parts.level.firstElementChild.style.transform = `scaleX(${level.toFixed(3)})`;
    const percent = String(Math.round(10 * level) * 10);
    if (this.parts.level.ariaValueNow !== percent) this.parts.level.ariaValueNow = percent;
  }

  #showFigures(figures) {
    const { fps, delay, offset, cpu } = this.parts;
    fps.textContent = figures ? figures.fps.toFixed(1) : "–";
    delay.textContent = figures?.delay ? `${Math.round(figures.delay)} ms` : "–";
    offset.textContent = figures && figures.offset !== null ? `${Math.round(figures.offset)} ms` : "–";
    cpu.textContent = figures && figures.cpu !== null ? `${Math.round(100 * figures.cpu)} % of a core` : "–";
  }
}

customElements.define("avatar-stage", AvatarStage);
