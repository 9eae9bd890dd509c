// What the page asks of the server, in the name of this visit.
import { Refused, SENTENCES } from "./sentences.js";

const STAY_MS = 45000; // the server closes pages that it has not heard of for three minutes
const AGAIN_MS = 1000; // until a broken line is opened anew, at first
const NOT_WANTED = 1008; // the server's answer to a page that it does not know

export class Server {
  #secret = null;

  /** Begin the visit. Returns {avatars, voices, no_voices, photos, limits}. Throws Refused. */
  async open() {
    const { visit, ...house } = await this.post("visit");
    this.#secret = visit;
    setInterval(() => this.post("visit/here").catch(() => {}), STAY_MS);
    this.#stand(AGAIN_MS);
    addEventListener("pagehide", () => navigator.sendBeacon("visit/leave", visit)); // the place is free at once, what was brought is gone
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload()); // back from the browser's memory
    return house;
  }

  // A line that stands while the page is open. However the page goes, the browser closes it, and the server sees that.
  #stand(wait) {
    const url = new URL("visit/presence", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const line = new WebSocket(url);
    const began = Date.now();
    line.onopen = () => line.send(this.#secret);
    line.onclose = ({ code }) => {
      if (code === NOT_WANTED) return;
      const next = Date.now() - began > STAY_MS ? AGAIN_MS : Math.min(2 * wait, STAY_MS); // a proxy may let none through
      setTimeout(() => this.#stand(next), wait);
    };
  }

  get(path) {
    return this.#fetch(path, {});
  }

  /** body: a Blob, or an object that is sent as JSON. Throws Refused. */
  post(path, body, headers = {}) {
    return this.#fetch(path, this.#request("POST", body, headers));
  }

  remove(path) {
    return this.#fetch(path, this.#request("DELETE"));
  }

  /** A request whose answer comes in lines: tell({stage, share}) while it goes on. Returns what was made. Throws Refused. */
  async follow(path, body, headers, tell, signal) {
    const response = await this.#send(path, { ...this.#request("POST", body, headers), signal });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read().catch(() => {
        throw new Refused(signal?.aborted ? "" : SENTENCES.unreachable);
      });
      const lines = (rest + (value ?? "")).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        const told = JSON.parse(line);
        if (told.error) throw new Refused(told.error);
        if (told.done) return told.done;
        tell(told);
      }
      if (done) throw new Refused(SENTENCES.unreachable);
    }
  }

  #request(method, body, headers = {}) {
    const blob = body instanceof Blob;
    return {
      method,
      body: blob || body === undefined ? body : JSON.stringify(body),
      headers: {
        ...(body !== undefined && !blob ? { "Content-Type": "application/json" } : {}),
        ...(blob && body.name ? { "X-File-Name": encodeURIComponent(body.name) } : {}),
        ...headers,
      },
    };
  }

  async #fetch(path, options) {
    const response = await this.#send(path, options);
    return response.status === 204 ? null : response.json();
  }

  async #send(path, options) {
    let response;
    try {
      response = await fetch(path, { ...options, headers: { ...options.headers, ...(this.#secret ? { "X-Visit": this.#secret } : {}) } });
    } catch {
      throw new Refused(options.signal?.aborted ? "" : SENTENCES.unreachable, { again: true });
    }
    if (response.ok) return response;
    const told = await response.json().catch(() => ({}));
    throw new Refused(told.error ?? SENTENCES.unreachable, { again: response.status >= 500 });
  }
}
