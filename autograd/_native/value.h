/* The node: 56 bytes, outside of the cyclic collector, with plain numbers kept in place of a node of their own. */
#ifndef AUTOGRAD_VALUE_H
#define AUTOGRAD_VALUE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#include "ieee.h"
#include "operations.h"

#ifdef _MSC_VER
#define ALWAYS_INLINE __forceinline
#else
#define ALWAYS_INLINE inline __attribute__((always_inline))
#endif

typedef struct Value Value;

/* What does not fit into a node: more than two parents, or an operation that has no row. */
typedef struct {
    PyObject *operation;
    Py_ssize_t count;
    Value *parents[];
} General;

struct Value {
    PyObject_HEAD
    double data;
    union {
        double grad;
        Value *next; /* of a node that is being freed */
    };
    Value *left; /* the only Value of a node with one, whichever side it stands on */
    union {
        Value *right;
        double number;
        General *general;
    };
    uint64_t meta; /* visited << 16 | REACHED | SELECTS | LABELLED | kind */
};

typedef enum {
    LEAF,         /* code: what kind of leaf */
    UNARY,        /* f(left) */
    PARAMETRISED, /* f(left), with the parameter `number` */
    PAIR,         /* f(left, right) */
    NUMBER_RIGHT, /* f(left, number) */
    NUMBER_LEFT,  /* f(number, left) */
    GENERAL,
} Form;

enum { PLAIN, CONSTANT, DETACHED }; /* leaves */

#define CODE(name, ...) OP_##name,
enum { UNARY_OPERATIONS(CODE) UNARY_COUNT, LAST_UNARY = UNARY_COUNT - 1, BINARY_OPERATIONS(CODE) OPERATION_COUNT };
#undef CODE
#define CODE(name, ...) P_##name,
enum { PARAMETRISED_OPERATIONS(CODE) PARAMETRISED_COUNT };
#undef CODE

#define KIND(form, code) ((unsigned)(form) << 8 | (unsigned)(code))
#define KIND_MASK 0x7ffu
#define LABELLED 0x800u
#define SELECTS 0x1000u /* a partial of 0 says that the parent was not selected, and nothing is passed on to it */
#define REACHED 0x2000u /* in a pass over such nodes: a child has passed something on */
#define MARK_SHIFT 16

static inline unsigned kind_of(const Value *node) { return (unsigned)(node->meta & KIND_MASK); }
static inline Form form_of(const Value *node) { return (Form)((node->meta & KIND_MASK) >> 8); }
static inline unsigned code_of(const Value *node) { return (unsigned)(node->meta & 0xff); }

/* What Python gives at start, see autograd/_native/binding.py. It is kept for good, as the type is. */
typedef struct {
    PyTypeObject *type;
    PyObject *operations[OPERATION_COUNT];
    PyObject *factories[PARAMETRISED_COUNT];
    PyObject *leaf_operations[3];
    PyObject *codes;   /* {operation: its code} */
    PyObject *unusual; /* the list of modes that are set in any thread */
    PyObject *apply, *as_float, *watch_backward, *refuse_data, *refuse_backward, *equal, *compare, *read;
    PyObject *general, *as_label, *refuse_node, *refuse_modulus;
    PyObject *labels;   /* {address: label}; few nodes have one */
    PyObject *is_asked; /* "_apply", the method of what takes part in operations, see autograd/dispatch.py */
} Engine;

extern Engine engine;

static inline int is_value(PyObject *object) { return Py_TYPE(object) == engine.type; }
static inline int in_a_mode(void) { return PyList_GET_SIZE(engine.unusual) != 0; }

/* memory.c */
Value *new_block(double data, unsigned kind);
void release(Value *node);
Py_ssize_t nodes_alive(void);
void value_dealloc(PyObject *self);

/* value.c */
Value *new_leaf(double data, unsigned code);
PyObject *new_node(double data, PyObject *operation, PyObject *parents);
PyTypeObject *make_type(void);

/* backward.c */
PyObject *value_backward(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *interior_order(PyObject *root, PyObject *stop);

#endif
