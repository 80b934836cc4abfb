/* A program that is not named Python, with an interpreter inside: two threads of its own run Python code for 3 s
   each, and the main thread waits for them without the GIL. It prints for how many seconds each of the two could have
   run but had no CPU. */
#define _GNU_SOURCE
#include <Python.h>
#include <pthread.h>
#include <stdio.h>

static const char *script =
    "import time\n"
    "def tick(seconds):\n"
    "    end = time.perf_counter() + seconds\n"
    "    while time.perf_counter() < end:\n"
    "        sum(range(1000))\n";
static unsigned long long ready[2]; /* ns */

static void *
strand(void *number)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *tick = PyObject_GetAttrString(PyImport_AddModule("__main__"), "tick");
    PyObject *done = PyObject_CallFunction(tick, "d", 3.0);
    Py_XDECREF(done);
    Py_XDECREF(tick);
    PyGILState_Release(state);
    FILE *counts = fopen("/proc/thread-self/schedstat", "r");
    if (counts == NULL || fscanf(counts, "%*u %llu", &ready[(long)number]) != 1) {
        abort();
    }
    fclose(counts);
    return NULL;
}

int
main(void)
{
    pthread_t threads[2];
    Py_Initialize();
    PyRun_SimpleString(script);
    PyThreadState *state = PyEval_SaveThread();
    for (long number = 0; number < 2; number++) {
        char name[16];
        snprintf(name, sizeof name, "strand-%ld", number);
        pthread_create(&threads[number], NULL, strand, (void *)number);
        pthread_setname_np(threads[number], name);
    }
    for (int number = 0; number < 2; number++) {
        pthread_join(threads[number], NULL);
    }
    PyEval_RestoreThread(state);
    printf("[%.3f, %.3f]\n", 1e-9 * (double)ready[0], 1e-9 * (double)ready[1]);
    return Py_FinalizeEx() ? 1 : 7;
}
