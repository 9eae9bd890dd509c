// A list of tabs as screen readers and keyboards know it (WAI-ARIA: tabs with automatic activation).

export class Tabs {
  #tabs;

  constructor(list, chosen) {
    this.#tabs = [...list.querySelectorAll("[role=tab]")];
    for (const tab of this.#tabs) tab.onclick = () => this.#choose(tab, chosen);
    list.onkeydown = ({ key }) => {
      const at = this.#tabs.findIndex((tab) => tab.ariaSelected === "true");
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: -1 }[key];
      if (to === undefined) return;
      const tab = this.#tabs.at(to % this.#tabs.length);
      this.#choose(tab, chosen);
      tab.focus();
    };
  }

  /** Choose by the id of a panel. */
  choose(panel) {
    this.#tabs.find((tab) => tab.getAttribute("aria-controls") === panel).click();
  }

  #choose(tab, chosen) {
    for (const other of this.#tabs) {
      other.ariaSelected = String(other === tab);
      other.tabIndex = other === tab ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = other !== tab;
    }
    chosen(tab.getAttribute("aria-controls"));
  }
}
