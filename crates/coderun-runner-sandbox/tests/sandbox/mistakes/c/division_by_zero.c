#include <stdio.h>

int main(void) {
    int sum = 0, count = 0, number;
    while (scanf("%d", &number) == 1) {
        sum += number;
        count++;
    }
    printf("average: %d\n", sum / count);
    return 0;
}
