/* How convolutions lay out memory: planes with zeros around them (one per residue of the stride), and the vectors that
 * cover the places of a result. It must not know Python, nor how anything is multiplied. */
#ifndef HEADGATE_CONVOLUTION_PLANES_H
#define HEADGATE_CONVOLUTION_PLANES_H
#include "convolution_loops.h"

#define HG_RESIDUES 32

/* Planes of one group's channels, `images` behind one another in each: place b of residue p holds element
 * first[p] + b * step of a source of n elements, or zero. */
typedef struct {
    hg_size item, channels, images;
    hg_size count[3]; /* residues in use */
    hg_size first[3][HG_RESIDUES], low[3][HG_RESIDUES], high[3][HG_RESIDUES];
    hg_size size[3], step[3], n[3];
    hg_size plane, pitch[3]; /* elements of one plane, of one step along each dim */
    hg_size channel; /* elements from one channel's residue to the next; at least images planes */
} hg_planes;

typedef struct {
    hg_slot *slots;
    hg_stretch *stretches;
    hg_size count;
} hg_field;

void hg_planes_finish(hg_planes *p);
hg_size hg_planes_elements(const hg_planes *p);
/* Copies image `image` of a tile; what is zero stays as it is. */
void hg_planes_fill(const hg_planes *p, const char *source, char *planes, hg_size image);
/* The vectors of `width` that cover `images` times `sizes` places; those go to `to` (the image's, then three steps).
 * `end`: places from which nothing may be read, or 0. Returns -1 without memory. */
int hg_field_make(hg_field *f, const hg_planes *p, hg_size images, const hg_size *sizes, const hg_size *to,
                  hg_size width, hg_size end);
void hg_field_free(hg_field *f);

#define HG_PIECES 8 /* into how many parts little work is cut */
#define HG_TAPS 256 /* most taps along one dim */

/* The thread's memory, zeroed, until hg_give_back; NULL without memory. */
char *hg_borrow(size_t size);
void hg_give_back(void);
hg_size hg_product_of(const hg_size *n);
void hg_planes_share(hg_planes *p, hg_size images);
/* The planes of x that a convolution reads; `where` receives, per dim and tap, the residue and the place. -2 where they
 * are too many. Then the offsets into them of every (channel, tap). */
int hg_input_planes(const hg_conv *c, hg_planes *p, hg_size item, hg_size where[3][2][HG_TAPS]);
void hg_input_offsets(const hg_conv *c, const hg_planes *p, hg_size where[3][2][HG_TAPS], hg_size *offsets);
#endif
