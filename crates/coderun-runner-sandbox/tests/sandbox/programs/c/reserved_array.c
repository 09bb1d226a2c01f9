#include <stdio.h>
#include <stdlib.h>

// Much address space, little memory.
static char table[1 << 30];
int main(void) {
    char *more = malloc((size_t)2 << 30);
    table[12345] = 1;
    more[1 << 30] = 2;
    printf("%d\n", table[12345] + more[1 << 30]);
}
