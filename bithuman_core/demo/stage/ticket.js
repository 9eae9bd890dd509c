// What the server tells the stage through Gradio: an element without anything to be seen, whose data change.

/** Calls take(ticket) now, where there is one, and with each new one. */
export function watchTicket(take) {
  let last = "null";
  const look = () => {
    const told = document.querySelector("#ticket [data-ticket]")?.dataset.ticket ?? "null";
    if (told === last) return;
    last = told;
    take(JSON.parse(told));
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-ticket"] });
  look();
}
