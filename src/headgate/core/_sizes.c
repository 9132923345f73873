/* Sizes: the base of `Size` when compiled. A tuple whose slices are of its own class; single items come without a Python
   call. It knows nothing of tensors. */
#include <Python.h>

static PyObject *subscript(PyObject *self, PyObject *key) {
    PyObject *found = PyTuple_Type.tp_as_mapping->mp_subscript(self, key);
    if (found == NULL || !PyTuple_CheckExact(found)) return found;
    Py_ssize_t count = PyTuple_GET_SIZE(found);
    PyObject *sizes = Py_TYPE(self)->tp_alloc(Py_TYPE(self), count);
    for (Py_ssize_t i = 0; sizes != NULL && i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(found, i);
        Py_INCREF(item);
        PyTuple_SET_ITEM(sizes, i, item);
    }
    Py_DECREF(found);
    return sizes;
}

static PyMappingMethods mapping = {.mp_subscript = subscript};

static PyTypeObject SizesType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "headgate.core._sizes.Sizes",
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_TUPLE_SUBCLASS,
    .tp_as_mapping = &mapping,
};

static int execute(PyObject *module) {
    SizesType.tp_base = &PyTuple_Type;
    mapping.mp_length = PyTuple_Type.tp_as_mapping->mp_length;
    if (PyType_Ready(&SizesType) < 0) return -1;
    return PyModule_AddObjectRef(module, "Sizes", (PyObject *)&SizesType);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_sizes", .m_doc = "The base of Size.", .m_slots = slots};

PyMODINIT_FUNC PyInit__sizes(void) { return PyModuleDef_Init(&definition); }
