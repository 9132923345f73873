/* Convolutions as products over padded planes: each tap reads the same vector of places at another offset, so nothing
 * is unrolled into columns. Result and gradient for the input are one walk. It must not know Python. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "no-trapping-math")
#endif
#include "convolution_planes.h"

#define HG_BODY "convolution_level.h"
#include "each_level.h"

#define TILE_BYTES 393216 /* of planes that should stay near while rows go by */
#define SMALL_PLANE 256 /* places below which several images share a plane */

const hg_conv_table *hg_conv_loops(void)
{
    static const hg_conv_table *chosen;
    if (!chosen) {
        chosen = &convolutions_baseline;
#if HG_X86
        int level = hg_level();
        chosen = level == 2 ? &convolutions_avx512 : level == 1 ? &convolutions_avx2 : chosen;
#endif
    }
    return chosen;
}

/* --------------------------------------------------------------------------------------- products over padded planes */

/* One residue of the result: its taps (offsets and packed weights) and the vectors of places it covers. */
typedef struct {
    hg_size depth, to;
    hg_size *offsets;
    char *w;
    hg_field full, rest; /* for a whole tile of images, and for the last */
    hg_size *full_places, *rest_places; /* dense: the place of every lane, gathered into a panel; else NULL */
    hg_size *panel; /* dense: where each depth begins in the panel */
} piece;

typedef struct {
    hg_planes planes;
    hg_size item, width, rows, groups, batch, splits;
    hg_size source_image, out_image, out_row, out_step, work;
    int direct, failed, count; /* direct: the source needs no padding */
    const char *source, *bias;
    char *out;
    piece *pieces;
} walk;

static hg_size blocks_of(hg_size rows)
{
    return (rows + hg_conv_loops()->rows - 1) / hg_conv_loops()->rows;
}

/* Rows [first, first + count) of block b. */
static hg_size block_rows(hg_size rows, hg_size b, hg_size *first)
{
    hg_size n = blocks_of(rows), more = rows % n;
    *first = b * (rows / n) + (b < more ? b : more);
    return rows / n + (b < more);
}

static void walk_piece(const walk *k, const piece *p, const hg_field *f, const char *planes, hg_size group, char *out,
                       hg_size low, hg_size high)
{
    const hg_conv_table *table = hg_conv_loops();
    hg_size tile = TILE_BYTES / (k->planes.channels * k->item * k->width) + 1, first;
    hg_size kind = k->item == 8;
    tile = tile < 6 ? 6 : tile - tile % 3;
    for (hg_size start = 0; start < f->count; start += tile)
        for (hg_size b = low; b < high; b++) {
            hg_size rows = block_rows(k->rows, b, &first), end = start + tile < f->count ? start + tile : f->count;
            hg_rows job = {p->depth, p->w + (group * k->rows + first) * p->depth * k->item,
                           k->bias ? k->bias + (group * k->rows + first) * k->item : NULL, p->offsets, planes, NULL,
                           f->stretches, out + (p->to + first * k->out_row) * k->item, k->out_row, k->out_step};
            for (hg_size s = start, n; s < end; s += n) {
                n = end - s > 4 ? 3 : end - s > 3 ? 2 : end - s;
                job.slots = f->slots + s;
                table->block[kind][rows - 1][n - 1](&job);
            }
        }
}

/* The same where most lanes would be beside the result: the places that count are gathered, three vectors at a time. */
static void walk_dense(const walk *k, const piece *p, const hg_field *f, const hg_size *places, const char *planes,
                       char *panel, hg_size group, char *out, hg_size low, hg_size high)
{
    hg_size lanes = 3 * k->width, kind = k->item == 8, first;
    for (hg_size s = 0, n; s < f->count; s += n) {
        hg_slot slots[3];
        n = f->count - s > 4 ? 3 : f->count - s > 3 ? 2 : f->count - s;
        for (hg_size v = 0; v < n; v++) {
            slots[v] = f->slots[s + v];
            slots[v].from = v * k->width;
        }
        for (hg_size d = 0; d < p->depth; d++)
            for (hg_size j = 0; j < n * k->width; j++)
                if (kind)
                    ((f64 *)panel)[d * lanes + j] = ((const f64 *)planes)[p->offsets[d] + places[s * k->width + j]];
                else
                    ((f32 *)panel)[d * lanes + j] = ((const f32 *)planes)[p->offsets[d] + places[s * k->width + j]];
        for (hg_size b = low; b < high; b++) {
            hg_size rows = block_rows(k->rows, b, &first);
            hg_rows job = {p->depth, p->w + (group * k->rows + first) * p->depth * k->item,
                           k->bias ? k->bias + (group * k->rows + first) * k->item : NULL, p->panel, panel, slots,
                           f->stretches, out + (p->to + first * k->out_row) * k->item, k->out_row, k->out_step};
            hg_conv_loops()->block[kind][rows - 1][n - 1](&job);
        }
    }
}

static void walk_items(void *context, hg_size low, hg_size high)
{
    walk *k = context;
    hg_size size = ((hg_planes_elements(&k->planes) + 2 * k->width) * k->item + 63) & ~(hg_size)63, panel = 0;
    char *planes;
    for (int p = 0; p < k->count; p++)
        if (k->pieces[p].panel && k->pieces[p].depth * 3 * k->width * k->item > panel)
            panel = k->pieces[p].depth * 3 * k->width * k->item;
    planes = k->direct ? NULL : hg_borrow((size_t)(size + panel));
    if (!k->direct && !planes) {
        __atomic_store_n(&k->failed, -1, __ATOMIC_RELAXED);
        return;
    }
    for (hg_size i = low; i < high; i++) {
        hg_size split = i % k->splits, group = i / k->splits % k->groups, tile = i / k->splits / k->groups;
        hg_size first = tile * k->planes.images, n = k->batch - first, blocks = blocks_of(k->rows);
        const char *source = k->source + (first * k->groups + group) * k->source_image * k->item;
        n = n < k->planes.images ? n : k->planes.images;
        for (hg_size m = 0; m < n && !k->direct; m++)
            hg_planes_fill(&k->planes, source + m * k->groups * k->source_image * k->item, planes, m);
        for (int p = 0; p < k->count; p++) {
            const piece *one = k->pieces + p;
            const hg_field *f = n < k->planes.images ? &one->rest : &one->full;
            char *out = k->out + (first * k->groups + group) * k->out_image * k->item;
            hg_size start = blocks * split / k->splits, end = blocks * (split + 1) / k->splits;
            if (one->panel)
                walk_dense(k, one, f, n < k->planes.images ? one->rest_places : one->full_places, planes, planes + size,
                           group, out, start, end);
            else
                walk_piece(k, one, f, k->direct ? source : planes, group, out, start, end);
        }
    }
    hg_give_back();
}

/* Packs one block after the other: for every depth the block's rows side by side. */
static void pack(const walk *k, const piece *p, const char *w, hg_size row_step, hg_size group_step,
                 const hg_size *places)
{
    char *to = p->w;
    for (hg_size g = 0; g < k->groups; g++)
        for (hg_size b = 0, first; b < blocks_of(k->rows); b++) {
            hg_size rows = block_rows(k->rows, b, &first);
            const char *from = w + (g * group_step + first * row_step) * k->item;
            for (hg_size d = 0; d < p->depth; d++)
                for (hg_size r = 0; r < rows; r++, to += k->item)
                    memcpy(to, from + (r * row_step + places[d]) * k->item, (size_t)k->item);
        }
}

static void free_pieces(walk *k)
{
    for (int i = 0; k->pieces && i < k->count; i++) {
        free(k->pieces[i].offsets);
        free(k->pieces[i].w);
        hg_field_free(&k->pieces[i].full);
        hg_field_free(&k->pieces[i].rest);
        free(k->pieces[i].full_places);
        free(k->pieces[i].rest_places);
        free(k->pieces[i].panel);
    }
    free(k->pieces);
}

static int run_walk(walk *k, hg_splitter parallel)
{
    hg_size tiles = (k->batch + k->planes.images - 1) / k->planes.images, items = tiles * k->groups;
    hg_size blocks = blocks_of(k->rows), work = k->work / (items ? items : 1) + 1;
    k->splits = items >= HG_PIECES || work < 65536 ? 1 : HG_PIECES / items < blocks ? HG_PIECES / items : blocks;
    parallel(walk_items, k, items * k->splits, 65536 / (work / k->splits + 1) + 1);
    return k->failed;
}

/* Common beginnings: how many images share a plane so that vectors are filled. */
static hg_size images_of(hg_size batch, hg_size plane)
{
    hg_size images = (SMALL_PLANE + plane - 1) / plane;
    return images < batch ? images : batch;
}

/* Lays a field anew so that every lane is a place of the result; the places, or NULL without memory. */
static hg_size *make_dense(const walk *k, hg_field *f, hg_size images, const hg_size *sizes, const hg_size *to)
{
    hg_size valid = images * hg_product_of(sizes), slots = (valid + k->width - 1) / k->width, rows = valid / sizes[2];
    hg_size *places = malloc(sizeof(hg_size) * (size_t)(slots * k->width)), at = 0, parts = 0;
    hg_field_free(f);
    f->count = slots;
    f->slots = malloc(sizeof(hg_slot) * (size_t)slots);
    f->stretches = malloc(sizeof(hg_stretch) * (size_t)(rows + slots + 1));
    if (!places || !f->slots || !f->stretches) {
        free(places);
        return NULL;
    }
    for (hg_size row = 0; row < rows; row++) {
        hg_size j = row % sizes[1], i = row / sizes[1] % sizes[0], n = row / sizes[1] / sizes[0];
        hg_size place = n * k->planes.plane + i * k->planes.pitch[0] + j * k->planes.pitch[1];
        hg_size target = n * to[0] + i * to[1] + j * to[2];
        for (hg_size t = 0; t < sizes[2]; t++, at++) {
            hg_size lane = at % k->width;
            places[at] = place + t;
            if (lane == 0)
                f->slots[at / k->width] = (hg_slot){0, parts, parts};
            if (lane == 0 || t == 0) {
                f->stretches[parts++] = (hg_stretch){lane, 0, target + t * to[3]};
                f->slots[at / k->width].last++;
            }
            f->stretches[parts - 1].count++;
        }
    }
    for (; at < slots * k->width; at++)
        places[at] = places[valid - 1];
    return places;
}

/* Whether a third of the lanes would be lost, and enough rows share what gathering costs. */
static int is_sparse(const walk *k, const hg_field *f, hg_size images, const hg_size *sizes)
{
    hg_size slots = (images * hg_product_of(sizes) + k->width - 1) / k->width;
    return !k->direct && k->rows >= 32 && 3 * slots <= 2 * f->count;
}

static int make_fields(walk *k, piece *p, const hg_size *sizes, const hg_size *to)
{
    hg_size images = k->planes.images, rest = k->batch % images, end = 0;
    if (k->direct)
        end = ((sizes[0] - 1) * k->planes.size[1] + sizes[1] - 1) * k->planes.size[2] + sizes[2];
    if (hg_field_make(&p->full, &k->planes, images, sizes, to, k->width, end)
        || (rest && hg_field_make(&p->rest, &k->planes, rest, sizes, to, k->width, end)))
        return -1;
    if (!is_sparse(k, &p->full, images, sizes))
        return 0;
    p->panel = malloc(sizeof(hg_size) * (size_t)(p->depth + 1));
    p->full_places = make_dense(k, &p->full, images, sizes, to);
    p->rest_places = rest ? make_dense(k, &p->rest, rest, sizes, to) : NULL;
    if (!p->panel || !p->full_places || (rest && !p->rest_places))
        return -1;
    for (hg_size d = 0; d < p->depth; d++)
        p->panel[d] = d * 3 * k->width;
    return 0;
}

int hg_conv_forward(const hg_conv *c, const void *x, const void *w, const void *bias, void *y, hg_splitter parallel)
{
    hg_size where[3][2][HG_TAPS], item = c->type == HG_F64 ? 8 : 4, places = hg_product_of(c->out), taps = hg_product_of(c->kernel);
    hg_size depth = c->inputs * taps, *along = malloc(sizeof(hg_size) * (size_t)(depth + 1));
    walk k = {.item = item, .width = hg_conv_loops()->width[item == 8], .rows = c->outputs, .groups = c->groups,
              .batch = c->batch, .source_image = c->inputs * hg_product_of(c->in), .out_image = c->outputs * places,
              .out_row = places, .out_step = 1, .work = c->batch * c->groups * c->outputs * depth * places,
              .source = x, .bias = bias, .out = y, .count = 1};
    int failed = hg_input_planes(c, &k.planes, item, where);
    if (failed == 0) {
        hg_planes_share(&k.planes, images_of(c->batch, k.planes.plane));
        k.direct = k.planes.images == 1 && hg_product_of(c->stride) == 1 && hg_product_of(k.planes.size) == hg_product_of(c->in)
                   && c->padding[0] + c->padding[1] + c->padding[2] == 0 && places >= k.width;
        k.pieces = calloc(1, sizeof(piece));
        failed = !along || !k.pieces ? -1 : 0;
    }
    if (failed == 0) {
        hg_size to[4] = {c->groups * k.out_image, c->out[1] * c->out[2], c->out[2], 1};
        piece *p = k.pieces;
        p->depth = depth;
        p->offsets = malloc(sizeof(hg_size) * (size_t)(depth + 1));
        p->w = malloc((size_t)(c->groups * c->outputs * depth * item + 1));
        failed = !p->offsets || !p->w ? -1 : make_fields(&k, p, c->out, to);
        if (failed == 0) {
            hg_input_offsets(c, &k.planes, where, p->offsets);
            for (hg_size d = 0; d < depth; d++)
                along[d] = d;
            pack(&k, p, w, depth, c->outputs * depth, along);
            failed = run_walk(&k, parallel);
        }
    }
    free_pieces(&k);
    free(along);
    return failed;
}

/* ------------------------------------------------------------------------------------------ gradient for the input */

/* Per dim and residue of the input's places: which taps reach it, and from where. */
typedef struct {
    hg_size count[3], sizes[3][HG_RESIDUES];       /* residues, and places of each */
    hg_size taps[3][HG_RESIDUES], tap[3][HG_RESIDUES][HG_TAPS], place[3][HG_RESIDUES][HG_TAPS];
} reach;

static int find_reach(const hg_conv *c, reach *f, hg_planes *p)
{
    for (int d = 0; d < 3; d++) {
        hg_size s = c->stride[d], low = 0, size = 1;
        f->count[d] = s < c->in[d] ? s : c->in[d];
        if (c->kernel[d] > 256 || f->count[d] > HG_RESIDUES)
            return -2;
        for (hg_size r = 0; r < f->count[d]; r++) {
            f->sizes[d][r] = (c->in[d] - r + s - 1) / s;
            f->taps[d][r] = 0;
            for (hg_size t = 0; t < c->kernel[d]; t++) {
                hg_size from = r + c->padding[d] - t * c->dilation[d];
                if (from % s)
                    continue;
                f->tap[d][r][f->taps[d][r]] = t;
                f->place[d][r][f->taps[d][r]++] = from / s;
                low = from / s < low ? from / s : low;
                size = from / s + f->sizes[d][r] > size ? from / s + f->sizes[d][r] : size;
            }
        }
        for (hg_size r = 0; r < f->count[d]; r++)
            for (hg_size t = 0; t < f->taps[d][r]; t++)
                f->place[d][r][t] -= low;
        for (hg_size r = 0; r < f->count[d]; r++)
            size = f->sizes[d][r] + low > size ? f->sizes[d][r] + low : size;
        p->count[d] = p->step[d] = 1;
        p->first[d][0] = low;
        p->size[d] = size - low;
        p->n[d] = c->out[d];
    }
    return 0;
}

static int input_piece(const hg_conv *c, walk *k, const reach *f, const hg_size *r, piece *p, hg_size *along,
                       const void *w)
{
    hg_size n[3] = {f->taps[0][r[0]], f->taps[1][r[1]], f->taps[2][r[2]]};
    hg_size sizes[3] = {f->sizes[0][r[0]], f->sizes[1][r[1]], f->sizes[2][r[2]]}, taps = hg_product_of(c->kernel);
    hg_size row = c->in[2], slice = c->in[1] * row, at = 0;
    hg_size to[4] = {c->groups * k->out_image, c->stride[0] * slice, c->stride[1] * row, c->stride[2]};
    p->depth = c->outputs * hg_product_of(n);
    p->to = r[0] * slice + r[1] * row + r[2];
    p->offsets = malloc(sizeof(hg_size) * (size_t)(p->depth + 1));
    p->w = malloc((size_t)(c->groups * c->inputs * p->depth * k->item + 1));
    if (!p->offsets || !p->w)
        return -1;
    for (hg_size o = 0; o < c->outputs; o++)
        for (hg_size t = 0; t < hg_product_of(n); t++, at++) {
            hg_size tap[3] = {t / n[2] / n[1], t / n[2] % n[1], t % n[2]}, place = 0, number = 0;
            for (int d = 0; d < 3; d++) {
                place += f->place[d][r[d]][tap[d]] * k->planes.pitch[d];
                number = number * c->kernel[d] + f->tap[d][r[d]][tap[d]];
            }
            p->offsets[at] = o * k->planes.channel + place;
            along[at] = o * c->inputs * taps + number;
        }
    pack(k, p, w, taps, c->outputs * c->inputs * taps, along);
    return make_fields(k, p, sizes, to);
}

int hg_conv_input(const hg_conv *c, const void *y, const void *w, const void *bias, void *x, hg_splitter parallel)
{
    hg_size item = c->type == HG_F64 ? 8 : 4, taps = hg_product_of(c->kernel), r[3];
    hg_size *along = malloc(sizeof(hg_size) * (size_t)(c->outputs * taps + 1));
    reach *f = malloc(sizeof(reach));
    walk k = {.item = item, .width = hg_conv_loops()->width[item == 8], .rows = c->inputs, .groups = c->groups,
              .batch = c->batch, .source_image = c->outputs * hg_product_of(c->out), .out_image = c->inputs * hg_product_of(c->in),
              .out_row = hg_product_of(c->in), .out_step = c->stride[2], .source = y, .bias = bias, .out = x,
              .work = c->batch * c->groups * c->outputs * c->inputs * taps * hg_product_of(c->out)};
    int failed = !along || !f ? -1 : find_reach(c, f, &k.planes);
    if (failed == 0) {
        hg_size pieces = hg_product_of(f->count);
        k.planes.item = item;
        k.planes.channels = c->outputs;
        hg_planes_finish(&k.planes);
        hg_planes_share(&k.planes, images_of(c->batch, k.planes.plane));
        k.direct = k.planes.images == 1 && pieces == 1 && hg_product_of(k.planes.size) == hg_product_of(c->out)
                   && k.planes.size[1] == c->out[1] && k.planes.size[2] == c->out[2]
                   && k.planes.first[0][0] + k.planes.first[1][0] + k.planes.first[2][0] == 0
                   && hg_product_of(f->sizes[0]) != 0 && taps == 1 && hg_product_of(c->in) >= k.width;
        k.pieces = calloc((size_t)pieces, sizeof(piece));
        failed = k.pieces ? 0 : -1;
        for (r[0] = 0; failed == 0 && r[0] < f->count[0]; r[0]++)
            for (r[1] = 0; failed == 0 && r[1] < f->count[1]; r[1]++)
                for (r[2] = 0; failed == 0 && r[2] < f->count[2]; r[2]++)
                    failed = input_piece(c, &k, f, r, k.pieces + k.count++, along, w);
    }
    if (failed == 0)
        failed = run_walk(&k, parallel);
    free_pieces(&k);
    free(along);
    free(f);
    return failed;
}
