/* Triangles, Cholesky and LU factors and systems for one element type T: the batch is walked here. Included twice by
 * lapack_loops.c. It must not know Python.
 *
 * A matrix row by row is its transpose column by column: triangles are worked on where they lie. What depends on the
 * order of the columns (pivots, reflections) is turned on the way in and out, so that signs and pivots are LAPACK's. */
#define ROUTINES(X) \
    X(potrf, (const char *, const int *, T *, const int *, int *, size_t)) \
    X(potri, (const char *, const int *, T *, const int *, int *, size_t)) \
    X(trsm, (const char *, const char *, const char *, const char *, const int *, const int *, const T *, const T *, \
             const int *, T *, const int *, size_t, size_t, size_t, size_t)) \
    X(gemm, (const char *, const char *, const int *, const int *, const int *, const T *, const T *, const int *, \
             const T *, const int *, const T *, T *, const int *, size_t, size_t)) \
    X(getrf, (const int *, const int *, T *, const int *, int *, int *)) \
    X(getrs, (const char *, const int *, const int *, const T *, const int *, const int *, T *, const int *, int *, \
              size_t)) \
    X(geqrf, (const int *, const int *, T *, const int *, T *, T *, const int *, int *)) \
    X(orgqr, (const int *, const int *, const int *, T *, const int *, const T *, T *, const int *, int *)) \
    X(syevd, (const char *, const char *, const int *, T *, const int *, T *, T *, const int *, int *, const int *, \
              int *, size_t, size_t)) \
    X(gesdd, (const char *, const int *, const int *, T *, const int *, T *, T *, const int *, T *, const int *, T *, \
              const int *, int *, int *, size_t)) \
    X(gebd2, (const int *, const int *, T *, const int *, T *, T *, T *, T *, T *, int *)) \
    X(bdsqr, (const char *, const int *, const int *, const int *, const int *, T *, T *, T *, const int *, T *, \
              const int *, T *, const int *, T *, int *, size_t)) \
    X(gelsy, (const int *, const int *, const int *, T *, const int *, T *, const int *, int *, const T *, int *, T *, \
              const int *, int *))

#define DECLARE(name, arguments) static void (*NAME(name)) arguments;
ROUTINES(DECLARE)
#undef DECLARE

static int NAME(open)(hg_finder find)
{
    char name[32];
    void *found;
    int missing = 0;
#define LOOK_UP(routine, arguments) \
    snprintf(name, sizeof name, "scipy_%c" #routine "_", LETTER); \
    found = find(name); \
    memcpy(&NAME(routine), &found, sizeof found); \
    missing |= !found;
    ROUTINES(LOOK_UP)
#undef LOOK_UP
    return missing ? -1 : 0;
}

/* ------------------------------------------------------------------------------------------------ in and out of rows */

/* to[j * side + i] = the element in row i and column j. */
static void NAME(turn)(T *to, hg_size side, const char *from, hg_size row, hg_size column, hg_size m, hg_size n)
{
    enum { TILE = 16 };
    if (row == sizeof(T)) {
        for (hg_size j = 0; j < n; j++)
            memcpy(to + j * side, from + j * column, m * sizeof(T));
        return;
    }
    for (hg_size top = 0; top < m; top += TILE)
        for (hg_size left = 0; left < n; left += TILE)
            for (hg_size j = left; j < n && j < left + TILE; j++)
                for (hg_size i = top; i < m && i < top + TILE; i++)
                    to[j * side + i] = *(const T *)(from + i * row + j * column);
}

static inline const char *NAME(at)(const hg_matrices *a, hg_size k)
{
    return a->data + k * a->step;
}

/* Matrix k with adjacent columns, `side` elements apart. */
static void NAME(columns)(T *to, hg_size side, const hg_matrices *a, hg_size k)
{
    NAME(turn)(to, side, NAME(at)(a, k), a->row, a->column, a->m, a->n);
}

/* The same with adjacent rows and no gaps. */
static void NAME(rows)(T *to, const hg_matrices *a, hg_size k)
{
    NAME(turn)(to, a->n, NAME(at)(a, k), a->column, a->row, a->n, a->m);
}

/* m rows of n elements from columns that are `side` apart. */
static void NAME(put)(void *to, hg_size k, const T *from, hg_size side, hg_size m, hg_size n)
{
    NAME(turn)((T *)to + k * m * n, n, (const char *)from, side * sizeof(T), sizeof(T), n, m);
}

static int NAME(finite)(const T *x, hg_size n, hg_size step)
{
    T sum = 0;
    for (hg_size i = 0; i < n; i++)
        sum += x[i * step] * 0;
    return sum == 0;
}

/* ------------------------------------------------------------------------------------------------ triangles, Cholesky */

static int NAME(cholesky)(const hg_lapack *job)
{
    int n = (int)job->a.n, info = 0;
    T *out = job->out[0];
    for (hg_size k = 0; k < job->count; k++, out += n * n) {
        NAME(rows)(out, &job->a, k);
        NAME(potrf)("U", &n, out, &n, &info, 1);
        if (info || !NAME(finite)(out, n, n + 1))
            return -1;
        for (int i = 0; i + 1 < n; i++)
            memset(out + i * n + i + 1, 0, (n - i - 1) * sizeof(T));
    }
    return 0;
}

/* X of A X = B, or of Aᵀ X = B, in place of B's adjacent rows; A's rows or columns are adjacent. */
static void NAME(substitute)(const hg_matrices *a, hg_size k, int upper, int turned, int unit, T *b, int m, int n)
{
    int by_rows = a->column == sizeof(T);
    int side = (int)((by_rows ? a->row : a->column) / sizeof(T));
    const T one = 1;
    NAME(trsm)("R", by_rows == !upper ? "U" : "L", by_rows == turned ? "T" : "N", unit ? "U" : "N", &n, &m,
               &one, (const T *)NAME(at)(a, k), &side, b, &n, 1, 1, 1, 1);
}

static int NAME(triangular)(const hg_lapack *job)
{
    hg_size m = job->b.m, n = job->b.n;
    T *out = job->out[0];
    for (hg_size k = 0; k < job->count; k++, out += m * n) {
        NAME(rows)(out, &job->b, k);
        NAME(substitute)(&job->a, k, job->upper, 0, job->unit, out, (int)m, (int)n);
    }
    return 0;
}

static int NAME(cholesky_solve)(const hg_lapack *job)
{
    hg_size m = job->b.m, n = job->b.n;
    T *out = job->out[0];
    for (hg_size k = 0; k < job->count; k++, out += m * n) {
        NAME(rows)(out, &job->b, k);
        NAME(substitute)(&job->a, k, job->upper, job->upper, 0, out, (int)m, (int)n);
        NAME(substitute)(&job->a, k, job->upper, !job->upper, 0, out, (int)m, (int)n);
    }
    return 0;
}

static int NAME(cholesky_inverse)(const hg_lapack *job)
{
    int n = (int)job->a.n, info = 0;
    T *out = job->out[0];
    for (hg_size k = 0; k < job->count; k++, out += n * n) {
        NAME(rows)(out, &job->a, k);
        NAME(potri)(job->upper ? "L" : "U", &n, out, &n, &info, 1);
        if (info)
            return info;
        for (int i = 0; i < n; i++)
            for (int j = 0; j < i; j++)
                if (job->upper)
                    out[i * n + j] = out[j * n + i];
                else
                    out[j * n + i] = out[i * n + j];
    }
    return 0;
}

/* ------------------------------------------------------------------------------------------------------------------ LU */

/* A column-major matrix with both factors in place, without exchange of rows. */
static int NAME(eliminate)(T *a, int m, int n)
{
    int info = 0;
    for (int step = 0; step < m && step < n; step++) {
        T *column = a + (hg_size)step * m, pivot = column[step];
        if (pivot == 0) {
            info = info ? info : step + 1;
            continue;
        }
        for (int i = step + 1; i < m; i++)
            column[i] /= pivot;
        for (int j = step + 1; j < n; j++)
            for (int i = step + 1; i < m; i++)
                a[(hg_size)j * m + i] -= column[i] * a[(hg_size)j * m + step];
    }
    return info;
}

/* Where each row of the product comes from. */
static void NAME(exchange)(int *order, const int *pivots, int count, int rows)
{
    for (int i = 0; i < rows; i++)
        order[i] = i;
    for (int i = 0; i < count; i++) {
        int other = order[i];
        order[i] = order[pivots[i] - 1];
        order[pivots[i] - 1] = other;
    }
}

/* L, U and P of a factored matrix with adjacent columns. */
static void NAME(part)(const hg_lapack *job, hg_size k, const T *a, const int *pivots, int *order)
{
    int m = (int)job->a.m, n = (int)job->a.n, count = m < n ? m : n;
    T *lower = (T *)job->out[0] + k * m * count, *upper = (T *)job->out[1] + k * count * n;
    T *permuted = (T *)job->out[2] + k * m * m;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < count; j++)
            lower[i * count + j] = i > j ? a[(hg_size)j * m + i] : i == j;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < n; j++)
            upper[i * n + j] = i > j ? 0 : a[(hg_size)j * m + i];
    NAME(exchange)(order, pivots, count, m);
    memset(permuted, 0, (size_t)m * m * sizeof(T));
    for (int i = 0; i < m; i++)
        permuted[order[i] * m + i] = 1;
}

/* P of exchanges alone. */
static int NAME(permutation)(const hg_lapack *job)
{
    int rows = (int)job->a.m, count = (int)job->a.n, *order = malloc((size_t)rows * sizeof(int));
    T *out = job->out[0];
    if (!order)
        return -1;
    memset(out, 0, (size_t)job->count * rows * rows * sizeof(T));
    for (hg_size k = 0; k < job->count; k++, out += (hg_size)rows * rows) {
        if (!inside(job->numbers + k * count, count, rows)) {
            free(order);
            return -1;
        }
        NAME(exchange)(order, job->numbers + k * count, count, rows);
        for (int i = 0; i < rows; i++)
            out[(hg_size)order[i] * rows + i] = 1;
    }
    free(order);
    return 0;
}

static int NAME(lu)(const hg_lapack *job)
{
    int m = (int)job->a.m, n = (int)job->a.n, count = m < n ? m : n, own = 0;
    T *a = malloc((size_t)m * n * sizeof(T) + (size_t)(m + count) * sizeof(int));
    int *order = a ? (int *)(a + (hg_size)m * n) : NULL;
    if (!a)
        return -1;
    for (hg_size k = 0; k < job->count; k++) {
        int *pivots = job->numbers ? job->numbers + k * count : order + m, *info = job->info ? job->info + k : &own;
        NAME(columns)(a, m, &job->a, k);
        for (int i = 0; job->fixed && i < count; i++)
            pivots[i] = i + 1;
        if (job->fixed)
            *info = NAME(eliminate)(a, m, n);
        else
            NAME(getrf)(&m, &n, a, &m, pivots, info);
        if (job->out[2])
            NAME(part)(job, k, a, pivots, order);
        else
            NAME(put)(job->out[0], k, a, m, m, n);
    }
    free(a);
    return 0;
}

/* A and B with adjacent columns; A is factored unless it comes so, with its pivots. */
static int NAME(solve_one)(const hg_lapack *job, hg_size k, T *a, T *b, int *pivots, int n, int many)
{
    int info = 0;
    NAME(columns)(a, n, &job->a, k);
    if (job->what == HG_INVERSE) {
        memset(b, 0, (size_t)n * n * sizeof(T));
        for (int i = 0; i < n; i++)
            b[(hg_size)i * n + i] = 1;
    } else
        NAME(columns)(b, n, &job->b, k);
    if (job->numbers)
        info = inside(job->numbers + k * n, n, n) ? 0 : -1;
    else
        NAME(getrf)(&n, &n, a, &n, pivots, &info);
    if (!info)
        NAME(getrs)(job->turned ? "T" : "N", &n, &many, a, &n, job->numbers ? job->numbers + k * n : pivots, b, &n, &info, 1);
    if (!info)
        NAME(put)(job->out[0], k, b, n, n, many);
    return info;
}

static int NAME(solve)(const hg_lapack *job)
{
    int n = (int)job->a.n, many = job->what == HG_INVERSE ? n : (int)job->b.n, info = 0;
    T *a = malloc((size_t)n * (n + many) * sizeof(T) + (size_t)n * sizeof(int));
    if (!a)
        return -1;
    T *b = a + (hg_size)n * n;
    for (hg_size k = 0; k < job->count && !info; k++)
        info = NAME(solve_one)(job, k, a, b, (int *)(b + (hg_size)n * many), n, many);
    free(a);
    return info;
}

static int NAME(inverse)(const hg_lapack *job)
{
    return NAME(solve)(job);
}

static int NAME(lu_solve)(const hg_lapack *job)
{
    return NAME(solve)(job);
}

static void NAME(determine)(const hg_lapack *job, hg_size k, const T *a, const int *pivots, int n, int singular)
{
    T sign = 1, size = job->what == HG_DET, one;
    for (int i = 0; i < n; i++) {
        one = a[(hg_size)i * n + i];
        if (pivots[i] != i + 1)
            sign = -sign;
        if (job->what == HG_DET)
            size *= one;
        else {
            sign = one < 0 ? -sign : sign;
            size += (T)(sizeof(T) == 4 ? logf((float)fabs(one)) : log(fabs(one)));
        }
    }
    if (job->what == HG_DET)
        ((T *)job->out[0])[k] = singular ? 0 : sign * size;
    else {
        ((T *)job->out[0])[k] = singular ? 0 : sign;
        ((T *)job->out[1])[k] = singular ? (T)-INFINITY : size;
    }
}

static int NAME(det)(const hg_lapack *job)
{
    int n = (int)job->a.n, info = 0;
    T *a = malloc((size_t)n * n * sizeof(T) + (size_t)n * sizeof(int));
    if (!a)
        return -1;
    int *pivots = (int *)(a + (hg_size)n * n);
    for (hg_size k = 0; k < job->count; k++) {
        NAME(columns)(a, n, &job->a, k);
        NAME(getrf)(&n, &n, a, &n, pivots, &info);
        NAME(determine)(job, k, a, pivots, n, info > 0);
    }
    free(a);
    return 0;
}
