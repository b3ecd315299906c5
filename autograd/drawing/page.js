// The page: what is shown at a step, and what the reader can do.

const RIGHT = {overwrite: false, shuffled: false};
const mode = {...RIGHT};
const LAST = 2 * interior.length + 1; // nothing; a step for each value; the result's adjoint; a step for each node back
const position = new Map(interior.map((node, i) => [node, i]));
const shared = new Set(graph.shared);
let step = 0;
let chosen = null;
let right; // the backward pass as it should be, at its end
let pass; // as far as the current step, in the chosen mode
let wrong = null;

const hasValue = (i) => !nodes[i].parents.length || step > position.get(i);
const passed = () => Math.max(0, step - interior.length - 1); // how many nodes have passed their adjoint on
const hasAdjoint = (i) => takesGradient(i) && step > interior.length && (i === root || pass.arrived[i] > 0);

// ---- the formulas

const span = (kind, ...children) => make("span", {class: kind}, ...children);
const numeral = (i) => span("values", factor(values[i]));

function forwardFormula(i) {
  const base = nodes[i].name === "power"; // (-2)^2 needs its brackets, and so does every negative operand
  const numberFor = (parent, k) => (k === 0 && !base && !INFIX[nodes[i].symbol] ? span("values", short(values[parent])) : numeral(parent));
  return [make("div", {},
    names.name(i), span("equals", " = "), ...expression(nodes[i], names.name),
    span("equals", " = "), ...expression(nodes[i], numberFor),
    span("equals", " = "), span("values", short(values[i])))];
}

// p_bar += c_bar dc/dp, a line for each operand; what stood there before comes first.
function backwardFormula(child) {
  const sums = new Map();
  const rows = nodes[child].parents.flatMap((parent, k) => {
    const before = sums.get(parent) ?? pass.before[k];
    const share = pass.adjoints[child] * slopes[child][k];
    sums.set(parent, mode.overwrite ? share : before + share);
    if (!takesGradient(parent)) return [];
    const earlier = pass.arrived[parent] > 1 && before !== 0;
    return [make("div", {},
      names.bar(parent), span("equals", mode.overwrite ? " = " : " += "),
      names.bar(child), " · ∂", names.name(child), "/∂", names.name(parent), span("equals", " = "),
      ...(earlier ? [span(mode.overwrite ? "lost" : "adjoints", short(before)), mode.overwrite ? " " : " + "] : []),
      span("adjoints", factor(pass.adjoints[child])), " · ", span("values", factor(slopes[child][k])),
      span("equals", " = "), span("adjoints", short(sums.get(parent))))];
  });
  const most = 8;
  return rows.length > most ? [...rows.slice(0, most), make("div", {}, `… and ${rows.length - most} more`)] : rows;
}

// The node that the step is about, and how.
function active() {
  if (step === 0) return null;
  if (step <= interior.length) return {node: interior[step - 1], phase: "forward"};
  if (step === interior.length + 1) return {node: root, phase: "backward"};
  return {node: numbers.orderOf(mode)[passed() - 1], phase: "backward"};
}

// ---- a step

function showStep() {
  const now = active();
  const phase = now?.phase ?? "";
  document.body.className = phase;
  const seeds = step === interior.length + 1;
  pass = numbers.backward(mode, passed());

  const title = !now ? "Before the first step" : phase === "forward" ? "Forward" : "Backward";
  $("phase").replaceChildren(make("b", {}, title), ` · step ${step} of ${LAST}`);
  let formula;
  let remark = "";
  if (!now) {
    formula = [make("div", {}, names.name(root), interior.length ? ` from ${leaves.length} ${leaves.length === 1 ? "leaf" : "leaves"}` : "")];
    remark = "Forward computes every value, operands first. Backward passes every adjoint to the operands.";
  } else if (phase === "forward") {
    formula = frozen.includes(now.node)
      ? [make("div", {}, names.name(now.node), span("equals", " = "), span("values", short(values[now.node])))]
      : forwardFormula(now.node);
    if (frozen.includes(now.node)) remark = `${nodes[now.node].name} has no rule that the page could read: its value and local derivatives are fixed.`;
    else if (Number.isNaN(values[now.node]) || !Number.isFinite(values[now.node])) {
      const odd = nodes[now.node].parents.every((parent) => Number.isFinite(values[parent]));
      if (odd) remark = `The engine raises here: ${nodes[now.node].name} is not defined at these operands, or overflows.`;
    }
  } else if (seeds) {
    formula = [make("div", {}, names.bar(root), span("equals", " = "), "∂", names.name(root), "/∂", names.name(root), span("equals", " = "), span("adjoints", "1"))];
    remark = "The result changes as fast as itself.";
  } else {
    formula = backwardFormula(now.node);
    if (!formula.length) formula = [make("div", {}, names.name(now.node), " has only constants behind it")];
    const several = nodes[now.node].parents.some((parent) => takesGradient(parent) && pass.arrived[parent] > 1);
    if (several) remark = mode.overwrite ? "An earlier share is overwritten." : "Shares of several consumers add up.";
    if (step === LAST) remark += shared.size ? " The shares of the folded nodes are not in these sums." : " Every adjoint is complete.";
  }
  const isWrong = wrong && phase === "backward" && passed() >= wrong.step + 1;
  if (isWrong && passed() === wrong.step + 1) remark = explainWrong();
  $("formula").replaceChildren(...formula);
  $("formula").classList.toggle("many", formula.length > 2);
  $("remark").textContent = remark;
  $("remark").classList.toggle("wrong", Boolean(isWrong && passed() === wrong.step + 1));

  // Only what differs from what stands there is written: a step in a graph of thousands touches a few nodes.
  drawn.forEach(({element, texts}, i) => {
    const isParent = phase === "backward" && now && !seeds && nodes[now.node].parents.includes(i) && takesGradient(i);
    const off = hasAdjoint(i) && step === LAST && !agree(pass.adjoints[i], right.adjoints[i], scale);
    const classes = ["node", nodes[i].kind, frozen.includes(i) && "frozen", now?.node === i && phase, isParent && "receiving",
      chosen === i && "chosen", isWrong && wrong.node === i && "wrong", off && "off",
      found && !found.has(i) && "faint"].filter(Boolean).join(" ");
    const value = hasValue(i) ? tight(values[i]) : "";
    const adjoint = hasAdjoint(i) ? tight(pass.adjoints[i]) : "";
    const state = [classes, value, adjoint].join("|");
    if (drawn[i].state === state) return;
    drawn[i].state = state;
    element.setAttribute("class", classes);
    texts.value.textContent = value;
    if (texts.adjoint) texts.adjoint.textContent = adjoint;
    element.setAttribute("aria-label", spokenNode(i));
  });
  light(now, phase, seeds);
  $("scrub").value = step;
  $("scrub").setAttribute("aria-valuetext", `${title}, step ${step} of ${LAST}`);
  $("previous").disabled = $("home").disabled = step === 0;
  $("next").disabled = $("end").disabled = step === LAST;
  $("spoken").textContent = [title, `step ${step} of ${LAST}.`, spokenStep(now, phase, seeds), remark].join(" ");
  showLeaves();
  showDetails();
  showAll();
  if (now && follows) goTo(now.node);
}

const spokenNode = (i) => [names.plain(i), nodes[i].name ?? nodes[i].kind, hasValue(i) ? `value ${short(values[i])}` : "no value yet",
  hasAdjoint(i) ? `adjoint ${short(pass.adjoints[i])}` : ""].filter(Boolean).join(", ");

function spokenStep(now, phase, seeds) {
  if (!now) return "";
  const subject = names.plain(now.node);
  if (phase === "forward") return `${subject} is ${nodes[now.node].name} of ${nodes[now.node].parents.map(names.plain).join(" and ")}: ${short(values[now.node])}.`;
  if (seeds) return `The adjoint of ${subject} is 1.`;
  const receivers = [...new Set(nodes[now.node].parents)].filter(takesGradient);
  return `${subject} passes its adjoint on: ${receivers.map((i) => `adjoint of ${names.plain(i)} is now ${short(pass.adjoints[i])}`).join(", ")}.`;
}

function go(to) {
  step = Math.min(LAST, Math.max(0, to));
  showStep();
}

// ---- the leaves

const leaves = nodes.flatMap((node, i) => (node.parents.length || !takesGradient(i) || folded.has(i) ? [] : [i]));
const editable = nodes.flatMap((node, i) => (node.parents.length ? [] : [i]));
const MOST_ROWS = 60;
const inputs = new Map();
function leafRow(i) {
  const input = make("input", {inputmode: "decimal", "aria-label": `Value of ${names.plain(i)}`, spellcheck: "false", autocomplete: "off"});
  const output = make("output", {"aria-label": `Adjoint of ${names.plain(i)}`});
  input.addEventListener("input", () => edit(i, input));
  input.addEventListener("keydown", (event) => {
    const direction = {ArrowUp: 1, ArrowDown: -1}[event.key];
    if (!direction) return;
    event.preventDefault();
    setLeaf(i, Number((data[i] + direction * (event.shiftKey ? 1 : 0.1)).toPrecision(12)));
  });
  inputs.set(i, {input, output});
  return make("div", {class: "row"}, make("button", {type: "button", class: "link", onclick: () => choose(i)}, names.name(i)), input, output);
}
$("leaves").append(...leaves.slice(0, MOST_ROWS).map(leafRow));
if (leaves.length > MOST_ROWS) $("leaves").append(make("p", {}, `… and ${leaves.length - MOST_ROWS} more: click one in the graph.`));

// A number as people type it; the words of Python too.
function readNumber(text) {
  const word = text.trim().replace("\u2212", "-").toLowerCase();
  if (/^[+-]?(inf|infinity|nan)$/.test(word)) return word.endsWith("nan") ? NaN : word.startsWith("-") ? -Infinity : Infinity;
  return word && Number.isFinite(Number(word)) ? Number(word) : null;
}
const written = (x) => exact(x).replaceAll("\u2212", "-").replace("∞", "inf");
function edit(i, input) {
  const number = readNumber(input.value);
  input.setAttribute("aria-invalid", number === null);
  if (number !== null) setLeaf(i, number);
}
function setLeaf(i, number) {
  data[i] = number;
  recompute();
}
function showLeaves() {
  for (const [i, {input, output}] of inputs) {
    // What is being typed stands, as long as it says the same number or none yet.
    const typed = readNumber(input.value);
    if (!(document.activeElement === input && typed === null) && !Object.is(typed, data[i])) {
      input.value = written(data[i]);
      input.setAttribute("aria-invalid", "false");
    }
    input.classList.toggle("edited", !Object.is(data[i], numbers.recorded[i]));
    const adjoint = hasAdjoint(i) ? short(pass.adjoints[i]) : "";
    if (output.textContent !== adjoint) output.textContent = adjoint;
  }
  const edited = editable.some((i) => !Object.is(data[i], numbers.recorded[i]));
  $("reset").hidden = !edited;
  const notes = [];
  const own = [...new Set(frozen.map((i) => nodes[i].name))];
  if (own.length) notes.push(`The page has no rule for ${own.join(", ")}: ${frozen.length === 1 ? "its node keeps its number" : "these nodes keep their numbers"}${edited ? ", though leaves were edited" : ""}.`);
  if (folded.size) notes.push(`${graph.folded} nodes are folded; ${folded.size === 1 ? "the number" : `the ${folded.size} numbers`} that they pass on ${folded.size === 1 ? "is" : "are"} fixed${edited ? ", also where they depend on the leaves that you edited" : ""}.`);
  if (numbers.moved) notes.push("Leaves were assigned after this graph was recorded: the page computes it from their numbers now.");
  if ($("notes").textContent !== notes.join(" ")) $("notes").textContent = notes.join(" ");
}
$("reset").addEventListener("click", () => {
  data.set(numbers.recorded);
  recompute();
});

// ---- the chosen node

function choose(i) {
  chosen = chosen === i ? null : i;
  showStep();
}
const link = (i) => make("button", {type: "button", class: "link", onclick: () => { chosen = i; goTo(i); showStep(); }}, names.name(i));
let detailInput = null;

function showDetails() {
  const panel = $("details");
  if (chosen === null) {
    detailInput = null;
    panel.replaceChildren(make("p", {}, "Click a node to see the sum over its consumers."));
    return;
  }
  const node = nodes[chosen];
  const kind = {leaf: "leaf", constant: "constant: takes no gradient", folded: "folded: its number is fixed", detached: "result of no_grad"}[node.kind];
  const rows = [make("tr", {}, make("th", {scope: "row"}, "value"), make("td", {class: "values"}, hasValue(chosen) ? exact(values[chosen]) : "not computed yet"))];
  if (takesGradient(chosen)) rows.push(make("tr", {}, make("th", {scope: "row"}, "adjoint"), make("td", {class: "adjoints"}, hasAdjoint(chosen) ? exact(pass.adjoints[chosen]) : "not computed yet")));
  if (hasAdjoint(chosen) && !agree(pass.adjoints[chosen], right.adjoints[chosen], scale) && step === LAST) rows.push(make("tr", {}, make("th", {scope: "row"}, "it should be"), make("td", {}, exact(right.adjoints[chosen]))));
  const parts = [make("h2", {}, names.name(chosen)), make("p", {}, node.parents.length ? make("span", {}, ...expression(node, link)) : kind), make("table", {}, make("tbody", {}, ...rows))];
  if (!node.parents.length && !folded.has(chosen)) {
    if (detailInput?.node !== chosen) detailInput = {node: chosen, input: make("input", {inputmode: "decimal", "aria-label": `New value of ${names.plain(chosen)}`})};
    const {input} = detailInput;
    if (document.activeElement !== input) input.value = written(data[chosen]);
    const leaf = chosen;
    input.oninput = () => edit(leaf, input);
    if (!inputs.has(chosen)) parts.push(make("label", {class: "row"}, "edit", input));
  }
  if (takesGradient(chosen)) parts.push(consumerTable(chosen));
  const focused = document.activeElement;
  panel.replaceChildren(...parts);
  if (focused === detailInput?.input) focused.focus();
}

function consumerTable(i) {
  if (i === root) return make("p", {}, "The result itself: its adjoint is 1.");
  const order = new Map(numbers.orderOf(mode).map((node, at) => [node, at]));
  const sorted = consumers[i].slice().sort(([a], [b]) => order.get(a) - order.get(b));
  const body = sorted.slice(0, 100).map(([child, operand]) => {
    const arrived = order.get(child) < passed();
    const passedOn = right.adjoints[child];
    return make("tr", {class: arrived ? undefined : "waiting"}, make("td", {}, link(child)), make("td", {class: "adjoints"}, short(passedOn)),
      make("td", {class: "values"}, short(slopes[child][operand])), make("td", {class: "adjoints"}, short(passedOn * slopes[child][operand])));
  });
  const more = sorted.length > 100 ? [make("tr", {}, make("td", {colspan: 4}, `… and ${sorted.length - 100} more`))] : [];
  const rest = shared.has(i) ? [make("tr", {}, make("td", {colspan: 4}, "The folded nodes use it too; their shares are not in this sum."))] : [];
  const head = ["consumer", "its adjoint", "local ∂", "product"].map((text) => make("th", {scope: "col"}, text));
  return make("table", {class: "sum"}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body, ...more, ...rest),
    make("tfoot", {}, make("tr", {}, make("td", {colspan: 3}, mode.overwrite || mode.shuffled ? "sum, as it should be" : "sum"), make("td", {class: "adjoints"}, short(right.adjoints[i])))));
}

// ---- all numbers, for readers of tables

function showAll() {
  if (!$("all").open) return;
  const rows = nodes.map((node, i) => make("tr", {}, make("td", {}, names.name(i)),
    make("td", {class: "values"}, hasValue(i) ? exact(values[i]) : ""), make("td", {class: "adjoints"}, hasAdjoint(i) ? exact(pass.adjoints[i]) : "")));
  const head = ["node", "value", "adjoint"].map((text) => make("th", {scope: "col"}, text));
  $("all").lastElementChild.replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)));
}
$("all").addEventListener("toggle", showAll);

// ---- what goes wrong

let scale = 0;
function recompute() {
  numbers.forward();
  right = numbers.backward(RIGHT, interior.length);
  scale = 1e-4 * right.adjoints.reduce((most, x) => (Math.abs(x) < Infinity ? Math.max(most, Math.abs(x)) : most), 0);
  const broken = mode.overwrite || mode.shuffled;
  const end = broken ? numbers.backward(mode, interior.length, right.adjoints) : null;
  wrong = end?.wrong ?? null;
  pass = numbers.backward(mode, passed());
  showVerdict(end);
  showSnapshot();
  showStep();
}
function explainWrong() {
  const what = names.plain(wrong.node);
  if (wrong.kind === "overwritten") return `Here ${what} goes wrong first: its earlier share ${short(wrong.had)} is overwritten, not added to.`;
  return `Here ${what} goes wrong first: it passes on ${short(wrong.had)} before all its consumers have added their shares; it should be ${short(right.adjoints[wrong.node])}.`;
}
function showVerdict(end) {
  if (!end) return $("verdict").replaceChildren();
  $("verdict").classList.toggle("harmless", !wrong);
  const why = mode.overwrite ? "no node has two consumers whose shares differ from 0." : "this order happens to be topological here, or no share comes late.";
  if (!wrong) return $("verdict").replaceChildren(`Nothing goes wrong in this graph: ${why}`);
  const off = nodes.filter((_, i) => takesGradient(i) && !agree(end.adjoints[i], right.adjoints[i], scale)).length;
  const told = [`First wrong node: `, names.name(wrong.node), `, at step ${interior.length + 2 + wrong.step}. In the end ${off} of ${nodes.filter((_, i) => takesGradient(i)).length} adjoints are wrong.`];
  const button = make("button", {type: "button", onclick: () => go(interior.length + 2 + wrong.step)}, "Go there");
  $("verdict").replaceChildren(make("div", {}, ...told), button);
}
for (const name of ["overwrite", "shuffled"]) {
  $(name).addEventListener("change", (event) => {
    mode[name] = event.target.checked;
    recompute();
  });
}

// ---- search

let found = null;
$("search").addEventListener("input", ({target}) => {
  const wanted = target.value.trim().toLowerCase();
  found = wanted ? new Set(nodes.flatMap((node, i) => (`${names.plain(i)} ${node.name ?? ""} ${node.path ?? ""}`.toLowerCase().includes(wanted) ? [i] : []))) : null;
  showStep();
});
$("search").addEventListener("keydown", ({key}) => {
  if (key !== "Enter" || !found?.size) return;
  const all = [...found];
  chosen = all[(all.indexOf(chosen) + 1) % all.length];
  goTo(chosen);
  showStep();
});

// ---- play, scrub, keys

let timer = null;
function play(on) {
  clearTimeout(timer);
  timer = null;
  if (on && step === LAST) go(0);
  const advance = () => {
    go(step + 1);
    if (step === LAST) play(false);
    else timer = setTimeout(advance, Number($("speed").value));
  };
  if (on) timer = setTimeout(advance, 150);
  $("play").textContent = on ? "Pause" : "Play";
  $("play").setAttribute("aria-label", on ? "Pause" : "Play");
}
const toggle = () => play(timer === null);
const moves = {previous: () => go(step - 1), next: () => go(step + 1), home: () => go(0), end: () => go(LAST)};
for (const [id, move] of Object.entries(moves)) {
  $(id).addEventListener("click", () => {
    play(false);
    move();
  });
}
$("play").addEventListener("click", toggle);
$("scrub").max = LAST;
$("scrub").addEventListener("input", ({target}) => {
  play(false);
  go(Number(target.value));
});
const KEYS = {ArrowRight: "next", ArrowLeft: "previous", Home: "home", End: "end"};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const {target, key} = event;
  const types = target.matches("input:not([type=range]):not([type=checkbox]), select, #snapshot");
  if (types) return;
  if (key === " " && !target.matches("button, summary, [type=checkbox]")) toggle();
  else if (KEYS[key]) {
    play(false);
    moves[KEYS[key]]();
  } else return;
  event.preventDefault();
});

// ---- light and dark

const prefers = matchMedia("(prefers-color-scheme: dark)");
const wear = (dark) => (document.documentElement.dataset.theme = dark ? "dark" : "light");
wear(prefers.matches);
prefers.addEventListener("change", (event) => wear(event.matches));
$("theme").addEventListener("click", () => wear(document.documentElement.dataset.theme !== "dark"));

// ---- training

if (graph.snapshots.length) {
  $("training").hidden = false;
  $("snapshot").max = graph.snapshots.length - 1;
  $("snapshot").addEventListener("input", () => {
    for (const [leaf, number] of graph.snapshots[Number($("snapshot").value)]) data[leaf] = fromText(number);
    recompute();
  });
}
// The leaves may have been edited since, and the graph recorded at any moment.
function showSnapshot() {
  const standing = ([leaf, number]) => Object.is(data[leaf], fromText(number));
  const here = graph.snapshots.findIndex((snapshot) => snapshot.every(standing));
  if (here >= 0) $("snapshot").value = here;
  $("snapshot-number").textContent = here < 0 ? "none: other numbers" : `${here} of ${graph.snapshots.length - 1}`;
}

$("subject").append(names.name(root), ` · ${nodes.length + graph.folded} nodes`);
document.title = `${names.plain(root)} · step through the chain rule`;
measure();
fit();
recompute();
new ResizeObserver(() => {
  measure();
  if (follows && step === 0) fit();
}).observe($("graph"));
addEventListener("scroll", measure);
