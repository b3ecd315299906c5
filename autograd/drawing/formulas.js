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

// Four decimals, or four digits where these would be none or too many.
function short(x) {
  if (!Number.isFinite(x)) return exact(x);
  const size = Math.abs(x);
  const plain = x === 0 || (size >= 1e-3 && size < 1e6);
  const text = plain ? x.toFixed(4) : x.toExponential(3);
  return typographic(text.replace(/\.?0+(?=$|e)/, "").replace("e+", "e"));
}
// As short as a node is wide.
const tight = (x) => (short(x).length > 8 ? typographic(x.toExponential(1).replace("e+", "e")) : short(x));
const factor = (x) => (short(x).startsWith("\u2212") ? `(${short(x)})` : short(x));

function makeNames(nodes) {
  const labels = nodes.map((node) => node.label.replace(/\s+/g, " ").trim());
  const isConstant = (i) => nodes[i].kind === "constant" && !labels[i];
  const plain = (i) => labels[i] || (isConstant(i) ? short(Number(nodes[i].data)) : `v${i + 1}`);
  const cut = (text, length) => ([...text].length > length ? [...text].slice(0, length - 1).join("") + "…" : text);
  function name(i) {
    if (labels[i]) return make("bdi", {class: "name", title: nodes[i].path ?? nodes[i].label}, cut(labels[i], 16));
    if (isConstant(i)) return make("span", {}, plain(i));
    return make("span", {class: "name"}, "v", make("sub", {}, String(i + 1)));
  }
  const bar = (i) => make("span", {class: "bar", "aria-label": `adjoint of ${plain(i)}`}, name(i));
  return {plain, name, bar, isConstant, cut};
}

const INFIX = {"+": " + ", "-": " − ", "*": " · ", "/": " / "};

// The operation of node i with its operands written by `write`: what stands on the right of its equation.
function expression(node, write) {
  const operands = node.parents.map((parent, k) => write(parent, k));
  const [first, second] = operands;
  const {name, symbol} = node;
  if (INFIX[symbol] && operands.length === 2) return [first, INFIX[symbol], second];
  if (name === "power") return [first, make("sup", {}, second ?? typographic(short(Number(node.parameters[0]))))];
  if (name === "negative") return ["−", first];
  if (name === "absolute") return ["|", first, "|"];
  if (name === "sqrt") return ["√", first];
  if (name === "exp") return [make("i", {}, "e"), make("sup", {}, first)];
  const shown = operands.length > 5 ? [...operands.slice(0, 3), "…", operands.at(-1)] : operands;
  const settings = node.parameters.map((parameter) => `; ${parameter}`);
  return [make("bdi", {class: "function"}, name), "(", ...shown.flatMap((operand, k) => (k ? [", ", operand] : [operand])), ...settings, ")"];
}

// Operators as they stand on a node.
const SIGNS = {"*": "×", "/": "÷", "-": "−", neg: "−", "+": "+", power: "xʸ", sqrt: "√", abs: "|x|"};
const sign = (node) => SIGNS[node.symbol] ?? SIGNS[node.name] ?? node.name;
