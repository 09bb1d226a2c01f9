#include <stdlib.h>
#include <string.h>

int main(void) {
    for (;;) {
        char *kept = malloc(1000000);
        if (!kept) abort();
        memset(kept, 'x', 1000000);
    }
}
