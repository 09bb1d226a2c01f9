#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define describe(x) _Generic((x), int: "int", double: "double", char *: "text", default: "something")
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define STRING(x) #x

typedef struct { void *items; size_t size, count, capacity; } vector;
static void push(vector *v, const void *item) {
    if (v->count == v->capacity) v->items = realloc(v->items, v->size * (v->capacity = v->capacity * 2 + 4));
    memcpy((char *)v->items + v->size * v->count++, item, v->size);
}
static int twice(int n) { return 2 * n; }
static int square(int n) { return n * n; }
static int fold(int (*f)(int), int times, int n) { while (times--) n = f(n); return n; }
_Static_assert(sizeof(int32_t) == 4, "four bytes");
int main(void) {
    char text[] = "x";
    printf("%s %s %s %s %d %s\n", describe(1), describe(1.5), describe(text), describe(1L), MAX(2, 3), STRING(a + b));
    vector v = {.size = sizeof(double)};
    for (int i = 0; i < 100; i++) push(&v, &(double){i / 2.0});
    printf("%zu %.1f\n", v.count, ((double *)v.items)[99]);
    free(v.items);
    int (*table[])(int) = {twice, square};
    printf("%d %d\n", fold(table[0], 10, 1), fold(table[1], 3, 2));
    printf("%" PRIu64 " %x %5.2f|%-5d|%05d|%+d|%c|%e|%zu %d\n", UINT64_MAX, 255, 3.14159, 42, 42, 42, 'c', 12345.678, sizeof(long), true);
}
