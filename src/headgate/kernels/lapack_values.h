/* Orthogonal factors, singular values, symmetric eigenvalues and least squares for one element type T. Included twice
 * by lapack_loops.c, after lapack_type.h. It must not know Python. */

/* ------------------------------------------------------------------------------------------------------------------ QR */

/* The upper triangle of `rows` rows. */
static void NAME(put_upper)(T *to, const T *a, int side, int rows, int n)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < n; j++)
            to[(hg_size)i * n + j] = i > j ? 0 : a[(hg_size)j * side + i];
}

/* H = 1 - tau v vᵀ over the columns of n adjacent elements from row `first` on; v is 1 there, then `step` apart. */
static void NAME(reflect)(T *restrict rows, int n, int across, const T *v, int step, T tau, int m, T *restrict w)
{
    memcpy(w, rows, n * sizeof(T));
    for (int r = 1; r < m; r++)
        for (int j = 0; j < n; j++)
            w[j] += v[(hg_size)r * step] * rows[(hg_size)r * across + j];
    for (int j = 0; j < n; j++)
        rows[j] -= w[j] *= tau;
    for (int r = 1; r < m; r++)
        for (int j = 0; j < n; j++)
            rows[(hg_size)r * across + j] -= v[(hg_size)r * step] * w[j];
}

/* R in place of adjacent rows, with the reflections below it, as geqrf has them (its signs too); -1 for lengths that
   need its care, or are not finite. */
static int NAME(triangulate)(T *a, int m, int n, T *tau, T *w)
{
    const double least = sizeof(T) == 4 ? 1e-60 : 1e-280, most = sizeof(T) == 4 ? 1e70 : 1e280;
    for (int i = 0; i < m && i < n; i++) {
        T *at = a + (hg_size)i * n + i;
        double sum = 0, head = *at, beta;
        int some = 0;
        for (int r = 1; r < m - i; r++) {
            sum += (double)at[(hg_size)r * n] * (double)at[(hg_size)r * n];
            some |= at[(hg_size)r * n] != 0; /* the square of a small one may be 0 */
        }
        tau[i] = 0;
        if (!some)
            continue;
        if (!(sum > least && sum + head * head < most))
            return -1;
        beta = -copysign(sqrt(sum + head * head), head);
        tau[i] = (T)((beta - head) / beta);
        for (int r = 1; r < m - i; r++)
            at[(hg_size)r * n] *= (T)(1 / (head - beta));
        *at = (T)beta;
        NAME(reflect)(at + 1, n - i - 1, n, at, n, tau[i], m - i, w);
    }
    return 0;
}

/* Small ones in rows as they lie. */
static int NAME(small_qr)(const hg_lapack *job)
{
    int m = (int)job->a.m, n = (int)job->a.n, count = m < n ? m : n, width = job->width;
    T room[SMALL_QR + 3 * SMALL_QR_SIDE], *a = room, *tau = a + m * n, *w = tau + count;
    for (hg_size k = 0; k < job->count; k++) {
        NAME(rows)(a, &job->a, k);
        if (NAME(triangulate)(a, m, n, tau, w))
            return -1;
        T *r = (T *)job->out[1] + k * width * n, *q = (T *)job->out[0] + k * m * width;
        for (int i = 0; i < width; i++)
            for (int j = 0; j < n; j++)
                r[i * n + j] = i > j ? 0 : a[i * n + j];
        if (!job->out[0])
            continue;
        memset(q, 0, (size_t)m * width * sizeof(T));
        for (int i = 0; i < width; i++)
            q[i * width + i] = 1;
        for (int i = count - 1; i >= 0; i--)
            if (tau[i] != 0)
                NAME(reflect)(q + i * width + i, width - i, width, a + i * n + i, n, tau[i], m - i, w);
    }
    return 0;
}

static int NAME(qr)(const hg_lapack *job)
{
    if (job->a.m <= SMALL_QR_SIDE && job->a.n <= SMALL_QR_SIDE && !NAME(small_qr)(job))
        return 0;
    int m = (int)job->a.m, n = (int)job->a.n, count = m < n ? m : n, width = job->width, info = 0;
    int wide = n > width ? n : width, room = 64 * (m + n);
    T *a = malloc(((size_t)m * wide + count + room) * sizeof(T));
    if (!a)
        return -1;
    T *tau = a + (hg_size)m * wide, *work = tau + count;
    for (hg_size k = 0; k < job->count; k++) {
        NAME(columns)(a, m, &job->a, k);
        NAME(geqrf)(&m, &n, a, &m, tau, work, &room, &info);
        NAME(put_upper)((T *)job->out[1] + k * width * n, a, m, width, n);
        if (!job->out[0])
            continue;
        NAME(orgqr)(&m, &width, &count, a, &m, tau, work, &room, &info);
        NAME(put)(job->out[0], k, a, m, m, width);
    }
    free(a);
    return info;
}

/* ----------------------------------------------------------------------------------------------------- singular values */

typedef struct {
    T *a, *values, *left, *right, *work;
    int *places, m, n, count, room;
} NAME(svd_room);

static double NAME(limit)(const hg_lapack *job, const T *values)
{
    double relative = job->relative * (double)values[0];
    return relative > job->least ? relative : job->least;
}

/* V S⁻¹ Uᵀ: adjacent rows of it are adjacent columns of U S⁻¹ Vᵀ, where singular values that count as zero drop out. */
static void NAME(pseudo)(const hg_lapack *job, hg_size k, const NAME(svd_room) *r)
{
    double limit = NAME(limit)(job, r->values);
    const T one = 1, zero = 0;
    for (int i = 0; i < r->count; i++) {
        T scale = r->values[i] > limit ? 1 / r->values[i] : 0;
        for (int j = 0; j < r->n; j++)
            r->right[(hg_size)j * r->count + i] *= scale;
    }
    NAME(gemm)("N", "N", &r->m, &r->n, &r->count, &one, r->left, &r->m, r->right, &r->count, &zero,
               (T *)job->out[0] + k * r->m * r->n, &r->m, 1, 1);
}

/* Whether singular values alone are wanted of a small matrix whose elements need no scaling. */
static int NAME(is_short)(const NAME(svd_room) *r)
{
    T most = 0, low = sizeof(T) == 4 ? (T)1e-12 : (T)1e-100, high = sizeof(T) == 4 ? (T)1e12 : (T)1e100;
    if (r->m > SMALL_VALUES || r->n > SMALL_VALUES)
        return 0;
    for (hg_size i = 0; i < (hg_size)r->m * r->n; i++)
        most = fabs(r->a[i]) > most ? (T)fabs(r->a[i]) : most;
    return most > low && most < high;
}

/* Singular values through a bidiagonal matrix, without what gesdd prepares for vectors and for blocks. */
static int NAME(short_values)(NAME(svd_room) *r)
{
    int info = 0, none = 0, one = 1;
    T *beside = r->work, *left = beside + r->count, *right = left + r->count, *work = right + r->count;
    NAME(gebd2)(&r->m, &r->n, r->a, &r->m, r->values, beside, left, right, work, &info);
    NAME(bdsqr)(r->m < r->n ? "L" : "U", &r->count, &none, &none, &none, r->values, beside, left, &one, left, &one, left,
                &one, work, &info, 1);
    return info;
}

static int NAME(svd_one)(const hg_lapack *job, hg_size k, NAME(svd_room) *r)
{
    int info = 0, rows = job->full ? r->n : r->count, columns = job->full ? r->m : r->count;
    const char *way = job->what == HG_RANK || !job->out[0] ? "N" : job->full ? "A" : "S";
    NAME(columns)(r->a, r->m, &job->a, k);
    if (!NAME(finite)(r->a, (hg_size)r->m * r->n, 1))
        return -1;
    if (*way == 'N' && NAME(is_short)(r))
        info = NAME(short_values)(r);
    else
        NAME(gesdd)(way, &r->m, &r->n, r->a, &r->m, r->values, r->left, &r->m, r->right, &rows, r->work, &r->room,
                    r->places, &info, 1);
    if (info)
        return info;
    if (job->what == HG_PINV)
        NAME(pseudo)(job, k, r);
    else if (job->what == HG_RANK) {
        i64 *rank = (i64 *)job->out[0] + k;
        double limit = NAME(limit)(job, r->values);
        *rank = 0;
        for (int i = 0; i < r->count; i++)
            *rank += r->values[i] > limit;
    } else {
        memcpy((T *)job->out[1] + k * r->count, r->values, r->count * sizeof(T));
        if (job->out[0]) {
            NAME(put)(job->out[0], k, r->left, r->m, r->m, columns);
            NAME(put)(job->out[2], k, r->right, rows, rows, r->n);
        }
    }
    return 0;
}

static int NAME(svd)(const hg_lapack *job)
{
    NAME(svd_room) r = {.m = (int)job->a.m, .n = (int)job->a.n};
    hg_size m = r.m, n = r.n, less = m < n ? m : n, more = m < n ? n : m;
    hg_size left = m * (job->full ? m : less), right = n * (job->full ? n : less);
    int info = 0;
    r.count = (int)less;
    r.room = (int)(5 * less * less + 7 * less + more + 64 * (m + n)); /* what gesdd asks for, blocks of 64 included */
    r.a = malloc((m * n + less + left + right + r.room) * sizeof(T) + 8 * less * sizeof(int));
    if (!r.a)
        return -1;
    r.values = r.a + m * n;
    r.left = r.values + less;
    r.right = r.left + left;
    r.work = r.right + right;
    r.places = (int *)(r.work + r.room);
    for (hg_size k = 0; k < job->count && !info; k++)
        info = NAME(svd_one)(job, k, &r);
    free(r.a);
    return info;
}

/* ---------------------------------------------------------------------------------------- eigenvalues, least squares */

static int NAME(eigh)(const hg_lapack *job)
{
    int n = (int)job->a.n, info = 0, room = 1 + 6 * n + 2 * n * n + 64 * n, places = 3 + 5 * n;
    T *a = malloc(((size_t)n * n + room) * sizeof(T) + places * sizeof(int));
    if (!a)
        return -1;
    T *work = a + (hg_size)n * n;
    for (hg_size k = 0; k < job->count && !info; k++) {
        NAME(columns)(a, n, &job->a, k);
        NAME(syevd)(job->out[1] ? "V" : "N", job->upper ? "U" : "L", &n, a, &n, (T *)job->out[0] + k * n, work, &room,
                    (int *)(work + room), &places, &info, 1, 1);
        if (job->out[1])
            NAME(put)(job->out[1], k, a, n, n, n);
    }
    free(a);
    return info;
}

static int NAME(lstsq)(const hg_lapack *job)
{
    int m = (int)job->a.m, n = (int)job->a.n, many = (int)job->b.n, side = m > n ? m : n, info = 0, rank = 0;
    int room = 7 * n + m + 1 + 64 * (n + 1 + many);
    const T limit = (T)job->relative;
    T *a = malloc(((size_t)m * n + (size_t)side * many + room) * sizeof(T) + n * sizeof(int));
    if (!a)
        return -1;
    T *b = a + (hg_size)m * n, *work = b + (hg_size)side * many;
    int *order = (int *)(work + room);
    for (hg_size k = 0; k < job->count && !info; k++) {
        NAME(columns)(a, m, &job->a, k);
        if (!NAME(finite)(a, (hg_size)m * n, 1)) {
            info = -1;
            break;
        }
        NAME(columns)(b, side, &job->b, k);
        memset(order, 0, n * sizeof(int));
        NAME(gelsy)(&m, &n, &many, a, &m, b, &side, order, &limit, &rank, work, &room, &info);
        NAME(put)(job->out[0], k, b, side, n, many);
        ((i64 *)job->out[1])[k] = rank;
    }
    free(a);
    return info;
}
