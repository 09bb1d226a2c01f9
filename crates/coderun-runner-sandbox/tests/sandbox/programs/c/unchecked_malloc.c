#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    printf("before\n");
    fflush(stdout);
    for (size_t block = 16 << 20;; block += 1) memset(malloc(block), 1, block);
}
