// The embed token that a page has from its own server: in an attribute, or anew from an address.

/** Of an element with the attributes token and token-url; null: it needs none, undefined: the address gave none. */
export async function tokenOf(element) {
  const url = element.getAttribute("token-url");
  if (!url) return element.getAttribute("token");
  const answer = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
  const told = answer?.ok ? await answer.json().catch(() => ({})) : {};
  return told.token ?? told.data?.token; // as the service itself answers, too
}
