// What the page asks of the server, in the name of this visit.
import { Refused, SENTENCES } from "./sentences.js";

const STAY_MS = 45000; // the server closes pages that it has not heard of for three minutes
const AGAIN_MS = 1000; // until a broken line is opened anew, at first
const NOT_WANTED = 1008; // the server's answer to a page that it does not know

export class Server {
  #secret = null;
  #forgotten;

  /** forgotten() is called where the server does not know this page: it was started anew. */
  constructor(forgotten) {
    this.#forgotten = forgotten;
  }

  /** The visit's secret is known: the page says that it is there, and when it goes. */
  open(secret) {
    if (this.#secret) return;
    this.#secret = secret;
    setInterval(() => this.post("visit/here").catch(() => {}), STAY_MS);
    this.#stand(AGAIN_MS);
    addEventListener("pagehide", () => navigator.sendBeacon("visit/leave", secret)); // the place is free at once, what was brought is gone
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload()); // back from the browser's memory
  }

  // A line that stands while the page is open. However the page goes, the browser closes it, and the server sees that.
  #stand(wait) {
    const url = new URL("visit/presence", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const line = new WebSocket(url);
    const began = Date.now();
    line.onopen = () => line.send(this.#secret);
    line.onclose = ({ code }) => {
      if (code === NOT_WANTED) return this.#forgotten();
      const next = Date.now() - began > STAY_MS ? AGAIN_MS : Math.min(2 * wait, STAY_MS); // a proxy may let none through
      setTimeout(() => this.#stand(next), wait);
    };
  }

  /** A connection is over: its place is free at once, also where no path was found. */
  hangUp(id) {
    this.post(`visit/hang-up/${id}`).catch(() => {});
  }

  get(path) {
    return this.#fetch(path, {});
  }

  /** body: an object that is sent as JSON. Throws Refused. */
  post(path, body) {
    return this.#fetch(path, {
      method: "POST",
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
  }

  async #fetch(path, options) {
    let response;
    try {
      response = await fetch(path, { ...options, headers: { ...options.headers, ...(this.#secret ? { "X-Visit": this.#secret } : {}) } });
    } catch {
      throw new Refused(SENTENCES.unreachable, { again: true });
    }
    if (response.ok) return response.status === 204 ? null : response.json();
    const told = await response.json().catch(() => ({}));
    throw new Refused(told.error ?? SENTENCES.unreachable, { again: response.status >= 500 });
  }
}
