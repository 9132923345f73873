/* 0 in the build that the cost of provenance and guards is measured against: there writes are only counted. */
#ifndef HEADGATE_WATCH_H
#define HEADGATE_WATCH_H

static inline int hg_watching(void) {
#ifdef HEADGATE_NO_PROVENANCE
    return 0;
#else
    return 1;
#endif
}
#endif
