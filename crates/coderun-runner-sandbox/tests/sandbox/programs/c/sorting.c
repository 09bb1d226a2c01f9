#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int ascending(const void *a, const void *b) { return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b); }
static int by_length(const void *a, const void *b) {
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    return strlen(x) != strlen(y) ? (int)strlen(x) - (int)strlen(y) : strcmp(x, y);
}
static void merge_sort(int *items, int *spare, int length) {
    if (length < 2) return;
    int half = length / 2, i = 0, j = half;
    merge_sort(items, spare, half);
    merge_sort(items + half, spare, length - half);
    for (int k = 0; k < length; k++) spare[k] = j == length || (i < half && items[i] <= items[j]) ? items[i++] : items[j++];
    memcpy(items, spare, sizeof(int) * (size_t)length);
}
int main(void) {
    enum { COUNT = 200000 };
    int *numbers = malloc(sizeof(int) * COUNT), *copy = malloc(sizeof(int) * COUNT), *spare = malloc(sizeof(int) * COUNT);
    unsigned state = 7;
    for (int i = 0; i < COUNT; i++) copy[i] = numbers[i] = (int)((state = state * 1103515245u + 12345u) >> 1);
    merge_sort(numbers, spare, COUNT);
    qsort(copy, COUNT, sizeof(int), ascending);
    printf("%d\n", memcmp(numbers, copy, sizeof(int) * COUNT));
    int *found = bsearch(&copy[1234], copy, COUNT, sizeof(int), ascending);
    printf("%d\n", *found == copy[1234]);
    const char *words[] = {"the", "quick", "brown", "fox", "jumps"};
    qsort(words, 5, sizeof words[0], by_length);
    for (int i = 0; i < 5; i++) printf("%s ", words[i]);
    putchar('\n');
    free(numbers), free(copy), free(spare);
}
