/* The topological order and the backward pass, both without recursion and without a Python object for each node.

The order is that of autograd/graph.py, so that sums run in the same order and come out the same to the last bit. */
#include "value.h"

typedef struct {
    void **items;
    size_t count, room;
} Stack;

typedef struct {
    Value *leaf;
    double before; /* its grad, while the pass adds up in its place */
} Aside;

typedef struct {
    Aside *items;
    size_t count, room;
} Asides;

/* Buffers of a walk. One set is kept for the next walk; a walk inside of a walk makes its own. */
typedef struct {
    Stack path, order, general;
    Asides leaves;
    uint64_t meta; /* of all its interior nodes together: whether one of them selects */
} Walk;

static Walk spare;
static uint64_t walks; /* 48 bits: a thousand walks a second for 9,000 years */

#define KEEP (1u << 17) /* more than this is given back after a walk */

/* The items with more room, or NULL with a MemoryError, and then nothing has changed. */
static void *grown(void *items, size_t *room, size_t size) {
    size_t more = *room ? 2 * *room : 1024;
    items = PyMem_RawRealloc(items, more * size);
    if (items == NULL)
        PyErr_NoMemory();
    else
        *room = more;
    return items;
}

static inline int push(Stack *stack, void *item) {
    if (stack->count == stack->room) {
        void *items = grown(stack->items, &stack->room, sizeof *stack->items);
        if (items == NULL)
            return -1;
        stack->items = items;
    }
    stack->items[stack->count++] = item;
    return 0;
}

static inline int set_aside(Asides *leaves, Value *leaf) {
    if (leaves->count == leaves->room) {
        void *items = grown(leaves->items, &leaves->room, sizeof *leaves->items);
        if (items == NULL)
            return -1;
        leaves->items = items;
    }
    leaves->items[leaves->count++] = (Aside){leaf, leaf->grad};
    leaf->grad = 0.0;
    return 0;
}

static void put_back(const Asides *leaves) {
    for (size_t i = 0; i < leaves->count; i++)
        leaves->items[i].leaf->grad = leaves->items[i].before;
}

static inline void *pop(Stack *stack) { return stack->items[--stack->count]; }

static Walk start_walk(void) {
    Walk walk = spare;
    memset(&spare, 0, sizeof spare);
    return walk;
}

static void end_walk(Walk *walk) {
    size_t most = Py_MAX(Py_MAX(walk->path.room, walk->order.room), Py_MAX(walk->general.room, walk->leaves.room));
    walk->path.count = walk->order.count = walk->general.count = walk->leaves.count = 0, walk->meta = 0;
    if (spare.order.items == NULL && most <= KEEP) {
        spare = *walk;
        return;
    }
    PyMem_RawFree(walk->path.items);
    PyMem_RawFree(walk->order.items);
    PyMem_RawFree(walk->general.items);
    PyMem_RawFree(walk->leaves.items);
}

static inline void mark(Value *node, uint64_t walk) {
    node->meta = (node->meta & ((1u << MARK_SHIFT) - 1) & ~(uint64_t)REACHED) | walk << MARK_SHIFT;
}

/* In place of a tag on a node of the path: what is to be done when the walk comes back to it. */
enum { EMIT, LOOK_RIGHT, LOOK_ON };

static inline int leave(Walk *walk, Value *node, uintptr_t what) {
    return push(&walk->path, (void *)((uintptr_t)node | what));
}

/* Whether to go into a node: it is interior and was not seen in this walk. A pass sets aside what leaves have. */
static inline int enter(Walk *walk, Value *node, uint64_t number, int passing) {
    if (form_of(node) == LEAF) {
        /* Most leaves start from 0: what they add up is what they would be given at the end. */
        if (!passing || (node->grad == 0.0 && code_of(node) != CONSTANT) || node->meta >> MARK_SHIFT == number)
            return 0;
        mark(node, number);
        return set_aside(&walk->leaves, node);
    }
    if (node->meta >> MARK_SHIFT == number)
        return 0;
    mark(node, number);
    if (passing) {
        node->grad = 0.0;
        walk->meta |= node->meta;
    }
    return 1;
}

/* The interior nodes behind `root`, which is one of them, in depth-first postorder. */
static inline int sort(Walk *walk, Value *root, uint64_t number, int passing) {
    Value *node = root, *parent;
    Py_ssize_t i;
    int found;
    enter(walk, root, number, passing);
down:
    switch (form_of(node)) {
    case PAIR:
        parent = node->left;
        if ((found = enter(walk, parent, number, passing))) {
            if (found < 0 || leave(walk, node, LOOK_RIGHT) < 0)
                return -1;
            node = parent;
            goto down;
        }
    right:
        parent = node->right;
        goto last;
    case GENERAL:
        i = 0;
    on:
        for (; i < node->general->count; i++) {
            parent = node->general->parents[i];
            if ((found = enter(walk, parent, number, passing))) {
                if (found < 0 || push(&walk->path, (void *)(i + 1)) < 0 || leave(walk, node, LOOK_ON) < 0)
                    return -1;
                node = parent;
                goto down;
            }
        }
        if (push(&walk->general, node) < 0)
            return -1;
        break;
    default:
        parent = node->left;
    last:
        if ((found = enter(walk, parent, number, passing))) {
            if (found < 0 || leave(walk, node, EMIT) < 0)
                return -1;
            node = parent;
            goto down;
        }
    }
    for (;;) {
        if (push(&walk->order, node) < 0)
            return -1;
        if (walk->path.count == 0)
            return 0;
        uintptr_t top = (uintptr_t)pop(&walk->path);
        node = (Value *)(top & ~(uintptr_t)7);
        switch (top & 7) {
        case LOOK_RIGHT:
            goto right;
        case LOOK_ON:
            i = (Py_ssize_t)pop(&walk->path);
            goto on;
        }
    }
}

/* interior_order(root, stop): a list, parents before children, not going beyond the nodes in `stop`. */
PyObject *interior_order(PyObject *root, PyObject *stop) {
    uint64_t number = ++walks;
    PyObject *iterator = PyObject_GetIter(stop), *node;
    if (iterator == NULL)
        return NULL;
    while ((node = PyIter_Next(iterator)) != NULL) {
        if (is_value(node))
            mark((Value *)node, number);
        Py_DECREF(node);
    }
    Py_DECREF(iterator);
    if (PyErr_Occurred())
        return NULL;
    Value *value = (Value *)root;
    if (form_of(value) == LEAF || value->meta >> MARK_SHIFT == number)
        return PyList_New(0);
    Walk walk = start_walk();
    PyObject *list = NULL;
    if (sort(&walk, value, number, 0) == 0 && (list = PyList_New((Py_ssize_t)walk.order.count)) != NULL)
        for (size_t i = 0; i < walk.order.count; i++) {
            Py_INCREF(walk.order.items[i]);
            PyList_SET_ITEM(list, (Py_ssize_t)i, walk.order.items[i]);
        }
    end_walk(&walk);
    return list;
}

/* The partials of the nodes whose rule is Python's, one after the other in the order of the sort. */
static double *general_partials(const Stack *general) {
    size_t count = 0;
    for (size_t i = 0; i < general->count; i++)
        count += (size_t)((Value *)general->items[i])->general->count;
    double *partials = PyMem_RawMalloc((count + 1) * sizeof(double)), *next = partials;
    if (partials == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (size_t i = 0; i < general->count; i++) {
        Value *node = general->items[i];
        General *rule = node->general;
        PyObject *numbers = PyList_New(rule->count), *result = NULL, *found = NULL;
        for (Py_ssize_t k = 0; numbers != NULL && k < rule->count; k++) {
            PyObject *number = PyFloat_FromDouble(rule->parents[k]->data);
            if (number == NULL)
                Py_CLEAR(numbers);
            else
                PyList_SET_ITEM(numbers, k, number);
        }
        if (numbers != NULL)
            result = PyObject_CallMethod(rule->operation, "partials", "dO", node->data, numbers);
        if (result != NULL)
            found = PySequence_Fast(result, "partials returns a tuple");
        int failed = found == NULL || PySequence_Fast_GET_SIZE(found) != rule->count;
        for (Py_ssize_t k = 0; !failed && k < rule->count; k++) {
            PyObject *partial = PySequence_Fast_GET_ITEM(found, k), *number = PyFloat_CheckExact(partial)
                ? Py_NewRef(partial) : PyObject_CallOneArg(engine.as_float, partial);
            failed = number == NULL;
            if (!failed)
                *next++ = PyFloat_AS_DOUBLE(number);
            Py_XDECREF(number);
        }
        Py_XDECREF(numbers);
        Py_XDECREF(result);
        Py_XDECREF(found);
        if (failed) {
            PyMem_RawFree(partials);
            return NULL;
        }
    }
    return partials;
}

/* `marking`: whether some nodes of the graph select. Then a partial of 0 passes nothing on where it says so, and whoever
   is passed something is marked. */
#define PASS(selects, parent, slope)                                                                                   \
    do {                                                                                                               \
        const double partial = slope;                                                                                  \
        if (!(marking && (selects) && partial == 0.0)) {                                                               \
            (parent)->grad += adjoint * partial;                                                                       \
            if (marking)                                                                                               \
                (parent)->meta |= REACHED;                                                                             \
        }                                                                                                              \
    } while (0)

/* One step of the multivariate chain rule: v_bar += adjoint * d node / d v for each parent v. */
static ALWAYS_INLINE void pass_on(Value *node, const double **partials, const int marking) {
    const double adjoint = node->grad, out = node->data;
    (void)out;
    switch (kind_of(node)) {
#define CASE(name, selects, value, slope)                                                                              \
    case KIND(UNARY, OP_##name): {                                                                                     \
        const double x = node->left->data;                                                                             \
        (void)x;                                                                                                       \
        PASS(selects, node->left, slope);                                                                              \
        break;                                                                                                         \
    }
        UNARY_OPERATIONS(CASE)
#undef CASE
#define CASE(name, selects, value, slope)                                                                              \
    case KIND(PARAMETRISED, P_##name): {                                                                               \
        const double a = node->left->data, b = node->number;                                                           \
        PASS(selects, node->left, slope);                                                                              \
        break;                                                                                                         \
    }
        PARAMETRISED_OPERATIONS(CASE)
#undef CASE
#define CASE(name, selects, value, left_slope, right_slope)                                                            \
    case KIND(PAIR, OP_##name): {                                                                                      \
        const double a = node->left->data, b = node->right->data;                                                      \
        (void)a, (void)b;                                                                                              \
        PASS(selects, node->left, left_slope);                                                                         \
        PASS(selects, node->right, right_slope);                                                                       \
        break;                                                                                                         \
    }                                                                                                                  \
    case KIND(NUMBER_RIGHT, OP_##name): {                                                                              \
        const double a = node->left->data, b = node->number;                                                           \
        (void)a, (void)b;                                                                                              \
        PASS(selects, node->left, left_slope);                                                                         \
        break;                                                                                                         \
    }                                                                                                                  \
    case KIND(NUMBER_LEFT, OP_##name): {                                                                               \
        const double a = node->number, b = node->left->data;                                                           \
        (void)a, (void)b;                                                                                              \
        PASS(selects, node->left, right_slope);                                                                        \
        break;                                                                                                         \
    }
        BINARY_OPERATIONS(CASE)
#undef CASE
    default: /* GENERAL: its partials lie at the end of those that are left */
        *partials -= node->general->count;
        for (Py_ssize_t i = 0; i < node->general->count; i++)
            PASS(0, node->general->parents[i], (*partials)[i]);
    }
}

/* The pass over a sorted graph. Nothing of Python runs here: it is done whole, or was not begun. */
static void pass_back(Walk *walk, Value *root, double gradient, const double *partials) {
    root->grad = gradient;
    if (walk->meta & SELECTS || gradient == 0.0) {
        if (gradient != 0.0)
            root->meta |= REACHED;
        for (size_t i = walk->order.count; i-- > 0;) {
            Value *node = walk->order.items[i];
            if (node->meta & REACHED)
                pass_on(node, &partials, 1);
            else if (form_of(node) == GENERAL)
                partials -= node->general->count;
        }
    } else
        for (size_t i = walk->order.count; i-- > 0;)
            pass_on(walk->order.items[i], &partials, 0);
    for (size_t i = 0; i < walk->leaves.count; i++) {
        Value *leaf = walk->leaves.items[i].leaf;
        double before = walk->leaves.items[i].before;
        leaf->grad = kind_of(leaf) == KIND(LEAF, CONSTANT) ? before : before + leaf->grad;
    }
}

/* The same where Python has a say first; the leaves are as they were while it runs. It may go back through parts of this
   graph itself, which is another pass: what that left in interior nodes is no part of this one. */
static int pass_back_through_python(Walk *walk, Value *root, double gradient) {
    put_back(&walk->leaves);
    double *partials = general_partials(&walk->general);
    if (partials == NULL)
        return -1;
    const double *end = partials;
    for (size_t i = 0; i < walk->general.count; i++)
        end += ((Value *)walk->general.items[i])->general->count;
    for (size_t i = 0; i < walk->leaves.count; i++) {
        Aside *aside = &walk->leaves.items[i];
        aside->before = aside->leaf->grad;
        aside->leaf->grad = 0.0;
    }
    for (size_t i = 0; i < walk->order.count; i++) {
        Value *node = walk->order.items[i];
        node->grad = 0.0;
        node->meta &= ~(uint64_t)REACHED;
    }
    pass_back(walk, root, gradient, end);
    PyMem_RawFree(partials);
    return 0;
}

PyObject *value_backward(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"gradient", NULL};
    PyObject *given = NULL;
    double gradient = 1.0;
    Value *root = (Value *)self;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:backward", names, &given))
        return NULL;
    if (kind_of(root) == KIND(LEAF, DETACHED))
        return PyObject_CallOneArg(engine.refuse_backward, self);
    if (in_a_mode()) {
        PyObject *seen = PyObject_CallFunctionObjArgs(engine.watch_backward, self, given ? given : Py_None, NULL);
        if (seen == NULL)
            return NULL;
        Py_DECREF(seen);
    }
    if (given != NULL) {
        PyObject *number = PyObject_CallOneArg(engine.as_float, given);
        if (number == NULL)
            return NULL;
        gradient = PyFloat_AsDouble(number);
        Py_DECREF(number);
    }
    if (form_of(root) == LEAF) {
        if (code_of(root) == PLAIN)
            root->grad += gradient;
        Py_RETURN_NONE;
    }
    Walk walk = start_walk();
    int failed = sort(&walk, root, ++walks, 1) < 0;
    if (failed)
        put_back(&walk.leaves);
    else if (walk.general.count == 0)
        pass_back(&walk, root, gradient, NULL);
    else
        failed = pass_back_through_python(&walk, root, gradient) < 0;
    end_walk(&walk);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}
