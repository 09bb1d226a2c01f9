#include <stdio.h>

int main(void) {
    print("Hello\n");
    return 0;
}
