#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct node { struct node *left, *right; int key; char name[8]; } node;
static node *insert(node *tree, int key, const char *name) {
    if (!tree) {
        tree = calloc(1, sizeof *tree);
        tree->key = key;
        snprintf(tree->name, sizeof tree->name, "%s", name);
    } else if (key < tree->key) tree->left = insert(tree->left, key, name);
    else tree->right = insert(tree->right, key, name);
    return tree;
}
static void walk(const node *tree, void (*visit)(const node *)) {
    if (!tree) return;
    walk(tree->left, visit), visit(tree), walk(tree->right, visit);
}
static void clear(node *tree) { if (tree) clear(tree->left), clear(tree->right), free(tree); }
static void show(const node *tree) { printf("%d:%s ", tree->key, tree->name); }
static int sum(int count, ...) {
    va_list list;
    va_start(list, count);
    int total = 0;
    while (count--) total += va_arg(list, int);
    va_end(list);
    return total;
}
union bits { float number; uint32_t bits; };
struct flags { unsigned a : 3, b : 5; };
enum day { MONDAY = 1, TUESDAY };
int main(void) {
    node *tree = NULL;
    const char *names[] = {"five", "two", "nine", "one", "very long name"};
    int keys[] = {5, 2, 9, 1, 7};
    for (size_t i = 0; i < 5; i++) tree = insert(tree, keys[i], names[i]);
    walk(tree, show);
    clear(tree);
    printf("\n%d %08x %u %d %zu\n", sum(4, 1, 2, 3, 4), (union bits){1.5f}.bits, (struct flags){.b = 33}.b, TUESDAY, offsetof(node, key));
    int rows = 3, columns = 4, matrix[rows][columns];
    for (int i = 0; i < rows; i++) for (int j = 0; j < columns; j++) matrix[i][j] = i * j;
    printf("%d %zu\n", matrix[2][3], sizeof matrix);
    char text[] = "one,two,,three";
    for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) printf("[%s]", word);
    int *grown = NULL;
    for (int i = 0; i < 1000; i++) grown = realloc(grown, sizeof(int) * (size_t)(i + 1)), grown[i] = i;
    printf(" %d %d\n", grown[999], 0x7f & ~0xf | 1 << 3);
    free(grown);
}
