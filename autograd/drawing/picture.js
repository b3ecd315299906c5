// The picture of the graph: its nodes and edges, the camera that looks at it.

const graph = JSON.parse(document.getElementById("data").textContent);
const numbers = makeNumbers(graph, TRACED);
const {nodes, root, interior, consumers, data, values, slopes, frozen} = numbers;
const names = makeNames(nodes, data);
const $ = (id) => document.getElementById(id);
const folded = new Set(nodes.flatMap((node, i) => (node.kind === "folded" ? [i] : [])));
const takesGradient = (i) => nodes[i].kind !== "constant";

const SVG = "http://www.w3.org/2000/svg";
function draw(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const hasMore = graph.folded > 0 ? 1 : 0;
const sizeOf = (node) => (node.kind === "constant" ? {width: 72, height: 32} : {width: 156, height: 62});
const boxes = [...(hasMore ? [{width: 160, height: 40}] : []), ...nodes.map(sizeOf)];
const edges = [...folded].map((i) => ({from: -1, to: i, operand: -1}));
nodes.forEach((node, i) => node.parents.forEach((from, operand) => edges.push({from, to: i, operand})));
const place = layOut(boxes, edges.map(({from, to}) => [from + hasMore, to + hasMore]));
const edgesInto = nodes.map(() => []);
const camera = $("camera");

function curve({from, to, operand}, bends) {
  const a = from + hasMore;
  const b = to + hasMore;
  const operands = operand < 0 ? 1 : nodes[to].parents.length;
  const spread = (k, count, room) => (count < 2 ? 0 : (k / (count - 1) - 0.5) * Math.min(room, 30 * (count - 1)));
  const twins = operand < 0 ? [0] : nodes[to].parents.flatMap((parent, k) => (parent === from ? [k] : []));
  const start = [place.x[a] + boxes[a].width / 2, place.y[a] + spread(twins.indexOf(operand), twins.length, boxes[a].height - 20)];
  const end = [place.x[b] - boxes[b].width / 2 - 2, place.y[b] + spread(Math.max(operand, 0), operands, boxes[b].height - 22)];
  const points = [start, ...bends, end];
  let path = `M${start.map(Math.round)}`;
  for (let i = 1; i < points.length; i++) {
    const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]];
    const middle = (x0 + x1) / 2;
    path += `C${[middle, y0, middle, y1, x1, y1].map(Math.round)}`;
  }
  const [[x0, y0], [x1, y1]] = points; // the local derivative stands in the first gap
  return {path, middle: [(x0 + x1) / 2, (y0 + y1) / 2]};
}

const lines = draw("g", {"aria-hidden": "true"});
edges.forEach((edge, e) => {
  Object.assign(edge, curve(edge, place.bends[e]));
  lines.append(draw("path", {class: "edge", d: edge.path}));
  if (edge.operand >= 0) edgesInto[edge.to][edge.operand] = edge;
});
const tags = draw("g", {"aria-hidden": "true"});
const shapes = draw("g", {});
if (hasMore) {
  const more = draw("g", {class: "node more", transform: `translate(${place.x[0]},${place.y[0]})`});
  more.append(draw("rect", {x: -74, y: -20, width: 160, height: 40, rx: 20}), draw("text", {y: 5}, `… ${plural(graph.folded, "more node")}`));
  shapes.append(more);
}
const drawn = nodes.map((node, i) => {
  const {width: w, height: h} = boxes[i + hasMore];
  const [left, top] = [-w / 2, -h / 2];
  const element = draw("g", {
    class: `node ${node.kind} ${frozen.includes(i) ? "frozen" : ""}`, role: "button", "data-node": i,
    transform: `translate(${Math.round(place.x[i + hasMore])},${Math.round(place.y[i + hasMore])})`,
  });
  const rx = node.parents.length ? 10 : h / 2;
  element.append(
    draw("rect", {class: "ring", x: left - 5, y: top - 5, width: w + 10, height: h + 10, rx: rx + 5}),
    draw("rect", {class: "box", x: left, y: top, width: w, height: h, rx}),
  );
  const texts = {};
  if (node.kind === "constant") texts.value = draw("text", {y: 5});
  else {
    const inset = node.parents.length ? 12 : 20;
    const label = draw("text", {class: "label", x: left + inset, y: -8});
    if (node.label.trim()) label.textContent = names.fitted(i, node.parents.length ? 11 : 14);
    else label.append(draw("tspan", {}, "v"), draw("tspan", {dy: 4, "font-size": 12}, String(names.ordinals[i])));
    texts.value = draw("text", {class: "value", x: left + inset, y: 18});
    texts.adjoint = draw("text", {class: "adjoint", x: -left - inset, y: 18});
    element.append(label, texts.adjoint, draw("text", {class: "flag", y: top - 10}, "✗ first wrong node"));
    if (node.name) element.append(draw("text", {class: "sign", x: -left - inset, y: -9}, names.cut(sign(node), 10)));
  }
  element.append(texts.value);
  element.addEventListener("click", () => dragged || choose(i));
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    choose(i);
  });
  shapes.append(element);
  return {element, texts, state: ""};
});
camera.append(lines, tags, shapes);

// ---- the camera

const view = {x: 0, y: 0, scale: 1};
let follows = true;
let dragged = false;
function look(gliding = false) {
  camera.classList.toggle("gliding", gliding && nodes.length <= 600);
  camera.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
  $("graph").classList.toggle("far", view.scale < 0.28);
}
let frame; // where the picture stands, measured when that changes: to measure at every step would lay it out twice
const measure = () => (frame = $("graph").getBoundingClientRect());
function fit(gliding = false) {
  const {width, height} = frame;
  view.scale = Math.min(1.25, (width - 80) / place.width, (height - 110) / place.height);
  view.x = (width - place.width * view.scale) / 2;
  view.y = (height - 30 - place.height * view.scale) / 2;
  look(gliding);
}
function zoom(by, x = frame.width / 2, y = frame.height / 2, gliding = false) {
  const scale = Math.min(4, Math.max(0.02, view.scale * by));
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
  look(gliding);
}
// Node i and its operands come into view: smaller where they need it, and the node itself in any case.
function goTo(i) {
  const room = {x: frame.width - 48, y: frame.height - 100}; // the legend and the buttons stand below
  const around = [i, ...nodes[i].parents].map((k) => k + hasMore);
  const [own] = around;
  const extent = (axis, size) => {
    const from = around.reduce((least, k) => Math.min(least, place[axis][k] - boxes[k][size] / 2), Infinity);
    const to = around.reduce((most, k) => Math.max(most, place[axis][k] + boxes[k][size] / 2), -Infinity);
    const seen = from * view.scale + view[axis] >= 24 && to * view.scale + view[axis] <= 24 + room[axis];
    const centre = (scale) => {
      const slack = Math.max(0, room[axis] / scale - boxes[own][size]) / 2;
      return Math.min(place[axis][own] + slack, Math.max(place[axis][own] - slack, (from + to) / 2));
    };
    return {seen, centre, fitting: room[axis] / (to - from)};
  };
  const [x, y] = [extent("x", "width"), extent("y", "height")];
  if (view.scale >= 0.5 && x.seen && y.seen) return;
  view.scale = Math.max(0.5, Math.min(view.scale < 0.6 ? 0.85 : view.scale, x.fitting, y.fitting));
  view.x = 24 + room.x / 2 - x.centre(view.scale) * view.scale;
  view.y = 24 + room.y / 2 - y.centre(view.scale) * view.scale;
  look(true);
}

// The edges of the step are drawn again on top, so that the picture below stays as it is.
function light(now, phase, seeds) {
  const lit = now && !seeds ? edgesInto[now.node].filter(({from}) => phase === "forward" || takesGradient(from)) : [];
  tags.replaceChildren(...lit.map(({path}) => draw("path", {class: `edge lit ${phase}`, d: path})));
  for (const edge of lit) {
    if (lit.length > 40 || !takesGradient(edge.from)) continue;
    const text = `∂ ${short(slopes[edge.to][edge.operand])}`;
    const width = text.length * 7.4 + 14;
    const tag = draw("g", {class: "tag", transform: `translate(${edge.middle})`});
    tag.append(draw("rect", {x: -width / 2, y: -12, width, height: 24, rx: 12}), draw("text", {y: 4.5}, text));
    tags.append(tag);
  }
}

// ---- pan and zoom

const pointers = new Map();
$("graph").addEventListener("pointerdown", (event) => {
  pointers.set(event.pointerId, [event.clientX, event.clientY]);
  if (pointers.size === 1) dragged = false;
});
addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const now = [event.clientX, event.clientY];
  const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
  if (!dragged && Math.hypot(dx, dy) < 4) return;
  dragged = true;
  follows = false;
  const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
  pointers.set(event.pointerId, now);
  if (other) {
    const apart = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
    return zoom(apart(now) / apart(before), other[0] - frame.left, other[1] - frame.top);
  }
  view.x += dx;
  view.y += dy;
  look();
});
for (const type of ["pointerup", "pointercancel"]) addEventListener(type, (event) => pointers.delete(event.pointerId));
$("graph").addEventListener("wheel", (event) => {
  if (window !== window.parent && !event.ctrlKey && !event.metaKey) return; // in a notebook the wheel scrolls on
  event.preventDefault();
  follows = false;
  zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.clientX - frame.left, event.clientY - frame.top);
}, {passive: false});
$("closer").addEventListener("click", () => zoom(1.35, undefined, undefined, true));
$("farther").addEventListener("click", () => zoom(1 / 1.35, undefined, undefined, true));
$("fit").addEventListener("click", () => {
  follows = true;
  fit(true);
});
