// What the page says when something does not work: what is wrong, and what to do.

const BLOCKED = (what) => `The ${what} is blocked for this page. Allow it beside the address, then try again.`;
const DEVICE = {
  NotAllowedError: BLOCKED,
  SecurityError: BLOCKED,
  NotFoundError: (what) => `No ${what} was found. Connect one, then try again.`,
  OverconstrainedError: (what) => `No ${what} was found. Connect one, then try again.`,
  NotReadableError: (what) => `The ${what} is in use by another program. Close that one, then try again.`,
  AbortError: (what) => `The ${what} did not start. Reconnect it, then try again.`,
};

export const SENTENCES = {
  insecure: "Browsers give the microphone to secure pages only. Open this page over https://, or as http://localhost on the machine it runs on.",
  unsupported: "This browser has no WebRTC. Open the page in a current Chrome, Edge, Firefox or Safari.",
  unreachable: "The server does not answer. Check that it is running, then try again.",
  noPath: "The server was reached, but no way for sound and picture: a firewall or this network blocks WebRTC. This server has no relay (TURN) to go around it: try another network, or ask its host to set one up.",
  noPathWithRelay: "The server was reached, but no way for sound and picture, not even through its relay: a firewall blocks WebRTC. Try another network.",
  relayRefused: "The relay (TURN) refused this server's credentials, and there is no way without it: the server's host has to check BITHUMAN_TURN_USERNAME and BITHUMAN_TURN_PASSWORD, or BITHUMAN_TURN_SECRET.",
  silentServer: "The server accepted the visit but sent no picture. Press Start again; its log tells more.",
  lost: "The connection was lost. Check the network, then press Start again.",
  ended: "The server ended the visit. Press Start to begin a new one.",
  broken: "The page met a fault of its own. Reload it, then press Start again.",
  unplugged: "The microphone stopped. Connect it again, then press Start.",
};

/** A no that is shown to the visitor. ``again``: whether trying again soon may help by itself. */
export class Refused extends Error {
  constructor(sentence, { again = false } = {}) {
    super(sentence);
    this.again = again;
  }
}

/** What getUserMedia threw, for a "microphone" or a "camera". */
export const deviceError = (error, what) =>
  new Refused((DEVICE[error.name] ?? (() => `The ${what} cannot be used (${error.name}). Choose another one in the browser's settings, then try again.`))(what));

export const waitingSentence = (ahead) =>
  `All places are taken at the moment. You are ${ahead === 1 ? "next" : `number ${ahead}`} in line, and let in as soon as one is free.`;
