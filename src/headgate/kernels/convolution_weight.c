/* The gradient of a convolution for its weight: dot products of padded planes with the gradient laid out as they are.
 * It must not know Python. */
#include "convolution_planes.h"

typedef struct {
    const hg_conv *c;
    hg_planes x, g;
    hg_size item, width, chunks, splits, depth, length, *offsets;
    const char *source, *gradient;
    char *sums; /* per chunk one gradient, added at the end in this order */
    int failed;
} weigh;

static void dot_blocks(const weigh *k, const char *x, const char *g, char *out, hg_size rows)
{
    const hg_conv_table *t = hg_conv_loops();
    hg_size kind = k->item == 8, row_blocks = (rows + t->dot_rows - 1) / t->dot_rows;
    hg_size tap_blocks = (k->depth + t->dot_taps - 1) / t->dot_taps, pitch = k->g.channel;
    hg_size length = (k->length + k->width - 1) / k->width * k->width;
    for (hg_size b = 0; b < row_blocks; b++) {
        hg_size r = rows * b / row_blocks, n = rows * (b + 1) / row_blocks - r;
        for (hg_size j = 0; j < tap_blocks; j++) {
            hg_size tap = k->depth * j / tap_blocks, m = k->depth * (j + 1) / tap_blocks - tap;
            t->dots[kind][n - 1][m - 1](length, g + r * pitch * k->item, pitch, x, k->offsets + tap,
                                        out + (r * k->depth + tap) * k->item, k->depth);
        }
    }
}

static void weigh_item(const weigh *k, hg_size i, char *x, char *g)
{
    const hg_conv *c = k->c;
    hg_size split = i % k->splits, group = i / k->splits % c->groups, chunk = i / k->splits / c->groups;
    hg_size low = c->outputs * split / k->splits, rows = c->outputs * (split + 1) / k->splits - low;
    hg_size end = c->batch * (chunk + 1) / k->chunks, row = group * c->outputs + low;
    hg_size source = c->inputs * hg_product_of(c->in) * k->item, place = hg_product_of(c->out) * k->item;
    hg_planes gradient = k->g;
    gradient.channels = rows;
    for (hg_size first = c->batch * chunk / k->chunks; first < end; first += k->x.images) {
        for (hg_size m = 0; m < k->x.images; m++) {
            if (first + m < end) {
                hg_planes_fill(&k->x, k->source + ((first + m) * c->groups + group) * source, x, m);
                hg_planes_fill(&gradient, k->gradient + ((first + m) * c->groups * c->outputs + row) * place, g, m);
                continue;
            }
            for (hg_size r = 0; r < rows; r++) /* no image there: its gradient counts nothing */
                memset(g + (r * k->g.channel + m * k->g.plane) * k->item, 0, (size_t)(k->g.plane * k->item));
        }
        dot_blocks(k, x, g, k->sums + (chunk * c->groups * c->outputs + row) * k->depth * k->item, rows);
    }
}

static void weigh_items(void *context, hg_size low, hg_size high)
{
    weigh *k = context;
    hg_size slack = 4 * k->width, x_size = (hg_planes_elements(&k->x) + slack) * k->item;
    hg_size g_size = (k->g.channels * k->g.channel + slack) * k->item;
    char *memory;
    x_size = (x_size + 63) & ~(hg_size)63;
    memory = hg_borrow((size_t)(x_size + g_size));
    if (!memory) {
        __atomic_store_n(&k->failed, -1, __ATOMIC_RELAXED);
        return;
    }
    for (hg_size i = low; i < high; i++)
        weigh_item(k, i, memory, memory + x_size);
    hg_give_back();
}

static void add_chunks(const weigh *k, char *w)
{
    hg_size n = k->c->groups * k->c->outputs * k->depth;
    if (k->sums != w)
        memcpy(w, k->sums, (size_t)(n * k->item));
    for (hg_size chunk = 1; chunk < k->chunks; chunk++)
        if (k->item == 8)
            for (hg_size i = 0; i < n; i++)
                ((f64 *)w)[i] += ((const f64 *)k->sums)[chunk * n + i];
        else
            for (hg_size i = 0; i < n; i++)
                ((f32 *)w)[i] += ((const f32 *)k->sums)[chunk * n + i];
}

static void gradient_planes(const hg_conv *c, weigh *k)
{
    k->g = k->x;
    k->g.channels = c->outputs;
    for (int d = 0; d < 3; d++) {
        k->g.count[d] = k->g.step[d] = 1;
        k->g.first[d][0] = 0;
        k->g.n[d] = c->out[d];
    }
    hg_planes_finish(&k->g);
    k->g.channel = (k->g.images * k->g.plane + k->width - 1) / k->width * k->width; /* whole vectors of a row alone */
}

int hg_conv_weight(const hg_conv *c, const void *x, const void *y, void *w, hg_splitter parallel)
{
    hg_size where[3][2][HG_TAPS], item = c->type == HG_F64 ? 8 : 4, elements, work;
    weigh k = {.c = c, .item = item, .width = hg_conv_loops()->width[item == 8], .depth = c->inputs * hg_product_of(c->kernel),
               .source = x, .gradient = y};
    int failed = hg_input_planes(c, &k.x, item, where);
    if (failed)
        return failed;
    elements = c->groups * c->outputs * k.depth;
    k.x.images = (1024 + k.x.plane - 1) / k.x.plane;
    hg_planes_share(&k.x, k.x.images < c->batch ? k.x.images : c->batch);
    k.length = (k.x.images - 1) * k.x.plane + (c->out[0] - 1) * k.x.pitch[0] + (c->out[1] - 1) * k.x.pitch[1] + c->out[2];
    gradient_planes(c, &k);
    k.chunks = (4 << 20) / (elements * item + 1) + 1;
    k.chunks = k.chunks < HG_PIECES ? k.chunks : HG_PIECES;
    k.chunks = k.chunks < c->batch ? k.chunks : c->batch;
    k.splits = HG_PIECES / (k.chunks * c->groups);
    k.splits = k.splits < c->outputs / 16 ? k.splits : c->outputs / 16;
    k.splits = k.splits < 1 ? 1 : k.splits;
    k.offsets = malloc(sizeof(hg_size) * (size_t)(k.depth + 1));
    k.sums = k.chunks == 1 ? w : malloc((size_t)(k.chunks * elements * item));
    failed = k.offsets && k.sums ? 0 : -1;
    if (failed == 0) {
        memset(k.sums, 0, (size_t)(k.chunks * elements * item));
        hg_input_offsets(c, &k.x, where, k.offsets);
        work = c->batch * elements / k.chunks / c->groups / k.splits * hg_product_of(c->out) + 1;
        parallel(weigh_items, &k, k.chunks * c->groups * k.splits, 65536 / work + 1);
        failed = k.failed;
        if (failed == 0)
            add_chunks(&k, w);
    }
    if (k.sums != w)
        free(k.sums);
    free(k.offsets);
    return failed;
}
