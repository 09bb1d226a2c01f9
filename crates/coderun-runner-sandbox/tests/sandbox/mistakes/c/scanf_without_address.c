#include <stdio.h>

int main(void) {
    int age = 0;
    scanf("%d", age);
    printf("Next year you are %d\n", age + 1);
    return 0;
}
