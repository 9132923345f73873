/* The parts of a range in which numbers lie, by the operations of their own type. Included once per level. It must not
 * know Python. */

#define PLACES(T) \
static void HG(places_##T)(const void *numbers, hg_size n, const hg_parts *p, i32 *restrict places) \
{ \
    const T *restrict x = numbers; \
    const T low = (T)p->low, high = (T)p->high, scale = (T)p->scale, last = (T)(p->count - 1); \
    const i32 none = (i32)p->count; \
    for (hg_size i = 0; i < n; i++) { \
        T at = (x[i] - low) * scale; \
        i32 place = (i32)(at < last ? at > 0 ? at : 0 : last); \
        places[i] = (x[i] >= low) & (x[i] <= high) ? place : none; \
    } \
}
PLACES(f32)
PLACES(f64)
#undef PLACES

/* Half precision is rounded after each of its three operations; where the second would overflow, not at all. */
static void HG(places_f16)(const void *numbers, hg_size n, const hg_parts *p, i32 *restrict places)
{
    f32 x[COUNTED], at[COUNTED];
    f16 rounded[COUNTED];
    const f32 low = (f32)p->low, high = (f32)p->high, last = (f32)(p->count - 1);
    const f32 parts = (f32)p->parts, width = (f32)p->width;
    const i32 none = (i32)p->count;
    if (n <= 0)
        return;
    HG(from_half)(numbers, x, n);
    for (hg_size i = 0; i < n; i++)
        at[i] = x[i] - low;
    HG(to_half)(at, rounded, n);
    HG(from_half)(rounded, at, n);
    for (hg_size i = 0; i < n; i++)
        at[i] *= parts;
    HG(to_half)(at, rounded, n);
    HG(from_half)(rounded, at, n);
    for (hg_size i = 0; i < n; i++)
        at[i] /= width;
    HG(to_half)(at, rounded, n);
    HG(from_half)(rounded, at, n);
    for (hg_size i = 0; i < n; i++) {
        f32 part = at[i] < INFINITY ? at[i] : (x[i] - low) * (f32)p->count / width;
        i32 place = (i32)(part < last ? part > 0 ? part : 0 : last);
        places[i] = (x[i] >= low) & (x[i] <= high) ? place : none;
    }
}

static const hg_placer HG(placers)[3] = {HG(places_f16), HG(places_f32), HG(places_f64)};
