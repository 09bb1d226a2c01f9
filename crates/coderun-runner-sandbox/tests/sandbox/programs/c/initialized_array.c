#include <stdio.h>

int table[4000000] = {7};
int main(void) { printf("%d\n", table[0] + table[3999999]); }
