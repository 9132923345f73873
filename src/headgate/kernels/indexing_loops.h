/* Reading and writing at positions, seen from outside. Arrays of any strides (bytes), at most HG_DIMS axes.
 * It must not know Python. */
#ifndef HEADGATE_INDEXING_LOOPS_H
#define HEADGATE_INDEXING_LOOPS_H
#include "levels.h"

#define HG_DIMS 64

enum hg_scatter_mode { HG_SET, HG_ADD, HG_MULTIPLY, HG_AMAX, HG_AMIN };

/* One walk over the elements of `index`: where each operand's element lies, but for the position along `axis`. */
typedef struct {
    int rank, axis, type, item, mode, threads;
    hg_size limit;              /* size of the indexed axis */
    hg_size shape[HG_DIMS];     /* of index */
    hg_size index_step[HG_DIMS], far_step[HG_DIMS], near_step[HG_DIMS];
    hg_size along;              /* step of the indexed operand (far) along the axis */
    double alpha;               /* near elements are multiplied by it, in HG_ADD */
} hg_walk;

/* The first position outside [0, limit), through *bad; 0 if there is none. */
int hg_index_outside(const i64 *index, hg_size n, hg_size limit, i64 *bad, hg_splitter parallel);
/* out[i]: where the element at parts[0][i], parts[1][i] ... lies in an array of these sizes, flattened; positions may
   count from the end. 0 if some position is outside. */
int hg_index_linear(const i64 *const *parts, const hg_size *sizes, int count, hg_size n, i64 *out, hg_splitter parallel);
/* near[i] = far[index[i]]. 0 if some position is outside. */
int hg_gather(const hg_walk *w, const char *far, char *near, const char *index, hg_splitter parallel);
/* far[index[i]] (combined with) = near[i], repeated positions in order; positions are good. */
void hg_scatter(const hg_walk *w, char *far, const char *near, const char *index, hg_splitter parallel);
/* The same into lines along the last axis, which are copied from `origin` first: far and origin have no gaps, and index
   covers every line. 0 if some position is outside. */
int hg_scattered(const hg_walk *w, const char *origin, char *far, const char *near, const char *index,
                 hg_splitter parallel);
/* out (outer, count, inner bytes) from contiguous x (outer, n, inner bytes). */
void hg_take(const char *x, char *out, const i64 *index, hg_size outer, hg_size n, hg_size count, hg_size bytes,
             hg_splitter parallel);
#endif
