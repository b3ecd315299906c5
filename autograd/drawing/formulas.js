// Formulas as elements and as speech. What a user supplied goes in as text, never as markup.

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const typographic = (text) => text.replace(/^-|(?<=e)-/g, "\u2212");
const exact = (x) => typographic(Number.isNaN(x) ? "NaN" : Object.is(x, -0) ? "-0" : String(x).replace("Infinity", "∞"));

const plural = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;
const write = (element, text) => element.textContent === text || (element.textContent = text);

// Four decimals, or four digits where these would be none or too many.
const trim = (text) => typographic(text.replace(/(\.\d*?)0+(?=$|e)/, "$1").replace(/\.(?=$|e)/, "").replace("e+", "e"));
function short(x) {
  if (!Number.isFinite(x)) return exact(x);
  const size = Math.abs(x);
  return trim(x === 0 || (size >= 1e-3 && size < 1e6) ? x.toFixed(4) : x.toExponential(3));
}
// As short as a node is wide: of seven characters as many digits as go in.
function tight(x) {
  let text = short(x);
  const small = text.includes("e");
  for (let digits = 6; text.length > 7; digits--) text = trim(small ? x.toExponential(digits - 1) : x.toPrecision(digits));
  return text;
}
const factor = (x) => (short(x).startsWith("\u2212") ? `(${short(x)})` : short(x));

// data: the numbers of the leaves as they are now, since a plain number in an expression goes by itself.
function makeNames(nodes, data) {
  const labels = nodes.map((node) => node.label.replace(/\s+/g, " ").trim());
  const isConstant = (i) => nodes[i].kind === "constant" && !labels[i];
  let count = 0;
  const ordinals = nodes.map(({kind}) => (kind === "constant" ? 0 : ++count));
  const taken = new Map();
  for (const name of [...labels, ...ordinals.map((n) => `v${n || ""}`)]) taken.set(name, (taken.get(name) ?? 0) + 1);
  // A label that another node has too, or has for its number, takes the node's own number along.
  const suffix = labels.map((label, i) => {
    const number = `v${ordinals[i]}`;
    return label && ordinals[i] && taken.get(label) > (label === number ? 2 : 1) ? `[${number}]` : "";
  });
  const cut = (text, length) => ([...text].length > length ? [...text].slice(0, length - 1).join("") + "…" : text);
  const fitted = (i, length) => (labels[i] ? cut(labels[i], length - suffix[i].length) + suffix[i] : plain(i));
  const plain = (i) => (labels[i] ? labels[i] + suffix[i] : isConstant(i) ? short(data[i]) : `v${ordinals[i]}`);
  function name(i) {
    if (labels[i]) return make("bdi", {class: "name", title: nodes[i].path ?? nodes[i].label}, fitted(i, 16));
    if (isConstant(i)) return make("span", {}, plain(i));
    return make("span", {class: "name"}, "v", make("sub", {}, String(ordinals[i])));
  }
  const bar = (i) => make("span", {class: "bar", role: "img", "aria-label": `adjoint of ${plain(i)}`}, name(i));
  return {plain, name, bar, isConstant, cut, fitted, ordinals};
}

const INFIX = {__proto__: null, "+": " + ", "-": " − ", "*": " · ", "/": " / "};

// The operation of a node with its operands written by `of`: what stands on the right of its equation.
function expression(node, of) {
  const {name, symbol} = node;
  // A negative number needs brackets beside a sign, an operator or an exponent, except in front.
  const beside = (k) => name === "negative" || (name === "power" && k === 0) || (INFIX[symbol] && k > 0);
  const operands = node.parents.map((parent, k) => {
    const operand = of(parent);
    return beside(k) && operand.textContent.startsWith("\u2212") ? make("span", {}, "(", operand, ")") : operand;
  });
  const [first, second] = operands;
  if (INFIX[symbol] && operands.length === 2) return [first, INFIX[symbol], second];
  if (name === "power") return [first, make("sup", {}, second ?? short(fromText(node.parameters[0])))];
  if (name === "negative") return ["−", first];
  if (name === "absolute") return ["|", first, "|"];
  if (name === "sqrt") return ["√", first];
  if (name === "exp") return [make("i", {}, "e"), make("sup", {}, first)];
  const shown = operands.length > 5 ? [...operands.slice(0, 3), "…", operands.at(-1)] : operands;
  const settings = node.parameters.map((parameter) => `; ${parameter}`);
  return [make("bdi", {class: "function"}, name), "(", ...shown.flatMap((operand, k) => (k ? [", ", operand] : [operand])), ...settings, ")"];
}

// Operators as they stand on a node.
const SIGNS = {__proto__: null, "*": "×", "/": "÷", "-": "−", neg: "−", "+": "+", power: "xʸ", sqrt: "√", abs: "|x|"};
const sign = (node) => SIGNS[node.symbol] ?? SIGNS[node.name] ?? node.name;
