/* The module: what Python gives the engine at start, and the functions beside the type. */
#include "value.h"
#include "interpreter.h"

#ifdef Py_GIL_DISABLED
#error "autograd: the native engine is not tested on free-threaded builds of Python; the one in Python serves there."
#endif

#define NAME(name, ...) #name,
static const char *const operation_names[] = {UNARY_OPERATIONS(NAME) BINARY_OPERATIONS(NAME)};
static const char *const factory_names[] = {PARAMETRISED_OPERATIONS(NAME)};
#undef NAME
static const char *const leaf_names[] = {"plain", "constant", "detached"};

/* Fills `places` from a dict; the references are kept for good, as the type is. */
static int take(PyObject *dict, const char *const *names, PyObject **places, size_t count) {
    for (size_t i = 0; i < count; i++) {
        places[i] = PyDict_GetItemString(dict, names[i]);
        if (places[i] == NULL) {
            PyErr_Format(PyExc_RuntimeError,
                         "The native engine was built for other operations: there is no %s.\n"
                         "  Its table is printed from autograd/operations.py.\n"
                         "  Run: make generate, and install the package again.",
                         names[i]);
            return -1;
        }
        Py_INCREF(places[i]);
    }
    return 0;
}

static PyObject *build(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"operations", "factories", "leaves", "unusual", "apply", "as_float",
                            "watch_backward", "refuse_data", "refuse_backward", "equal", "compare", "read",
                            "general", "as_label", "refuse_node", "refuse_modulus", NULL};
    PyObject *operations, *factories, *leaves;
    (void)module;
    if (engine.type != NULL)
        return Py_NewRef(engine.type);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O!O!O!OOOOOOOOOOOO", names, &PyDict_Type, &operations,
                                     &PyDict_Type, &factories, &PyDict_Type, &leaves, &PyList_Type, &engine.unusual,
                                     &engine.apply, &engine.as_float, &engine.watch_backward, &engine.refuse_data,
                                     &engine.refuse_backward, &engine.equal, &engine.compare, &engine.read, &engine.general,
                                     &engine.as_label, &engine.refuse_node, &engine.refuse_modulus))
        return NULL;
    if (take(operations, operation_names, engine.operations, OPERATION_COUNT) < 0
        || take(factories, factory_names, engine.factories, PARAMETRISED_COUNT) < 0
        || take(leaves, leaf_names, engine.leaf_operations, 3) < 0)
        return NULL;
    engine.codes = PyDict_New();
    engine.labels = PyDict_New();
    engine.is_asked = PyUnicode_InternFromString("_apply");
    if (engine.codes == NULL || engine.labels == NULL || engine.is_asked == NULL)
        return NULL;
    for (long code = 0; code < OPERATION_COUNT; code++) {
        PyObject *number = PyLong_FromLong(code);
        if (number == NULL || PyDict_SetItem(engine.codes, engine.operations[code], number) < 0)
            return NULL;
        Py_DECREF(number);
    }
    Py_INCREF(engine.unusual), Py_INCREF(engine.apply), Py_INCREF(engine.as_float);
    Py_INCREF(engine.watch_backward), Py_INCREF(engine.refuse_data), Py_INCREF(engine.refuse_backward);
    Py_INCREF(engine.equal), Py_INCREF(engine.compare), Py_INCREF(engine.read);
    Py_INCREF(engine.general), Py_INCREF(engine.as_label);
    Py_INCREF(engine.refuse_node), Py_INCREF(engine.refuse_modulus);
    engine.type = make_type();
    return Py_XNewRef((PyObject *)engine.type);
}

static PyObject *leaf(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"data", "operation", "grad", "label", NULL};
    double data, grad = 0.0;
    PyObject *operation = Py_None, *label = NULL;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "d|OdO:new_leaf", names, &data, &operation, &grad, &label))
        return NULL;
    unsigned code = PLAIN;
    for (unsigned i = 0; i < 3; i++)
        if (operation == engine.leaf_operations[i])
            code = i;
    Value *node = new_leaf(data, code);
    if (node != NULL) {
        node->grad = grad;
        if (label != NULL && PyObject_SetAttrString((PyObject *)node, "label", label) < 0)
            Py_CLEAR(node);
    }
    return (PyObject *)node;
}

static PyObject *node(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"data", "operation", "parents", NULL};
    double data;
    PyObject *operation, *parents;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "dOO:new_node", names, &data, &operation, &parents))
        return NULL;
    return new_node(data, operation, parents);
}

static PyObject *order(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"root", "stop", NULL};
    PyObject *root, *stop = NULL;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|O:interior_order", names, engine.type, &root, &stop))
        return NULL;
    PyObject *none = stop ? Py_NewRef(stop) : PyTuple_New(0), *list = none ? interior_order(root, none) : NULL;
    Py_XDECREF(none);
    return list;
}

static PyObject *alive(PyObject *module, PyObject *ignored) {
    return (void)module, (void)ignored, PyLong_FromSsize_t(nodes_alive());
}

#define WITH_KEYWORDS(function) (PyCFunction)(void (*)(void))function, METH_VARARGS | METH_KEYWORDS
static PyMethodDef functions[] = {
    {"build", WITH_KEYWORDS(build), "The type Value, with the rows of the engine."},
    {"new_leaf", WITH_KEYWORDS(leaf), "As in autograd/value.py."},
    {"new_node", WITH_KEYWORDS(node), "As in autograd/value.py."},
    {"interior_order", WITH_KEYWORDS(order), "As in autograd/graph.py."},
    {"nodes_alive", alive, METH_NOARGS, "How many nodes there are."},
    {NULL},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, only_in_the_main_interpreter},
    ONE_INTERPRETER
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "autograd._native.core", "The engine in C: see autograd/value.py.", 0, functions,
    slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_core(void) { return PyModuleDef_Init(&definition); }
