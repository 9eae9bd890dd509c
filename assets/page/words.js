// What the avatar says, other than what comes from the microphone: a sound file, or a text. And the video of it.
import { Refused } from "./sentences.js";

/** say(clip key), hush() and failed(error) are called where the visitor wants that. */
export class Words {
  #server;
  #parts;
  #limits = {};
  #file = null; // the clip of the sound file: {clip, name, seconds}
  #spoken = null; // the clip of the text, and what it was made of
  #playing = null; // key of the clip that plays

  constructor(server, parts, { say, hush }) {
    this.#server = server;
    this.#parts = parts;
    this.say = say;
    this.hush = hush;
    parts.audio.onclick = () => parts["audio-file"].click();
    parts["audio-file"].onchange = ({ target }) => target.files[0] && this.take(target.files[0]);
    parts.play.onclick = () => this.#toggle(async () => this.#file);
    parts.speak.onclick = () => this.#toggle(() => this.#speech());
    parts.text.onkeydown = (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) parts.speak.click(); // returning false would undo every other key
    };
    parts["film-file"].onclick = () => this.#film(async () => this.#file);
    parts["film-text"].onclick = () => this.#film(() => this.#speech());
  }

  /** What the server said when the visit began. */
  show({ voices, no_voices: none, limits }) {
    this.#limits = limits;
    this.#parts.text.maxLength = limits.text;
    this.#parts.language.replaceChildren(...voices.map(({ id, name }) => new Option(name, id)));
    for (const name of ["speak", "film-text", "text", "language", "timbre"]) this.#parts[name].disabled = !voices.length;
    if (none) {
      this.#parts.text.value = "";
      this.#parts.text.placeholder = none;
    }
  }

  /** A sound file of the visitor's. */
  async take(file) {
    this.#note("");
    if (file.size > this.#limits.audio_bytes) return this.#note(`That file is larger than the ${this.#limits.audio_bytes >> 20} MiB that are taken here: choose a smaller one.`, true);
    this.#busy(true, "Listening to the file…");
    try {
      this.#file = await this.#server.post("visit/audio", file);
      this.#parts.audio.textContent = `${this.#file.name} · ${minutes(this.#file.seconds)}`;
      this.#note("Press Play, or download the video.");
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#busy(false);
      this.#parts["audio-file"].value = "";
    }
  }

  /** A clip has ended, or nothing is live any more. */
  ended() {
    this.#playing = null;
    this.#parts.play.textContent = "Play";
    this.#parts.speak.textContent = "Speak";
  }

  async #speech() {
    const parts = this.#parts;
    const wanted = { text: parts.text.value, voice: parts.language.value, timbre: parts.timbre.value };
    const same = JSON.stringify(wanted);
    if (this.#spoken?.of !== same) this.#spoken = { of: same, ...(await this.#server.post("visit/text", wanted)) };
    return this.#spoken;
  }

  async #toggle(make) {
    if (this.#playing) {
      this.hush();
      return this.ended();
    }
    this.#note("");
    this.#busy(true);
    try {
      const clip = await make();
      if (await this.say(clip.clip)) {
        this.#playing = clip.clip;
        this.#parts.play.textContent = this.#parts.speak.textContent = "Stop";
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#busy(false);
    }
  }

  async #film(make) {
    const { progress } = this.#parts;
    this.#busy(true, "Rendering the video…");
    progress.hidden = false;
    progress.value = 0;
    try {
      const clip = await make();
      const { address, name } = await this.#server.follow(`visit/video/${clip.clip}`, undefined, {}, ({ share }) => (progress.value = share));
      Object.assign(document.createElement("a"), { href: address, download: name }).click();
      this.#note(`${name} is ready.`);
    } catch (error) {
      this.#fail(error);
    } finally {
      progress.hidden = true;
      this.#busy(false);
    }
  }

  #busy(busy, note) {
    if (note) this.#note(note);
    for (const name of ["play", "film-file"]) this.#parts[name].disabled = busy || !this.#file;
    for (const name of ["speak", "film-text"]) this.#parts[name].disabled = busy || !this.#parts.language.options.length;
  }

  #fail(error) {
    if (!(error instanceof Refused)) throw error;
    this.#note(error.message, true);
  }

  #note(sentence, fault = false) {
    this.#parts["words-note"].textContent = sentence;
    this.#parts["words-note"].classList.toggle("fault", fault);
  }
}

const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
