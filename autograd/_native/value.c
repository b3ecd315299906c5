/* The type: how a node is made, read and written. What is slow or rare is Python's, in autograd/value.py. */
#include "value.h"

Engine engine;

/* ------------------------------------------------------------------ numbers */

/* The number of an operand that is no Value: 1, 0 where it is no number, -1 with an exception. */
static int as_double(PyObject *object, double *number) {
    if (PyFloat_CheckExact(object)) {
        *number = PyFloat_AS_DOUBLE(object);
        return 1;
    }
    if (PyLong_CheckExact(object)) {
        *number = PyLong_AsDouble(object);
        if (*number != -1.0 || !PyErr_Occurred())
            return 1;
        PyErr_Clear(); /* too large: as_float says so in its words */
    } else if (!PyFloat_Check(object) && PyObject_HasAttr((PyObject *)Py_TYPE(object), engine.is_asked))
        return 0; /* another kind of number, which answers itself: the placeholder of a trace */
    PyObject *found = PyObject_CallOneArg(engine.as_float, object);
    if (found == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_TypeError))
            return -1;
        PyErr_Clear();
        return 0;
    }
    *number = PyFloat_AsDouble(found);
    Py_DECREF(found);
    return 1;
}

/* The same for what has to be a number: -1 with as_float's TypeError. */
static int must_be_double(PyObject *object, double *number) {
    if (object == NULL) {
        PyErr_SetString(PyExc_AttributeError, "data and grad of a node cannot be deleted.\n"
                                              "  Every node has a number and a gradient.\n  Write v.grad = 0.0.");
        return -1;
    }
    if (PyFloat_CheckExact(object)) {
        *number = PyFloat_AS_DOUBLE(object);
        return 0;
    }
    PyObject *found = PyObject_CallOneArg(engine.as_float, object);
    if (found == NULL)
        return -1;
    *number = PyFloat_AsDouble(found);
    Py_DECREF(found);
    return 0;
}

/* ------------------------------------------------------------------ making nodes */

Value *new_leaf(double data, unsigned code) { return new_block(data, KIND(LEAF, code)); }

#define ENTRY(name, selects, ...) [OP_##name] = (selects) ? SELECTS : 0,
static const unsigned selecting[OPERATION_COUNT] = {UNARY_OPERATIONS(ENTRY) BINARY_OPERATIONS(ENTRY)};
#undef ENTRY

static inline PyObject *new_single(Form form, unsigned code, double data, Value *left, double number) {
    Value *node = new_block(data, KIND(form, code) | (form == PARAMETRISED ? 0 : selecting[code]));
    if (node == NULL)
        return NULL;
    node->left = (Value *)Py_NewRef(left);
    node->number = number;
    return (PyObject *)node;
}

static inline PyObject *new_pair(unsigned code, double data, Value *left, Value *right) {
    Value *node = new_block(data, KIND(PAIR, code) | selecting[code]);
    if (node == NULL)
        return NULL;
    node->left = (Value *)Py_NewRef(left);
    node->right = (Value *)Py_NewRef(right);
    return (PyObject *)node;
}

static PyObject *new_general(double data, PyObject *operation, PyObject *const *parents, Py_ssize_t count) {
    General *general = PyMem_Malloc(sizeof(General) + (size_t)count * sizeof(Value *));
    if (general == NULL)
        return PyErr_NoMemory();
    Value *node = new_block(data, KIND(GENERAL, 0));
    if (node == NULL) {
        PyMem_Free(general);
        return NULL;
    }
    general->operation = Py_NewRef(operation);
    general->count = count;
    for (Py_ssize_t i = 0; i < count; i++)
        general->parents[i] = (Value *)Py_NewRef(parents[i]);
    node->general = general;
    return (PyObject *)node;
}

/* Which parametrised operation this is, with its parameter; -1 for none, -2 with an exception. */
static int parametrised_code(PyObject *operation, double *parameter) {
    PyObject *factory = PyObject_GetAttrString(operation, "factory"), *original = NULL, *parameters = NULL;
    int code = -2;
    if (factory == NULL)
        return -2;
    if (factory != Py_None && (original = PyObject_GetAttrString(operation, "original")) != NULL
        && (parameters = PyObject_GetAttrString(operation, "parameters")) != NULL) {
        for (code = PARAMETRISED_COUNT - 1; code >= 0; code--)
            if (factory == engine.factories[code] && original == operation)
                break;
        if (code >= 0 && !PyArg_ParseTuple(parameters, "d", parameter))
            code = -2;
    } else if (factory == Py_None)
        code = -1;
    Py_DECREF(factory);
    Py_XDECREF(original);
    Py_XDECREF(parameters);
    return code;
}

/* Whether the operation takes so many parents: 1, 0, or -1 with an exception. */
static int has_arity(PyObject *operation, Py_ssize_t count) {
    PyObject *arity = PyObject_GetAttrString(operation, "arity");
    if (arity == NULL)
        return -1;
    Py_ssize_t number = arity == Py_None ? count : PyNumber_AsSsize_t(arity, NULL);
    Py_DECREF(arity);
    return number == -1 && PyErr_Occurred() ? -1 : number == count;
}

/* The node of a result that Python computed, of any operation on a sequence of Values. */
PyObject *new_node(double data, PyObject *operation, PyObject *sequence) {
    PyObject *node = NULL, *parents = PySequence_Fast(sequence, "parents are a sequence of Values");
    if (parents == NULL)
        return NULL;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(parents);
    PyObject **items = PySequence_Fast_ITEMS(parents), *found;
    int fits = PyObject_TypeCheck(operation, Py_TYPE(engine.operations[0]));
    for (Py_ssize_t i = 0; i < count; i++)
        fits = fits && is_value(items[i]);
    fits = fits ? has_arity(operation, count) : 0;
    if (fits <= 0) {
        if (fits == 0)
            node = PyObject_CallFunctionObjArgs(engine.refuse_node, operation, sequence, NULL);
        goto done;
    }
    double parameter;
    found = PyDict_GetItemWithError(engine.codes, operation);
    if (found == NULL && PyErr_Occurred())
        goto done;
    long code = found != NULL ? PyLong_AsLong(found) : -1;
    if (code >= 0 && code < UNARY_COUNT)
        node = new_single(UNARY, (unsigned)code, data, (Value *)items[0], 0.0);
    else if (code >= 0)
        node = new_pair((unsigned)code, data, (Value *)items[0], (Value *)items[1]);
    else if (count == 1 && (code = parametrised_code(operation, &parameter)) != -1)
        node = code < 0 ? NULL : new_single(PARAMETRISED, (unsigned)code, data, (Value *)items[0], parameter);
    else
        node = new_general(data, operation, items, count);
done:
    Py_DECREF(parents);
    return node;
}

/* ------------------------------------------------------------------ operations */

/* The way through Python: for errors with names in them, for modes, and where a result is not finite. */
static PyObject *apply(PyObject *operation, PyObject *first, PyObject *second) {
    if (operation == NULL)
        return NULL;
    PyObject *operands = second ? PyTuple_Pack(2, first, second) : PyTuple_Pack(1, first), *result = NULL;
    if (operands != NULL)
        result = PyObject_CallFunctionObjArgs(engine.apply, operation, operands, NULL);
    Py_XDECREF(operands);
    return result;
}

static PyObject *parametrised(unsigned code, double number) {
    return PyObject_CallFunction(engine.factories[code], "d", number);
}

static inline int usual(double result) { return result - result == 0.0 && !in_a_mode(); }

#define METHOD(name, selects, value, partial)                                                                          \
    static PyObject *method_##name(PyObject *self, PyObject *ignored) {                                                \
        const double x = ((Value *)self)->data, result = value;                                                        \
        (void)ignored;                                                                                                 \
        if (usual(result))                                                                                             \
            return new_single(UNARY, OP_##name, result, (Value *)self, 0.0);                                           \
        return apply(engine.operations[OP_##name], self, NULL);                                                        \
    }
UNARY_OPERATIONS(METHOD)
#undef METHOD

#define OPERATOR(name, selects, value, left_partial, right_partial)                                                    \
    static PyObject *operator_##name(PyObject *first, PyObject *second) {                                              \
        double a, b, result;                                                                                           \
        int found;                                                                                                     \
        if (is_value(first)) {                                                                                         \
            a = ((Value *)first)->data;                                                                                \
            if (is_value(second)) {                                                                                    \
                b = ((Value *)second)->data;                                                                           \
                result = value;                                                                                        \
                if (usual(result))                                                                                     \
                    return new_pair(OP_##name, result, (Value *)first, (Value *)second);                               \
            } else {                                                                                                   \
                if ((found = as_double(second, &b)) <= 0)                                                              \
                    return found < 0 ? NULL : Py_NewRef(Py_NotImplemented);                                            \
                result = value;                                                                                        \
                if (usual(result))                                                                                     \
                    return new_single(NUMBER_RIGHT, OP_##name, result, (Value *)first, b);                             \
            }                                                                                                          \
        } else {                                                                                                       \
            if ((found = as_double(first, &a)) <= 0)                                                                   \
                return found < 0 ? NULL : Py_NewRef(Py_NotImplemented);                                                \
            b = ((Value *)second)->data;                                                                               \
            result = value;                                                                                            \
            if (usual(result))                                                                                         \
                return new_single(NUMBER_LEFT, OP_##name, result, (Value *)second, a);                                 \
        }                                                                                                              \
        return apply(engine.operations[OP_##name], first, second);                                                     \
    }
BINARY_OPERATIONS(OPERATOR)
#undef OPERATOR

#define WITH_PARAMETER(name, selects, value, partial)                                                                  \
    static PyObject *parametrised_##name(PyObject *self, double b) {                                                   \
        const double a = ((Value *)self)->data, result = value;                                                        \
        if (usual(result))                                                                                             \
            return new_single(PARAMETRISED, P_##name, result, (Value *)self, b);                                       \
        PyObject *operation = parametrised(P_##name, b), *node = apply(operation, self, NULL);                         \
        Py_XDECREF(operation);                                                                                         \
        return node;                                                                                                   \
    }
PARAMETRISED_OPERATIONS(WITH_PARAMETER)
#undef WITH_PARAMETER

/* x**3 is an operation of x alone: no logarithm is taken for the derivative by a plain number. */
static PyObject *to_the_power(PyObject *first, PyObject *second, PyObject *modulus) {
    if (modulus != Py_None)
        return PyObject_CallNoArgs(engine.refuse_modulus);
    if (!is_value(first) || is_value(second))
        return operator_power(first, second);
    double exponent;
    int found = as_double(second, &exponent);
    if (found <= 0)
        return found < 0 ? NULL : Py_NewRef(Py_NotImplemented);
    return parametrised_power(first, exponent);
}

static PyObject *leaky_relu(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"slope", NULL};
    PyObject *given = NULL;
    double slope = 0.01;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:leaky_relu", names, &given))
        return NULL;
    if (given != NULL && must_be_double(given, &slope) < 0)
        return NULL;
    return parametrised_leaky_relu(self, slope);
}

typedef PyObject *(*Unary)(PyObject *, PyObject *);
typedef PyObject *(*Binary)(PyObject *, PyObject *);
#define ENTRY(name, ...) [OP_##name] = method_##name,
static const Unary unary[OPERATION_COUNT] = {UNARY_OPERATIONS(ENTRY)};
#undef ENTRY
#define ENTRY(name, ...) [OP_##name] = operator_##name,
static const Binary binary[OPERATION_COUNT] = {BINARY_OPERATIONS(ENTRY)};
#undef ENTRY

/* Value._apply(operation, operands): what calls of autograd.exp(v) and its like come to. */
static PyObject *value_apply(PyObject *ignored, PyObject *args) {
    PyObject *operation, *operands;
    (void)ignored;
    if (!PyArg_ParseTuple(args, "OO", &operation, &operands))
        return NULL;
    PyObject *found = PyDict_GetItemWithError(engine.codes, operation);
    if (found != NULL && PyTuple_CheckExact(operands)) {
        long code = PyLong_AsLong(found);
        Py_ssize_t count = PyTuple_GET_SIZE(operands);
        if (count == 1 && unary[code] != NULL && is_value(PyTuple_GET_ITEM(operands, 0)))
            return unary[code](PyTuple_GET_ITEM(operands, 0), NULL);
        if (count == 2 && binary[code] != NULL) {
            PyObject *first = PyTuple_GET_ITEM(operands, 0), *second = PyTuple_GET_ITEM(operands, 1);
            if (is_value(first) || is_value(second)) {
                PyObject *result = binary[code](first, second);
                if (result != Py_NotImplemented)
                    return result;
                Py_DECREF(result); /* Python says what is wrong with that operand */
            }
        }
    } else if (PyErr_Occurred())
        return NULL;
    return PyObject_CallFunctionObjArgs(engine.apply, operation, operands, NULL);
}

static PyObject *stop_gradient(PyObject *self, PyObject *ignored) {
    (void)ignored;
    Value *leaf = new_leaf(((Value *)self)->data, PLAIN);
    if (leaf != NULL && ((Value *)self)->meta & LABELLED) {
        PyObject *label = PyObject_GetAttrString(self, "label");
        if (label == NULL || PyObject_SetAttrString((PyObject *)leaf, "label", label) < 0)
            Py_CLEAR(leaf);
        Py_XDECREF(label);
    }
    return (PyObject *)leaf;
}

static PyObject *itself(PyObject *self) { return Py_NewRef(self); }
static PyObject *negated(PyObject *self) { return method_negative(self, NULL); }
static PyObject *magnitude(PyObject *self) { return method_absolute(self, NULL); }

/* Whether a number may be read: not while a function is traced, which would keep it for good. */
static int may_read(PyObject *self) {
    if (!in_a_mode())
        return 1;
    PyObject *nothing = PyObject_CallOneArg(engine.read, self);
    Py_XDECREF(nothing);
    return nothing != NULL;
}

static int nonzero(PyObject *self) { return may_read(self) ? ((Value *)self)->data != 0.0 : -1; }

static PyObject *compare(PyObject *self, PyObject *other, int operator) {
    if (operator == Py_EQ || operator == Py_NE) {
        if (is_value(other))
            Py_RETURN_NOTIMPLEMENTED; /* then Python compares by identity */
        return PyObject_CallFunctionObjArgs(engine.equal, self, other, NULL);
    }
    if (in_a_mode()) {
        static const char *const methods[] = {[Py_LT] = "__lt__", [Py_LE] = "__le__", [Py_GT] = "__gt__", [Py_GE] = "__ge__"};
        PyObject *result = PyObject_CallFunction(engine.compare, "OOs", self, other, methods[operator]);
        if (result != Py_NotImplemented)
            return result;
        Py_DECREF(result);
    }
    double a = ((Value *)self)->data, b;
    int found = 1;
    if (is_value(other))
        b = ((Value *)other)->data;
    else
        found = as_double(other, &b);
    if (found <= 0)
        return found < 0 ? NULL : Py_NewRef(Py_NotImplemented);
    Py_RETURN_RICHCOMPARE(a, b, operator);
}

static Py_hash_t hash(PyObject *self) { return PyBaseObject_Type.tp_hash(self); }

/* ------------------------------------------------------------------ what a node shows */

/* Gives a plain number among the parents a node of its own, for whoever asks for it, and keeps it from then on. */
static int show_number(Value *node) {
    Form form = form_of(node);
    if (form != NUMBER_LEFT && form != NUMBER_RIGHT)
        return 0;
    Value *constant = new_leaf(node->number, CONSTANT);
    if (constant == NULL)
        return -1;
    if (form == NUMBER_RIGHT)
        node->right = constant;
    else {
        node->right = node->left;
        node->left = constant;
    }
    node->meta = (node->meta & ~(uint64_t)KIND_MASK) | KIND(PAIR, code_of(node));
    return 0;
}

static PyObject *get_parents(PyObject *self, void *ignored) {
    Value *node = (Value *)self;
    (void)ignored;
    if (show_number(node) < 0)
        return NULL;
    switch (form_of(node)) {
    case LEAF:
        return PyTuple_New(0);
    case PAIR:
        return PyTuple_Pack(2, node->left, node->right);
    case GENERAL: {
        PyObject *parents = PyTuple_New(node->general->count);
        for (Py_ssize_t i = 0; parents != NULL && i < node->general->count; i++)
            PyTuple_SET_ITEM(parents, i, Py_NewRef(node->general->parents[i]));
        return parents;
    }
    default:
        return PyTuple_Pack(1, node->left);
    }
}

static PyObject *operation_of(Value *node) {
    switch (form_of(node)) {
    case LEAF:
        return Py_NewRef(engine.leaf_operations[code_of(node)]);
    case PARAMETRISED:
        return parametrised(code_of(node), node->number);
    case GENERAL:
        return Py_NewRef(node->general->operation);
    default:
        return Py_NewRef(engine.operations[code_of(node)]);
    }
}

static PyObject *get_operation(PyObject *self, void *ignored) { return (void)ignored, operation_of((Value *)self); }

static PyObject *get_is_leaf(PyObject *self, void *ignored) {
    return (void)ignored, PyBool_FromLong(form_of((Value *)self) == LEAF);
}

static PyObject *get_data(PyObject *self, void *unchecked) {
    return unchecked || may_read(self) ? PyFloat_FromDouble(((Value *)self)->data) : NULL;
}

static int set_data(PyObject *self, PyObject *number, void *ignored) {
    (void)ignored;
    if (form_of((Value *)self) != LEAF) {
        PyObject *nothing = PyObject_CallOneArg(engine.refuse_data, self);
        Py_XDECREF(nothing);
        return -1;
    }
    return must_be_double(number, &((Value *)self)->data);
}

static PyObject *get_grad(PyObject *self, void *unchecked) {
    return unchecked || may_read(self) ? PyFloat_FromDouble(((Value *)self)->grad) : NULL;
}

static int set_grad(PyObject *self, PyObject *number, void *ignored) {
    return (void)ignored, must_be_double(number, &((Value *)self)->grad);
}

static PyObject *get_label(PyObject *self, void *ignored) {
    (void)ignored;
    if (!(((Value *)self)->meta & LABELLED))
        return PyUnicode_FromStringAndSize(NULL, 0);
    PyObject *key = PyLong_FromVoidPtr(self), *label = key ? PyDict_GetItemWithError(engine.labels, key) : NULL;
    Py_XDECREF(key);
    return Py_XNewRef(label);
}

static int set_label(PyObject *self, PyObject *label, void *ignored) {
    (void)ignored;
    Value *node = (Value *)self;
    if (label == NULL)
        label = Py_None;
    /* Exactly a str: nothing that could lead back to the node. */
    PyObject *text = PyUnicode_CheckExact(label) ? Py_NewRef(label) : PyObject_CallOneArg(engine.as_label, label);
    if (text == NULL)
        return -1;
    PyObject *key = PyLong_FromVoidPtr(self);
    int failed = key == NULL;
    if (!failed && PyUnicode_GET_LENGTH(text) != 0) {
        failed = PyDict_SetItem(engine.labels, key, text) < 0;
        if (!failed)
            node->meta |= LABELLED;
    } else if (!failed && node->meta & LABELLED) {
        failed = PyDict_DelItem(engine.labels, key) < 0;
        node->meta &= ~(uint64_t)LABELLED;
    }
    Py_XDECREF(key);
    Py_DECREF(text);
    return failed ? -1 : 0;
}

/* ------------------------------------------------------------------ the type */

/* Value(data) and Value(data, label); all other forms are Python's. */
static PyObject *make(PyObject *number, PyObject *children, PyObject *local_grads, PyObject *label) {
    double data;
    if (must_be_double(number, &data) < 0)
        return NULL;
    if (local_grads != NULL || label != NULL || (children != NULL && !PyUnicode_CheckExact(children)))
        return PyObject_CallFunction(engine.general, "dOOO", data, children ? children : Py_None,
                                     local_grads ? local_grads : Py_None, label ? label : Py_None);
    PyObject *leaf = (PyObject *)new_leaf(data, PLAIN);
    if (leaf != NULL && children != NULL && set_label(leaf, children, NULL) < 0)
        Py_CLEAR(leaf);
    return leaf;
}

static PyObject *value_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"data", "children", "local_grads", "label", NULL};
    PyObject *data, *children = NULL, *local_grads = NULL, *label = NULL;
    (void)type;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OO$O:Value", names, &data, &children, &local_grads, &label))
        return NULL;
    if (children == NULL && label != NULL && PyUnicode_CheckExact(label))
        return make(data, label, local_grads, NULL);
    return make(data, children, local_grads, label);
}

/* Value(2.0) and Value(2.0, "x") without a tuple of arguments; other calls go the general way. */
static PyObject *value_vectorcall(PyObject *type, PyObject *const *args, size_t flags, PyObject *names) {
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    if (names == NULL && (count == 1 || count == 2))
        return make(args[0], count == 2 ? args[1] : NULL, NULL, NULL);
    PyObject *tuple = PyTuple_New(count), *keywords = NULL, *node = NULL;
    if (tuple != NULL && (names == NULL || (keywords = PyDict_New()) != NULL)) {
        for (Py_ssize_t i = 0; i < count; i++)
            PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
        int failed = 0;
        for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names) && !failed; i++)
            failed = PyDict_SetItem(keywords, PyTuple_GET_ITEM(names, i), args[count + i]) < 0;
        if (!failed)
            node = value_new((PyTypeObject *)type, tuple, keywords);
    }
    Py_XDECREF(tuple);
    Py_XDECREF(keywords);
    return node;
}

#define ENTRY(name, ...) {#name, method_##name, METH_NOARGS, NULL},
static PyMethodDef methods[] = {
    UNARY_OPERATIONS(ENTRY)
    {"leaky_relu", (PyCFunction)(void (*)(void))leaky_relu, METH_VARARGS | METH_KEYWORDS, "x for x > 0, else slope x."},
    {"backward", (PyCFunction)(void (*)(void))value_backward, METH_VARARGS | METH_KEYWORDS, NULL},
    {"_apply", value_apply, METH_VARARGS | METH_STATIC, NULL},
    {"_stop_gradient", stop_gradient, METH_NOARGS, NULL},
    {NULL},
};
#undef ENTRY

static PyGetSetDef attributes[] = {
    {"data", get_data, set_data, NULL, NULL},
    {"_data", get_data, NULL, "The same, also while a function is traced.", "unchecked"},
    {"grad", get_grad, set_grad, NULL, NULL},
    {"_grad", get_grad, NULL, "The same, also while a function is traced.", "unchecked"},
    {"label", get_label, set_label, NULL, NULL},
    {"parents", get_parents, NULL, NULL, NULL},
    {"_prev", get_parents, NULL, NULL, NULL},
    {"operation", get_operation, NULL, NULL, NULL},
    {"is_leaf", get_is_leaf, NULL, NULL, NULL},
    {NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, value_dealloc},
    {Py_tp_new, value_new},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_richcompare, compare},
    {Py_tp_hash, hash},
    {Py_nb_add, operator_add},
    {Py_nb_subtract, operator_subtract},
    {Py_nb_multiply, operator_multiply},
    {Py_nb_true_divide, operator_divide},
    {Py_nb_power, to_the_power},
    {Py_nb_negative, negated},
    {Py_nb_positive, itself},
    {Py_nb_absolute, magnitude},
    {Py_nb_bool, nonzero},
    {0, NULL},
};

/* It may be named as a base class, so that autograd/node.py can say why it must not. */
static PyType_Spec specification = {
    "autograd.value.Value", sizeof(Value), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots,
};

PyTypeObject *make_type(void) {
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(&specification);
    if (type != NULL)
        type->tp_vectorcall = value_vectorcall;
    return type;
}
