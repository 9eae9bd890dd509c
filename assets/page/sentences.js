// What the page says when something does not work: what is wrong, and what to do.

const MICROPHONE = {
  NotAllowedError: "The microphone is blocked for this page. Allow it beside the address, then press Start again.",
  SecurityError: "The microphone is blocked for this page. Allow it beside the address, then press Start again.",
  NotFoundError: "No microphone was found. Connect one, then press Start again.",
  OverconstrainedError: "No microphone was found. Connect one, then press Start again.",
  NotReadableError: "The microphone is in use by another program. Close that one, then press Start again.",
  AbortError: "The microphone did not start. Reconnect it, then press Start again.",
};

const REFUSAL = {
  concurrency_limit_reached: "All places are taken at the moment. Wait until a visitor leaves, then press Start again.",
  connection_already_exists: "This visit is already open. Reload the page, then press Start again.",
};

export const SENTENCES = {
  insecure: "Browsers give the microphone to secure pages only. Open this page over https://, or as http://localhost on the machine it runs on.",
  unsupported: "This browser has no WebRTC. Open the page in a current Chrome, Edge, Firefox or Safari.",
  unreachable: "The server does not answer. Check that it is running, then press Start again.",
  noPath: "The server was reached, but no way for sound and picture: a firewall or this network blocks WebRTC. Try another network, or set up a TURN server.",
  silentServer: "The server accepted the visit but sent no picture. Press Start again; its log tells more.",
  lost: "The connection was lost. Check the network, then press Start again.",
  ended: "The server ended the visit. Press Start to begin a new one.",
  broken: "The page met a fault of its own. Reload it, then press Start again.",
  unplugged: "The microphone stopped. Connect it again, then press Start.",
};

export class Refused extends Error {}

export const microphoneError = (error) =>
  new Refused(MICROPHONE[error.name] ?? `The microphone cannot be used (${error.name}). Choose another one in the browser's settings, then press Start again.`);

export const refusal = (code) =>
  new Refused(REFUSAL[code] ?? `The server refused the visit (${code}). Reload the page, then press Start again.`);
