// Push to talk: the button of the panel, or the space bar, is held down while one speaks.

const WRITES = "input, textarea, [contenteditable=true]"; // there a space is a space

/** Call tell("press") and tell("let-go"), each once, where the panel's button is shown. */
export function holdToTalk(tell, root = document) {
  let down = false;
  const button = () => [...root.querySelectorAll("#talk-hold")].find((found) => found.offsetParent !== null);
  const press = () => {
    if (down) return;
    down = true;
    button()?.classList.add("down");
    tell("press");
  };
  const letGo = () => {
    if (!down) return;
    down = false;
    button()?.classList.remove("down");
    tell("let-go");
  };
  root.addEventListener("pointerdown", (event) => event.target.closest?.("#talk-hold") && press());
  for (const over of ["pointerup", "pointercancel"]) root.addEventListener(over, letGo);
  window.addEventListener("blur", letGo);
  root.addEventListener("keydown", (event) => {
    if (event.code !== "Space" || !button() || event.target.closest?.(WRITES)) return;
    event.preventDefault(); // nor does the page scroll, or a button in focus click
    press();
  });
  root.addEventListener("keyup", (event) => {
    if (event.code !== "Space" || !down) return;
    event.preventDefault();
    letGo();
  });
}
