// What pages load: puts an avatar where its script stands. <script src="https://host/embed.js" data-agent="A12ABC3456"></script>
(() => {
  const mine = [...document.querySelectorAll("script[data-agent]")].filter(({ src }) => new URL(src, location.href).pathname.endsWith("/embed.js"));
  for (const script of document.currentScript?.dataset.agent ? [document.currentScript] : mine) {
    if (script.dataset.placed !== undefined) continue;
    script.dataset.placed = "";
    const host = new URL(".", script.src).href;
    const { agent, token, tokenUrl, theme, target, frame } = script.dataset;
    const avatar = document.createElement("bithuman-avatar");
    for (const [name, value] of Object.entries({ agent, token, "token-url": tokenUrl, theme, host })) if (value) avatar.setAttribute(name, value);
    if (frame !== undefined) avatar.setAttribute("frame", "");
    const place = () => {
      const chosen = target ? document.querySelector(target) : null;
      if (target && !chosen) console.error(`bithuman-avatar: there is no ${target} on this page; the avatar stands where its script does.`);
      if (chosen) chosen.append(avatar);
      else if (script.closest("body")) script.after(avatar);
      else document.body.append(avatar);
    };
    if (document.body && !target) place();
    else if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", place);
    else place();
    import(new URL("embed/js/avatar.js", host).href).catch(() => console.error(`bithuman-avatar: ${host} does not answer, or this page's Content-Security-Policy lets no scripts come from there.`));
  }
})();
