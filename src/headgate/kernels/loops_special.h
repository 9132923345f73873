/* The table of loops that exist only element by element. */
#ifndef HEADGATE_LOOPS_SPECIAL_H
#define HEADGATE_LOOPS_SPECIAL_H
#include "loops.h"
const hg_entry *hg_find_special(const char *name, char type);
double hg_digamma(double x);
double hg_trigamma(double x);
#endif
