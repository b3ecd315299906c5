/* The module: a type Program, which runs what autograd/compiler/program.py wrote. See there for what it means. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "../interpreter.h"
#include "program.h"

#ifdef Py_GIL_DISABLED
#error "autograd: compiled tapes are not tested on free-threaded builds of Python; those in Python serve there."
#endif

typedef struct {
    PyObject_HEAD
    Program program;
    const Kernels *kernels;
    Workspace work;
    int ready, busy; /* whether there is a workspace, and whether a run uses it */
} Compiled;

static PyObject *compiled_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"program", "kernels", NULL};
    Py_buffer bytes;
    const char *asked = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "y*|z:Program", names, &bytes, &asked))
        return NULL;
    Compiled *self = (Compiled *)type->tp_alloc(type, 0);
    if (self != NULL) {
        const char *fault = read_program(&self->program, bytes.buf, (size_t)bytes.len);
        self->kernels = best_kernels(asked);
        if (fault != NULL && *fault == 0)
            PyErr_NoMemory();
        else if (fault != NULL)
            PyErr_SetString(PyExc_ValueError, fault);
        else if (self->kernels == NULL)
            PyErr_Format(PyExc_ValueError, "this processor has no kernels %s", asked);
        if (PyErr_Occurred())
            Py_CLEAR(self);
    }
    PyBuffer_Release(&bytes);
    return (PyObject *)self;
}

static void compiled_dealloc(PyObject *self) {
    Compiled *compiled = (Compiled *)self;
    if (compiled->ready)
        end_workspace(&compiled->work);
    forget_program(&compiled->program);
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

/* ------------------------------------------------------------------ what a run is given */

typedef struct {
    Py_buffer parameters, input, output, index;
    Job job;
} Given;

static void give_back(Given *given) {
    PyBuffer_Release(&given->parameters), PyBuffer_Release(&given->input);
    PyBuffer_Release(&given->output), PyBuffer_Release(&given->index);
}

/* A table of doubles with so many columns; without an object it is empty. */
static int take_table(PyObject *object, Py_buffer *buffer, Table *table, int32_t columns, int flags, Py_ssize_t *rows) {
    if (object == NULL || object == Py_None)
        return 0;
    if (PyObject_GetBuffer(object, buffer, PyBUF_STRIDES | PyBUF_FORMAT | flags) < 0)
        return -1;
    if (buffer->ndim != 2 || strcmp(buffer->format, "d") != 0 || buffer->shape[1] != columns
        || (*rows >= 0 && buffer->shape[0] != *rows)) {
        PyErr_Format(PyExc_ValueError, "a table of doubles with %d columns was expected", (int)columns);
        return -1;
    }
    *rows = buffer->shape[0];
    *table = (Table){buffer->buf, buffer->strides[0], buffer->strides[1]};
    return 0;
}

/* Without an index all rows are meant; in place of one, a number is how many: those behind them pad the last vector. */
static int take_index(PyObject *object, Given *given, Py_ssize_t rows) {
    given->job.rows = rows < 0 ? 0 : rows;
    if (object == NULL || object == Py_None)
        return 0;
    if (PyLong_Check(object)) {
        const int64_t count = PyLong_AsLongLong(object);
        if (count < 0 || (count + WIDEST - 1) / WIDEST * WIDEST > given->job.rows) {
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_ValueError, "the last vector is not padded");
            return -1;
        }
        given->job.rows = count, given->job.padded = 1;
        return 0;
    }
    if (PyObject_GetBuffer(object, &given->index, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0)
        return -1;
    const int64_t *index = given->index.buf;
    given->job.index = index, given->job.rows = given->index.len / 8;
    if (given->index.itemsize != 8 || (*given->index.format != 'l' && *given->index.format != 'q')) {
        PyErr_SetString(PyExc_ValueError, "an index of 64-bit numbers was expected");
        return -1;
    }
    for (int64_t k = 0; k < given->job.rows; k++)
        if (index[k] < 0 || index[k] >= rows) {
            PyErr_SetString(PyExc_IndexError, "there is no such row");
            return -1;
        }
    return 0;
}

static int take(const Program *p, PyObject *parameters, PyObject *input, PyObject *output, PyObject *index, Given *given) {
    Py_ssize_t rows = p->inputs == 0 ? 0 : -1, written = -1;
    if (PyObject_GetBuffer(parameters, &given->parameters, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0)
        return -1;
    if (given->parameters.len != 8 * (Py_ssize_t)p->parameters || strcmp(given->parameters.format, "d") != 0) {
        PyErr_Format(PyExc_ValueError, "%d parameters were expected", (int)p->parameters);
        return -1;
    }
    if (p->inputs == 0 && input != Py_None && input != NULL)
        rows = -1;
    if (take_table(input, &given->input, &given->job.input, p->inputs, 0, &rows) < 0
        || take_index(index, given, rows) < 0)
        return -1;
    if (p->outputs > 0) {
        if (take_table(output, &given->output, &given->job.output, p->outputs, PyBUF_WRITABLE, &written) < 0)
            return -1;
        if (written != given->job.rows) {
            PyErr_SetString(PyExc_ValueError, "a table for the outputs of each row was expected");
            return -1;
        }
    }
    return 0;
}

/* The program's own workspace, or `other` while that is in use. */
static Workspace *take_workspace(Compiled *self, Workspace *other) {
    if (self->busy) {
        if (start_workspace(other, &self->program, self->kernels) == 0)
            return other;
        end_workspace(other);
    } else {
        if (!self->ready)
            self->ready = start_workspace(&self->work, &self->program, self->kernels) == 0;
        if (self->ready) {
            self->busy = 1;
            return &self->work;
        }
        end_workspace(&self->work);
    }
    PyErr_NoMemory();
    return NULL;
}

static void leave_workspace(Compiled *self, Workspace *work) {
    if (work == &self->work)
        self->busy = 0;
    else
        end_workspace(work);
}

/* ------------------------------------------------------------------ runs */

static PyObject *compiled_run(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"parameters", "input", "output", "index", "weight", "threads", NULL};
    Compiled *self = (Compiled *)object;
    PyObject *parameters, *input = NULL, *output = NULL, *index = NULL, *results = NULL;
    Given given = {.job = {.weight = 1.0, .threads = 1}};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OOOdi:run", names, &parameters, &input, &output, &index,
                                     &given.job.weight, &given.job.threads))
        return NULL;
    Workspace other, *work = NULL;
    if (take(&self->program, parameters, input, output, index, &given) == 0
        && (work = take_workspace(self, &other)) != NULL) {
        memcpy(parameters_of(work), given.parameters.buf, (size_t)given.parameters.len);
        int failed;
        Py_BEGIN_ALLOW_THREADS
        forget_exceptions();
        failed = run_program(work, &given.job);
        Py_END_ALLOW_THREADS
        results = failed ? PyErr_NoMemory() : PyList_New(self->program.results);
        for (int32_t k = 0; results != NULL && k < self->program.results; k++) {
            PyObject *number = PyFloat_FromDouble(result_of(work, k));
            if (number == NULL)
                Py_CLEAR(results);
            else
                PyList_SET_ITEM(results, k, number);
        }
        if (results != NULL)
            Py_SETREF(results, PyTuple_Pack(3, results, work->nonfinite ? Py_False : Py_True,
                                            work->raised ? Py_True : Py_False));
        leave_workspace(self, work);
    }
    give_back(&given);
    return results;
}

/* train(parameters, input, index, state, settings, progress, losses, norms, gradients, ...): see autograd/compiler/training.py. */
static PyObject *compiled_train(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"parameters", "input", "index", "rule", "settings", "state", "steps", "started",
                            "batch", "mean", "epochs", "at", "totals", "tolerance", "waited", "patience", "losses",
                            "norms", "gradients", "seconds", "threads", "careful", NULL};
    Compiled *self = (Compiled *)object;
    const Program *p = &self->program;
    PyObject *parameters, *input, *index, *found = NULL;
    Py_buffer settings = {0}, state = {0}, totals = {0}, losses = {0}, norms = {0}, gradients = {0};
    Given given = {.job = {.threads = 1}};
    Optimizer o = {0};
    Training training = {0};
    int rule;
    long long steps, batch, epochs, at, waited, patience;
    double seconds;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOiy*w*LiLpLLw*dLLw*w*w*dip:train", names, &parameters, &input, &index,
                                     &rule, &settings, &state, &steps, &o.started, &batch, &training.mean, &epochs, &at,
                                     &totals, &training.tolerance, &waited, &patience, &losses, &norms, &gradients,
                                     &seconds, &given.job.threads, &training.careful))
        goto done;
    const int64_t states = rule == SGD ? 1 : 3;
    const double *setting = settings.buf;
    const int32_t first = p->results - p->parameters; /* of the gradients: 2, or 3 where it is said what raises */
    int consecutive = p->parameters > 0 && (first == 2 || first == 3);
    for (int32_t k = 1; consecutive && k < p->parameters; k++)
        consecutive = p->result[first + k] == p->result[first] + k;
    if (!consecutive || p->outputs != 0 || settings.len != 9 * 8 || totals.len != 3 * 8 || rule < SGD || rule > ADAMW
        || state.len != states * p->parameters * 8 || gradients.len != 8 * (Py_ssize_t)p->parameters || batch < 1
        || epochs < 1 || losses.len != epochs * 8 || norms.len != epochs * 8 || at < 0) {
        PyErr_SetString(PyExc_ValueError, "this program cannot be trained with these buffers");
        goto done;
    }
    Workspace other, *work = NULL;
    if (take(p, parameters, input, NULL, index, &given) < 0)
        goto done;
    if (given.job.rows < 1 || at >= given.job.rows) {
        PyErr_SetString(PyExc_ValueError, "there are no rows to train on");
        goto done;
    }
    if ((work = take_workspace(self, &other)) == NULL)
        goto done;
    o.rule = (Rule)rule, o.state = state.buf, o.steps = steps;
    o.lr = setting[0], o.momentum = setting[1], o.dampening = setting[2], o.weight_decay = setting[3];
    o.nesterov = setting[4] != 0.0, o.beta1 = setting[5], o.beta2 = setting[6], o.eps = setting[7];
    o.amsgrad = setting[8] != 0.0;
    double *total = totals.buf;
    training.batch = batch, training.at = at, training.total = total[0], training.norms = total[1];
    training.best = total[2], training.waited = waited, training.patience = patience;
    training.losses = losses.buf, training.gradient_norms = norms.buf;
    memcpy(parameters_of(work), given.parameters.buf, (size_t)given.parameters.len);
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = train(work, &given.job, &o, &training, epochs, seconds);
    Py_END_ALLOW_THREADS
    memcpy(given.parameters.buf, parameters_of(work), (size_t)given.parameters.len);
    memcpy(gradients.buf, work->uniform + p->result[first], (size_t)gradients.len);
    total[0] = training.total, total[1] = training.norms, total[2] = training.best;
    leave_workspace(self, work);
    found = failed ? PyErr_NoMemory()
                   : Py_BuildValue("LLLiLiii", (long long)training.epochs, (long long)training.at, (long long)o.steps,
                                   o.started, (long long)training.waited, training.converged, training.diverged, training.stopped);
done:
    give_back(&given);
    PyBuffer_Release(&settings), PyBuffer_Release(&state), PyBuffer_Release(&totals);
    PyBuffer_Release(&losses), PyBuffer_Release(&norms), PyBuffer_Release(&gradients);
    return found;
}

/* ------------------------------------------------------------------ the type and the module */

#define WITH_KEYWORDS(function) (PyCFunction)(void (*)(void))function, METH_VARARGS | METH_KEYWORDS
static PyMethodDef methods[] = {
    {"run", WITH_KEYWORDS(compiled_run),
     "Run over the rows: the results as a list, whether all outputs are finite, whether an operation may have raised."},
    {"train", WITH_KEYWORDS(compiled_train), "Run steps of an optimiser, epoch by epoch."},
    {NULL},
};

static PyObject *get_kernels(PyObject *self, void *ignored) {
    return (void)ignored, PyUnicode_FromString(((Compiled *)self)->kernels->name);
}

static PyGetSetDef attributes[] = {{"kernels", get_kernels, NULL, "The instruction set in use.", NULL}, {NULL}};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, compiled_dealloc}, {Py_tp_new, compiled_new},      {Py_tp_methods, methods},
    {Py_tp_getset, attributes},        {Py_tp_doc, "A program of autograd/compiler/program.py."}, {0, NULL},
};

static PyType_Spec specification = {"autograd._native.tapes.Program", sizeof(Compiled), 0, Py_TPFLAGS_DEFAULT, slots};

#define NAME(name, ...) #name,
static const char *const operations[] = {
    UNARY_OPERATIONS(NAME) BINARY_OPERATIONS(NAME)
    "less", "less_equal", "greater", "greater_equal", "equal", "unequal", "where", "multiply_add", "multiply_subtract",
    "subtract_product", "relu_slope", "tanh_slope", "sigmoid_slope", "sum", "dot", "affine", "transposed", "outer", "row_sum", "row_dot",
    "sin_cos", "erf_gaussian",
};
#undef NAME

static int fill(PyObject *module) {
    if (only_in_the_main_interpreter(module) < 0)
        return -1;
    PyObject *type = PyType_FromSpec(&specification), *names = PyTuple_New(OPERATION_COUNT);
    int failed = type == NULL || names == NULL;
    for (int k = 0; !failed && k < OPERATION_COUNT; k++) {
        PyObject *name = PyUnicode_FromString(operations[k]);
        if (name == NULL)
            failed = 1;
        else
            PyTuple_SET_ITEM(names, k, name);
    }
    failed = failed || PyModule_AddObjectRef(module, "Program", type) < 0
             || PyModule_AddObjectRef(module, "OPERATIONS", names) < 0
             || PyModule_AddIntConstant(module, "VERSION", VERSION) < 0;
    Py_XDECREF(type), Py_XDECREF(names);
    return failed ? -1 : 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, fill},
    ONE_INTERPRETER
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "autograd._native.tapes", "Compiled tapes in C: see autograd/compiler.", 0,
    NULL, module_slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_tapes(void) { return PyModuleDef_Init(&definition); }
