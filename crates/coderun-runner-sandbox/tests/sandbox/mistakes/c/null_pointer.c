#include <stdio.h>

int main(void) {
    int *numbers = NULL;
    numbers[0] = 42;
    printf("%d\n", numbers[0]);
    return 0;
}
