/* The state of each thread: whether operations are recorded, and the modes around them. */
#ifndef HEADGATE_MODES_H
#define HEADGATE_MODES_H
#if defined(_MSC_VER)
#  define HG_THREAD __declspec(thread)
#elif defined(__GLIBC__)  /* it keeps room for a few words of modules loaded late: no call to find them */
#  define HG_THREAD __thread __attribute__((unused, tls_model("initial-exec")))
#else
#  define HG_THREAD __thread __attribute__((unused))
#endif
static HG_THREAD int hg_grad = 1;      /* 1 recorded, 0 not, -1 not because a backward pass pulls gradients */
static HG_THREAD int hg_inference = 0;
static HG_THREAD int hg_quiet = 0;      /* allow_stale(): writes made here are meant */
static HG_THREAD int hg_overrides_off = 0;
#endif
