/* Memory for result arrays: large blocks are 64-byte aligned and kept for the next result of about that size.
   It knows blocks and NumPy's allocator interface; it must not know dtypes or kernels. */
#ifndef HEADGATE_MEMORY_H
#define HEADGATE_MEMORY_H
#include <Python.h>

void *hg_block_take(size_t bytes);
void hg_block_give(void *block);
size_t hg_block_kept(void);
void hg_block_limit(size_t bytes);
PyObject *hg_block_handler(void); /* the capsule NumPy asks for, a new reference; NULL with an exception */
#endif
