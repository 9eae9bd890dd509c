// The avatar in a frame of its server's, for pages whose policies or styles want it apart. A token goes over by a message.

import { tokenOf } from "./token.js";

/** The frame for an element with the attributes agent, token, token-url and theme. */
export function frameOf(element, host) {
  const { origin } = new URL(host);
  const [agent, theme] = [element.getAttribute("agent"), element.getAttribute("theme")];
  const byToken = element.hasAttribute("token") || element.hasAttribute("token-url");
  const url = new URL(`embed/${encodeURIComponent(agent)}`, host);
  if (byToken) url.searchParams.set("by", "token");
  if (theme) url.searchParams.set("theme", theme);
  const frame = document.createElement("iframe");
  frame.src = url;
  frame.title = "A talking avatar";
  frame.allow = "microphone; autoplay";
  frame.referrerPolicy = "strict-origin"; // the avatar's server is told the site, not the page
  Object.assign(frame.style, { border: "0", width: "26rem", maxWidth: "100%", height: "34rem", display: "block", colorScheme: "light dark" });
  addEventListener("message", async ({ source, origin: from, data }) => {
    if (source !== frame.contentWindow || from !== origin) return;
    if (data?.bithuman === "height") frame.style.height = `${Math.ceil(data.height)}px`;
    if (data?.bithuman !== "token") return;
    source.postMessage({ bithuman: "token", token: await tokenOf(element) }, origin);
  });
  return frame;
}
