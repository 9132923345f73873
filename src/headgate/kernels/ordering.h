/* Unsigned keys whose order is that of the numbers: NaN the largest, both zeros equal. It must not know Python. */
#ifndef HEADGATE_ORDERING_H
#define HEADGATE_ORDERING_H
#include "levels.h"

HG_INLINE uint64_t key_of(int type, const void *x, hg_size i)
{
    switch (type) {
    case HG_BOOL:
    case HG_U8: return ((const u8 *)x)[i];
    case HG_I8: return (uint64_t)(((const i8 *)x)[i] + 128);
    case HG_I16: return (uint64_t)(((const i16 *)x)[i] + 32768);
    case HG_I32: return (uint32_t)((const i32 *)x)[i] ^ 0x80000000u;
    case HG_I64: return (uint64_t)((const i64 *)x)[i] ^ 0x8000000000000000u;
    case HG_F16: {
        uint32_t bits = ((const f16 *)x)[i], size = bits & 0x7fff, key = bits ^ (bits >> 15 ? 0xffff : 0x8000);
        key = size ? key : 0x8000;
        return size > 0x7c00 ? 0xffff : key;
    }
    case HG_F32: {
        uint32_t bits = ((const uint32_t *)x)[i], size = bits & 0x7fffffff, flip = (uint32_t)((int32_t)bits >> 31);
        uint32_t key = bits ^ (flip | 0x80000000u);
        key = size ? key : 0x80000000u;
        return size > 0x7f800000u ? 0xffffffffu : key;
    }
    default: {
        uint64_t bits = ((const uint64_t *)x)[i], size = bits & INT64_MAX, flip = (uint64_t)((int64_t)bits >> 63);
        uint64_t key = bits ^ (flip | 0x8000000000000000u);
        key = size ? key : 0x8000000000000000u;
        return size > 0x7ff0000000000000u ? UINT64_MAX : key;
    }
    }
}

/* The number with that key; a zero is positive. */
HG_INLINE void number_of(int type, uint64_t key, void *number)
{
    const uint64_t sign = type == HG_F16 ? 0x8000u : type == HG_F32 || type == HG_I32 ? 0x80000000u : 0x8000000000000000u;
    const uint64_t all = sign | (sign - 1);
    uint64_t bits = type == HG_I32 || type == HG_I64 || key & sign ? key ^ sign : key ^ all;
    if (type >= HG_F16 && key == all)
        bits = type == HG_F16 ? 0x7e00u : type == HG_F32 ? 0x7fc00000u : 0x7ff8000000000000u;
    memcpy(number, &bits, type == HG_F16 ? 2 : type == HG_F32 || type == HG_I32 ? 4 : 8);
}
#endif
