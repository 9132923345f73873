/* NumPy's type numbers and the loops' own, one from the other. It must not know any loop. */
#ifndef HEADGATE_TYPES_H
#define HEADGATE_TYPES_H
#include <numpy/ndarraytypes.h>
#include "levels.h"

#define HG_AXES 64

/* -1 for a type that has no loops. */
static inline int hg_type_of(int number)
{
    switch (number) {
    case NPY_BOOL: return HG_BOOL;
    case NPY_UBYTE: return HG_U8;
    case NPY_BYTE: return HG_I8;
    case NPY_HALF: return HG_F16;
    case NPY_FLOAT: return HG_F32;
    case NPY_DOUBLE: return HG_F64;
    case NPY_SHORT: return HG_I16;
    case NPY_INT: return HG_I32;
    case NPY_LONG: return sizeof(long) == 8 ? HG_I64 : HG_I32;
    case NPY_LONGLONG: return HG_I64;
    default: return -1;
    }
}

static inline int hg_number_of(int type)
{
    static const char numbers[HG_TYPES] = {NPY_BOOL, NPY_UINT8, NPY_INT8, NPY_INT16, NPY_INT32, NPY_INT64,
                                           NPY_HALF, NPY_FLOAT, NPY_DOUBLE};
    return numbers[type];
}

static inline hg_size hg_item_of(int type)
{
    static const char sizes[HG_TYPES] = {1, 1, 1, 2, 4, 8, 2, 4, 8};
    return sizes[type];
}
#endif
