/* The thread pool behind pool.pyx. One job at a time: a second caller runs its own job serially rather than wait.
   Workers spin for a moment, then sleep on a condition; a job is open while `open_job` is set, and a worker that counts
   itself into `active` before reading it is waited for, so a late one never touches a finished job.

   Every thread has a part of the range that is its own, the same one from call to call, so that what it wrote in the
   last call is still in its cache; it takes pieces of another's part only when its own is done. */
#define _GNU_SOURCE
#include "pool.h"

#ifdef _WIN32
void hg_parallel(hg_range fn, void *context, ptrdiff_t n, ptrdiff_t grain) {
    (void)grain;
    if (n > 0) fn(context, 0, n);
}
void hg_pool_setup(void) {}
void hg_pool_set_threads(int count) { (void)count; }
int hg_pool_threads(void) { return 1; }
#else
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MOST_THREADS 256
#define SPINS 3000         /* a caller's wait before it yields */
#define WORKER_SPINS 20000 /* some 0.3 ms: a thread that sleeps can take longer than a kernel to come back */
#define PIECES_PER_THREAD 4
#define LATE 50000         /* ns after which a worker that was woken should have come */
#define WORKER_STACK (1 << 20)

#if defined(__x86_64__) || defined(__i386__)
#define PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ __volatile__("yield")
#else
#define PAUSE() ((void)0)
#endif

static struct {
    hg_range fn;
    void *context;
    ptrdiff_t piece;
    int parts;
} job;

/* What belongs to one thread, on a cache line of its own; the caller's is the first. */
static struct seat {
    _Alignas(64) atomic_ptrdiff_t next; /* its part of the range from here ... */
    ptrdiff_t end;                      /* ... to there */
    atomic_uint seen;                   /* the last generation that it has noticed */
    long long told;                     /* when it was called while it waited, and whether it was sent away since */
    int sent;
    pthread_t thread;
} seats[MOST_THREADS];

static atomic_int open_job;   /* the job's fields are valid and pieces may be taken */
static atomic_int active;     /* workers that may be inside the job */
static atomic_int busy;       /* a caller owns the pool */
static atomic_int wanted = 1; /* threads to use, the caller included */
static atomic_uint generation;
static atomic_int sleeping;
static int started;           /* workers that exist; written by the owner of `busy` only */
static int forked;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;

static long long nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* A worker that was woken onto the caller's own core waits there until the system balances its load, milliseconds
   later, while another core idles. One that has not come after a while is sent away, once, and may return later. */
static void send_away_the_late(void) {
#ifdef __linux__
    unsigned now = atomic_load(&generation);
    long long time = 0;
    for (int i = 1; i < job.parts; i++) {
        struct seat *seat = &seats[i];
        cpu_set_t allowed, others;
        if (atomic_load(&seat->seen) == now || seat->sent) continue;
        if (!time) time = nanoseconds();
        if (time - seat->told < LATE) continue;
        seat->sent = 1;
        if (pthread_getaffinity_np(seat->thread, sizeof allowed, &allowed)) continue;
        others = allowed;
        CPU_CLR(sched_getcpu(), &others);
        if (!CPU_COUNT(&others) || pthread_setaffinity_np(seat->thread, sizeof others, &others)) continue;
        pthread_setaffinity_np(seat->thread, sizeof allowed, &allowed);
    }
#endif
}

static void work(int mine) {
    for (int i = 0; i < job.parts; i++) {
        struct seat *part = &seats[(mine + i) % job.parts];
        for (;;) {
            ptrdiff_t low = atomic_fetch_add(&part->next, job.piece);
            if (low >= part->end) break;
            ptrdiff_t high = low + job.piece;
            job.fn(job.context, low, high < part->end ? high : part->end);
            if (mine == 0) send_away_the_late();
        }
    }
}

static void wait_for_job(unsigned seen) {
    for (int spin = 0; spin < WORKER_SPINS; spin++) {
        if (atomic_load(&generation) != seen) return;
        PAUSE();
    }
    pthread_mutex_lock(&mutex);
    atomic_fetch_add(&sleeping, 1);
    while (atomic_load(&generation) == seen) pthread_cond_wait(&wake, &mutex);
    atomic_fetch_sub(&sleeping, 1);
    pthread_mutex_unlock(&mutex);
}

static void *worker(void *number) {
    int mine = (int)(ptrdiff_t)number;
    unsigned seen = 0;
    for (;;) {
        wait_for_job(seen);
        seen = atomic_load(&generation);
        atomic_store(&seats[mine].seen, seen);
        if (mine >= atomic_load(&wanted)) continue;
        atomic_fetch_add(&active, 1);
        if (atomic_load(&open_job)) work(mine);
        atomic_fetch_sub(&active, 1);
    }
    return NULL;
}

static void start_workers(int count) {
    sigset_t all, old;
    pthread_attr_t attributes;
    if (started >= count) return;
    sigfillset(&all); /* signals belong to Python's own threads */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, WORKER_STACK);
    while (started < count) {
        struct seat *seat = &seats[started + 1];
        atomic_store(&seat->seen, atomic_load(&generation));
        if (pthread_create(&seat->thread, &attributes, worker, (void *)(ptrdiff_t)(started + 1))) {
            atomic_store(&wanted, started + 1); /* the machine refuses more: make do */
            break;
        }
        started++;
    }
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void announce(void) {
    unsigned last = atomic_load(&generation);
    atomic_store(&open_job, 1);
    atomic_fetch_add(&generation, 1);
    if (atomic_load(&sleeping)) {
        long long now = nanoseconds();
        for (int i = 1; i < job.parts; i++)
            if (atomic_load(&seats[i].seen) == last) seats[i].told = now, seats[i].sent = 0;
        pthread_mutex_lock(&mutex);
        pthread_cond_broadcast(&wake);
        pthread_mutex_unlock(&mutex);
    }
}

static void divide(ptrdiff_t n, ptrdiff_t grain, int threads) {
    ptrdiff_t part = (n + threads - 1) / threads, piece = (part + PIECES_PER_THREAD - 1) / PIECES_PER_THREAD;
    if (n >= 512) part = (part + 63) & ~(ptrdiff_t)63; /* whole cache lines of any element size */
    if (piece < grain) piece = grain;
    if (piece >= 256) piece = (piece + 63) & ~(ptrdiff_t)63;
    job.piece = piece, job.parts = threads;
    for (int i = 0; i < threads; i++) {
        ptrdiff_t low = i * part < n ? i * part : n;
        seats[i].end = n - low < part ? n : low + part;
        atomic_store_explicit(&seats[i].next, low, memory_order_relaxed);
    }
}

static void finish(void) {
    atomic_store(&open_job, 0);
    for (int spin = 0; atomic_load(&active); spin++) {
        if (spin < SPINS) PAUSE();
        else sched_yield();
    }
}

void hg_parallel(hg_range fn, void *context, ptrdiff_t n, ptrdiff_t grain) {
    int threads = atomic_load_explicit(&wanted, memory_order_relaxed), idle = 0;
    if (n <= 0) return;
    if (grain < 1) grain = 1;
    if (n <= grain || threads < 2 || forked || !atomic_compare_exchange_strong(&busy, &idle, 1)) {
        fn(context, 0, n);
        return;
    }
    start_workers(threads - 1);
    divide(n, grain, threads);
    job.fn = fn, job.context = context;
    announce();
    work(0);
    finish();
    atomic_store(&busy, 0);
}

static void after_fork(void) { forked = 1; }

static int cores(void) {
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}

void hg_pool_set_threads(int count) {
    atomic_store(&wanted, count < 1 ? 1 : count > MOST_THREADS ? MOST_THREADS : count);
}

int hg_pool_threads(void) { return forked ? 1 : atomic_load(&wanted); }

void hg_pool_setup(void) {
    const char *named = getenv("HEADGATE_NUM_THREADS");
    if (!named) named = getenv("OMP_NUM_THREADS");
    int count = named ? atoi(named) : 0;
    hg_pool_set_threads(count > 0 ? count : cores());
    pthread_atfork(NULL, NULL, after_fork);
}
#endif
