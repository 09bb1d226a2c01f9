#include <stdio.h>
#include <string.h>

static long fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
static int hanoi(int n, char from, char via, char to) {
    return n == 0 ? 0 : hanoi(n - 1, from, to, via) + 1 + hanoi(n - 1, via, from, to);
}
static void permute(char *text, int at, int length) {
    if (at == length) { printf("%s ", text); return; }
    for (int i = at; i < length; i++) {
        char t = text[at]; text[at] = text[i]; text[i] = t;
        permute(text, at + 1, length);
        t = text[at]; text[at] = text[i]; text[i] = t;
    }
}
static int solutions;
static void queens(int row, int n, unsigned columns, unsigned left, unsigned right) {
    if (row == n) { solutions++; return; }
    for (int i = 0; i < n; i++) {
        unsigned bit = 1u << i;
        if (!((columns | left | right) & bit)) queens(row + 1, n, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
}
int main(void) {
    char text[] = "abc";
    permute(text, 0, (int)strlen(text));
    queens(0, 8, 0, 0, 0);
    printf("\n%ld %d %d\n", fibonacci(30), hanoi(12, 'A', 'B', 'C'), solutions);
}
