#include <stdio.h>

// About 160 MB of stack: less than the memory limit of 256 MiB.
static long sum(long n) {
    volatile long frame[100];
    frame[n % 100] = n;
    long rest = n == 0 ? 0 : sum(n - 1);
    return rest + frame[n % 100];
}
int main(void) { printf("%ld\n", sum(200000)); }
