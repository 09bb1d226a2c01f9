#include <stdio.h>

int mian(void) {
    printf("Hello\n");
    return 0;
}
