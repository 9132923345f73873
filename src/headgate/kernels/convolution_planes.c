/* Padded planes and the vectors over them. It must not know Python, nor how anything is multiplied. */
#include "convolution_planes.h"

#define KEPT_BYTES 16777216 /* largest buffer that a thread keeps for its next call */

static hg_size floor_div(hg_size a, hg_size b)
{
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

void hg_planes_finish(hg_planes *p)
{
    p->pitch[2] = 1;
    p->pitch[1] = p->size[2];
    p->pitch[0] = p->size[1] * p->size[2];
    p->plane = p->size[0] * p->pitch[0];
    for (int d = 0; d < 3; d++)
        for (hg_size r = 0; r < p->count[d]; r++) {
            hg_size low = -floor_div(p->first[d][r], p->step[d]);
            hg_size high = floor_div(p->n[d] - 1 - p->first[d][r], p->step[d]) + 1;
            p->low[d][r] = low < 0 ? 0 : low;
            p->high[d][r] = high > p->size[d] ? p->size[d] : high;
        }
}

hg_size hg_planes_elements(const hg_planes *p)
{
    return p->channels * p->count[0] * p->count[1] * p->count[2] * p->channel;
}

static void copy_row(const char *from, char *to, hg_size count, hg_size step, hg_size item)
{
    if (count <= 0)
        return;
    if (step == 1)
        memcpy(to, from, (size_t)(count * item));
    else if (item == 4)
        for (hg_size i = 0; i < count; i++)
            ((f32 *)to)[i] = ((const f32 *)from)[i * step];
    else
        for (hg_size i = 0; i < count; i++)
            ((f64 *)to)[i] = ((const f64 *)from)[i * step];
}

static void fill_plane(const hg_planes *p, const char *source, char *plane, const hg_size *r)
{
    hg_size low = p->low[2][r[2]], high = p->high[2][r[2]];
    for (hg_size i = p->low[0][r[0]]; i < p->high[0][r[0]]; i++)
        for (hg_size j = p->low[1][r[1]]; j < p->high[1][r[1]]; j++) {
            hg_size row = (p->first[0][r[0]] + i * p->step[0]) * p->n[1] + p->first[1][r[1]] + j * p->step[1];
            copy_row(source + (row * p->n[2] + p->first[2][r[2]] + low * p->step[2]) * p->item,
                     plane + (i * p->pitch[0] + j * p->pitch[1] + low) * p->item, high - low, p->step[2], p->item);
        }
}

void hg_planes_fill(const hg_planes *p, const char *source, char *planes, hg_size image)
{
    hg_size whole = p->n[0] * p->n[1] * p->n[2] * p->item, step = p->plane * p->item, r[3];
    char *to = planes + image * step;
    for (hg_size c = 0; c < p->channels; c++, source += whole)
        for (r[0] = 0; r[0] < p->count[0]; r[0]++)
            for (r[1] = 0; r[1] < p->count[1]; r[1]++)
                for (r[2] = 0; r[2] < p->count[2]; r[2]++, to += p->channel * p->item)
                    fill_plane(p, source, to, r);
}

typedef struct {
    hg_size slots, stretches;
} amount;

/* Lays slots from row to row; by_row begins a slot with every row. Without f->slots it only counts. */
static amount lay(const hg_field *f, const hg_planes *p, hg_size images, const hg_size *sizes, const hg_size *to,
                  hg_size width, hg_size end, int by_row)
{
    amount a = {0, 0};
    hg_size from = 0, rows = images * sizes[0] * sizes[1];
    for (hg_size row = 0; row < rows && sizes[2]; row++) {
        hg_size j = row % sizes[1], i = row / sizes[1] % sizes[0], n = row / sizes[1] / sizes[0];
        hg_size place = n * p->plane + i * p->pitch[0] + j * p->pitch[1];
        hg_size target = n * to[0] + i * to[1] + j * to[2];
        for (hg_size done = 0, count; done < sizes[2]; done += count) {
            if (a.slots == 0 || place + done >= from + width || (by_row && done == 0)) {
                from = place + done;
                if (end && from + width > end)
                    from = end - width;
                if (f->slots)
                    f->slots[a.slots] = (hg_slot){from, a.stretches, a.stretches};
                a.slots++;
            }
            count = from + width - place - done;
            count = count < sizes[2] - done ? count : sizes[2] - done;
            if (f->slots) {
                f->stretches[a.stretches] = (hg_stretch){place + done - from, count, target + done * to[3]};
                f->slots[a.slots - 1].last++;
            }
            a.stretches++;
        }
    }
    return a;
}

int hg_field_make(hg_field *f, const hg_planes *p, hg_size images, const hg_size *sizes, const hg_size *to,
                  hg_size width, hg_size end)
{
    *f = (hg_field){NULL, NULL, 0};
    amount line = lay(f, p, images, sizes, to, width, end, 0), row = lay(f, p, images, sizes, to, width, end, 1);
    int by_row = row.slots <= line.slots;
    if (by_row)
        line = row;
    f->count = line.slots;
    f->slots = malloc(sizeof(hg_slot) * (size_t)(line.slots + 1));
    f->stretches = malloc(sizeof(hg_stretch) * (size_t)(line.stretches + 1));
    if (!f->slots || !f->stretches) {
        hg_field_free(f);
        return -1;
    }
    lay(f, p, images, sizes, to, width, end, by_row);
    return 0;
}

void hg_field_free(hg_field *f)
{
    free(f->slots);
    free(f->stretches);
    f->slots = NULL;
    f->stretches = NULL;
}

/* ------------------------------------------------------------------------------------------------- a thread's memory */

static __thread char *kept;
static __thread size_t kept_size;

char *hg_borrow(size_t size)
{
    if (size > kept_size) {
        free(kept);
        kept = NULL;
        kept_size = 0;
        if (posix_memalign((void **)&kept, 64, size))
            return kept = NULL;
        kept_size = size;
    }
    memset(kept, 0, size);
    return kept;
}

void hg_give_back(void)
{
    if (kept_size > KEPT_BYTES) {
        free(kept);
        kept = NULL;
        kept_size = 0;
    }
}

/* ---------------------------------------------------------------------------------- what a convolution reads of x */

hg_size hg_product_of(const hg_size *n)
{
    return n[0] * n[1] * n[2];
}

void hg_planes_share(hg_planes *p, hg_size images)
{
    p->images = images;
    p->channel = images * p->plane;
}

/* The planes of x that a convolution reads; `where` receives, per dim and tap, the residue and the place. */
int hg_input_planes(const hg_conv *c, hg_planes *p, hg_size item, hg_size where[3][2][HG_TAPS])
{
    p->item = item;
    p->channels = c->inputs;
    for (int d = 0; d < 3; d++) {
        hg_size last = 0;
        p->count[d] = 0;
        p->step[d] = c->stride[d];
        p->n[d] = c->in[d];
        if (c->kernel[d] > HG_TAPS)
            return -2;
        for (hg_size t = 0; t < c->kernel[d]; t++) {
            hg_size first = t * c->dilation[d] % c->stride[d] - c->padding[d], r = 0;
            while (r < p->count[d] && p->first[d][r] != first)
                r++;
            if (r == HG_RESIDUES)
                return -2;
            p->first[d][r] = first;
            p->count[d] += r == p->count[d];
            where[d][0][t] = r;
            where[d][1][t] = t * c->dilation[d] / c->stride[d];
            last = where[d][1][t] > last ? where[d][1][t] : last;
        }
        p->size[d] = c->out[d] + last;
    }
    hg_planes_finish(p);
    hg_planes_share(p, 1);
    return 0;
}

/* Offsets into the planes of every (channel, tap). */
void hg_input_offsets(const hg_conv *c, const hg_planes *p, hg_size where[3][2][HG_TAPS], hg_size *offsets)
{
    hg_size residues = hg_product_of(p->count);
    for (hg_size q = 0; q < c->inputs; q++)
        for (hg_size t = 0; t < hg_product_of(c->kernel); t++) {
            hg_size tap[3] = {t / c->kernel[2] / c->kernel[1], t / c->kernel[2] % c->kernel[1], t % c->kernel[2]};
            hg_size residue = 0, place = 0;
            for (int d = 0; d < 3; d++) {
                residue = residue * p->count[d] + where[d][0][tap[d]];
                place += where[d][1][tap[d]] * p->pitch[d];
            }
            *offsets++ = (q * residues + residue) * p->channel + place;
        }
}
