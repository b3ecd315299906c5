/* The extensions keep their types and tables in static variables, for one interpreter: in any other one Python serves.
   Include it behind Python.h. */
#ifndef AUTOGRAD_INTERPRETER_H
#define AUTOGRAD_INTERPRETER_H

static int only_in_the_main_interpreter(PyObject *module) {
    (void)module;
    if (PyInterpreterState_Get() == PyInterpreterState_Main())
        return 0;
    PyErr_SetString(PyExc_ImportError, "autograd: the engine in C is for the main interpreter; in others Python's serves.");
    return -1;
}

#ifdef Py_mod_multiple_interpreters /* Python 3.12 asks beforehand, but not for all kinds of interpreters */
#define ONE_INTERPRETER {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#else
#define ONE_INTERPRETER
#endif

#endif
