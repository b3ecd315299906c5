/* Tables whose rows lie side by side, turned into columns and back: LANES x LANES numbers at a time. */
#include <string.h>

#define SHUFFLED(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

/* Neighbours in pairs, then pairs in fours, then fours in eights change places. */
INLINE void transpose_block(const char *from, ptrdiff_t from_step, char *to, ptrdiff_t to_step) {
    vd row[LANES], next[LANES];
    UNROLL for (int k = 0; k < LANES; k++)
        row[k] = load((const double *)(from + k * from_step));
#if LANES == 8
    UNROLL for (int k = 0; k < 8; k += 2) {
        next[k] = SHUFFLED(row[k], row[k + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        next[k + 1] = SHUFFLED(row[k], row[k + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    UNROLL for (int k = 0; k < 8; k++)
        if (!(k & 2)) {
            row[k] = SHUFFLED(next[k], next[k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            row[k + 2] = SHUFFLED(next[k], next[k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    UNROLL for (int k = 0; k < 4; k++) {
        next[k] = SHUFFLED(row[k], row[k + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        next[k + 4] = SHUFFLED(row[k], row[k + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
#elif LANES == 4
    UNROLL for (int k = 0; k < 4; k += 2) {
        next[k] = SHUFFLED(row[k], row[k + 1], 0, 4, 2, 6);
        next[k + 1] = SHUFFLED(row[k], row[k + 1], 1, 5, 3, 7);
    }
    UNROLL for (int k = 0; k < 2; k++) {
        row[k] = SHUFFLED(next[k], next[k + 2], 0, 1, 4, 5);
        row[k + 2] = SHUFFLED(next[k], next[k + 2], 2, 3, 6, 7);
    }
    UNROLL for (int k = 0; k < 4; k++)
        next[k] = row[k];
#else
    next[0] = SHUFFLED(row[0], row[1], 0, 2), next[1] = SHUFFLED(row[0], row[1], 1, 3);
#endif
    UNROLL for (int k = 0; k < LANES; k++)
        store((double *)(to + k * to_step), next[k]);
}

/* to[c][r] = from[r][c]. A step is the bytes between two rows; within a row numbers are neighbours. */
static void NAME(transpose)(const char *from, ptrdiff_t from_step, char *to, ptrdiff_t to_step, int64_t rows,
                            int64_t columns) {
    if (rows < LANES || columns < LANES) {
        for (int64_t r = 0; r < rows; r++)
            for (int64_t c = 0; c < columns; c++)
                memcpy(to + c * to_step + 8 * r, from + r * from_step + 8 * c, sizeof(double));
        return;
    }
    for (int64_t r = 0; r < rows; r += LANES) {
        const int64_t row = r + LANES <= rows ? r : rows - LANES; /* the last blocks may overlap those before */
        for (int64_t c = 0; c < columns; c += LANES) {
            const int64_t column = c + LANES <= columns ? c : columns - LANES;
            transpose_block(from + row * from_step + 8 * column, from_step, to + column * to_step + 8 * row, to_step);
        }
    }
}
