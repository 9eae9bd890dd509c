// The microphone's button: a click opens it until the next click; held down, one is heard meanwhile alone (push to talk).

const HOLD_MS = 350; // a shorter press is a click

export class TalkButton {
  #button;
  #actions;
  #open = false; // heard until the next click
  #down = 0; // since when it is held, ms
  #opening = null;

  /** open(): the microphone, true where there is one; close(); pause(): send nothing; tell(message): to the server. */
  constructor(button, actions) {
    this.#button = button;
    this.#actions = actions;
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      button.setPointerCapture?.(event.pointerId);
      this.#press();
    });
    for (const over of ["pointerup", "pointercancel", "lostpointercapture"]) button.addEventListener(over, () => this.#release());
    button.addEventListener("keydown", (event) => {
      if (event.code !== "Space" && event.code !== "Enter") return;
      event.preventDefault(); // no click, and the page does not scroll
      if (!event.repeat) this.#press();
    });
    button.addEventListener("keyup", (event) => {
      if (event.code !== "Space" && event.code !== "Enter") return;
      event.preventDefault();
      this.#release();
    });
    button.addEventListener("blur", () => this.#release());
    button.addEventListener("click", (event) => event.detail === 0 && this.#toggle()); // of assistive technology
    button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long press on a phone
    this.#show();
  }

  /** A connection is there, perhaps a new one: what was chosen holds for it. */
  connected() {
    if (this.#open) this.#actions.tell({ type: "by-key", on: false });
  }

  /** The microphone is closed. */
  off() {
    this.#open = false;
    this.#down = 0;
    this.#show();
  }

  async #press() {
    if (this.#down || this.#button.disabled) return;
    this.#down = performance.now();
    if (this.#open) return;
    this.#show();
    this.#opening = this.#actions.open();
    if (!(await this.#opening)) return this.off();
    if (!this.#down) return; // it was a click, see below
    this.#actions.tell({ type: "by-key", on: true });
    this.#actions.tell({ type: "press" });
  }

  async #release() {
    if (!this.#down) return;
    const held = performance.now() - this.#down >= HOLD_MS;
    this.#down = 0;
    if (this.#open) {
      this.off();
      this.#actions.close();
      return;
    }
    const asked = performance.now();
    const opened = await this.#opening;
    const prompted = performance.now() - asked > HOLD_MS; // the browser asked for permission: nobody was heard meanwhile
    if (!opened) return;
    if (held && !prompted) {
      this.#actions.tell({ type: "let-go" });
      this.#actions.pause(); // it stays open: the next word comes at once
      this.#show();
      return;
    }
    this.#listen();
  }

  async #toggle() {
    if (this.#open) {
      this.off();
      this.#actions.close();
    } else if (await this.#actions.open()) this.#listen();
  }

  #listen() {
    this.#open = true;
    this.#actions.tell({ type: "by-key", on: false });
    this.#show();
  }

  #show() {
    const button = this.#button;
    button.ariaPressed = String(this.#open);
    button.dataset.held = String(this.#down > 0 && !this.#open);
    button.ariaLabel = this.#open ? "Close the microphone" : "Talk: click to open the microphone, or hold while you speak";
    button.title = this.#open ? "Close the microphone" : "Click to talk, or hold while you speak";
  }
}
