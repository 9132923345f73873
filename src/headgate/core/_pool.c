/* Making and freeing the records (Tensor, Node, Saved, Storage ...), which happens for every operation: built for speed.

   Cython makes an object by one call per base class and frees it likewise. Here a new one is taken from a short list of
   freed ones, which are kept as new ones are: every object field None, every other field as in a fresh object. So
   freeing walks the fields once, with the trashcan when deep, so that long chains do not overflow the stack. Subclasses
   go Cython's way. Records are not tracked by the collector, which would walk every node of a long graph again and
   again, until they get something that may close a cycle (an attribute, a hook, a context, a base). It knows no field by
   name: object fields are the words that are None in a fresh object. */
#include <Python.h>
#include <string.h>
#include "slabs.h"

#define POOLS 8
#define FIELDS 32
#define KEPT 512

typedef struct {
    PyTypeObject *type;
    newfunc make;
    destructor destroy;
    char *template;
    int count, collected, kept;
    Py_ssize_t size, weak, dict; /* of an object; offsets of its weak references and attributes, or 0 */
    setattrofunc set;
#ifdef HG_SLABS
    slabs slabs;   /* item 0: the interpreter's allocator is used */
#endif
    int (*give)(PyObject *); /* takes over a field's last reference if it can be used again; or NULL */
    int plain_count;
    Py_ssize_t fields[FIELDS], plain[FIELDS]; /* offsets of the words that hold an object, and of the others */
    PyObject *freed[KEPT];
} Pool;

static Pool pools[POOLS];
static int used = 0;
static int depth = 0;   /* of records that free records */
#define DEEP 40         /* from there on the trashcan puts off what it can */

static inline void add_none(Py_ssize_t n) {
#if PY_VERSION_HEX < 0x030C0000
    Py_None->ob_refcnt += n;  /* None is immortal from 3.12 on */
#else
    (void)n;
#endif
}

#define HEAD (2 * sizeof(void *)) /* what the collector keeps before an object */

/* PyObject_GC_IsTracked without the call: the first word of the header is set. */
static inline int is_tracked(PyObject *o) {
#ifdef Py_GIL_DISABLED
    return PyObject_GC_IsTracked(o);
#else
    return ((uintptr_t *)o)[-2] != 0;
#endif
}

/* Memory for one more object, with the header of an untracked one. */
static PyObject *pool_allocate(Pool *p, PyTypeObject *type) {
#ifdef HG_SLABS
    if (p->slabs.item) {
        char *place = slab_take(&p->slabs);
        if (place == NULL) return PyErr_NoMemory();
        memset(place, 0, HEAD);
        return PyObject_Init((PyObject *)(place + HEAD), type);
    }
#endif
    return p->collected ? (PyObject *)_PyObject_GC_New(type) : (PyObject *)_PyObject_New(type);
}

static void pool_release(Pool *p, PyObject *o) {
#ifdef HG_SLABS
    if (p->slabs.item) {
        slab_give(&p->slabs, (char *)o - HEAD);
        return;
    }
#endif
    if (p->collected) PyObject_GC_Del(o);
    else PyObject_Free(o);
}

static inline PyObject *pool_new(Pool *p, PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (type != p->type) return p->make(type, args, kwargs);
    PyObject *o;
    if (p->kept > 0) {
        o = p->freed[--p->kept];
        Py_SET_REFCNT(o, 1);
        return o;
    }
    o = pool_allocate(p, type);
    if (o == NULL) return NULL;
    memcpy((char *)o + sizeof(PyObject), p->template + sizeof(PyObject), p->size - sizeof(PyObject));
    add_none(p->count);
    return o;
}

/* Make it what a new object is. Nothing can reach it any more, so what its fields' ends set off does not see it. */
static inline void empty(Pool *p, PyObject *o) {
    const Py_ssize_t *at = p->fields, *end = at + p->count;
    Py_ssize_t others = 0;
    for (; at < end; at++) {
        PyObject **field = (PyObject **)((char *)o + *at);
        PyObject *value = *field;
        if (value == Py_None) continue;
        *field = Py_None;
        others++;
        if (p->give == NULL || value == NULL || !p->give(value)) Py_XDECREF(value);
    }
    add_none(others);
    for (at = p->plain, end = at + p->plain_count; at < end; at++)
        *(uint64_t *)((char *)o + *at) = *(uint64_t *)(p->template + *at);
}

static inline void pool_free(Pool *p, PyObject *o) {
    if (p->weak && *(PyObject **)((char *)o + p->weak) != NULL) PyObject_ClearWeakRefs(o);
    if (p->dict) Py_CLEAR(*(PyObject **)((char *)o + p->dict));
    empty(p, o);
    if (p->kept < KEPT) {
        p->freed[p->kept++] = o;
        return;
    }
    add_none(-p->count);
    pool_release(p, o);
}

/* Slots carry no data, so every pool has its own pair of functions. */
#define PAIR(N)                                                                                       \
    static PyObject *new_##N(PyTypeObject *t, PyObject *a, PyObject *k) { return pool_new(&pools[N], t, a, k); } \
    static void free_##N(PyObject *o) {                                                               \
        if (Py_TYPE(o) != pools[N].type) { pools[N].destroy(o); return; }                             \
        if (!pools[N].collected) { pool_free(&pools[N], o); return; }                                 \
        if (is_tracked(o)) PyObject_GC_UnTrack(o);                                                    \
        if (depth < DEEP) {                                                                           \
            depth++;                                                                                  \
            pool_free(&pools[N], o);                                                                  \
            depth--;                                                                                  \
            return;                                                                                   \
        }                                                                                             \
        Py_TRASHCAN_BEGIN(o, free_##N)                                                                \
        pool_free(&pools[N], o);                                                                      \
        Py_TRASHCAN_END                                                                               \
    }
PAIR(0) PAIR(1) PAIR(2) PAIR(3) PAIR(4) PAIR(5) PAIR(6) PAIR(7)

static const struct { newfunc make; destructor destroy; } pairs[POOLS] = {
    {new_0, free_0}, {new_1, free_1}, {new_2, free_2}, {new_3, free_3},
    {new_4, free_4}, {new_5, free_5}, {new_6, free_6}, {new_7, free_7}};

/* Setting an attribute may close a cycle through the dictionary. Only one of the pooled types has one. */
static Pool *with_attributes = NULL;

static int set_attribute(PyObject *o, PyObject *name, PyObject *value) {
    int result = with_attributes->set(o, name, value);
    if (Py_TYPE(o) == with_attributes->type && *(PyObject **)((char *)o + with_attributes->dict) != NULL &&
        !PyObject_GC_IsTracked(o))
        PyObject_GC_Track(o);
    return result;
}

static PyObject *adopt(PyObject *module, PyObject *args) {
    PyObject *argument, *giver = Py_None;
    int many = 0;
    (void)module;
    if (!PyArg_ParseTuple(args, "O|Op", &argument, &giver, &many)) return NULL;
    PyTypeObject *type = (PyTypeObject *)argument;
    if (!PyType_Check(argument) || used == POOLS || (type->tp_flags & Py_TPFLAGS_HEAPTYPE) || type->tp_itemsize) {
        PyErr_SetString(PyExc_TypeError, "only a compiled record type can be pooled");
        return NULL;
    }
    PyObject *nothing = PyTuple_New(0);
    PyObject *sample = nothing == NULL ? NULL : type->tp_new(type, nothing, NULL);
    Py_XDECREF(nothing);
    if (sample == NULL) return NULL;
    Pool *p = &pools[used];
    if (giver != Py_None) {
        *(void **)&p->give = PyCapsule_GetPointer(giver, "headgate.small_give");
        if (p->give == NULL) return NULL;
    }
    p->template = PyMem_Malloc(type->tp_basicsize);
    if (p->template == NULL) return PyErr_NoMemory();
    memcpy(p->template, sample, type->tp_basicsize);
    /* Cython makes a dictionary for every object at once; here it comes with the first attribute. */
    if (type->tp_dictoffset > 0) *(PyObject **)(p->template + type->tp_dictoffset) = NULL;
    if (type->tp_weaklistoffset > 0) *(PyObject **)(p->template + type->tp_weaklistoffset) = NULL;
    for (Py_ssize_t at = sizeof(PyObject); at < type->tp_basicsize; at += sizeof(PyObject *)) {
        if (p->count == FIELDS || p->plain_count == FIELDS) {
            PyErr_SetString(PyExc_TypeError, "too many fields to pool");
            return NULL;
        }
        if (*(PyObject **)(p->template + at) == Py_None) p->fields[p->count++] = at;
        else if (at != type->tp_weaklistoffset && at != type->tp_dictoffset) p->plain[p->plain_count++] = at;
    }
    Py_DECREF(sample);
    p->type = type;
    p->make = type->tp_new;
    p->destroy = type->tp_dealloc;
    p->collected = PyType_IS_GC(type);
    p->size = type->tp_basicsize;
#ifdef HG_SLABS
    if (many && p->collected) p->slabs.item = (HEAD + (size_t)p->size + 15) & ~(size_t)15;
#else
    (void)many;
#endif
    p->weak = type->tp_weaklistoffset > 0 ? type->tp_weaklistoffset : 0;
    p->dict = type->tp_dictoffset > 0 ? type->tp_dictoffset : 0;
    if (p->dict) {
        p->set = type->tp_setattro;
        with_attributes = p;
        type->tp_setattro = set_attribute;
    }
    type->tp_new = pairs[used].make;
    type->tp_dealloc = pairs[used].destroy;
    used++;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"adopt", adopt, METH_VARARGS, 
     "adopt(type, giver=None, many=False): make and free instances of a compiled type through a pool. To `giver` (a "
     "capsule) fields are offered when a record dies; of what comes by the million, say that there are many."},
    {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_pool", .m_doc = "Pools of records.", .m_methods = functions};

PyMODINIT_FUNC PyInit__pool(void) { return PyModuleDef_Init(&definition); }
