// A page that nobody tends (?kiosk): it reloads when the server is back, and is live again where it was.

const LIVE = "kiosk-live"; // kept over reloads: whether somebody pressed Start, and nobody Stop
const LOOK_MS = 5000; // between two looks whether the server answers

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export class Kiosk {
  #on = new URLSearchParams(location.search).has("kiosk");
  #looking = false;

  /** Whether the page was live before it was reloaded. */
  get wasLive() {
    return this.#on && sessionStorage.getItem(LIVE) !== null;
  }

  /** Somebody pressed Start (true) or Stop. */
  remember(live) {
    if (!this.#on) return;
    if (live) sessionStorage.setItem(LIVE, "");
    else sessionStorage.removeItem(LIVE);
  }

  /** The visit failed, or the server does not know the page any more: reload as soon as the server answers. */
  async comeBack() {
    if (!this.#on || this.#looking) return;
    this.#looking = true;
    for (;;) {
      await pause(LOOK_MS);
      const answer = await fetch("health", { cache: "no-store" }).catch(() => null);
      if (answer?.ok) return location.reload();
    }
  }
}
