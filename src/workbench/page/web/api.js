// Speaks with the machine this page comes from. Knows the addresses and what their answers mean to a person;
// must not know how anything looks.

/** What was not done, in words for the person. */
export class Trouble extends Error {}

async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble("The workspace does not answer. Is the demo still running?");
  }
  if (response.ok) return response.status === 204 ? null : response.json();
  throw new Trouble(await why(response));
}

async function why(response) {
  const body = await response.json().catch(() => null);
  return body?.error ?? body?.detail ?? body?.message ?? `The workspace said ${response.status}.`;
}

function post(path, body) {
  return call(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body ?? {}) });
}

export const people = () => call("/_slack/people");
export const pulls = () => call("/_forge/pulls");
export const stage = () => call("/_demo/stage");
export const kill = () => post("/_demo/kill");

/** Does something as a person; the answer says which delivery it became. */
export const act = (as, what, fields) => post("/_slack/act", { as, do: what, ...fields });

const GLANCE = 120;
const PATIENCE = 6_000;

/** Waits until the app has taken a delivery; says so where it has not. */
export async function taken(id) {
  for (let waited = 0; waited < PATIENCE; waited += GLANCE) {
    const found = [await call(`/_slack/deliveries?id=${encodeURIComponent(id)}`)].flat()[0];
    if (!found || found.outcome === "acked") return;
    if (found.outcome === "failed") break;
    await new Promise((done) => setTimeout(done, GLANCE));
  }
  throw new Trouble("DevTask did not answer in time. If it was just killed, try again in a moment: nothing is lost.");
}

const WAIT = 20_000;

/** Follows what a person sees for as long as `signal` lets it; `state(seen)` and `link(up)` are told. */
export async function follow(as, signal, state, link) {
  let since;
  let pause = 250;
  while (!signal.aborted) {
    try {
      const query = new URLSearchParams({ as, ...(since === undefined ? {} : { since, wait: WAIT }) });
      const seen = await call(`/_slack/state?${query}`, { signal });
      if (signal.aborted) return;
      pause = 250;
      link(true);
      if (seen.version !== since) state(seen);
      since = seen.version;
    } catch (error) {
      if (signal.aborted) return;
      link(false, error);
      // The model may be another one when it is back, with versions of its own.
      since = undefined;
      await new Promise((done) => setTimeout(done, pause));
      pause = Math.min(pause * 2, 4_000);
    }
  }
}
