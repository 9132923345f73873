/* The place in the user's code that is running now, read from the interpreter's frames without creating a frame object.

   hg_site_code() returns a new reference to the code object of the first frame that is not Headgate's (or None);
   hg_site_lasti() the byte offset in it, valid until the next call. Every Python version keeps its frames
   differently; all of that is here. It knows nothing of tensors. */
#ifndef HEADGATE_SITE_H
#define HEADGATE_SITE_H

#include <Python.h>
#include <string.h>

#if PY_VERSION_HEX >= 0x030B0000
#  ifndef Py_BUILD_CORE
#    define Py_BUILD_CORE 1
#    define HG_UNDEFINE_CORE 1
#  endif
#  if PY_VERSION_HEX >= 0x030E0000
#    include "internal/pycore_interpframe_structs.h"
#    include "internal/pycore_interpframe.h"
#  else
#    include "internal/pycore_frame.h"
#  endif
#  ifdef HG_UNDEFINE_CORE
#    undef Py_BUILD_CORE
#  endif
#else
#  include <frameobject.h>
#endif

static const char *hg_own_folder = NULL;   /* the package's folder, with its separator */
static Py_ssize_t hg_own_length = 0;
static int hg_last_lasti = -1;

/* Code objects seen lately and whether they are Headgate's. The table holds references, so a pointer cannot be
   reused by another code object while it is here. */
#define HG_SEEN 256
static PyObject *hg_seen[HG_SEEN];
static char hg_seen_own[HG_SEEN];

static int hg_is_own(PyObject *code) {
    size_t slot = (((size_t)code) >> 5) % HG_SEEN;
    if (hg_seen[slot] == code) return hg_seen_own[slot];
    PyObject *file = ((PyCodeObject *)code)->co_filename;
    Py_ssize_t length = 0;
    const char *text = PyUnicode_AsUTF8AndSize(file, &length);
    int own = 0;
    if (text == NULL) PyErr_Clear();
    else if (hg_own_folder != NULL && length > hg_own_length)
        own = memcmp(text, hg_own_folder, hg_own_length) == 0;
    if (text != NULL && !own && strncmp(text, "<frozen importlib", 17) == 0) own = 1;
    Py_INCREF(code);
    PyObject *old = hg_seen[slot];
    hg_seen[slot] = code;
    hg_seen_own[slot] = (char)own;
    Py_XDECREF(old);
    return own;
}

#if PY_VERSION_HEX >= 0x030C0000
/* 3.12 and later: frames may hold something else than a code object (the C-stack shims). */
static inline PyObject *hg_frame_code(struct _PyInterpreterFrame *f) {
#  if PY_VERSION_HEX >= 0x030E0000
    PyObject *c = PyStackRef_AsPyObjectBorrow(f->f_executable);
#  elif PY_VERSION_HEX >= 0x030D0000
    PyObject *c = f->f_executable;
#  else
    PyObject *c = (PyObject *)f->f_code;
#  endif
    return c != NULL && PyCode_Check(c) ? c : NULL;
}
#endif

static PyObject *hg_site_code(void) {
#ifdef HEADGATE_NO_PROVENANCE
    Py_RETURN_NONE;
#elif PY_VERSION_HEX >= 0x030B0000
    PyThreadState *state = PyThreadState_Get();
#  if PY_VERSION_HEX >= 0x030D0000
    struct _PyInterpreterFrame *f = state->current_frame;
#  else
    struct _PyInterpreterFrame *f = state->cframe->current_frame;
#  endif
    for (; f != NULL; f = f->previous) {
#  if PY_VERSION_HEX >= 0x030C0000
        PyObject *code = hg_frame_code(f);
        if (code == NULL || f->owner == FRAME_OWNED_BY_CSTACK) continue;
#  else
        PyObject *code = (PyObject *)f->f_code;
#  endif
        if (hg_is_own(code)) continue;
#  if PY_VERSION_HEX >= 0x030C0000
        hg_last_lasti = PyUnstable_InterpreterFrame_GetLasti(f);
#  else
        hg_last_lasti = _PyInterpreterFrame_LASTI(f) * (int)sizeof(_Py_CODEUNIT);
#  endif
        Py_INCREF(code);
        return code;
    }
    Py_RETURN_NONE;
#else
    struct _frame *f = PyThreadState_Get()->frame;
    for (; f != NULL; f = f->f_back) {
        PyObject *code = (PyObject *)f->f_code;
        if (hg_is_own(code)) continue;
        hg_last_lasti = f->f_lasti * 2;
        Py_INCREF(code);
        return code;
    }
    Py_RETURN_NONE;
#endif
}

static inline int hg_site_lasti(void) { return hg_last_lasti; }

static void hg_site_own(const char *folder, Py_ssize_t length) {
    hg_own_folder = strdup(folder);
    hg_own_length = length;
}
#endif
