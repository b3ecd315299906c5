/* Printed from the rows of autograd/operations.py by `make generate`. Do not edit. */
#ifndef AUTOGRAD_OPERATIONS_H
#define AUTOGRAD_OPERATIONS_H

#include <math.h>

static inline double op_identity(double x) {
    return x;
}
static inline double op_add(double a, double b) {
    return a + b;
}
static inline double op_subtract(double a, double b) {
    return a - b;
}
static inline double op_multiply(double a, double b) {
    return a * b;
}
static inline double op_divide(double a, double b) {
    return a / b;
}
static inline double op_power(double a, double b) {
    return pow(a, b);
}
static inline double slope_power_a(double out, double a, double b) {
    (void)out;
    const double t0 = b - 1.0;
    const double t1 = b - (t0 + 1.0);
    const double t2 = fabs(a);
    const double t3 = (fabs((1e+25 * t1) * a) > 0.0) ? ((t2 < ((double)INFINITY)) ? pow(a, t1) : 1.0) : 1.0;
    const double t4 = (fabs(b) > 0.0) ? (b * pow(a, t0)) : ((t2 > 0.0) ? ((b / a) * pow(a, b)) : (0.0 * b));
    return t4 * t3;
}
static inline double slope_power_b(double out, double a, double b) {
    (void)b;
    const double t0 = (a > 0.0) ? (out * log(a)) : ((a < 0.0) ? (((double)NAN) * out) : ((0.0 * a) * out));
    return t0;
}
static inline double op_negative(double x) {
    return -x;
}
static inline double op_absolute(double x) {
    return fabs(x);
}
static inline double op_maximum(double a, double b) {
    return (a > b) ? a : ((b >= a) ? b : (a + b));
}
static inline double slope_maximum_b(double out, double a, double b) {
    const double t0 = 1.0 - ((a > b) ? 1.0 : ((a < b) ? 0.0 : ((a >= b) ? 0.5 : (0.0 * out))));
    return t0;
}
static inline double op_minimum(double a, double b) {
    return (a < b) ? a : ((b <= a) ? b : (a + b));
}
static inline double slope_minimum_b(double out, double a, double b) {
    const double t0 = 1.0 - ((a < b) ? 1.0 : ((a > b) ? 0.0 : ((a >= b) ? 0.5 : (0.0 * out))));
    return t0;
}
static inline double slope_arcsin(double out, double x) {
    (void)out;
    const double t0 = 1.0 - (x * x);
    return 1.0 / sqrt(t0 + (((1.0 - x) * (1.0 + x)) - t0));
}
static inline double slope_arccos(double out, double x) {
    (void)out;
    const double t0 = 1.0 - (x * x);
    return (-1.0) / sqrt(t0 + (((1.0 - x) * (1.0 + x)) - t0));
}
static inline double op_sech(double x) {
    const double t0 = fabs(x);
    double t2;
    if (t0 < 300.0) {
      const double t1 = exp((-2.0) * t0);
      t2 = 2.0 * sqrt(t1 / (1.0 + (t1 * (2.0 + t1))));
    } else {
      t2 = 2.0 * exp(-t0);
    }
    return t2;
}
static inline double op_gaussian(double x) {
    const double t0 = fabs(x);
    double t3;
    if (t0 < 30.0) {
      const double t1 = 134217729.0 * x;
      const double t2 = t1 - (t1 - x);
      t3 = exp((-t2) * t2) * exp((-(x - t2)) * (x + t2));
    } else {
      t3 = exp((-30.0) * t0);
    }
    return t3;
}
static inline double op_sigmoid(double x) {
    const double t0 = exp(-fabs(x));
    return ((x >= 0.0) ? 1.0 : t0) / (1.0 + t0);
}
static inline double op_relu(double x) {
    return (x <= 0.0) ? 0.0 : x;
}
static inline double op_softplus(double x) {
    return ((x > 0.0) ? x : 0.0) + log1p(exp(-fabs(x)));
}
static inline double op_leaky_relu(double a, double b) {
    return (a > 0.0) ? a : (b * a);
}
#define UNARY_OPERATIONS(X) \
    X(identity, 0, op_identity(x), 1.0) \
    X(negative, 0, op_negative(x), -1.0) \
    X(absolute, 1, op_absolute(x), (x > 0.0) ? 1.0 : ((x < 0.0) ? (-1.0) : (0.0 * out))) \
    X(exp, 0, exp(x), out) \
    X(expm1, 0, expm1(x), exp(x)) \
    X(log, 0, log(x), 1.0 / x) \
    X(log1p, 0, log1p(x), 1.0 / (1.0 + x)) \
    X(sqrt, 0, sqrt(x), 0.5 / out) \
    X(sin, 0, sin(x), cos(x)) \
    X(cos, 0, cos(x), -sin(x)) \
    X(tan, 0, tan(x), 1.0 + (out * out)) \
    X(arcsin, 0, asin(x), slope_arcsin(out, x)) \
    X(arccos, 0, acos(x), slope_arccos(out, x)) \
    X(arctan, 0, atan(x), (fabs(x) < 100000000.0) ? (1.0 / (1.0 + (x * x))) : ((1.0 / x) / x)) \
    X(sinh, 0, sinh(x), cosh(x)) \
    X(cosh, 0, cosh(x), sinh(x)) \
    X(sech, 0, op_sech(x), (-out) * tanh(x)) \
    X(gaussian, 0, op_gaussian(x), (fabs(x) < 30.0) ? (((-2.0) * x) * out) : (-out)) \
    X(tanh, 0, tanh(x), pow(op_sech(x), 2.0)) \
    X(sigmoid, 0, op_sigmoid(x), pow(0.5 * op_sech(0.5 * x), 2.0)) \
    X(relu, 1, op_relu(x), (out > 0.0) ? 1.0 : (0.0 * out)) \
    X(softplus, 0, op_softplus(x), op_sigmoid(x)) \
    X(erf, 0, erf(x), 1.1283791670955126 * op_gaussian(x))

#define BINARY_OPERATIONS(X) \
    X(add, 0, op_add(a, b), 1.0, 1.0) \
    X(subtract, 0, op_subtract(a, b), 1.0, -1.0) \
    X(multiply, 0, op_multiply(a, b), b, a) \
    X(divide, 0, op_divide(a, b), 1.0 / b, (-out) / b) \
    X(power, 0, op_power(a, b), slope_power_a(out, a, b), slope_power_b(out, a, b)) \
    X(maximum, 1, op_maximum(a, b), (a > b) ? 1.0 : ((a < b) ? 0.0 : ((a >= b) ? 0.5 : (0.0 * out))), slope_maximum_b(out, a, b)) \
    X(minimum, 1, op_minimum(a, b), (a < b) ? 1.0 : ((a > b) ? 0.0 : ((a >= b) ? 0.5 : (0.0 * out))), slope_minimum_b(out, a, b))

#define PARAMETRISED_OPERATIONS(X) \
    X(power, 0, op_power(a, b), slope_power_a(out, a, b)) \
    X(leaky_relu, 0, op_leaky_relu(a, b), (a > 0.0) ? 1.0 : ((a <= 0.0) ? b : (0.0 * out)))

#endif
