#include <stdio.h>

int main(void) {
    int total = 0, number;
    while (scanf("%d", &number) == 1) total += number;
    printf("%d\n", total);
}
