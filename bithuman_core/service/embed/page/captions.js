// What is said, as it is heard: the server tells the words of a sentence when its sound is ready, and when in the answer it begins.

const KEPT = 40; // lines of the talk, for a connection that goes on with it
const LONGEST = 4000; // characters of a line,
const MOST = 12000; // and of all of them: as much as the server remembers

export class Captions {
  #caption;
  #words;
  #timers = [];
  #began = 0; // of the answer
  said = []; // {who, text}

  /** caption: what the avatar says; words: what the visitor has said. */
  constructor(caption, words) {
    this.#caption = caption;
    this.#words = words;
  }

  /** The visitor was understood. */
  heard(text) {
    this.stop();
    this.#caption.textContent = "";
    this.#words.textContent = text;
    this.#keep("user", text);
  }

  /** The avatar says this, ``at`` seconds after the beginning of its answer. */
  says(text, at = 0) {
    this.#keep("avatar", text);
    if (!at) {
      this.stop();
      this.#began = performance.now();
      this.#caption.textContent = text;
      return;
    }
    const wait = this.#began + 1000 * at - performance.now();
    this.#timers.push(setTimeout(() => (this.#caption.textContent = text), Math.max(wait, 0)));
  }

  /** The end of what the avatar was saying is said once more, by another server. */
  again(text) {
    const last = this.said.at(-1);
    if (last?.who !== "avatar" || !last.text.endsWith(text)) return;
    last.text = last.text.slice(0, -text.length).trimEnd();
    if (!last.text) this.said.pop();
  }

  /** What was to come does not come. */
  stop() {
    this.#timers.forEach(clearTimeout);
    this.#timers = [];
  }

  clear() {
    this.stop();
    this.said = [];
    this.#caption.textContent = this.#words.textContent = "";
  }

  #keep(who, text) {
    const last = this.said.at(-1);
    if (last?.who === who) last.text = `${last.text} ${text}`.slice(-LONGEST);
    else this.said.push({ who, text: text.slice(-LONGEST) });
    while (this.said.length > KEPT || this.said.reduce((sum, line) => sum + line.text.length, 0) > MOST) this.said.shift();
  }
}
