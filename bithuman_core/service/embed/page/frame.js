// The page that stands in frames: one avatar, as wide as the frame. Whoever frames it hands over a token where one is needed.
import "./avatar.js";

const PATIENCE_MS = 5000; // for the token

const sheet = new CSSStyleSheet();
sheet.replaceSync("body { margin: 0; padding: 1px; } bithuman-avatar { --bithuman-width: 100%; --bithuman-shadow: 0 0 transparent; }");
document.adoptedStyleSheets = [sheet];

const asked = new URLSearchParams(location.search);
const avatar = document.createElement("bithuman-avatar");
avatar.setAttribute("agent", document.documentElement.dataset.agent);
if (asked.has("theme")) avatar.setAttribute("theme", asked.get("theme"));
avatar.site = document.referrer ? new URL(document.referrer).origin : null;

if (asked.get("by") === "token") {
  avatar.askToken = () =>
    new Promise((resolve) => {
      const take = ({ source, origin, data }) => {
        if (source !== parent || data?.bithuman !== "token") return;
        removeEventListener("message", take);
        avatar.site = origin; // the browser's word: a token for other sites opens nothing here
        resolve(data.token ?? undefined);
      };
      addEventListener("message", take);
      setTimeout(resolve, PATIENCE_MS);
      parent.postMessage({ bithuman: "token" }, "*"); // no secret: a question
    });
}
document.body.append(avatar);
if (parent !== window) {
  const tell = () => parent.postMessage({ bithuman: "height", height: document.body.offsetHeight }, "*");
  new ResizeObserver(tell).observe(document.body);
}
