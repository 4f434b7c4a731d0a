// What a person has put into the inputs of one message or form. Knows what was typed here and not yet said to the
// model; must not know how inputs look.

const PAUSE = 250;

export class Pad {
  /** `at`: `{channel, ts}` or `{view}`; `act(do, fields)` reaches the model; `busy(node, promise)` shows that it waits. */
  constructor(at, act, busy) {
    Object.assign(this, { at, act, busy });
    this.values = new Map();
    this.waiting = new Map();
    this.said = Promise.resolve();
    this.state = {};
  }

  /** A text, an option's value, a list of them, or `null`: typed here, else what the model knows, else the start. */
  value(at, element) {
    const key = name(at);
    if (this.values.has(key)) return this.values.get(key);
    const known = this.state?.[at.block]?.[at.action];
    return known ? known_value(known) : initial(element);
  }

  keep(at, value) {
    this.values.set(name(at), value);
  }

  /** Into an input of a form; `later`: as soon as the typing pauses. */
  fill(at, value, later) {
    const key = name(at);
    this.values.set(key, value);
    clearTimeout(this.waiting.get(key)?.timer);
    const send = () => {
      this.waiting.delete(key);
      return (this.said = this.said.then(() => this.act("fill", { at: this.at, ...at, value: this.values.get(key) })));
    };
    if (!later) return void send();
    this.waiting.set(key, { send, timer: setTimeout(send, PAUSE) });
  }

  /** Everything that was typed is with the model. */
  async flush() {
    for (const { send, timer } of [...this.waiting.values()]) {
      clearTimeout(timer);
      send();
    }
    await this.said;
  }

  async click(at, value, node) {
    if (value !== undefined) this.values.set(name(at), value);
    await this.flush();
    const field = value === undefined ? {} : { value };
    return this.busy(node, this.act("click", { at: this.at, ...at, ...field }));
  }
}

const name = (at) => `${at.block}/${at.action}`;

function known_value(state) {
  if ("selected_options" in state) return (state.selected_options ?? []).map((o) => o.value);
  if ("selected_option" in state) return state.selected_option?.value ?? null;
  return state.value ?? null;
}

function initial(element) {
  if (element.initial_options) return element.initial_options.map((o) => o.value);
  return element.initial_option?.value ?? element.initial_value ?? null;
}
