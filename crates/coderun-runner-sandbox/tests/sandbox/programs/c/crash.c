#include <stdio.h>

int main(void) {
    printf("the last line before it crashes\n");
    int *nothing = NULL;
    printf("%d\n", *(volatile int *)nothing);
}
