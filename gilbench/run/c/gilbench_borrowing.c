/* A small extension in the style of Python 2: borrowed references, manual Py_INCREF and Py_DECREF, a counter in a
 * static variable, and no lock, since the GIL protects all of these.
 *
 * It is compiled unchanged, with GILBENCH_OPT_IN (it declares that it needs no GIL), and with Py_LIMITED_API.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifndef GILBENCH_MODULE
#define GILBENCH_MODULE gilbench_borrowing
#endif
#define TEXT(name) #name
#define NAME(name) TEXT(name)
#define JOIN(left, right) left##right
#define INIT(prefix, name) JOIN(prefix, name)

static long calls = 0;

/* The longest item of a list: a borrowed reference, which becomes an owned reference before it is returned. */
static PyObject *
longest(PyObject *self, PyObject *list)
{
    PyObject *found = NULL;
    Py_ssize_t most = -1, index;
    (void)self;
    calls++;
    if (!PyList_Check(list)) {
        PyErr_SetString(PyExc_TypeError, "expected a list");
        return NULL;
    }
    for (index = 0; index < PyList_Size(list); index++) {
        PyObject *item = PyList_GetItem(list, index); /* borrowed */
        Py_ssize_t length = item == NULL ? -1 : PyObject_Size(item);
        if (length < 0)
            return NULL;
        if (length > most) {
            most = length;
            found = item;
        }
    }
    if (found == NULL)
        found = Py_None;
    Py_INCREF(found);
    return found;
}

/* A reversed list: PyList_SetItem steals the reference. */
static PyObject *
reversed_copy(PyObject *self, PyObject *list)
{
    Py_ssize_t size = PyList_Size(list), index;
    PyObject *copy;
    (void)self;
    calls++;
    if (size < 0 || (copy = PyList_New(size)) == NULL)
        return NULL;
    for (index = 0; index < size; index++) {
        PyObject *item = PyList_GetItem(list, size - 1 - index); /* borrowed */
        if (item == NULL) {
            Py_DECREF(copy);
            return NULL;
        }
        Py_INCREF(item);
        PyList_SetItem(copy, index, item);
    }
    return copy;
}

/* A value of a dict, or None: PyDict_GetItem returns a borrowed reference. */
static PyObject *
lookup(PyObject *self, PyObject *arguments)
{
    PyObject *dict, *key, *found;
    (void)self;
    calls++;
    if (!PyArg_ParseTuple(arguments, "OO", &dict, &key))
        return NULL;
    found = PyDict_GetItem(dict, key); /* borrowed */
    if (found == NULL)
        found = Py_None;
    Py_INCREF(found);
    return found;
}

static PyMethodDef methods[] = {
    {"longest", longest, METH_O, NULL},
    {"reversed_copy", reversed_copy, METH_O, NULL},
    {"lookup", lookup, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

#if PY_MAJOR_VERSION < 3
PyMODINIT_FUNC
INIT(init, GILBENCH_MODULE)(void)
{
    Py_InitModule(NAME(GILBENCH_MODULE), methods);
}
#elif defined(GILBENCH_OPT_IN)
static PyModuleDef_Slot slots[] = {
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, NAME(GILBENCH_MODULE), NULL, 0, methods, slots, NULL, NULL, NULL,
};
PyMODINIT_FUNC
INIT(PyInit_, GILBENCH_MODULE)(void)
{
    return PyModuleDef_Init(&definition);
}
#else
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, NAME(GILBENCH_MODULE), NULL, -1, methods, NULL, NULL, NULL, NULL,
};
PyMODINIT_FUNC
INIT(PyInit_, GILBENCH_MODULE)(void)
{
    return PyModule_Create(&definition);
}
#endif
