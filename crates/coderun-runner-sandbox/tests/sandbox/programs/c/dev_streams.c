#include <stdio.h>

int main(void) {
    FILE *in = fopen("/dev/stdin", "r"), *out = fopen("/dev/stdout", "w"), *error = fopen("/dev/stderr", "w");
    if (!in || !out || !error) return perror("open"), 1;
    int a, b;
    fscanf(in, "%d %d", &a, &b);
    fprintf(out, "%d\n", a + b);
    fprintf(error, "to stderr\n");
}
