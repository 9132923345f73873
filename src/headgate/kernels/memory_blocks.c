/* The block cache behind memory.pyx. A fresh block of megabytes costs more in page faults than a kernel costs in
   arithmetic, so freed ones are kept, newest first, up to a limit, and handed to the next request they fit. */
#define _GNU_SOURCE
#include "memory.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif
#include <numpy/ndarraytypes.h>
#ifdef _WIN32
#include <malloc.h>
#else
#include <pthread.h>
#endif

#define HEADER 64          /* before the data: keeps it aligned and remembers the capacity */
#define SLOTS 48
#define HUGE_PAGE_FROM ((size_t)4 << 20)
#define DEFAULT_LIMIT ((size_t)64 << 20)

typedef struct { char *raw; size_t capacity; } slot;

static slot slots[SLOTS]; /* oldest first */
static int used;
static size_t kept, limit = DEFAULT_LIMIT;

#ifdef _WIN32 /* the GIL is held whenever NumPy frees; free-threaded builds are not made for Windows */
#define LOCK() ((void)0)
#define UNLOCK() ((void)0)
static void *aligned(size_t bytes) { return _aligned_malloc(bytes, HEADER); }
static void release(char *raw) { _aligned_free(raw); }
#else
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
#define LOCK() pthread_mutex_lock(&mutex)
#define UNLOCK() pthread_mutex_unlock(&mutex)
static void *aligned(size_t bytes) {
    void *raw = NULL;
    return posix_memalign(&raw, HEADER, bytes) ? NULL : raw;
}
static void release(char *raw) { free(raw); }
#endif

static char *from_cache(size_t bytes) {
    char *raw = NULL;
    LOCK();
    for (int i = used - 1; i >= 0 && !raw; i--) {
        if (slots[i].capacity < bytes || slots[i].capacity > bytes + bytes / 4) continue;
        raw = slots[i].raw;
        kept -= slots[i].capacity;
        memmove(slots + i, slots + i + 1, sizeof(slot) * (size_t)(--used - i));
    }
    UNLOCK();
    return raw;
}

void *hg_block_take(size_t bytes) {
    if (bytes > SIZE_MAX - 2 * HEADER) return NULL;
    bytes = (bytes + HEADER - 1) & ~(size_t)(HEADER - 1);
    char *raw = from_cache(bytes);
    if (!raw) {
        raw = aligned(bytes + HEADER);
        if (!raw) return NULL;
        *(size_t *)raw = bytes;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
        if (bytes >= HUGE_PAGE_FROM) {
            uintptr_t start = ((uintptr_t)raw + 4095) & ~(uintptr_t)4095;
            madvise((void *)start, bytes - (start - (uintptr_t)raw), MADV_HUGEPAGE);
        }
#endif
    }
    return raw + HEADER;
}

static char *drop_oldest(void) {
    char *raw = slots[0].raw;
    kept -= slots[0].capacity;
    memmove(slots, slots + 1, sizeof(slot) * (size_t)(--used));
    return raw;
}

void hg_block_give(void *block) {
    if (!block) return;
    char *raw = (char *)block - HEADER;
    size_t capacity = *(size_t *)raw;
    if (capacity > limit / 2) {
        release(raw);
        return;
    }
    LOCK();
    while (used && (used == SLOTS || kept + capacity > limit)) release(drop_oldest());
    slots[used].raw = raw;
    slots[used++].capacity = capacity;
    kept += capacity;
    UNLOCK();
}

void hg_block_limit(size_t bytes) {
    LOCK();
    limit = bytes;
    while (used && kept > limit) release(drop_oldest());
    UNLOCK();
}

size_t hg_block_kept(void) { return kept; }

static void *numpy_malloc(void *context, size_t bytes) { (void)context; return hg_block_take(bytes); }

static void *numpy_calloc(void *context, size_t count, size_t size) {
    (void)context;
    if (size && count > SIZE_MAX / size) return NULL;
    void *block = hg_block_take(count * size);
    if (block) memset(block, 0, count * size);
    return block;
}

static void *numpy_realloc(void *context, void *block, size_t bytes) {
    (void)context;
    if (!block) return hg_block_take(bytes);
    size_t old = *(size_t *)((char *)block - HEADER);
    if (bytes <= old && bytes > old / 2) return block;
    void *fresh = hg_block_take(bytes);
    if (!fresh) return NULL;
    memcpy(fresh, block, old < bytes ? old : bytes);
    hg_block_give(block);
    return fresh;
}

static void numpy_free(void *context, void *block, size_t bytes) {
    (void)context, (void)bytes;
    hg_block_give(block);
}

static PyDataMem_Handler handler = {
    "headgate_blocks", 1, {NULL, numpy_malloc, numpy_calloc, numpy_realloc, numpy_free}};

PyObject *hg_block_handler(void) { return PyCapsule_New(&handler, "mem_handler", NULL); }
