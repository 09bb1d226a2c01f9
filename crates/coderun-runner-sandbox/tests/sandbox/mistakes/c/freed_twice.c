#include <stdio.h>
#include <stdlib.h>

int main(void) {
    char *name = malloc(20);
    scanf("%19s", name);
    printf("Hello %s\n", name);
    free(name);
    free(name);
    return 0;
}
