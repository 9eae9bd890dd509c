// What the page asks of the service: a session for its agent, and connections in it. Tokens end after minutes; new ones are fetched.
import { Refused, SENTENCES } from "./sentences.js";
import { tokenOf } from "./token.js";

const EARLY_MS = 60000; // before its end a token counts as over
const LONGEST_MS = 30000; // that an answer is waited for
const LONGEST_AGAIN_MS = 8000; // where a visit goes on: who was asked may have died over it, and another one answers

/** A Call's server. ``said``: what was said before, for a connection that goes on with a talk. */
export class EmbedSession {
  #host;
  #element;
  #until = 0;
  #token = null;
  card = { name: "the avatar", answers: false, hears: false };
  said = [];
  resume = null; // of the last connection: with it the next one goes on with the visit

  /** element: has the attributes agent, token and token-url. */
  constructor(host, element) {
    this.#host = host;
    this.#element = element;
  }

  /** What the service says of the agent, asked anew where the session's token is over. Throws Refused. */
  async open() {
    if (performance.now() < this.#until) return this.card;
    const token = await this.#ownersToken();
    const body = { agent_code: this.#element.getAttribute("agent"), site: this.#element.site ?? null };
    this.card = await this.#post("v1/embed/sessions", body, token);
    this.#token = this.card.token;
    this.#until = performance.now() + 1000 * this.card.expires_in - EARLY_MS;
    return this.card;
  }

  async get() {
    await this.open();
    return this.card.rtc;
  }

  async post(path, { sdp }) {
    const answer = await this.#post("v1/embed/offer", { sdp, said: this.said, resume: this.resume }, this.#token);
    this.resume = answer.resume;
    return answer;
  }

  hangUp() {} // the connection itself says so

  // The site's own server may give a token for each visitor; an agent that is published for the site needs none.
  async #ownersToken() {
    const asks = this.#element.askToken ?? (() => tokenOf(this.#element));
    const token = await asks();
    if (token === undefined) throw new Refused("This site gave no access to the avatar. Try again in a minute.", { again: true });
    return token;
  }

  async #post(path, body, token) {
    const headers = { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    const signal = AbortSignal.timeout(this.resume ? LONGEST_AGAIN_MS : LONGEST_MS);
    const asked = { method: "POST", body: JSON.stringify(body), headers, credentials: "omit", signal };
    let answer;
    try {
      answer = await fetch(new URL(path, this.#host), asked);
    } catch {
      throw new Refused("The avatar's server does not answer this site: it is away, or the avatar is not published here.", { again: true });
    }
    const told = await answer.json().catch(() => ({}));
    if (answer.ok) return told.data;
    if (answer.status === 401) {
      this.#until = 0;
      this.resume = null; // it may be that one which is over
    }
    const refused = new Refused(told.error?.message ?? SENTENCES.unreachable, { again: answer.status >= 500 || answer.status === 401 });
    refused.code = told.error?.code;
    throw refused;
  }
}
