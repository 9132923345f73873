/* Memory for records that come by the million: slabs of 2 MiB, aligned to their size, with room for one type each.

   A long graph is built faster, and in time proportional to its length, if its nodes do not fault in page by page: the
   system is asked for many pages at a time. (Huge pages are faster still, but the first ones can wait for seconds until
   memory is compacted.) The slab of a record is found from its address; an empty one is given back, except for a few
   that are kept. Guarded by the GIL. It knows nothing of what the records are. */
#ifndef HEADGATE_SLABS_H
#define HEADGATE_SLABS_H
#include <stddef.h>
#include <stdint.h>
#if defined(__linux__) && !defined(Py_GIL_DISABLED)
#include <sys/mman.h>
#define HG_SLABS 1
#define SLAB ((size_t)2 << 20)
#define SLAB_HEAD 128
#define SLABS_KEPT 8 /* in use or empty: graphs of some 50,000 nodes need no more */
#define AHEAD ((size_t)128 << 10) /* bytes brought in at a time, from the second slab on */

typedef struct slab {
    struct slab *before, *after; /* among those with room */
    void *freed;                 /* a list through the first word of freed places */
    char *unused, *end;          /* what was never handed out */
    char *present;               /* how far pages have been asked for */
    size_t live;
} slab;

typedef struct {
    size_t item; /* bytes of one place */
    slab *open;  /* slabs with room; the first one is used */
    size_t count;
} slabs;

static slab *slab_make(slabs *all) {
    char *raw = mmap(NULL, 2 * SLAB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) return NULL;
    char *start = (char *)(((uintptr_t)raw + SLAB - 1) & ~(uintptr_t)(SLAB - 1));
    if (start > raw) munmap(raw, (size_t)(start - raw));
    if (start < raw + SLAB) munmap(start + SLAB, (size_t)(raw + SLAB - start));
    slab *s = (slab *)start;
    s->before = s->after = NULL;
    s->freed = NULL;
    s->unused = start + SLAB_HEAD;
    s->end = s->unused + (SLAB - SLAB_HEAD) / all->item * all->item;
    s->present = all->count > 0 ? start : start + SLAB;
    s->live = 0;
    all->count++;
    return s;
}

static void slab_open(slabs *all, slab *s) {
    s->before = NULL;
    s->after = all->open;
    if (all->open) all->open->before = s;
    all->open = s;
}

static void slab_close(slabs *all, slab *s) {
    if (s->before) s->before->after = s->after;
    else all->open = s->after;
    if (s->after) s->after->before = s->before;
}

static inline void *slab_take(slabs *all) {
    slab *s = all->open;
    if (s == NULL) {
        s = slab_make(all);
        if (s == NULL) return NULL;
        slab_open(all, s);
    }
    void *place = s->freed;
    if (place) s->freed = *(void **)place;
    else {
        place = s->unused;
        s->unused += all->item;
#ifdef MADV_POPULATE_WRITE
        if (s->unused > s->present) {
            madvise(s->present, AHEAD, MADV_POPULATE_WRITE);
            s->present += AHEAD;
        }
#endif
    }
    s->live++;
    if (s->freed == NULL && s->unused == s->end) slab_close(all, s);
    return place;
}

static inline void slab_give(slabs *all, void *place) {
    slab *s = (slab *)((uintptr_t)place & ~(uintptr_t)(SLAB - 1));
    int full = s->freed == NULL && s->unused == s->end;
    *(void **)place = s->freed;
    s->freed = place;
    s->live--;
    if (full) slab_open(all, s);
    if (s->live == 0 && all->count > SLABS_KEPT) {
        slab_close(all, s);
        all->count--;
        munmap(s, SLAB);
    }
}
#endif
#endif
