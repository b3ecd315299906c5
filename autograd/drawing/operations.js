// Printed from the rules in autograd/operations.py by `python -m autograd.drawing.javascript`. Do not edit.
"use strict";

function identity(x) {
  return x;
}
function add(a, b) {
  return a + b;
}
function subtract(a, b) {
  return a - b;
}
function multiply(a, b) {
  return a * b;
}
function divide(a, b) {
  return a / b;
}
function power(x, y) {
  // As C has it: 1 to any power is 1, and (-1)^(+-inf) too; Math.pow says NaN.
  return x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y);
}
function negative(x) {
  return -x;
}
function absolute(x) {
  return Math.abs(x);
}
function maximum(a, b) {
  return (a > b) ? a : ((b >= a) ? b : (a + b));
}
function minimum(a, b) {
  return (a < b) ? a : ((b <= a) ? b : (a + b));
}
function exp(x) {
  return Math.exp(x);
}
function expm1(x) {
  return Math.expm1(x);
}
function log(x) {
  return Math.log(x);
}
function log1p(x) {
  return Math.log1p(x);
}
function sqrt(x) {
  return Math.sqrt(x);
}
function sin(x) {
  return Math.sin(x);
}
function cos(x) {
  return Math.cos(x);
}
function tan(x) {
  return Math.tan(x);
}
function arcsin(x) {
  return Math.asin(x);
}
function arccos(x) {
  return Math.acos(x);
}
function arctan(x) {
  return Math.atan(x);
}
function sinh(x) {
  return Math.sinh(x);
}
function cosh(x) {
  return Math.cosh(x);
}
function sech(x) {
  const t0 = Math.abs(x);
  let t2;
  if (t0 < 300) {
    const t1 = exp((-2) * t0);
    t2 = 2 * sqrt(t1 / (1 + (t1 * (2 + t1))));
  } else {
    t2 = 2 * exp(-t0);
  }
  return t2;
}
function gaussian(x) {
  const t0 = Math.abs(x);
  let t3;
  if (t0 < 30) {
    const t1 = 134217729 * x;
    const t2 = t1 - (t1 - x);
    t3 = exp((-t2) * t2) * exp((-(x - t2)) * (x + t2));
  } else {
    t3 = exp((-30) * t0);
  }
  return t3;
}
function tanh(x) {
  return Math.tanh(x);
}
function sigmoid(x) {
  const t0 = exp(-Math.abs(x));
  return ((x >= 0) ? 1 : t0) / (1 + t0);
}
function relu(x) {
  return (x <= 0) ? 0 : x;
}
function softplus(x) {
  return ((x > 0) ? x : 0) + log1p(exp(-Math.abs(x)));
}
function erf(x) {
  const z = Math.abs(x);
  if (z < 2.5) {
    // 2/sqrt(pi) e^(-z^2) (z + 2 z^3/3 + 4 z^5/(3 5) + ...): no term is negative, nothing cancels.
    let term = z;
    let sum = z;
    for (let n = 1; term > sum * 1e-18; n++) sum += term *= (2 * z * z) / (2 * n + 1);
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * gaussian(z) * sum;
  }
  // 1 - erfc(z) by the continued fraction z + (1/2)/(z + 1/(z + (3/2)/(z + ...))).
  let fraction = z;
  for (let n = 60; n > 0; n--) fraction = z + n / 2 / fraction;
  return x !== x ? x : Math.sign(x) * (1 - gaussian(z) / Math.sqrt(Math.PI) / fraction);
}
function logsumexp(a, b) {
  const t0 = maximum(a, b);
  let t10;
  if (Math.abs(t0) < Infinity) {
    const t1 = a - t0;
    const t2 = 0 * t0;
    let t4;
    if (t1 > (-800)) {
      const t3 = a - t1;
      t4 = (a - (t1 + t3)) + (t3 - t0);
    } else {
      t4 = t2;
    }
    const t5 = exp(t1) * (1 + t4);
    const t6 = b - t0;
    let t8;
    if (t6 > (-800)) {
      const t7 = b - t6;
      t8 = (b - (t6 + t7)) + (t7 - t0);
    } else {
      t8 = t2;
    }
    const t9 = exp(t6) * (1 + t8);
    t10 = log1p((maximum(t5, t9) - 1) + minimum(0 + t9, t5 + 0));
  } else {
    t10 = 0;
  }
  return (t0 - 0) + t10;
}
function log_softmax(a, b) {
  const t0 = maximum(a, b);
  let t10;
  if (Math.abs(t0) < Infinity) {
    const t1 = a - t0;
    const t2 = 0 * t0;
    let t4;
    if (t1 > (-800)) {
      const t3 = a - t1;
      t4 = (a - (t1 + t3)) + (t3 - t0);
    } else {
      t4 = t2;
    }
    const t5 = exp(t1) * (1 + t4);
    const t6 = b - t0;
    let t8;
    if (t6 > (-800)) {
      const t7 = b - t6;
      t8 = (b - (t6 + t7)) + (t7 - t0);
    } else {
      t8 = t2;
    }
    const t9 = exp(t6) * (1 + t8);
    t10 = log1p((maximum(t5, t9) - 1) + minimum(0 + t9, t5 + 0));
  } else {
    t10 = 0;
  }
  return -((t0 - a) + t10);
}
function leaky_relu(x) {
  return (x > 0) ? x : (0.01 * x);
}

const ROWS = {};
ROWS.identity = {forward: identity, partials: (out, x) => {
  return [1];
}};
ROWS.add = {forward: add, partials: (out, a, b) => {
  return [1, 1];
}};
ROWS.subtract = {forward: subtract, partials: (out, a, b) => {
  return [1, -1];
}};
ROWS.multiply = {forward: multiply, partials: (out, a, b) => {
  return [b, a];
}};
ROWS.divide = {forward: divide, partials: (out, a, b) => {
  return [1 / b, (-out) / b];
}};
ROWS.power = {forward: power, partials: (out, a, b) => {
  const t0 = b - 1;
  const t1 = b - (t0 + 1);
  const t2 = Math.abs(a);
  const t3 = (Math.abs((1e+25 * t1) * a) > 0) ? ((t2 < Infinity) ? power(a, t1) : 1) : 1;
  const t4 = (Math.abs(b) > 0) ? (b * power(a, t0)) : ((t2 > 0) ? ((b / a) * power(a, b)) : (0 * b));
  return [t4 * t3, (a > 0) ? (out * log(a)) : ((a < 0) ? (NaN * out) : ((0 * a) * out))];
}};
ROWS.negative = {forward: negative, partials: (out, x) => {
  return [-1];
}};
ROWS.absolute = {forward: absolute, selects: true, partials: (out, x) => {
  return [(x > 0) ? 1 : ((x < 0) ? (-1) : (0 * out))];
}};
ROWS.maximum = {forward: maximum, selects: true, partials: (out, a, b) => {
  const t0 = (a > b) ? 1 : ((a < b) ? 0 : ((a >= b) ? 0.5 : (0 * out)));
  return [t0, 1 - t0];
}};
ROWS.minimum = {forward: minimum, selects: true, partials: (out, a, b) => {
  const t0 = (a < b) ? 1 : ((a > b) ? 0 : ((a >= b) ? 0.5 : (0 * out)));
  return [t0, 1 - t0];
}};
ROWS.exp = {forward: exp, partials: (out, x) => {
  return [out];
}};
ROWS.expm1 = {forward: expm1, partials: (out, x) => {
  return [exp(x)];
}};
ROWS.log = {forward: log, partials: (out, x) => {
  return [1 / x];
}};
ROWS.log1p = {forward: log1p, partials: (out, x) => {
  return [1 / (1 + x)];
}};
ROWS.sqrt = {forward: sqrt, partials: (out, x) => {
  return [0.5 / out];
}};
ROWS.sin = {forward: sin, partials: (out, x) => {
  return [cos(x)];
}};
ROWS.cos = {forward: cos, partials: (out, x) => {
  return [-sin(x)];
}};
ROWS.tan = {forward: tan, partials: (out, x) => {
  return [1 + (out * out)];
}};
ROWS.arcsin = {forward: arcsin, partials: (out, x) => {
  const t0 = 1 - (x * x);
  return [1 / sqrt(t0 + (((1 - x) * (1 + x)) - t0))];
}};
ROWS.arccos = {forward: arccos, partials: (out, x) => {
  const t0 = 1 - (x * x);
  return [(-1) / sqrt(t0 + (((1 - x) * (1 + x)) - t0))];
}};
ROWS.arctan = {forward: arctan, partials: (out, x) => {
  return [(Math.abs(x) < 100000000) ? (1 / (1 + (x * x))) : ((1 / x) / x)];
}};
ROWS.sinh = {forward: sinh, partials: (out, x) => {
  return [cosh(x)];
}};
ROWS.cosh = {forward: cosh, partials: (out, x) => {
  return [sinh(x)];
}};
ROWS.sech = {forward: sech, partials: (out, x) => {
  return [(-out) * tanh(x)];
}};
ROWS.gaussian = {forward: gaussian, partials: (out, x) => {
  return [(Math.abs(x) < 30) ? (((-2) * x) * out) : (-out)];
}};
ROWS.tanh = {forward: tanh, partials: (out, x) => {
  return [power(sech(x), 2)];
}};
ROWS.sigmoid = {forward: sigmoid, partials: (out, x) => {
  return [power(0.5 * sech(0.5 * x), 2)];
}};
ROWS.relu = {forward: relu, selects: true, partials: (out, x) => {
  return [(out > 0) ? 1 : (0 * out)];
}};
ROWS.softplus = {forward: softplus, partials: (out, x) => {
  return [sigmoid(x)];
}};
ROWS.erf = {forward: erf, partials: (out, x) => {
  return [1.1283791670955126 * gaussian(x)];
}};
ROWS.logsumexp = {forward: logsumexp, partials: (out, a, b) => {
  const t0 = maximum(a, b);
  const t1 = a - t0;
  const t2 = 0 * t0;
  let t4;
  if (t1 > (-800)) {
    const t3 = a - t1;
    t4 = (a - (t1 + t3)) + (t3 - t0);
  } else {
    t4 = t2;
  }
  const t5 = exp(t1) * (1 + t4);
  const t6 = b - t0;
  let t8;
  if (t6 > (-800)) {
    const t7 = b - t6;
    t8 = (b - (t6 + t7)) + (t7 - t0);
  } else {
    t8 = t2;
  }
  const t9 = exp(t6) * (1 + t8);
  const t10 = 0 + t9;
  const t11 = t5 + 0;
  return [(t5 >= t10) ? (1 / (1 + (t10 / t5))) : (t5 / (t5 + t10)), (t9 >= t11) ? (1 / (1 + (t11 / t9))) : (t9 / (t9 + t11))];
}};
ROWS.log_softmax = {forward: log_softmax, partials: (out, a, b) => {
  const t0 = maximum(a, b);
  const t1 = a - t0;
  const t2 = 0 * t0;
  let t4;
  if (t1 > (-800)) {
    const t3 = a - t1;
    t4 = (a - (t1 + t3)) + (t3 - t0);
  } else {
    t4 = t2;
  }
  const t5 = exp(t1) * (1 + t4);
  const t6 = b - t0;
  let t8;
  if (t6 > (-800)) {
    const t7 = b - t6;
    t8 = (b - (t6 + t7)) + (t7 - t0);
  } else {
    t8 = t2;
  }
  const t9 = exp(t6) * (1 + t8);
  const t10 = 0 + t9;
  const t11 = t5 + 0;
  return [(t10 >= t5) ? (1 / (1 + (t5 / t10))) : (t10 / (t10 + t5)), -((t9 >= t11) ? (1 / (1 + (t11 / t9))) : (t9 / (t9 + t11)))];
}};
ROWS.leaky_relu = {forward: leaky_relu, partials: (out, x) => {
  return [(x > 0) ? 1 : ((x <= 0) ? 0.01 : (0 * out))];
}};
