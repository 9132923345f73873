/* The thread pool of the process: splits a range over persistent workers, the caller taking part.
   It knows ranges and functions; it must not know arrays, and it never touches Python. */
#ifndef HEADGATE_POOL_H
#define HEADGATE_POOL_H
#include <stddef.h>

typedef void (*hg_range)(void *context, ptrdiff_t low, ptrdiff_t high);

/* Calls fn over [0, n) in pieces of at least `grain`; serially when n <= grain, inside another call, or after a fork. */
void hg_parallel(hg_range fn, void *context, ptrdiff_t n, ptrdiff_t grain);
void hg_pool_setup(void);
void hg_pool_set_threads(int count);
int hg_pool_threads(void);
#endif
